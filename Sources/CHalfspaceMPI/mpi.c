// SPDX-License-Identifier: Apache-2.0
#include "CHalfspaceMPI.h"

#ifdef WITH_MPI

#include <limits.h>
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

int hs_mpi_start(int *rank, int *size) {
  // Threads of this process compute; one of them communicates.
  int provided;
  int status = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
  if (status == MPI_SUCCESS) status = MPI_Comm_rank(MPI_COMM_WORLD, rank);
  if (status == MPI_SUCCESS) status = MPI_Comm_size(MPI_COMM_WORLD, size);
  return status;
}

void hs_mpi_finish(void) { MPI_Finalize(); }

_Noreturn void hs_mpi_abort(int code) {
  MPI_Abort(MPI_COMM_WORLD, code);
  abort();
}

void hs_mpi_broadcast(ptrdiff_t bytes, void *buffer, int root) {
  const ptrdiff_t most = 1 << 30;
  for (ptrdiff_t start = 0; start < bytes; start += most) {
    const ptrdiff_t count = bytes - start < most ? bytes - start : most;
    MPI_Bcast((char *)buffer + start, (int)count, MPI_BYTE, root, MPI_COMM_WORLD);
  }
}

void hs_mpi_all_gather(ptrdiff_t size, ptrdiff_t rank, const void *part, const ptrdiff_t *counts,
                       void *whole, int *scratch) {
  ptrdiff_t total = 0;
  for (ptrdiff_t r = 0; r < size; r++) total += counts[r];
  if (total < INT_MAX) {
    int *bytes = scratch, *offsets = scratch + size;
    int start = 0;
    for (ptrdiff_t r = 0; r < size; r++) {
      bytes[r] = (int)counts[r];
      offsets[r] = start;
      start += bytes[r];
    }
    MPI_Allgatherv(part, bytes[rank], MPI_BYTE, whole, bytes, offsets, MPI_BYTE, MPI_COMM_WORLD);
    return;
  }
  // Counts and offsets of MPI are ints.
  char *to = whole;
  for (ptrdiff_t r = 0; r < size; r++) {
    if (r == rank) memcpy(to, part, (size_t)counts[r]);
    hs_mpi_broadcast(counts[r], to, (int)r);
    to += counts[r];
  }
}

void hs_mpi_exchange(ptrdiff_t size, const void *parts, const ptrdiff_t *counts, void *received,
                     const ptrdiff_t *received_counts, int *scratch) {
  int *sent = scratch, *sent_at = scratch + size, *got = scratch + 2 * size,
      *got_at = scratch + 3 * size;
  int from = 0, to = 0;
  for (ptrdiff_t r = 0; r < size; r++) {
    sent[r] = (int)counts[r];
    sent_at[r] = from;
    from += sent[r];
    got[r] = (int)received_counts[r];
    got_at[r] = to;
    to += got[r];
  }
  MPI_Alltoallv(parts, sent, sent_at, MPI_BYTE, received, got, got_at, MPI_BYTE, MPI_COMM_WORLD);
}

#endif
