// SPDX-License-Identifier: Apache-2.0
//
// Building and mending a partition tree, and putting what it reports in order. No part of this
// depends on the instruction set.
#include <float.h>
#include <math.h>
#include <string.h>

#include "kernels.h"

#pragma STDC FP_CONTRACT OFF

// ---------------------------------------------------------------------------------------
// Order
// ---------------------------------------------------------------------------------------

/// A number that orders as the float does (NaN at the ends), the row number below it: keys are
/// distinct, so the order does not depend on where rows were before.
static uint64_t key_of(float value, int32_t row) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  bits ^= (bits >> 31) ? 0xFFFFFFFFu : 0x80000000u;
  return (uint64_t)bits << 32 | (uint32_t)row;
}

/// Puts the `middle` smallest keys first (quickselect, median of three).
static void select_keys(ptrdiff_t n, ptrdiff_t middle, uint64_t *keys) {
  ptrdiff_t low = 0, high = n - 1;
  while (low < high) {
    const uint64_t a = keys[low], b = keys[low + (high - low) / 2], c = keys[high];
    const uint64_t least = a < b ? a : b, most = a < b ? b : a;
    const uint64_t pivot = c < least ? least : (c > most ? most : c);
    ptrdiff_t i = low, j = high;
    while (i <= j) {
      while (keys[i] < pivot) i++;
      while (keys[j] > pivot) j--;
      if (i <= j) {
        const uint64_t t = keys[i];
        keys[i++] = keys[j];
        keys[j--] = t;
      }
    }
    if (middle <= j) {
      high = j;
    } else if (middle >= i) {
      low = i;
    } else {
      return;
    }
  }
}

/// The coordinate in which a sample of the rows varies most; those with infinities do not count.
static ptrdiff_t widest_coordinate(ptrdiff_t n, ptrdiff_t d, ptrdiff_t stride, const float *w,
                                   const int32_t *order) {
  const ptrdiff_t step = n / 256 + 1;
  ptrdiff_t widest = 0;
  double largest = -1;
  for (ptrdiff_t j = 0; j < d; j++) {
    const double origin = w[order[0] * stride + j];
    double sum = 0, squares = 0, count = 0;
    for (ptrdiff_t i = 0; i < n; i += step) {
      const double v = w[order[i] * stride + j] - origin;
      sum += v;
      squares += v * v;
      count++;
    }
    const double variance = squares - sum * sum / count;
    if (variance > largest && variance < INFINITY) {
      largest = variance;
      widest = j;
    }
  }
  return widest;
}

void hs_partition_rows(ptrdiff_t n, ptrdiff_t d, ptrdiff_t stride, const float *w, int32_t *order,
                       uint64_t *keys) {
  while (n > HS_LANES && d > 0) {
    ptrdiff_t left = HS_LANES;
    while (2 * left < n) left *= 2;
    const ptrdiff_t j = widest_coordinate(n, d, stride, w, order);
    for (ptrdiff_t i = 0; i < n; i++) keys[i] = key_of(w[order[i] * stride + j], order[i]);
    select_keys(n, left, keys);
    for (ptrdiff_t i = 0; i < n; i++) order[i] = (int32_t)(uint32_t)keys[i];
    hs_partition_rows(left, d, stride, w, order, keys);
    order += left;
    n -= left;
  }
}

// ---------------------------------------------------------------------------------------
// Bounds
// ---------------------------------------------------------------------------------------

/// A float at least as large as `value` >= 0; 0 for 0.
static float rounded_up(double value) {
  return value == 0 ? 0 : (float)(value * (1 + 0x1p-22) + 0x1p-149);
}

float hs_node_include_f32(ptrdiff_t d, double relative, const float *row, float *node) {
  float *half = node + d * HS_LANES, *radius = half + d * HS_LANES;
  double squares = 0, center_squares = 0;
  int finite = 1;
  for (ptrdiff_t j = 0; j < d; j++) {
    const double c = node[j * HS_LANES], offset = fabs((double)row[j] - c);
    finite &= offset < INFINITY;
    squares += offset * offset;
    center_squares += c * c;
    const float needed = rounded_up(offset + relative * (fabs(c) + offset));
    if (needed > half[j * HS_LANES]) half[j * HS_LANES] = needed;
  }
  if (!finite || !(relative < 1)) {
    for (ptrdiff_t j = 0; j < d; j++) half[j * HS_LANES] = NAN;
    *radius = NAN;
    return INFINITY;
  }
  // Sums of d squares in double precision: a relative error far below 2^-22, see rounded_up.
  const double distance = sqrt(squares);
  const float needed = rounded_up(distance + relative * (sqrt(center_squares) + distance));
  if (needed > *radius) *radius = needed;
  return needed;
}

void hs_node_cover_f32(ptrdiff_t n, ptrdiff_t d, double relative, ptrdiff_t stride,
                       const float *w, const int32_t *order, float *node) {
  for (ptrdiff_t j = 0; j < d; j++) {
    float low = INFINITY, high = -INFINITY;
    for (ptrdiff_t i = 0; i < n; i++) {
      const float v = w[order[i] * stride + j];
      if (v < low) low = v;
      if (v > high) high = v;
    }
    const double middle = ((double)low + high) / 2;
    // Any center is right; this one need not be found where rows are not finite.
    node[j * HS_LANES] = fabs(middle) <= FLT_MAX ? (float)middle : 0;
    node[(d + j) * HS_LANES] = 0;
  }
  node[2 * d * HS_LANES] = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    hs_node_include_f32(d, relative, w + order[i] * stride, node);
  }
}

void hs_tile_fill_f32(ptrdiff_t n, ptrdiff_t d, ptrdiff_t stride, const float *w,
                      const int32_t *order, float *tile) {
  for (ptrdiff_t i = 0; i < HS_LANES; i++) {
    for (ptrdiff_t j = 0; j < d; j++) {
      tile[j * HS_LANES + i] = i < n ? w[order[i] * stride + j] : NAN;
    }
  }
}

// ---------------------------------------------------------------------------------------
// Pairs in the order of their numbers
// ---------------------------------------------------------------------------------------

void hs_sort_ids_ref(ptrdiff_t n, ptrdiff_t m, const int32_t *ids, uint64_t *bits,
                     uint64_t *scratch, int32_t *sorted) {
  (void)scratch;  // only of use elsewhere
  // A bit for each number, and one for each word of those that is not zero.
  uint64_t *words = bits, *touched = bits + (m + 63) / 64;
  for (ptrdiff_t i = 0; i < n; i++) {
    const uint32_t id = (uint32_t)ids[i];
    words[id >> 6] |= (uint64_t)1 << (id & 63);
    touched[id >> 12] |= (uint64_t)1 << (id >> 6 & 63);
  }
  const uint64_t last = (uint64_t)1 << 63;
  for (ptrdiff_t t = 0; t < (m + 4095) / 4096; t++) {
    uint64_t mask = touched[t];
    touched[t] = 0;
    for (; mask; mask &= mask - 1) {
      const ptrdiff_t at = 64 * t + __builtin_ctzll(mask);
      const int32_t first = (int32_t)(64 * at);
      uint64_t word = words[at];
      words[at] = 0;
      // Most words hold one or two numbers, which cannot be foreseen: two are always written.
      const int count = __builtin_popcountll(word);
      sorted[0] = first + __builtin_ctzll(word);
      word &= word - 1;
      sorted[1] = first + __builtin_ctzll(word | last);
      for (int k = 2; k < count; k++) {
        word &= word - 1;
        sorted[k] = first + __builtin_ctzll(word);
      }
      sorted += count;
    }
  }
}

#define HS_DIGIT_BITS 11
#define HS_DIGITS (1 << HS_DIGIT_BITS)

static uint64_t pair_of(int32_t id, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  return (uint64_t)(uint32_t)id << 32 | bits;
}

static void store_pair(uint64_t pair, int32_t *id, float *value) {
  const uint32_t bits = (uint32_t)pair;
  *id = (int32_t)(pair >> 32);
  memcpy(value, &bits, sizeof bits);
}

void hs_sort_pairs_f32_ref(ptrdiff_t n, ptrdiff_t m, const int32_t *ids, const float *values,
                           uint64_t *scratch, int32_t *sorted_ids, float *sorted_values) {
  if (n <= 24) {
    for (ptrdiff_t i = 0; i < n; i++) {
      ptrdiff_t k = i;
      for (; k > 0 && sorted_ids[k - 1] > ids[i]; k--) {
        sorted_ids[k] = sorted_ids[k - 1];
        sorted_values[k] = sorted_values[k - 1];
      }
      sorted_ids[k] = ids[i];
      sorted_values[k] = values[i];
    }
    return;
  }
  // A radix sort from the lowest digit, as many digits as the largest number has.
  int bits = 1;
  while (bits < 31 && m > (ptrdiff_t)1 << bits) bits++;
  const int passes = (bits + HS_DIGIT_BITS - 1) / HS_DIGIT_BITS;
  const int width = (bits + passes - 1) / passes;
  const uint32_t mask = ((uint32_t)1 << width) - 1;
  uint32_t starts[3][HS_DIGITS];
  for (int p = 0; p < passes; p++) memset(starts[p], 0, sizeof(uint32_t) << width);
  for (ptrdiff_t i = 0; i < n; i++) {
    for (int p = 0; p < passes; p++) starts[p][(uint32_t)ids[i] >> p * width & mask]++;
  }
  for (int p = 0; p < passes; p++) {
    uint32_t sum = 0;
    for (uint32_t digit = 0; digit <= mask; digit++) {
      const uint32_t count = starts[p][digit];
      starts[p][digit] = sum;
      sum += count;
    }
  }
  if (passes == 1) {
    for (ptrdiff_t i = 0; i < n; i++) {
      const uint32_t at = starts[0][(uint32_t)ids[i] & mask]++;
      sorted_ids[at] = ids[i];
      sorted_values[at] = values[i];
    }
    return;
  }
  uint64_t *from = scratch, *to = scratch + n;
  for (ptrdiff_t i = 0; i < n; i++) {
    from[starts[0][(uint32_t)ids[i] & mask]++] = pair_of(ids[i], values[i]);
  }
  for (int p = 1; p < passes - 1; p++) {
    for (ptrdiff_t i = 0; i < n; i++) to[starts[p][from[i] >> (32 + p * width) & mask]++] = from[i];
    uint64_t *t = from;
    from = to;
    to = t;
  }
  const int shift = 32 + (passes - 1) * width;
  for (ptrdiff_t i = 0; i < n; i++) {
    const uint32_t at = starts[passes - 1][from[i] >> shift & mask]++;
    store_pair(from[i], sorted_ids + at, sorted_values + at);
  }
}
