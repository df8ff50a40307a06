// SPDX-License-Identifier: Apache-2.0
//
// What Swift needs of MPI, over the world communicator. Constants of MPI are macros that casts hide
// from Swift, and its counts are ints: both end here. Errors of MPI end the program (its default).
// There are no functions unless the package trait MPI is on.
#ifndef CHALFSPACE_MPI_H
#define CHALFSPACE_MPI_H

#include <stddef.h>

/// Joins the processes started together. Returns 0, or MPI's error code.
int hs_mpi_start(int *rank, int *size);

/// Waits for all processes and leaves; hs_mpi_start may not be called again.
void hs_mpi_finish(void);

/// Ends all processes at once with an exit code.
_Noreturn void hs_mpi_abort(int code);

// `size` and `rank` are those of hs_mpi_start; `scratch` has room for 4 * size ints.

/// Rank r sends counts[r] bytes; `whole` gets the bytes of all, rank by rank.
void hs_mpi_all_gather(ptrdiff_t size, ptrdiff_t rank, const void *part, const ptrdiff_t *counts,
                       void *whole, int *scratch);

/// Sends counts[r] bytes of `parts` to rank r and takes received_counts[r] bytes from it. Each
/// total is below 2^31 - 1.
void hs_mpi_exchange(ptrdiff_t size, const void *parts, const ptrdiff_t *counts, void *received,
                     const ptrdiff_t *received_counts, int *scratch);

/// Gives all ranks the bytes of `root`.
void hs_mpi_broadcast(ptrdiff_t bytes, void *buffer, int root);

#endif
