// SPDX-License-Identifier: Apache-2.0
//
// Parts of certified tiles that do not depend on the instruction set.
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "CHalfspace.h"

#pragma STDC FP_CONTRACT OFF

/// Sums of products that the compiler may compute side by side.
#define HS_SUMS 8

static double fold_sums(const double *s) {
  return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

void hs_split_query_f64(ptrdiff_t k, ptrdiff_t d, ptrdiff_t stride, const float *basis,
                        const float *x, const float *y, double *rest, double *squares,
                        double *leak) {
  for (ptrdiff_t l = 0; l < d; l++) rest[l] = x[l];
  for (ptrdiff_t j = 0; j < k; j++) {
    const float *row = basis + j * stride;
    const double factor = y[j];
    for (ptrdiff_t l = 0; l < d; l++) rest[l] -= factor * row[l];
  }
  double total[HS_SUMS] = {0};
  for (ptrdiff_t l = 0; l < d; l++) total[l % HS_SUMS] += rest[l] * rest[l];
  *squares = fold_sums(total);
  double leaked = 0;
  for (ptrdiff_t j = 0; j < k; j++) {
    const float *row = basis + j * stride;
    double sums[HS_SUMS] = {0};
    ptrdiff_t l = 0;
    for (; l + HS_SUMS <= d; l += HS_SUMS) {
      for (ptrdiff_t i = 0; i < HS_SUMS; i++) sums[i] += rest[l + i] * row[l + i];
    }
    for (; l < d; l++) sums[l % HS_SUMS] += rest[l] * row[l];
    const double product = fold_sums(sums);
    leaked += product * product;
  }
  *leak = leaked;
}

int32_t hs_query_largest_of_batch(void) {
  // Decided once: what work a report does is not to change when another level is asked for later.
  static _Atomic int32_t decided = 0;
  int32_t largest = atomic_load_explicit(&decided, memory_order_relaxed);
  if (largest != 0) return largest;
  // AVX2 multiplies fastest where pairs of products fit 16 bits; VNNI has no such bound.
  largest = hs_isa() == HS_ISA_AVX2 ? HS_QUERY_LARGEST_7 : HS_QUERY_LARGEST_8;
  int32_t none = 0;
  return atomic_compare_exchange_strong(&decided, &none, largest) ? largest : none;
}

int32_t hs_query_starts(ptrdiff_t groups, const int8_t *q, int32_t *starts) {
  int32_t span = 0, largest = 0, total = 0;
  for (ptrdiff_t part = 0; part < groups; part += HS_TILE_PART) {
    int32_t sums[2] = {0}, squares[2] = {0};
    for (ptrdiff_t g = part; g < part + HS_TILE_PART && g < groups; g++) {
      for (int i = 0; i < 4; i++) {
        const int32_t number = q[4 * g + i];
        const int32_t magnitude = number < 0 ? -number : number;
        sums[i / 2] += number;
        squares[i / 2] += number * number;
        largest = magnitude > largest ? magnitude : largest;
      }
    }
    total += sums[0] + sums[1];
    for (int half = 0; half < 2; half++) span = squares[half] > span ? squares[half] : span;
    const uint32_t first = (uint32_t)(-128 * sums[0]) & 0xFFFF;
    const uint32_t second = (uint32_t)(-128 * sums[1]) & 0xFFFF;
    starts[1 + part / HS_TILE_PART] = (int32_t)(first | second << 16);
  }
  starts[0] = 128 * total;
  return largest <= HS_QUERY_LARGEST_7 ? span : INT32_MAX;
}

float hs_largest_bound_f32(const float *bounds) {
  // Sixteen at a time; the compiler keeps them in registers.
  float largest[16] = {0};
  for (ptrdiff_t i = 0; i < HS_TILE_ROWS; i += 16) {
    for (int l = 0; l < 16; l++) {
      largest[l] = bounds[i + l] > largest[l] ? bounds[i + l] : largest[l];
    }
  }
  for (int half = 8; half > 0; half /= 2) {
    for (int l = 0; l < half; l++) {
      largest[l] = largest[l + half] > largest[l] ? largest[l + half] : largest[l];
    }
  }
  return largest[0];
}

/// The next larger of numbers that are not negative; infinity stays.
static float next_up(float a) {
  uint32_t bits;
  memcpy(&bits, &a, sizeof bits);
  bits += bits < 0x7F800000;
  memcpy(&a, &bits, sizeof a);
  return a;
}

ptrdiff_t hs_note_moves_f32(ptrdiff_t n, const int32_t *rows, const float *displacements,
                            const char *budgets, ptrdiff_t bytes, float *errors, float *norms,
                            double *bounds, int32_t *over) {
  ptrdiff_t found = 0;
  for (ptrdiff_t k = 0; k < n; k++) {
    const int32_t r = rows[k];
    const ptrdiff_t tile = r / HS_TILE_ROWS;
    float budget;
    memcpy(&budget, budgets + tile * bytes, sizeof budget);
    const float error = next_up(errors[r] + displacements[k]);
    const float norm = next_up(norms[r] + displacements[k]);
    if (!(displacements[k] >= 0 && error <= budget && norm < INFINITY)) {
      over[found++] = r;
      continue;
    }
    errors[r] = error;
    norms[r] = norm;
    double *own = bounds + 4 * tile;
    const double whole = (double)norm + (double)error;
    own[0] = own[0] < error ? error : own[0];
    own[1] = own[1] < whole ? whole : own[1];
  }
  return found;
}

ptrdiff_t hs_spend_slack_f32(ptrdiff_t n, const int32_t *rows, const float *displacements,
                             float *slacks, int32_t *spent) {
  ptrdiff_t found = 0;
  for (ptrdiff_t k = 0; k < n; k++) {
    const int32_t r = rows[k];
    // A difference is rounded by less than the factor takes off; where it is tiny, not at all.
    const float left = (slacks[r] - displacements[k]) * (1 - 0x1p-22f);
    slacks[r] = left;
    // Whether there is any left cannot be foreseen.
    spent[found] = r;
    found += !(left >= 0) | !(displacements[k] >= 0);
  }
  return found;
}

void hs_pairs_by_query(ptrdiff_t queries, ptrdiff_t pairs, const int32_t *pair_ids,
                       const int32_t *pair_queries, const float *pair_values, ptrdiff_t *offsets,
                       int32_t *ids, float *values) {
  for (ptrdiff_t q = 0; q <= queries; q++) offsets[q] = 0;
  for (ptrdiff_t e = 0; e < pairs; e++) offsets[pair_queries[e] + 1]++;
  for (ptrdiff_t q = 0; q < queries; q++) offsets[q + 1] += offsets[q];
  for (ptrdiff_t e = 0; e < pairs; e++) {
    const ptrdiff_t at = offsets[pair_queries[e]]++;
    ids[at] = pair_ids[e];
    values[at] = pair_values[e];
  }
  // Now every query's offset is where it ends.
  for (ptrdiff_t q = queries; q > 0; q--) offsets[q] = offsets[q - 1];
  offsets[0] = 0;
}

void hs_numbers_of_positions(ptrdiff_t n, const int32_t *numbers, int32_t *positions) {
  for (ptrdiff_t i = 0; i < n; i++) positions[i] = numbers[positions[i]];
}
