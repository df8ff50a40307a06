// SPDX-License-Identifier: Apache-2.0
//
// SIMD kernels of nested tiles. Sums of codes are in nested_<level>.inc.h.
#include "nested_levels.h"
#include "simd.inc.h"

// ---------------------------------------------------------------------------------------
// Encoding
// ---------------------------------------------------------------------------------------

/// a where the lanes of `where` are all ones, else 0.
HS_INLINE f32x16 only(i32x16 where, f32x16 a) { return (f32x16)(where & (i32x16)a); }

/// The codes of sixteen numbers in units of the scale, and their levels.
HS_INLINE i32x16 nested_codes(int bits, f32x16 v, f32x16 *level) {
  const hs_nested_levels_t *levels = hs_nested_levels(bits);
  const f32x16 a = (f32x16)((i32x16)v & 0x7FFFFFFF);
  const i32x16 is_negative = v < splat(0);
  f32x16 first = splat(levels->first[0]), step = splat(levels->step[0]);
  i32x16 number = 0;
#pragma clang loop unroll(full)
  for (int j = 1; j < 8; j++) {
    const i32x16 exceeds = a > splat(levels->cut[j]);
    number -= exceeds;
    // Halves of small integers: their sums are exact.
    first += only(exceeds, splat(levels->first[j] - levels->first[j - 1]));
    if (bits == 6) step += only(exceeds, splat(levels->step[j] - levels->step[j - 1]));
  }
  if (bits == 6) {
    i32x16 place = 0;
    f32x16 magnitude = first;
#pragma clang loop unroll(full)
    for (int h = 0; h < 3; h++) {
      const i32x16 exceeds = a > first + step * splat((float)h + 0.5f);
      place -= exceeds;
      magnitude += only(exceeds, step);
    }
    number = number * 4 + place;
    first = magnitude;
  }
  const i32x16 half = bits == 6 ? 32 : 8;
  *level = (f32x16)((i32x16)first | (is_negative & (i32x16)(uint32_t)0x80000000));
  return (is_negative & (half - 1 - number)) | (~is_negative & (half + number));
}

/// Puts the four codes of a row in a group of a tile's coarse codes.
HS_INLINE void nested_put(int bits, uint8_t *group, ptrdiff_t row, uint32_t codes) {
  uint8_t *bytes = group + 4 * row % 64 + row / 32 * 64;
  const int shift = row / 16 % 2 * 4;
  const uint32_t upper = bits == 6 ? codes >> 2 & 0x0F0F0F0F : codes;
  uint32_t old;
  memcpy(&old, bytes, sizeof old);
  old = (old & ~((uint32_t)0x0F0F0F0F << shift)) | upper << shift;
  memcpy(bytes, &old, sizeof old);
  for (int plane = 0; plane < bits - 4; plane++) {
    // The bits of four bytes, side by side.
    const uint32_t four = ((codes >> plane & 0x01010101) * 0x01020408u) >> 24 & 15;
    uint8_t *byte = group + 128 + 32 * plane + row / 2;
    const int place = row % 2 * 4;
    *byte = (uint8_t)((*byte & ~(15 << place)) | four << place);
  }
}

/// Puts sixteen fine codes of coordinates from l on, of which `count` exist, into a row of zeros.
HS_INLINE void nested_put_fine(int bits, uint8_t *row, ptrdiff_t l, ptrdiff_t count, i32x16 k) {
  const u8x16 codes = __builtin_convertvector(k + (bits == 4 ? 128 : 8), u8x16);
  if (bits == 4) {
    memcpy(row + l, &codes, (size_t)count);
    return;
  }
  // The rest of a stride of zeros is not there to be told from others.
  u8x16 bytes;
  memcpy(&bytes, row + l / 128 * 64 + l % 64, sizeof bytes);
  const u8x16 own = __builtin_convertvector(lane_numbers() < (int32_t)count, u8x16) & codes;
  bytes |= l / 64 % 2 ? own << 4 : own;
  memcpy(row + l / 128 * 64 + l % 64, &bytes, sizeof bytes);
}

HS_INLINE void nested_encode(ptrdiff_t n, int bits, ptrdiff_t groups, ptrdiff_t stride,
                             const float *w, float scale, float inverse, float fine_scale,
                             float fine_inverse, ptrdiff_t slot, uint8_t *coarse,
                             ptrdiff_t fine_stride, uint8_t *fine, double *coarse_residuals,
                             double *fine_residuals, double *squares) {
  for (ptrdiff_t r = 0; r < n; r++) {
    f64x16 coarse_sums = 0, fine_sums = 0, square = 0;
    memset(fine + r * fine_stride, 0, (size_t)fine_stride);
    for (ptrdiff_t l = 0; l < stride; l += HS_LANES) {
      const f32x16 lanes = load(w + r * stride + l);
      f32x16 level;
      const i32x16 codes = nested_codes(bits, lanes * splat(inverse), &level);
      const f64x16 a = __builtin_convertvector(lanes, f64x16);
      f64x16 e = a - (f64x16)(double)scale * __builtin_convertvector(level, f64x16);
      const f32x16 k = rounded(__builtin_convertvector(e, f32x16) * splat(fine_inverse),
                               bits == 4 ? HS_NESTED_LARGEST_8 : HS_NESTED_LARGEST_4);
      f64x16 f = e - (f64x16)(double)fine_scale * __builtin_convertvector(k, f64x16);
      square = square + a * a;
      const ptrdiff_t rest = 4 * groups - l;
      const ptrdiff_t count = rest < 0 ? 0 : rest < HS_LANES ? rest : HS_LANES;
      for (ptrdiff_t i = count; i < HS_LANES; i++) e[i] = f[i] = 0;
      coarse_sums = coarse_sums + e * e;
      fine_sums = fine_sums + f * f;
      const u8x16 bytes = __builtin_convertvector(codes, u8x16);
      uint32_t fours[4];
      memcpy(fours, &bytes, sizeof fours);
      for (ptrdiff_t i = 0; i < count; i += 4) {
        uint8_t *group = coarse + (l + i) / 4 * hs_nested_group_bytes(bits);
        nested_put(bits, group, slot + r, fours[i / 4]);
      }
      nested_put_fine(bits, fine + r * fine_stride, l, count, __builtin_convertvector(k, i32x16));
    }
    coarse_residuals[r] = fold_double(coarse_sums);
    fine_residuals[r] = fold_double(fine_sums);
    squares[r] = fold_double(square);
  }
}

void HS_SUFFIX(hs_nested_encode_f32)(ptrdiff_t n, int bits, ptrdiff_t groups, ptrdiff_t stride,
                                     const float *w, float scale, float inverse,
                                     float fine_scale, float fine_inverse, ptrdiff_t slot,
                                     uint8_t *coarse, ptrdiff_t fine_stride, uint8_t *fine,
                                     double *coarse_residuals, double *fine_residuals,
                                     double *squares) {
  // Constants, so that levels are immediate.
  if (bits == 6) {
    nested_encode(n, 6, groups, stride, w, scale, inverse, fine_scale, fine_inverse, slot, coarse,
                  fine_stride, fine, coarse_residuals, fine_residuals, squares);
  } else {
    nested_encode(n, 4, groups, stride, w, scale, inverse, fine_scale, fine_inverse, slot, coarse,
                  fine_stride, fine, coarse_residuals, fine_residuals, squares);
  }
}

// ---------------------------------------------------------------------------------------
// Filters
// ---------------------------------------------------------------------------------------

HS_INLINE i32x16 load_marks(const uint8_t *marks) {
  u8x16 bytes;
  memcpy(&bytes, marks, sizeof bytes);
  return __builtin_convertvector(bytes, i32x16);
}

/// The rows of sixteen whose sums exceed what their marks leave of a threshold.
HS_INLINE uint32_t nested_above(i32x16 sums, int32_t threshold, float unit,
                                const uint8_t *marks) {
  const f32x16 product = __builtin_convertvector(load_marks(marks), f32x16) * splat(unit);
  const i32x16 s = __builtin_convertvector(product, i32x16) + 1;
  const i32x16 t = __builtin_elementwise_max((i32x16)threshold, s + INT32_MIN);
  return mask_of(sums > t - s);
}

HS_INLINE ptrdiff_t nested_coarse(ptrdiff_t m, ptrdiff_t count, int bits, ptrdiff_t groups,
                                  const uint8_t *coarse, const uint8_t *marks,
                                  const float *margins, float factor, const int8_t *high,
                                  const int8_t *low, const int32_t *thresholds, int32_t first,
                                  int32_t *rows, int32_t *sums) {
  const ptrdiff_t size = (bits == 6 ? 192 : 128) * groups;
  const nested_tables tables = nested_tables_of(bits);
  ptrdiff_t kept = 0;
  for (ptrdiff_t t = 0; t < count; t++) {
    const int32_t threshold = thresholds[t];
    const float unit = margins[t] * factor;
    const int is_bounded = 255 * unit <= 0x1p30f;
    if (threshold == INT32_MAX && is_bounded) continue;  // no row fires
    i32x16 own[4];
    nested_sums(bits, groups, &tables, coarse + t * size, high, low, own);
    const ptrdiff_t r = t * HS_TILE_ROWS;
    uint64_t mask = ~(uint64_t)0;
    if (threshold != INT32_MIN && is_bounded) {
      mask = 0;
#pragma clang loop unroll(full)
      for (int i = 0; i < 4; i++) {
        mask |= (uint64_t)nested_above(own[i], threshold, unit, marks + r + 16 * i) << 16 * i;
      }
    }
    mask &= rows_of_tile(m - r);
    if (mask == 0) continue;
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) {
      const uint32_t part = (uint32_t)(mask >> 16 * i) & 0xFFFF;
      store_kept(part, lane_numbers() + (int32_t)(first + r + 16 * i), rows + kept);
      store_kept(part, own[i], sums + kept);
      kept += __builtin_popcount(part);
    }
  }
  return kept;
}

ptrdiff_t HS_SUFFIX(hs_nested_coarse)(ptrdiff_t m, ptrdiff_t count, int bits, ptrdiff_t groups,
                                      const uint8_t *coarse, const uint8_t *marks,
                                      const float *margins, float factor, const int8_t *high,
                                      const int8_t *low, const int32_t *thresholds,
                                      int32_t first, int32_t *rows, int32_t *sums) {
#define HS_NESTED(bits, groups)                                                                \
  return nested_coarse(m, count, bits, groups, coarse, marks, margins, factor, high, low,      \
                       thresholds, first, rows, sums)
  if (bits == 6) HS_NESTED(6, groups);
  // Constants, so that loops over few groups are unrolled.
  if (groups == 2) HS_NESTED(4, 2);
  if (groups == 4) HS_NESTED(4, 4);
  HS_NESTED(4, groups);
#undef HS_NESTED
}

HS_INLINE void prefetch_bytes(ptrdiff_t count, const uint8_t *bytes) {
  for (ptrdiff_t i = 0; i < count; i += 64) __builtin_prefetch(bytes + i);
}

/// The numbers of a tile for a query: what a sum of coarse and one of fine codes counts, what a
/// row that fires exceeds, and how much less for each unit of its mark.
typedef struct {
  double coarse, fine, cutoff, unit;
} nested_tile;

HS_INLINE ptrdiff_t nested_fine(int bits, ptrdiff_t count, int32_t *rows, const int32_t *sums,
                                ptrdiff_t groups, ptrdiff_t fine_stride, const uint8_t *fine,
                                const uint8_t *marks, const int8_t *high, const int8_t *low,
                                const hs_nested_query_t *query, double b, ptrdiff_t first_tile,
                                ptrdiff_t tile_count, const double *tiles,
                                const int32_t *thresholds) {
  // Enough for what memory can be asked for at once, and no more than stays in cache.
  enum { bytes_ahead = 8192, fewest_ahead = 2, most_ahead = 64 };
  const ptrdiff_t far = bytes_ahead / fine_stride;
  const ptrdiff_t ahead = far < fewest_ahead ? fewest_ahead : far > most_ahead ? most_ahead : far;
  for (ptrdiff_t c = 0; c < ahead && c < count; c++) {
    prefetch_bytes(fine_stride, fine + rows[c] * fine_stride);
  }
  // In order: then they are read ahead, other than by the rows that happen to be listed.
  nested_tile own[HS_NESTED_TILES];
  uint8_t own_marks[HS_NESTED_TILES * HS_TILE_ROWS];
  const ptrdiff_t first_row = first_tile * HS_TILE_ROWS;
  memcpy(own_marks, marks + first_row, (size_t)(tile_count * HS_TILE_ROWS));
  for (ptrdiff_t t = 0; t < tile_count; t++) {
    const double *p = tiles + 4 * (first_tile + t);
    own[t] = (nested_tile){p[2] * query->scale, p[3] * query->scale, b - p[1] * query->slack,
                           p[0] * query->norm};
    if (thresholds[t] == INT32_MIN) own[t].cutoff = -(double)INFINITY;
  }
  ptrdiff_t kept = 0;
  for (ptrdiff_t c = 0; c < count; c += HS_LANES) {
    // No branches on what cannot be foreseen: a wrong guess is noticed only when a row has come.
    const ptrdiff_t size = count - c < HS_LANES ? count - c : HS_LANES;
    uint32_t mask = 0;
    for (ptrdiff_t i = 0; i < size; i++) {
      const ptrdiff_t row = rows[c + i];
      const ptrdiff_t at = c + i + ahead;
      const uint8_t *next = fine + rows[at < count ? at : count - 1] * fine_stride;
      // Long rows are fetched line by line while others are multiplied, short ones at once.
      if (bits == 4 && at < count) prefetch_bytes(fine_stride, next);
      const nested_tile *tile = own + (row / HS_TILE_ROWS - first_tile);
      const uint8_t *codes = fine + row * fine_stride;
      const int32_t sum = bits == 4 ? nested_fine_sum_8(4 * groups, codes, high, low)
                                    : nested_fine_sum_4(4 * groups, codes, next, high, low);
      const double value = tile->coarse * ((double)sums[c + i] - query->coarse_offset) +
                           tile->fine * ((double)sum - query->fine_offset);
      const double cutoff = tile->cutoff - (double)own_marks[row - first_row] * tile->unit;
      mask |= (uint32_t)!(value <= cutoff) << i;
    }
    store_kept(mask, load_i32(rows + c), rows + kept);
    kept += __builtin_popcount(mask);
  }
  return kept;
}

ptrdiff_t HS_SUFFIX(hs_nested_fine)(ptrdiff_t count, int32_t *rows, const int32_t *sums,
                                    int bits, ptrdiff_t groups, ptrdiff_t fine_stride,
                                    const uint8_t *fine, const uint8_t *marks,
                                    const int8_t *high, const int8_t *low,
                                    const hs_nested_query_t *query, double b,
                                    ptrdiff_t first_tile, ptrdiff_t tile_count,
                                    const double *tiles, const int32_t *thresholds) {
#define HS_NESTED(bits)                                                                       \
  return nested_fine(bits, count, rows, sums, groups, fine_stride, fine, marks, high, low,    \
                     query, b, first_tile, tile_count, tiles, thresholds)
  if (bits == 6) HS_NESTED(6);
  HS_NESTED(4);
#undef HS_NESTED
}
