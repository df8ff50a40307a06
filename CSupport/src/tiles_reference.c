// SPDX-License-Identifier: Apache-2.0
//
// The definition of the kernels of certified tiles, written to be read: see kernels_reference.c.
#include "kernels.h"
#include "reference_codes.h"

#pragma STDC FP_CONTRACT OFF

float hs_largest_f32_ref(ptrdiff_t n, const float *a) {
  float largest = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    const float magnitude = __builtin_fabsf(a[i]);
    if (magnitude > largest && magnitude < __builtin_inff()) largest = magnitude;
  }
  return largest;
}

void hs_tile_encode_f32_ref(ptrdiff_t n, ptrdiff_t groups, ptrdiff_t stride, const float *w,
                            float scale, float inverse, ptrdiff_t slot, uint8_t *codes,
                            double *residuals, double *squares) {
  for (ptrdiff_t r = 0; r < n; r++) {
    double residual[HS_LANES] = {0}, square[HS_LANES] = {0};
    for (ptrdiff_t l = 0; l < stride; l++) {
      const float a = w[r * stride + l];
      const float k = rounded(a * inverse, 127);
      const double e = (double)a - (double)scale * (double)k;
      residual[l % HS_LANES] = residual[l % HS_LANES] + e * e;
      square[l % HS_LANES] = square[l % HS_LANES] + (double)a * (double)a;
      if (l < 4 * groups) {
        codes[(l / 4 * HS_TILE_ROWS + slot + r) * 4 + l % 4] = (uint8_t)((int)k + 128);
      }
    }
    residuals[r] = fold_double(residual);
    squares[r] = fold_double(square);
  }
}

/// The canonical square of what codes of a row, `own` and every 4 * HS_TILE_ROWS bytes on, leave out.
static float error_of_codes(ptrdiff_t stride, const float *row, ptrdiff_t groups, float scale,
                            const uint8_t *own) {
  float acc[4][HS_LANES] = {{0}};
  for (ptrdiff_t l = 0; l < stride; l++) {
    const float k = l < 4 * groups ? (float)(own[l / 4 * HS_TILE_ROWS * 4 + l % 4] - 128) : 0;
    const float e = __builtin_fmaf(k, -scale, row[l]);
    float *sum = &acc[l / HS_LANES % 4][l % HS_LANES];
    *sum = __builtin_fmaf(e, e, *sum);
  }
  return folded_chains(stride / HS_LANES, acc);
}

/// How far a row with this <e, e> may move until e may be longer than `reach`.
static float slack_of(float error, float reach) {
  return __builtin_fmaf(__builtin_sqrtf(error), -(1 + 0x1p-18f), reach);
}

ptrdiff_t hs_codes_beyond_f32_ref(ptrdiff_t n, const int32_t *ids, const int32_t *names,
                                  ptrdiff_t stride, const float *w, ptrdiff_t groups,
                                  const uint8_t *codes, const hs_coded_tile_t *tiles,
                                  float *slacks, int32_t *beyond) {
  ptrdiff_t found = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    const ptrdiff_t r = ids[i], t = r / HS_TILE_ROWS;
    const uint8_t *own = codes + (t * groups * HS_TILE_ROWS + r % HS_TILE_ROWS) * 4;
    const float *row = w + (names ? names[r] : r) * stride;
    const float error = error_of_codes(stride, row, groups, tiles[t].scale, own);
    slacks[r] = slack_of(error, tiles[t].reach);
    if (!(error <= tiles[t].limit)) beyond[found++] = ids[i];
  }
  return found;
}

ptrdiff_t hs_renew_codes_f32_ref(ptrdiff_t n, const int32_t *ids, const int32_t *names,
                                 ptrdiff_t stride, const float *w, ptrdiff_t groups,
                                 hs_coded_tile_t *tiles, uint8_t *codes, float *norms,
                                 float *slacks, double *bounds, int32_t *outgrown) {
  ptrdiff_t found = 0;
  for (ptrdiff_t i = 0; i < n; i++) {
    const ptrdiff_t r = ids[i], t = r / HS_TILE_ROWS;
    hs_coded_tile_t *tile = tiles + t;
    const float *row = w + (names ? names[r] : r) * stride;
    uint8_t *own = codes + (t * groups * HS_TILE_ROWS + r % HS_TILE_ROWS) * 4;
    const float inverse = 1 / tile->scale;
    for (ptrdiff_t l = 0; l < 4 * groups; l++) {
      own[l / 4 * HS_TILE_ROWS * 4 + l % 4] = (uint8_t)((int)rounded(row[l] * inverse, 127) + 128);
    }
    const float square = hs_dot_f32_ref(stride, row, row);
    const int was_large = norms[r] > tile->small;
    norms[r] = __builtin_fmaf(__builtin_sqrtf(square), 1 + 0x1p-18f, tile->room);
    const double reach = (double)norms[r] + bounds[4 * t];
    if (reach > bounds[4 * t + 1]) bounds[4 * t + 1] = reach;
    const float error = error_of_codes(stride, row, groups, tile->scale, own);
    slacks[r] = slack_of(error, tile->reach);
    const int fits = error <= tile->limit;
    int shrinks = was_large && norms[r] <= tile->small;
    for (ptrdiff_t k = t * HS_TILE_ROWS; k < (t + 1) * HS_TILE_ROWS; k++) {
      if (norms[k] > tile->small) shrinks = 0;
    }
    if (--tile->renewals <= 0 || !fits || shrinks) outgrown[found++] = ids[i];
  }
  return found;
}

double hs_query_encode_f32_ref(ptrdiff_t groups, ptrdiff_t stride, const float *x, float scale,
                               float inverse, int8_t *high, int8_t *low, int32_t *sum) {
  const float largest = low ? HS_QUERY_LARGEST_16 : HS_QUERY_LARGEST_8;
  double residual[HS_LANES] = {0};
  *sum = 0;
  for (ptrdiff_t l = 0; l < stride; l++) {
    const float k = rounded(x[l] * inverse, largest);
    const double e = (double)x[l] - (double)scale * (double)k;
    residual[l % HS_LANES] = residual[l % HS_LANES] + e * e;
    if (l >= 4 * groups) continue;
    const int q = (int)k;
    *sum += q;
    if (low) {
      high[l] = (int8_t)((q + 128) >> 8);
      low[l] = (int8_t)(q - 256 * high[l]);
    } else {
      high[l] = (int8_t)q;
    }
  }
  return fold_double(residual);
}

void hs_queries_encode_f32_ref(ptrdiff_t n, ptrdiff_t groups, ptrdiff_t stride, const float *x,
                               const float *scales, int8_t *high, int8_t *low, int32_t *sums,
                               double *residuals) {
  for (ptrdiff_t i = 0; i < n; i++) {
    residuals[i] = hs_query_encode_f32_ref(groups, stride, x + i * stride, scales[i],
                                           1 / scales[i], high + i * 4 * groups,
                                           low ? low + i * 4 * groups : NULL, sums + i);
  }
}

void hs_query_sizes_f32_ref(ptrdiff_t n, ptrdiff_t stride, const float *x, float *squares,
                            float *largest) {
  for (ptrdiff_t i = 0; i < n; i++) {
    squares[i] = hs_dot_f32_ref(stride, x + i * stride, x + i * stride);
    largest[i] = hs_largest_f32_ref(stride, x + i * stride);
  }
}

int32_t hs_tile_span_ref(ptrdiff_t groups, const uint8_t *codes, ptrdiff_t slot, ptrdiff_t n) {
  if (n <= 0) return 0;
  int32_t span = 0;
  const ptrdiff_t end = (slot + n + HS_LANES - 1) / HS_LANES * HS_LANES;
  for (ptrdiff_t r = slot / HS_LANES * HS_LANES; r < end; r++) {
    for (ptrdiff_t part = 0; part < groups; part += HS_TILE_PART) {
      int32_t sums[2] = {0};
      for (ptrdiff_t g = part; g < part + HS_TILE_PART && g < groups; g++) {
        for (int i = 0; i < 4; i++) {
          const int32_t k = codes[(g * HS_TILE_ROWS + r) * 4 + i] - 128;
          sums[i / 2] += k * k;
        }
      }
      span = sums[0] > span ? sums[0] : span;
      span = sums[1] > span ? sums[1] : span;
    }
  }
  return span;
}

ptrdiff_t hs_tile_thresholds_ref(ptrdiff_t count, const int32_t *list, ptrdiff_t n,
                                 const double *tiles, const double *queries, double b,
                                 double largest, int32_t *thresholds) {
  ptrdiff_t pruned = 0;
  for (ptrdiff_t t = 0; t < count; t++) {
    const double *tile = tiles + 4 * (list ? list[t] : t);
    const double error = tile[0], radius = tile[1], inverse = tile[2], rest = tile[3];
    for (ptrdiff_t j = 0; j < n; j++) {
      const double norm = queries[j], slack = queries[n + j], tail = queries[4 * n + j];
      const double left = b - ((error * norm + radius * slack) + rest * tail);
      double v = (left * (inverse * queries[2 * n + j]) + queries[3 * n + j]) - 2;
      v = v > -0x1p31 ? v : -0x1p31;
      int32_t threshold = v < 0x1p31 - 1 ? (int32_t)v : INT32_MAX;
      if (radius * (norm + slack) + rest * tail <= b) threshold = INT32_MAX;
      if (!((radius + rest) * queries[5 * n + j] <= largest)) threshold = INT32_MIN;
      pruned += threshold == INT32_MAX;
      thresholds[t * n + j] = threshold;
    }
  }
  return pruned;
}

/// The code of coordinate l of row r, counted from the first of consecutive tiles.
static int code(ptrdiff_t groups, const uint8_t *codes, ptrdiff_t r, ptrdiff_t l) {
  const uint8_t *tile = codes + r / HS_TILE_ROWS * (HS_TILE_ROWS * 4 * groups);
  return tile[(l / 4 * HS_TILE_ROWS + r % HS_TILE_ROWS) * 4 + l % 4];
}

ptrdiff_t hs_tile_filter_one_ref(ptrdiff_t m, ptrdiff_t count, const int32_t *list,
                                 ptrdiff_t groups, const uint8_t *codes, const int8_t *high,
                                 const int8_t *low, const int32_t *thresholds,
                                 const int32_t *numbers, int32_t first, ptrdiff_t stride,
                                 const float *w, int32_t *candidates) {
  (void)stride, (void)w;  // only read ahead elsewhere
  ptrdiff_t kept = 0;
  for (ptrdiff_t t = 0; t < count; t++) {
    const ptrdiff_t begin = (list ? list[t] : t) * HS_TILE_ROWS;
    for (ptrdiff_t r = begin; r < begin + HS_TILE_ROWS && r < m; r++) {
      int32_t sum = 0;
      for (ptrdiff_t l = 0; l < 4 * groups; l++) {
        sum += code(groups, codes, r, l) * (256 * high[l] + low[l]);
      }
      if (sum > thresholds[t]) candidates[kept++] = numbers ? numbers[r] : first + (int32_t)r;
    }
  }
  return kept;
}

void hs_tile_filter_batch_ref(ptrdiff_t m, ptrdiff_t groups, const uint8_t *codes,
                              const int32_t *spans, ptrdiff_t n, const int8_t *q,
                              const int32_t *starts, int32_t span, const int32_t *thresholds,
                              int32_t first, ptrdiff_t stride, const float *w, int density,
                              ptrdiff_t capacity, int32_t *counts, int32_t *candidates) {
  (void)spans, (void)starts, (void)span;  // 32 bits hold every sum
  (void)stride, (void)w, (void)density;
  for (ptrdiff_t r = 0; r < m; r++) {
    for (ptrdiff_t j = 0; j < n; j++) {
      int32_t sum = 0;
      for (ptrdiff_t l = 0; l < 4 * groups; l++) {
        sum += code(groups, codes, r, l) * q[j * 4 * groups + l];
      }
      if (sum > thresholds[r / HS_TILE_ROWS * n + j]) {
        candidates[j * capacity + counts[j]++] = first + (int32_t)r;
      }
    }
  }
}
