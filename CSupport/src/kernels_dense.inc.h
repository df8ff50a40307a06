// SPDX-License-Identifier: Apache-2.0
//
// SIMD kernels without sparsity: inner products of all pairs, optimizers, exponentials.
#include "simd.inc.h"

float HS_SUFFIX(hs_dot_f32)(ptrdiff_t stride, const float *w, const float *x) {
  HS_WITH_BLOCKS(stride / HS_LANES, dot, w, x);
}

// ---------------------------------------------------------------------------------------
// Inner products of all pairs
//
// Many queries: 16 queries are the lanes. A tile holds them transposed, tile[l][q] = X_q[l], so
// one fused multiply-add of W_r[l] with tile[l] serves lane l of 16 pairs, and what adds up the
// lanes of a pair are whole-vector additions in the order of the fold. No shuffles.
// Few queries, or rows too long for a tile: 16 rows are the lanes, as in a scan.
// ---------------------------------------------------------------------------------------

#define HS_TILE_STRIDE 1024          // longest rows that go through a tile
#define HS_TILE_QUERIES 6            // fewest queries that a tile pays for
#define HS_ROWS_BYTES (256 * 1024)   // rows of W that stay in cache while queries pass

/// Vectors over 16 queries, for HS_ROW_BLOCK rows of W.
typedef struct {
  f32x16 row[HS_ROW_BLOCK];
} column;

HS_INLINE column add(column a, column b) {
  for (int i = 0; i < HS_ROW_BLOCK; i++) a.row[i] = a.row[i] + b.row[i];
  return a;
}

/// Lane l of block k of every pair, added to `sum`.
HS_INLINE column add_products(ptrdiff_t at, const float *const w[HS_ROW_BLOCK], const float *tile,
                              column sum) {
  const f32x16 x = load(tile + at * HS_LANES);
  for (int i = 0; i < HS_ROW_BLOCK; i++) sum.row[i] = fmadd(splat(w[i][at]), x, sum.row[i]);
  return sum;
}

/// Lane l of the accumulators of every pair, added up.
HS_INLINE column lane_column(ptrdiff_t blocks, ptrdiff_t l, const float *const w[HS_ROW_BLOCK],
                             const float *tile) {
  column sums[4];
  const ptrdiff_t accumulators = blocks < 4 ? blocks : 4;
  for (ptrdiff_t p = 0; p < accumulators; p++) {
    for (int i = 0; i < HS_ROW_BLOCK; i++) sums[p].row[i] = splat(0);
    for (ptrdiff_t k = p; k < blocks; k += 4) {
      sums[p] = add_products(k * HS_LANES + l, w, tile, sums[p]);
    }
  }
  if (blocks == 1) return sums[0];
  if (blocks == 2) return add(sums[0], sums[1]);
  if (blocks == 3) return add(add(sums[0], sums[1]), sums[2]);
  return add(add(sums[0], sums[1]), add(sums[2], sums[3]));
}

HS_INLINE column tile_dots(ptrdiff_t blocks, const float *const w[HS_ROW_BLOCK],
                           const float *tile) {
#define HS_FOLD_2(LANE, l) add(LANE(l), LANE(l + 8))
#define HS_FOLD_QUARTER(LANE, l) add(HS_FOLD_2(LANE, l), HS_FOLD_2(LANE, l + 4))
#define HS_FOLD_HALF(LANE, l) add(HS_FOLD_QUARTER(LANE, l), HS_FOLD_QUARTER(LANE, l + 2))
#define HS_LANE(l) lane_column(blocks, l, w, tile)
  if (HS_IS_SHORT(blocks) && blocks <= HS_TILE_UNROLLED) {
    return add(HS_FOLD_HALF(HS_LANE, 0), HS_FOLD_HALF(HS_LANE, 1));
  }
  column lanes[HS_LANES];
  for (int l = 0; l < HS_LANES; l++) lanes[l] = HS_LANE(l);
#undef HS_LANE
#define HS_LANE(l) lanes[l]
  return add(HS_FOLD_HALF(HS_LANE, 0), HS_FOLD_HALF(HS_LANE, 1));
#undef HS_LANE
}

/// z[r][q] for m rows and n <= 16 queries, which share a tile.
HS_INLINE void tile_preactivations(ptrdiff_t blocks, ptrdiff_t m, ptrdiff_t n, const float *w,
                                   const float *x, float *z, ptrdiff_t ldz) {
  const ptrdiff_t stride = blocks * HS_LANES;
  float tile[HS_TILE_STRIDE * HS_LANES] __attribute__((aligned(64)));
  for (ptrdiff_t l = 0; l < stride; l++) {
    for (ptrdiff_t q = 0; q < HS_LANES; q++) {
      tile[l * HS_LANES + q] = x[(q < n ? q : 0) * stride + l];
    }
  }
  for (ptrdiff_t r = 0; r < m; r += HS_ROW_BLOCK) {
    const float *rows[HS_ROW_BLOCK];
    for (int i = 0; i < HS_ROW_BLOCK; i++) rows[i] = w + (r + i < m ? r + i : r) * stride;
    const column sums = tile_dots(blocks, rows, tile);
    for (int i = 0; i < HS_ROW_BLOCK && r + i < m; i++) {
      if (n == HS_LANES) {
        store(z + (r + i) * ldz, sums.row[i]);
      } else {
        store_first(n, z + (r + i) * ldz, sums.row[i]);
      }
    }
  }
}

/// z[r][q] for m rows and n queries, 16 rows at a time.
HS_INLINE void row_preactivations(ptrdiff_t blocks, ptrdiff_t m, ptrdiff_t n, const float *w,
                                  const float *x, float *z, ptrdiff_t ldz) {
  const ptrdiff_t stride = blocks * HS_LANES;
  for (ptrdiff_t r = 0; r < m; r += HS_LANES) {
    const ptrdiff_t count = m - r < HS_LANES ? m - r : HS_LANES;
    int32_t numbers[HS_LANES];
    for (int i = 0; i < HS_LANES; i++) numbers[i] = i < count ? i : 0;
    for (ptrdiff_t q = 0; q < n; q++) {
      const held_row held = hold(blocks, x + q * stride);
      float sums[HS_LANES];
      store(sums, dots_of_listed(blocks, w + r * stride, numbers, NULL, NULL, &held));
      for (ptrdiff_t i = 0; i < count; i++) z[(r + i) * ldz + q] = sums[i];
    }
  }
}

HS_INLINE void preactivations(ptrdiff_t blocks, ptrdiff_t m, ptrdiff_t n, const float *w,
                              const float *x, float *z, ptrdiff_t ldz) {
  const ptrdiff_t stride = blocks * HS_LANES;
  const int tiled = blocks > 0 && stride <= HS_TILE_STRIDE;
  ptrdiff_t rows = m, step = n;
  if (tiled) {
    const ptrdiff_t fitting = HS_ROWS_BYTES / (stride * (ptrdiff_t)sizeof *w);
    rows = fitting - fitting % HS_ROW_BLOCK;
    step = HS_LANES;
  }
  for (ptrdiff_t r = 0; r < m; r += rows) {
    const ptrdiff_t count = m - r < rows ? m - r : rows;
    for (ptrdiff_t q = 0; q < n; q += step) {
      const ptrdiff_t queries = n - q < step ? n - q : step;
      const float *wr = w + r * stride, *xq = x + q * stride;
      if (tiled && queries >= HS_TILE_QUERIES) {
        tile_preactivations(blocks, count, queries, wr, xq, z + r * ldz + q, ldz);
      } else {
        row_preactivations(blocks, count, queries, wr, xq, z + r * ldz + q, ldz);
      }
    }
  }
}

void HS_SUFFIX(hs_preactivations_f32)(ptrdiff_t m, ptrdiff_t n, ptrdiff_t stride, const float *w,
                                      const float *x, float *z, ptrdiff_t ldz) {
  HS_WITH_BLOCKS(stride / HS_LANES, preactivations, m, n, w, x, z, ldz);
}

// ---------------------------------------------------------------------------------------
// Exponentials
// ---------------------------------------------------------------------------------------

#include "exponential.h"

HS_INLINE f32x16 power_of_two(i32x16 n) { return (f32x16)(((u32x16)n + 127) << 23); }

HS_INLINE f32x16 exponential(f32x16 x) {
  x = x < HS_EXP_LOWEST ? splat(HS_EXP_LOWEST) : x;
  x = x > HS_EXP_HIGHEST ? splat(HS_EXP_HIGHEST) : x;
  const f32x16 rounded = fmadd(x, splat(HS_LOG2_E), splat(HS_ROUNDER));
  const f32x16 n = rounded - splat(HS_ROUNDER);
  f32x16 r = fmadd(n, splat(-HS_LN2_HIGH), x);
  r = fmadd(n, splat(-HS_LN2_LOW), r);
  f32x16 p = fmadd(splat(HS_EXP_P4), r, splat(HS_EXP_P3));
  p = fmadd(p, r, splat(HS_EXP_P2));
  p = fmadd(p, r, splat(HS_EXP_P1));
  p = fmadd(p, r, splat(HS_EXP_P0));
  const f32x16 y = fmadd(r * r, p, r) + splat(1);
  // The integer from the bits of n + HS_ROUNDER; of no importance where x is NaN, as y is NaN.
  const i32x16 exponent = (i32x16)((u32x16)rounded - (u32x16)splat(HS_ROUNDER));
  const i32x16 half = exponent >> 1;
  return (y * power_of_two(half)) * power_of_two((i32x16)((u32x16)exponent - (u32x16)half));
}

void HS_SUFFIX(hs_exp_f32)(ptrdiff_t n, const float *x, float *y) {
  ptrdiff_t i = 0;
  for (; i + HS_LANES <= n; i += HS_LANES) store(y + i, exponential(load(x + i)));
  if (i < n) store_first(n - i, y + i, exponential(load_first(n - i, x + i)));
}

/// The larger of each lane; b where they are equal or not ordered.
HS_INLINE f32x16 larger(f32x16 a, f32x16 b) { return a > b ? a : b; }

/// The largest lane, compared in the order of a fold.
HS_INLINE float fold_largest(f32x16 t) {
  const f32x8 t8 = t.hi > t.lo ? t.hi : t.lo;
  const f32x4 t4 = t8.hi > t8.lo ? t8.hi : t8.lo;
  const float even = t4.z > t4.x ? t4.z : t4.x;
  const float odd = t4.w > t4.y ? t4.w : t4.y;
  return odd > even ? odd : even;
}

void HS_SUFFIX(hs_softmax_f32)(ptrdiff_t rows, ptrdiff_t classes, ptrdiff_t stride,
                               const float *z, float *p, float *maximum, float *sum) {
  for (ptrdiff_t r = 0; r < rows; r++) {
    const float *zr = z + r * stride;
    float *pr = p + r * stride;
    f32x16 most = splat(-INFINITY), total = splat(0);
    for (ptrdiff_t c = 0; c < stride; c += HS_LANES) {
      const i32x16 is_class = lane_numbers() + (int32_t)c < (i32x16)(int32_t)classes;
      most = larger(is_class ? load(zr + c) : splat(-INFINITY), most);
    }
    maximum[r] = fold_largest(most);
    for (ptrdiff_t c = 0; c < stride; c += HS_LANES) {
      const i32x16 is_class = lane_numbers() + (int32_t)c < (i32x16)(int32_t)classes;
      const f32x16 e = exponential(load(zr + c) - splat(maximum[r]));
      const f32x16 kept = is_class ? e : splat(0);
      store(pr + c, kept);
      total = total + kept;
    }
    sum[r] = fold(total);
    for (ptrdiff_t c = 0; c < stride; c += HS_LANES) {
      const i32x16 is_class = lane_numbers() + (int32_t)c < (i32x16)(int32_t)classes;
      store(pr + c, is_class ? load(pr + c) / splat(sum[r]) : splat(0));
    }
  }
}
