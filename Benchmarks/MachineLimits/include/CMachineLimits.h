// SPDX-License-Identifier: Apache-2.0
//
// Loops that do nothing but what a limit of the processor is about.
#ifndef CMACHINE_LIMITS_H
#define CMACHINE_LIMITS_H

#include <stddef.h>
#include <stdint.h>

/// What the loops are written for.
enum { LIMITS_PORTABLE, LIMITS_AVX2, LIMITS_AVX512 };

/// Multiply-adds of `rounds` rounds of independent chains in float. Returns how many were done.
double limits_multiply_add_f32(int level, ptrdiff_t rounds);

/// The same for products of 8 bits, with the additions that an exact sum takes: vpmaddubsw and
/// vpaddw, or vpdpbusd.
double limits_multiply_add_i8(int level, ptrdiff_t rounds);

/// Reads n bytes, a multiple of 512, once. Returns something that depends on all of them.
uint64_t limits_read(int level, ptrdiff_t n, const void *bytes);

/// Reads `count` rows of `size` bytes, a multiple of 64, of the n bytes at `bytes`, in an order
/// that no processor foresees, from its `start` on, each fetched sixteen rows ahead.
uint64_t limits_read_rows(ptrdiff_t n, const void *bytes, ptrdiff_t size, ptrdiff_t start,
                          ptrdiff_t count);

#endif
