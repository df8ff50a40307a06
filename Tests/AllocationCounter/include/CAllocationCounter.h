// SPDX-License-Identifier: Apache-2.0
//
// Counts what the calling thread allocates, by standing in for the C library's functions. For tests.
#ifndef CALLOCATION_COUNTER_H
#define CALLOCATION_COUNTER_H

#include <stddef.h>

/// Whether allocations are counted: not under a sanitizer, which stands there itself.
int allocation_counter_is_available(void);

/// Allocations of the calling thread so far.
size_t allocation_count(void);

#endif
