// SPDX-License-Identifier: Apache-2.0
//
// SIMD kernels of certified tiles: encoding rows and queries, and thresholds. The filters are in
// kernels_tile_filters.inc.h.
#include "simd.inc.h"

typedef double f64x4 __attribute__((ext_vector_type(4)));
typedef f64x4 f64x4_any __attribute__((aligned(8)));
typedef double f64x8 __attribute__((ext_vector_type(8)));
typedef double f64x16 __attribute__((ext_vector_type(16)));
typedef f64x8 f64x8_any __attribute__((aligned(8)));
typedef int64_t i64x8 __attribute__((ext_vector_type(8)));
typedef int32_t i32x4 __attribute__((ext_vector_type(4)));
typedef int32_t i32x8 __attribute__((ext_vector_type(8)));
typedef i32x8 i32x8_any __attribute__((aligned(4)));
typedef uint8_t u8x16 __attribute__((ext_vector_type(16)));
typedef int8_t i8x16 __attribute__((ext_vector_type(16)));

// ---------------------------------------------------------------------------------------
// Encoding
// ---------------------------------------------------------------------------------------

float HS_SUFFIX(hs_largest_f32)(ptrdiff_t n, const float *a) {
  // Magnitudes compare as integers.
  const i32x16 infinity = 0x7F800000;
  i32x16 largest = 0;
  for (ptrdiff_t i = 0; i < n; i += HS_LANES) {
    const f32x16 lanes = n - i < HS_LANES ? load_first(n - i, a + i) : load(a + i);
    i32x16 magnitude = (i32x16)lanes & 0x7FFFFFFF;
    magnitude = magnitude & (magnitude < infinity);
    largest = __builtin_elementwise_max(largest, magnitude);
  }
  const int32_t bits = __builtin_reduce_max(largest);
  float result;
  memcpy(&result, &bits, sizeof result);
  return result;
}

HS_INLINE f32x16 rounded(f32x16 v, float largest) {
  const f32x16 high = splat(largest), low = splat(-largest), rounder = splat(0x1.8p23f);
  v = chosen(v > low, v, low);
  v = chosen(v < high, v, high);
  return (v + rounder) - rounder;
}

HS_INLINE double fold_double(f64x16 t) {
  const f64x8 t8 = t.lo + t.hi;
  const __typeof__(t8.lo) t4 = t8.lo + t8.hi;
  return (t4.x + t4.z) + (t4.y + t4.w);
}

/// Adds squares of a - scale * k.
HS_INLINE f64x16 add_residuals(f64x16 sums, f64x16 a, f32x16 k, double scale) {
  const f64x16 e = a - (f64x16)scale * __builtin_convertvector(k, f64x16);
  return sums + e * e;
}

void HS_SUFFIX(hs_tile_encode_f32)(ptrdiff_t n, ptrdiff_t groups, ptrdiff_t stride,
                                   const float *w, float scale, float inverse, ptrdiff_t slot,
                                   uint8_t *codes, double *residuals, double *squares) {
  for (ptrdiff_t r = 0; r < n; r++) {
    f64x16 residual = 0, square = 0;
    for (ptrdiff_t l = 0; l < stride; l += HS_LANES) {
      const f32x16 lanes = load(w + r * stride + l);
      const f32x16 k = rounded(lanes * splat(inverse), 127);
      const f64x16 a = __builtin_convertvector(lanes, f64x16);
      residual = add_residuals(residual, a, k, scale);
      square = square + a * a;
      const u8x16 bytes = __builtin_convertvector(__builtin_convertvector(k, i32x16) + 128, u8x16);
      uint8_t *to = codes + (l / 4 * HS_TILE_ROWS + slot + r) * 4;
      const ptrdiff_t rest = groups - l / 4;
      for (ptrdiff_t g = 0; g < 4 && g < rest; g++) {
        memcpy(to + g * HS_TILE_ROWS * 4, (const char *)&bytes + 4 * g, 4);
      }
    }
    residuals[r] = fold_double(residual);
    squares[r] = fold_double(square);
  }
}

/// Encodes a query of `blocks` blocks, a constant where they are few.
HS_INLINE double encode_query(ptrdiff_t blocks, ptrdiff_t groups, const float *x, float scale,
                              float inverse, int8_t *high, int8_t *low, int32_t *sum) {
  const float largest = low ? HS_QUERY_LARGEST_16 : HS_QUERY_LARGEST_8;
  f64x16 residual = 0;
  i32x16 total = 0;
  for (ptrdiff_t l = 0; l < blocks * HS_LANES; l += HS_LANES) {
    const f32x16 lanes = load(x + l);
    const f32x16 k = rounded(lanes * splat(inverse), largest);
    residual = add_residuals(residual, __builtin_convertvector(lanes, f64x16), k, scale);
    const i32x16 q = __builtin_convertvector(k, i32x16);
    const i32x16 h = low ? (q + 128) >> 8 : q;
    const i8x16 high_bytes = __builtin_convertvector(h, i8x16);
    const i8x16 low_bytes = __builtin_convertvector(q - h * 256, i8x16);
    // Coordinates behind the last group are no part of the codes.
    const ptrdiff_t rest = groups - l / 4;
    i32x4 high_words, low_words;
    memcpy(&high_words, &high_bytes, sizeof high_words);
    memcpy(&low_words, &low_bytes, sizeof low_words);
    total += (lane_numbers() < (int32_t)(4 * rest)) & q;
#pragma clang loop unroll(full)
    for (int g = 0; g < 4; g++) {
      if (g >= rest) break;
      const int32_t high_word = high_words[g], low_word = low_words[g];
      memcpy(high + l + 4 * g, &high_word, sizeof high_word);
      if (low) memcpy(low + l + 4 * g, &low_word, sizeof low_word);
    }
  }
  *sum = __builtin_reduce_add(total);
  return fold_double(residual);
}

double HS_SUFFIX(hs_query_encode_f32)(ptrdiff_t groups, ptrdiff_t stride, const float *x,
                                      float scale, float inverse, int8_t *high, int8_t *low,
                                      int32_t *sum) {
  return encode_query(stride / HS_LANES, groups, x, scale, inverse, high, low, sum);
}

HS_INLINE void encode_queries(ptrdiff_t blocks, ptrdiff_t n, ptrdiff_t groups, const float *x,
                              const float *scales, int8_t *high, int8_t *low, int32_t *sums,
                              double *residuals) {
  const ptrdiff_t stride = blocks * HS_LANES, size = 4 * groups;
  for (ptrdiff_t i = 0; i < n; i++) {
    const float inverse = 1 / scales[i];
    residuals[i] = low ? encode_query(blocks, groups, x + i * stride, scales[i], inverse,
                                      high + i * size, low + i * size, sums + i)
                       : encode_query(blocks, groups, x + i * stride, scales[i], inverse,
                                      high + i * size, NULL, sums + i);
  }
}

void HS_SUFFIX(hs_queries_encode_f32)(ptrdiff_t n, ptrdiff_t groups, ptrdiff_t stride,
                                      const float *x, const float *scales, int8_t *high,
                                      int8_t *low, int32_t *sums, double *residuals) {
  HS_WITH_BLOCKS(stride / HS_LANES, encode_queries, n, groups, x, scales, high, low, sums,
                 residuals);
}

HS_INLINE void query_sizes(ptrdiff_t blocks, ptrdiff_t n, const float *x, float *squares,
                           float *largest) {
  const ptrdiff_t stride = blocks * HS_LANES;
  for (ptrdiff_t i = 0; i < n; i++) {
    squares[i] = dot(blocks, x + i * stride, x + i * stride);
    largest[i] = HS_SUFFIX(hs_largest_f32)(stride, x + i * stride);
  }
}

void HS_SUFFIX(hs_query_sizes_f32)(ptrdiff_t n, ptrdiff_t stride, const float *x, float *squares,
                                   float *largest) {
  HS_WITH_BLOCKS(stride / HS_LANES, query_sizes, n, x, squares, largest);
}

/// Squares of the codes at these bytes of groups, less 128.
HS_INLINE i32x16 squares_of(i32x16 group, int byte) {
  const i32x16 k = ((group >> 8 * byte) & 255) - 128;
  return k * k;
}

int32_t HS_SUFFIX(hs_tile_span)(ptrdiff_t groups, const uint8_t *codes, ptrdiff_t slot,
                                ptrdiff_t n) {
  if (n <= 0) return 0;
  i32x16 span = 0;
  for (ptrdiff_t r = slot / HS_LANES * HS_LANES; r < slot + n; r += HS_LANES) {
    for (ptrdiff_t part = 0; part < groups; part += HS_TILE_PART) {
      const ptrdiff_t end = groups - part < HS_TILE_PART ? groups : part + HS_TILE_PART;
      i32x16 first = 0, second = 0;
      for (ptrdiff_t g = part; g < end; g++) {
        i32x16 group;
        memcpy(&group, codes + (g * HS_TILE_ROWS + r) * 4, sizeof group);
        first += squares_of(group, 0) + squares_of(group, 1);
        second += squares_of(group, 2) + squares_of(group, 3);
      }
      span = __builtin_elementwise_max(span, __builtin_elementwise_max(first, second));
    }
  }
  return __builtin_reduce_max(span);
}

// ---------------------------------------------------------------------------------------
// Thresholds
// ---------------------------------------------------------------------------------------

HS_INLINE f64x8 load_f64(const double *p) { return *(const f64x8_any *)p; }
HS_INLINE f64x8 either(i64x8 where, f64x8 a, f64x8 b) {
  return (f64x8)((where & (i64x8)a) | (~where & (i64x8)b));
}

/// The numbers of eight tiles, or one tile's in all lanes.
typedef struct {
  f64x8 error, radius, inverse, rest;
} tile_numbers;

/// The numbers of eight queries, or one query's in all lanes.
typedef struct {
  f64x8 norm, slack, inverse, offset, rest, reach;
} query_numbers;

HS_INLINE i32x8 thresholds_of(tile_numbers tile, query_numbers query, double b, double largest) {
  const f64x8 lowest = -0x1p31, highest = 0x1p31 - 1;
  const f64x8 tail = tile.rest * query.rest;
  const f64x8 left = (f64x8)b - ((tile.error * query.norm + tile.radius * query.slack) + tail);
  f64x8 v = (left * (tile.inverse * query.inverse) + query.offset) - (f64x8)2;
  v = either(v > lowest, v, lowest);
  v = either(v < highest, v, highest);
  v = either(tile.radius * (query.norm + query.slack) + tail <= (f64x8)b, highest, v);
  v = either((tile.radius + tile.rest) * query.reach <= (f64x8)largest, v, lowest);
  return __builtin_convertvector(v, i32x8);
}

HS_INLINE ptrdiff_t store_thresholds(ptrdiff_t count, i32x8 thresholds, int32_t *to) {
  int32_t lanes[8];
  ptrdiff_t pruned = 0;
  if (count >= 8) {
    *(i32x8_any *)to = thresholds;
    return -__builtin_reduce_add(thresholds == INT32_MAX);
  }
  *(i32x8_any *)lanes = thresholds;
  for (ptrdiff_t i = 0; i < count; i++) {
    to[i] = lanes[i];
    pruned += lanes[i] == INT32_MAX;
  }
  return pruned;
}

/// The first numbers of `count`, up to eight; zeros behind them.
HS_INLINE f64x8 load_up_to(ptrdiff_t count, const double *p) {
  if (count >= 8) return load_f64(p);
  double lanes[8] = {0};
  memcpy(lanes, p, (size_t)count * sizeof *p);
  return load_f64(lanes);
}

/// The numbers of tiles t, t + 1, ... or of those listed there, transposed; zeros where there are
/// fewer than eight.
HS_INLINE tile_numbers load_tiles(ptrdiff_t count, const int32_t *list, ptrdiff_t t,
                                  const double *tiles) {
  f64x4 r[8];
#pragma clang loop unroll(full)
  for (int i = 0; i < 8; i++) {
    r[i] = (f64x4)0;
    if (i < count) r[i] = *(const f64x4_any *)(tiles + 4 * (list ? list[t + i] : t + i));
  }
#define HS_PAIR(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5, 2, 6, 3, 7)
#define HS_LOW(a, b) __builtin_shufflevector(a, b, 0, 1, 8, 9, 2, 3, 10, 11)
#define HS_HIGH(a, b) __builtin_shufflevector(a, b, 4, 5, 12, 13, 6, 7, 14, 15)
#define HS_FIRST(a, b) __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11)
#define HS_SECOND(a, b) __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15)
  const f64x8 r01 = HS_PAIR(r[0], r[1]), r23 = HS_PAIR(r[2], r[3]);
  const f64x8 r45 = HS_PAIR(r[4], r[5]), r67 = HS_PAIR(r[6], r[7]);
  const f64x8 low0 = HS_LOW(r01, r23), low1 = HS_LOW(r45, r67);
  const f64x8 high0 = HS_HIGH(r01, r23), high1 = HS_HIGH(r45, r67);
  return (tile_numbers){HS_FIRST(low0, low1), HS_SECOND(low0, low1), HS_FIRST(high0, high1),
                        HS_SECOND(high0, high1)};
#undef HS_PAIR
#undef HS_LOW
#undef HS_HIGH
#undef HS_FIRST
#undef HS_SECOND
}

/// What the queries of a call have in common, as far as they fill registers: the largest reach Y, the least X + G,
/// and whether all are numbers and no rest counts.
typedef struct {
  double reach, least;
  int is_plain;
} query_range;

HS_INLINE query_range range_of(ptrdiff_t n, const double *queries) {
  const f64x8 most = (f64x8)__DBL_MAX__;
  f64x8 reach = (f64x8)0, least = most;
  i64x8 plain = (i64x8)-1;
  for (ptrdiff_t j = 0; j + 8 <= n; j += 8) {
    const f64x8 slack = load_f64(queries + j) + load_f64(queries + n + j);
    const f64x8 own = load_f64(queries + 5 * n + j);
    plain &= (own <= most) & (slack <= most) & (load_f64(queries + 4 * n + j) == (f64x8)0);
    reach = either(own > reach, own, reach);
    least = either(slack < least, slack, least);
  }
  query_range range = {0, __DBL_MAX__, 1};
  for (int l = 0; l < 8; l++) {
    range.reach = reach[l] > range.reach ? reach[l] : range.reach;
    range.least = least[l] < range.least ? least[l] : range.least;
    range.is_plain &= (int)plain[l];
  }
  return range;
}

/// Whether a tile's thresholds for all queries lie between the ends: no product may overflow, no query is
/// pruned, nothing but numbers comes in. Roundings are monotonic: what holds for an end holds for all.
HS_INLINE int is_plain_tile(const double *tile, query_range range, double b, double largest) {
  return range.is_plain && tile[3] == 0 && tile[0] <= __DBL_MAX__ && tile[1] >= 0 &&
         tile[1] * range.reach <= largest && tile[1] * range.least > b;
}

/// thresholds_of where is_plain_tile.
HS_INLINE i32x8 plain_thresholds(tile_numbers tile, query_numbers query, double b) {
  const f64x8 left = (f64x8)b - (tile.error * query.norm + tile.radius * query.slack);
  const f64x8 v = (left * (tile.inverse * query.inverse) + query.offset) - (f64x8)2;
  const f64x8 limited = __builtin_elementwise_max(v, (f64x8)-0x1p31);
  return __builtin_convertvector(__builtin_elementwise_min(limited, (f64x8)(0x1p31 - 1)), i32x8);
}

ptrdiff_t HS_SUFFIX(hs_tile_thresholds)(ptrdiff_t count, const int32_t *list, ptrdiff_t n,
                                        const double *tiles, const double *queries, double b,
                                        double largest, int32_t *thresholds) {
  ptrdiff_t pruned = 0;
  if (n == 1) {
    const query_numbers query = {queries[0], queries[1], queries[2],
                                 queries[3], queries[4], queries[5]};
    ptrdiff_t t = 0;
    for (; t + 8 <= count; t += 8) {
      const tile_numbers numbers = load_tiles(8, list, t, tiles);
      pruned += store_thresholds(8, thresholds_of(numbers, query, b, largest), thresholds + t);
    }
    if (t < count) {
      const tile_numbers numbers = load_tiles(count - t, list, t, tiles);
      pruned +=
          store_thresholds(count - t, thresholds_of(numbers, query, b, largest), thresholds + t);
    }
    return pruned;
  }
  const query_range range = range_of(n, queries);
  i32x8 highest = 0;
  for (ptrdiff_t j = 0; j < n; j += 8) {
    const ptrdiff_t rest = n - j;
    const query_numbers query = {
        load_up_to(rest, queries + j),         load_up_to(rest, queries + n + j),
        load_up_to(rest, queries + 2 * n + j), load_up_to(rest, queries + 3 * n + j),
        load_up_to(rest, queries + 4 * n + j), load_up_to(rest, queries + 5 * n + j)};
    for (ptrdiff_t t = 0; t < count; t++) {
      const double *p = tiles + 4 * (list ? list[t] : t);
      const tile_numbers numbers = {p[0], p[1], p[2], p[3]};
      if (rest >= 8 && is_plain_tile(p, range, b, largest)) {
        const i32x8 v = plain_thresholds(numbers, query, b);
        *(i32x8_any *)(thresholds + t * n + j) = v;
        highest -= v == INT32_MAX;
        continue;
      }
      const i32x8 v = thresholds_of(numbers, query, b, largest);
      pruned += store_thresholds(rest, v, thresholds + t * n + j);
    }
  }
  return pruned + __builtin_reduce_add(highest);
}
