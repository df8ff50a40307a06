// SPDX-License-Identifier: Apache-2.0
//
// SIMD filters over certified tiles: which rows exceed a tile's threshold, listed and fetched for
// the canonical kernel to decide. Sums of codes are compared in registers; only a mask of 64 bits
// leaves them, see tile_masks_<level>.inc.h.
#include "simd.inc.h"

/// Appends the rows of a mask: first + row, or numbers[row] where numbers are given. Returns how
/// many. Reaches up to 16 entries further. Takes the same time however many they are.
HS_INLINE int append_many(uint64_t mask, int32_t first, const int32_t *numbers, int32_t *to) {
  int kept = 0;
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) {
    const uint32_t part = (uint32_t)(mask >> 16 * i) & 0xFFFF;
    store_kept(part, numbers ? load_i32(numbers + 16 * i) : lane_numbers() + (first + 16 * i),
               to + kept);
    kept += __builtin_popcount(part);
  }
  return kept;
}

/// The same, faster where rows are few.
HS_INLINE int append_rows(uint64_t mask, int32_t first, const int32_t *numbers, int32_t *to) {
  enum { few = HS_FEW_ROWS };
  const int count = __builtin_popcountll(mask);
  if (few > 0 && count <= few) {
    // Always as many steps: how many rows there are cannot be foreseen.
#pragma clang loop unroll(full)
    for (int i = 0; i < few; i++, mask &= mask - 1) {
      const int row = __builtin_ctzll(mask | (uint64_t)1 << 63);
      to[i] = numbers ? numbers[row] : first + row;
    }
    return count;
  }
  return append_many(mask, first, numbers, to);
}

/// The bits of the first rows of a tile, all of them where there are at least 64.
HS_INLINE uint64_t rows_of_tile(ptrdiff_t rows) {
  return rows < HS_TILE_ROWS ? ((uint64_t)1 << rows) - 1 : ~(uint64_t)0;
}

/// Prefetches the rows of candidates.
HS_INLINE void prefetch_candidates(const int32_t *begin, const int32_t *end, int32_t first,
                                   ptrdiff_t stride, const float *w) {
  for (; begin < end; begin++) {
    const float *row = w + (*begin - first) * stride;
    for (ptrdiff_t l = 0; l < stride; l += HS_LANES) __builtin_prefetch(row + l, 0, 2);
  }
}

HS_INLINE ptrdiff_t filter_one(ptrdiff_t m, ptrdiff_t count, const int32_t *list,
                               ptrdiff_t groups, const uint8_t *codes, const int8_t *high,
                               const int8_t *low, const int32_t *thresholds,
                               const int32_t *numbers, int32_t first, ptrdiff_t stride,
                               const float *w, int32_t *candidates) {
  const ptrdiff_t size = HS_TILE_ROWS * 4 * groups;
  // Listed tiles are apart from each other; the processor foresees only consecutive ones.
  const ptrdiff_t ahead = 8, most_ahead = 1024;
  // How many candidates a tile has is hard to predict, for several tiles together less so.
  const ptrdiff_t together = 4;
  ptrdiff_t kept = 0, fetched = 0;
  for (ptrdiff_t t = 0; t < count; t++) {
    if (list && t + ahead < count) {
      const uint8_t *next = codes + list[t + ahead] * size;
      for (ptrdiff_t l = 0; l < size && l < most_ahead; l += 64) __builtin_prefetch(next + l);
    }
    if (w && t % together == 0) {
      prefetch_candidates(candidates + fetched, candidates + kept, numbers ? 0 : first, stride, w);
      fetched = kept;
    }
    const int32_t threshold = thresholds[t];
    if (threshold == INT32_MAX) continue;  // no sum is larger
    const ptrdiff_t tile = list ? list[t] : t, r = tile * HS_TILE_ROWS;
    const uint64_t mask = tile_mask_one(groups, codes + tile * size, high, low, threshold) &
                          rows_of_tile(m - r);
    if (mask == 0) continue;
    kept += append_rows(mask, first + (int32_t)r, numbers ? numbers + r : NULL, candidates + kept);
  }
  if (w) {
    prefetch_candidates(candidates + fetched, candidates + kept, numbers ? 0 : first, stride, w);
  }
  return kept;
}

/// The same for few groups. Products take no time then that branches could hide in, so some tiles
/// are multiplied first, then their rows listed, and these are fetched.
HS_INLINE ptrdiff_t filter_one_short(ptrdiff_t m, ptrdiff_t count, const int32_t *list,
                                     ptrdiff_t groups, const uint8_t *codes, const int8_t *high,
                                     const int8_t *low, const int32_t *thresholds,
                                     const int32_t *numbers, int32_t first, ptrdiff_t stride,
                                     const float *w, int32_t *candidates) {
  enum { together = 64, ahead = 8, most_ahead = 1024 };
  // Where rows are in few tiles, those are worth a branch; where a tile has several, it is best to
  // list them in a time that does not depend on their number.
  const ptrdiff_t few = 8, many = 2;
  const ptrdiff_t size = HS_TILE_ROWS * 4 * groups;
  ptrdiff_t kept = 0;
  for (ptrdiff_t begin = 0; begin < count; begin += together) {
    const ptrdiff_t end = count - begin < together ? count : begin + together;
    uint64_t masks[together];
    ptrdiff_t found = 0;
    for (ptrdiff_t t = begin; t < end; t++) {
      if (list && t + ahead < count) {
        const uint8_t *next = codes + list[t + ahead] * size;
        for (ptrdiff_t l = 0; l < size && l < most_ahead; l += 64) __builtin_prefetch(next + l);
      }
      masks[t - begin] = 0;
      if (thresholds[t] == INT32_MAX) continue;  // no sum is larger
      const ptrdiff_t tile = list ? list[t] : t;
      const uint64_t mask = tile_mask_one(groups, codes + tile * size, high, low, thresholds[t]) &
                            rows_of_tile(m - tile * HS_TILE_ROWS);
      masks[t - begin] = mask;
      found += __builtin_popcountll(mask);
    }
    if (found == 0) continue;
    const ptrdiff_t before = kept;
    const int is_sparse = few * found < end - begin, is_dense = found > many * (end - begin);
    for (ptrdiff_t t = begin; t < end; t++) {
      if (is_sparse && masks[t - begin] == 0) continue;
      const ptrdiff_t r = (list ? list[t] : t) * HS_TILE_ROWS;
      const int32_t *own = numbers ? numbers + r : NULL;
      kept += is_dense ? append_many(masks[t - begin], first + (int32_t)r, own, candidates + kept)
                       : append_rows(masks[t - begin], first + (int32_t)r, own, candidates + kept);
    }
    if (w) {
      prefetch_candidates(candidates + before, candidates + kept, numbers ? 0 : first, stride, w);
    }
  }
  return kept;
}

ptrdiff_t HS_SUFFIX(hs_tile_filter_one)(ptrdiff_t m, ptrdiff_t count, const int32_t *list,
                                        ptrdiff_t groups, const uint8_t *codes,
                                        const int8_t *high, const int8_t *low,
                                        const int32_t *thresholds, const int32_t *numbers,
                                        int32_t first, ptrdiff_t stride, const float *w,
                                        int32_t *candidates) {
  // Constants, so that nothing is asked for each tile that is known before.
#define HS_FILTER(filter, groups)                                                            \
  do {                                                                                       \
    if (list || numbers) {                                                                   \
      return filter(m, count, list, groups, codes, high, low, thresholds, numbers, first,    \
                    stride, w, candidates);                                                  \
    }                                                                                        \
    return filter(m, count, NULL, groups, codes, high, low, thresholds, NULL, first, stride, \
                  w, candidates);                                                            \
  } while (0)
  enum { short_groups = 16 };
  switch (groups) {
    case 1: HS_FILTER(filter_one_short, 1);
    case 2: HS_FILTER(filter_one_short, 2);
    case 3: HS_FILTER(filter_one_short, 3);
    case 4: HS_FILTER(filter_one_short, 4);
    case 5: HS_FILTER(filter_one_short, 5);
  }
  if (groups <= short_groups) HS_FILTER(filter_one_short, groups);
  HS_FILTER(filter_one, groups);
#undef HS_FILTER
}

HS_INLINE void tile_masks(ptrdiff_t n, ptrdiff_t groups, const uint8_t *codes, const int8_t *q,
                          const int32_t *starts, const int32_t *thresholds, const float **ahead,
                          const float *end, uint64_t *masks) {
  // A constant number of queries keeps their sums in registers.
#define HS_MASKS(number)                                                           \
  case number:                                                                     \
    tile_masks_of(number, groups, codes, q, starts, thresholds, ahead, end, masks); \
    break
  switch (n) {
    HS_MASKS(1);
    HS_MASKS(2);
#if HS_CODED_QUERIES > 2
    HS_MASKS(3);
    HS_MASKS(4);
    HS_MASKS(5);
    HS_MASKS(6);
#endif
  }
#undef HS_MASKS
}

void HS_SUFFIX(hs_tile_filter_batch)(ptrdiff_t m, ptrdiff_t groups, const uint8_t *codes,
                                     const int32_t *spans, ptrdiff_t n, const int8_t *q,
                                     const int32_t *starts, int32_t span,
                                     const int32_t *thresholds, int32_t first, ptrdiff_t stride,
                                     const float *w, int density, ptrdiff_t capacity,
                                     int32_t *counts, int32_t *candidates) {
  const ptrdiff_t per_query = 1 + (groups + HS_TILE_PART - 1) / HS_TILE_PART;
  for (ptrdiff_t r = 0; r < m; r += HS_TILE_ROWS) {
    const uint64_t rows = rows_of_tile(m - r);
    const ptrdiff_t count = m - r < HS_TILE_ROWS ? m - r : HS_TILE_ROWS;
    const float *ahead = w && density != HS_FEW_KEPT ? w + r * stride : NULL;
    const float *end = ahead ? ahead + count * stride : NULL;
    const int fits = (int64_t)spans[r / HS_TILE_ROWS] * span <= (int64_t)INT16_MAX * INT16_MAX;
    for (ptrdiff_t j = 0; j < n; j += HS_CODED_QUERIES) {
      const ptrdiff_t block = n - j < HS_CODED_QUERIES ? n - j : HS_CODED_QUERIES;
      uint64_t masks[HS_CODED_QUERIES];
      tile_masks(block, groups, codes + r * 4 * groups, q + j * 4 * groups,
                 fits ? starts + j * per_query : NULL, thresholds + r / HS_TILE_ROWS * n + j,
                 &ahead, end, masks);
      for (ptrdiff_t k = 0; k < block; k++) {
        const uint64_t mask = masks[k] & rows;
        // Whether there is any row cannot be foreseen where they are neither rare nor in every tile.
        if (density == HS_FEW_KEPT && mask == 0) continue;
        int32_t *to = candidates + (j + k) * capacity + counts[j + k];
        const int32_t from = first + (int32_t)r;
        const int kept = density == HS_MOST_KEPT ? append_many(mask, from, NULL, to)
                                                 : append_rows(mask, from, NULL, to);
        counts[j + k] += kept;
        if (w && density == HS_FEW_KEPT) prefetch_candidates(to, to + kept, first, stride, w);
      }
    }
  }
}
