// SPDX-License-Identifier: Apache-2.0
//
// SIMD half-space reports. Sixteen pairs are decided at a time; what fires is packed in registers.
// Packed stores write 16 lanes: behind k reported of c >= k processed pairs the caller's arrays
// reach at least to the c + 16th. The last, incomplete group is stored exactly.
#include "simd.inc.h"

HS_INLINE uint32_t first_bits(ptrdiff_t n) { return ((uint32_t)1 << n) - 1; }

/// The lanes with NOT (z <= cutoff), which keeps NaN.
HS_INLINE uint32_t above(f32x16 z, f32x16 cutoff) { return ~mask_of(z <= cutoff) & 0xFFFF; }

/// Appends the pairs of `fired`: row numbers and z - b. Returns how many they are.
HS_INLINE int append_fired(uint32_t fired, i32x16 id, f32x16 z, float b, int32_t *ids,
                           float *values) {
  store_kept(fired, id, ids);
  store_kept(fired, (i32x16)(z - splat(b)), (int32_t *)values);
  return __builtin_popcount(fired);
}

/// As append_fired, touching no memory behind the appended pairs.
HS_INLINE int append_fired_exactly(uint32_t fired, i32x16 id, f32x16 z, float b, int32_t *ids,
                                   float *values) {
  store_kept_exactly(fired, (i32x16)(z - splat(b)), (int32_t *)values);
  return store_kept_exactly(fired, id, ids);
}

// ---------------------------------------------------------------------------------------
// Scan
// ---------------------------------------------------------------------------------------

HS_INLINE ptrdiff_t scan_report(ptrdiff_t blocks, ptrdiff_t m, const float *w, const float *x,
                                float b, int32_t first, int32_t *ids, float *values) {
  const ptrdiff_t stride = blocks * HS_LANES;
  const held_row held = hold(blocks, x);
  ptrdiff_t reported = 0, r = 0;
  for (; r + HS_LANES <= m; r += HS_LANES) {
    const f32x16 z = dots_of_rows(blocks, w + r * stride, &held);
    const uint32_t fired = mask_of(z > splat(b));
    if (fired) {
      reported += append_fired(fired, lane_numbers() + (int32_t)(first + r), z, b, ids + reported,
                               values + reported);
    }
  }
  if (r < m) {
    int32_t numbers[HS_LANES];
    for (int i = 0; i < HS_LANES; i++) numbers[i] = r + i < m ? i : 0;
    const f32x16 z = dots_of_listed(blocks, w + r * stride, numbers, NULL, NULL, &held);
    const uint32_t fired = mask_of(z > splat(b)) & first_bits(m - r);
    reported += append_fired_exactly(fired, lane_numbers() + (int32_t)(first + r), z, b,
                                     ids + reported, values + reported);
  }
  return reported;
}

ptrdiff_t HS_SUFFIX(hs_scan_report_f32)(ptrdiff_t m, ptrdiff_t stride, const float *w,
                                        const float *x, float b, int32_t first, int32_t *ids,
                                        float *values) {
  HS_WITH_BLOCKS(stride / HS_LANES, scan_report, m, w, x, b, first, ids, values);
}

ptrdiff_t HS_SUFFIX(hs_filter_f32)(ptrdiff_t n, const float *z, float cutoff, int32_t first,
                                   int32_t *candidates) {
  const i32x16 numbers = lane_numbers() + first;
  ptrdiff_t kept = 0, r = 0;
  for (; r + HS_LANES <= n; r += HS_LANES) {
    const uint32_t mask = above(load(z + r), splat(cutoff));
    if (mask) {
      store_kept(mask, numbers + (int32_t)r, candidates + kept);
      kept += __builtin_popcount(mask);
    }
  }
  if (r < n) {
    const uint32_t mask = above(load_first(n - r, z + r), splat(cutoff)) & first_bits(n - r);
    kept += store_kept_exactly(mask, numbers + (int32_t)r, candidates + kept);
  }
  return kept;
}

// ---------------------------------------------------------------------------------------
// Candidates
// ---------------------------------------------------------------------------------------

HS_INLINE ptrdiff_t recheck(ptrdiff_t blocks, ptrdiff_t count, const int32_t *candidates,
                            const float *w, const float *x, float b, int32_t *ids,
                            float *values) {
  const ptrdiff_t stride = blocks * HS_LANES;
  const held_row held = hold(blocks, x);
  ptrdiff_t reported = 0, c = 0;
  for (; c + HS_LANES <= count; c += HS_LANES) {
    f32x16 z;
    if (blocks <= 8) {
      if (c + 2 * HS_LANES <= count) {
        for (int i = 0; i < HS_LANES; i++) {
          prefetch_row(blocks, w + candidates[c + HS_LANES + i] * stride);
        }
      }
      z = dots_of_listed(blocks, w, candidates + c, NULL, NULL, &held);
    } else {
      z = dots_of_long_listed(blocks, count - c, w, candidates + c, &held);
    }
    const uint32_t fired = mask_of(z > splat(b));
    reported += append_fired(fired, load_i32(candidates + c), z, b, ids + reported,
                             values + reported);
  }
  if (c < count) {
    int32_t numbers[HS_LANES];
    for (int i = 0; i < HS_LANES; i++) numbers[i] = candidates[c + i < count ? c + i : c];
    const f32x16 z = dots_of_first_listed(blocks, count - c, w, numbers, NULL, NULL, &held);
    const uint32_t fired = mask_of(z > splat(b)) & first_bits(count - c);
    reported += append_fired_exactly(fired, load_i32(numbers), z, b, ids + reported,
                                     values + reported);
  }
  return reported;
}

ptrdiff_t HS_SUFFIX(hs_recheck_f32)(ptrdiff_t count, const int32_t *candidates, ptrdiff_t stride,
                                    const float *w, const float *x, float b, int32_t *ids,
                                    float *values) {
  // A number of blocks that is known unrolls the loop over them: 128 coordinates are common.
  if (stride == 8 * HS_LANES) return recheck(8, count, candidates, w, x, b, ids, values);
  HS_WITH_BLOCKS(stride / HS_LANES, recheck, count, candidates, w, x, b, ids, values);
}

// ---------------------------------------------------------------------------------------
// Product grid
// ---------------------------------------------------------------------------------------

/// Candidates of one grid row: start + j for j < count with NOT (beta[j] <= rest).
HS_INLINE ptrdiff_t filter_grid_row(ptrdiff_t count, const float *beta, float rest, int32_t start,
                                    int32_t *locals) {
  const i32x16 numbers = lane_numbers() + start;
  ptrdiff_t written = 0, j = 0;
  // Four vectors are tested together, and then kept without a test: whether there is a candidate
  // among sixteen pairs is anybody's guess, and a wrong guess costs more than packing nothing.
  for (; j + 4 * HS_LANES <= count; j += 4 * HS_LANES) {
    uint32_t masks[4];
    for (int k = 0; k < 4; k++) masks[k] = above(load(beta + j + k * HS_LANES), splat(rest));
    if (masks[0] | masks[1] | masks[2] | masks[3]) {
      for (int k = 0; k < 4; k++) {
        store_kept(masks[k], numbers + (int32_t)(j + k * HS_LANES), locals + written);
        written += __builtin_popcount(masks[k]);
      }
    }
  }
  for (; j + HS_LANES <= count; j += HS_LANES) {
    const uint32_t mask = above(load(beta + j), splat(rest));
    if (mask) {
      store_kept(mask, numbers + (int32_t)j, locals + written);
      written += __builtin_popcount(mask);
    }
  }
  if (j < count) {
    const uint32_t mask = above(load(beta + j), splat(rest)) & first_bits(count - j);
    written += store_kept_exactly(mask, numbers + (int32_t)j, locals + written);
  }
  return written;
}

ptrdiff_t HS_SUFFIX(hs_grid_filter_f32)(ptrdiff_t s1, ptrdiff_t s2, const float *alpha,
                                        const float *beta, float beta_max, float cutoff,
                                        int64_t limit, ptrdiff_t *row, ptrdiff_t capacity,
                                        int32_t *locals) {
  ptrdiff_t written = 0;
  for (ptrdiff_t i = *row; i < s1 && i * s2 < limit; i += HS_LANES) {
    const ptrdiff_t count = s1 - i < HS_LANES ? s1 - i : HS_LANES;
    const f32x16 a = count < HS_LANES ? load_first(count, alpha + i) : load(alpha + i);
    uint32_t reached = above(splat(beta_max), splat(cutoff) - a) & first_bits(count);
    for (; reached; reached &= reached - 1) {
      const ptrdiff_t at = i + __builtin_ctz(reached);
      const int64_t start = at * s2;
      if (start >= limit) break;
      if (capacity - written < s2) {
        *row = at;
        return written;
      }
      written += filter_grid_row(limit - start < s2 ? limit - start : s2, beta,
                                 cutoff - alpha[at], (int32_t)start, locals + written);
    }
  }
  *row = s1;
  return written;
}

/// Columns 16 * first ... 16 * (first + columns) of the products, in `ways` sums side by side.
HS_INLINE void grid_products(ptrdiff_t columns, ptrdiff_t ways, ptrdiff_t h, ptrdiff_t stride,
                             const float *table, const float *x, float *products) {
  // Tables are read once, one after the other; what comes next is fetched across their ends.
  const ptrdiff_t ahead = 1024;
  f32x16 sums[4][8];
#pragma clang loop unroll(full)
  for (ptrdiff_t w = 0; w < ways; w++) {
#pragma clang loop unroll(full)
    for (ptrdiff_t c = 0; c < columns; c++) sums[w][c] = splat(0);
  }
  ptrdiff_t k = 0;
  for (; k + ways <= h; k += ways) {
#pragma clang loop unroll(full)
    for (ptrdiff_t w = 0; w < ways; w++) {
      const float *row = table + (k + w) * stride;
      const f32x16 factor = splat(x[k + w]);
#pragma clang loop unroll(full)
      for (ptrdiff_t c = 0; c < columns; c++) {
        __builtin_prefetch(row + ahead + c * HS_LANES);
        sums[w][c] = fmadd(load(row + c * HS_LANES), factor, sums[w][c]);
      }
    }
  }
#pragma clang loop unroll(full)
  for (ptrdiff_t w = 0; w < ways - 1; w++) {
    if (k + w >= h) break;
    const float *row = table + (k + w) * stride;
    const f32x16 factor = splat(x[k + w]);
#pragma clang loop unroll(full)
    for (ptrdiff_t c = 0; c < columns; c++) {
      sums[w][c] = fmadd(load(row + c * HS_LANES), factor, sums[w][c]);
    }
  }
#pragma clang loop unroll(full)
  for (ptrdiff_t c = 0; c < columns; c++) {
    const f32x16 first = sums[0][c] + sums[1][c];
    store(products + c * HS_LANES, ways == 4 ? first + (sums[2][c] + sums[3][c]) : first);
  }
}

void HS_SUFFIX(hs_grid_products_f32)(ptrdiff_t h, ptrdiff_t stride, const float *table,
                                     const float *x, float *products) {
#define HS_PRODUCTS(number, ways)                                                        \
  case number:                                                                           \
    grid_products(number, ways, h, stride, table + i, x, products + i);                   \
    break
  // As many columns side by side as there are registers for.
  const int is_narrow = stride <= HS_NARROW_TABLE;
  const ptrdiff_t most = is_narrow ? HS_GRID_COLUMNS / 2 : HS_GRID_COLUMNS;
  for (ptrdiff_t i = 0; i < stride;) {
    const ptrdiff_t left = (stride - i) / HS_LANES, columns = left < most ? left : most;
    if (is_narrow) {
      switch (columns) {
        HS_PRODUCTS(1, 4);
#if HS_GRID_COLUMNS > 2
        HS_PRODUCTS(2, 4);
        HS_PRODUCTS(3, 4);
        HS_PRODUCTS(4, 4);
#endif
      }
    } else {
      switch (columns) {
        HS_PRODUCTS(1, 2);
        HS_PRODUCTS(2, 2);
#if HS_GRID_COLUMNS > 2
        HS_PRODUCTS(3, 2);
        HS_PRODUCTS(4, 2);
        HS_PRODUCTS(5, 2);
        HS_PRODUCTS(6, 2);
        HS_PRODUCTS(7, 2);
        HS_PRODUCTS(8, 2);
#endif
      }
    }
    i += columns * HS_LANES;
  }
#undef HS_PRODUCTS
}

/// Splits local numbers into i = local / s2 and j = local % s2, by a product with 1 / s2 in
/// double precision that is off by at most one, then corrected.
HS_INLINE void split_locals(i32x16 local, ptrdiff_t s2, int32_t i[HS_LANES],
                            int32_t j[HS_LANES]) {
  typedef double f64x16 __attribute__((ext_vector_type(16)));
  const u32x16 size = (u32x16)(uint32_t)s2;
  const f64x16 quotient = __builtin_convertvector(local, f64x16) * (f64x16)(1.0 / (double)s2);
  const i32x16 q = __builtin_convertvector(quotient, i32x16);
  const i32x16 rest = (i32x16)((u32x16)local - (u32x16)q * size);
  const i32x16 low = rest < 0;                  // -1 where q is one too large
  const i32x16 high = rest >= (i32x16)size;     // -1 where q is one too small
  store_i32(i, q + low - high);
  store_i32(j, (i32x16)((u32x16)rest + ((u32x16)low & size) - ((u32x16)high & size)));
}

HS_INLINE ptrdiff_t grid_recheck(ptrdiff_t blocks, ptrdiff_t count, const int32_t *locals,
                                 ptrdiff_t s2, const float *u, const float *v, const float *x,
                                 float b, int64_t first, int64_t *ids, float *values) {
  const held_row held = hold(blocks, x);
  int32_t i[HS_LANES], j[HS_LANES], fired_locals[HS_LANES];
  ptrdiff_t reported = 0;
  for (ptrdiff_t c = 0; c < count; c += HS_LANES) {
    const ptrdiff_t rest = count - c;
    const i32x16 local =
        rest < HS_LANES ? load_first_i32(rest, locals + c) : load_i32(locals + c);
    split_locals(local, s2, i, j);
    const f32x16 z = rest < HS_LANES ? dots_of_first_listed(blocks, rest, u, i, v, j, &held)
                                     : dots_of_listed(blocks, u, i, v, j, &held);
    const uint32_t fired = mask_of(z > splat(b)) & (rest < HS_LANES ? first_bits(rest) : 0xFFFF);
    if (rest < HS_LANES) {
      const int number = append_fired_exactly(fired, local, z, b, fired_locals, values + reported);
      for (int l = 0; l < number; l++) ids[reported + l] = first + fired_locals[l];
      return reported + number;
    }
    const int number = append_fired(fired, local, z, b, fired_locals, values + reported);
    *(i64x16_any *)(ids + reported) =
        __builtin_convertvector(load_i32(fired_locals), i64x16) + (i64x16)first;
    reported += number;
  }
  return reported;
}

ptrdiff_t HS_SUFFIX(hs_grid_recheck_f32)(ptrdiff_t count, const int32_t *locals, ptrdiff_t s2,
                                         ptrdiff_t stride, const float *u, const float *v,
                                         const float *x, float b, int64_t first, int64_t *ids,
                                         float *values) {
  // A number of blocks that is known unrolls the loop over them: 128 coordinates are common.
  if (stride == 8 * HS_LANES) {
    return grid_recheck(8, count, locals, s2, u, v, x, b, first, ids, values);
  }
  HS_WITH_BLOCKS(stride / HS_LANES, grid_recheck, count, locals, s2, u, v, x, b, first, ids,
                 values);
}
