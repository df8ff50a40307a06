// SPDX-License-Identifier: Apache-2.0
//
// The definition of the kernels of nested tiles, written to be read: see kernels_reference.c.
#include "kernels.h"
#include "nested_levels.h"
#include "reference_codes.h"

#pragma STDC FP_CONTRACT OFF

/// The code of a number in units of the scale.
static int coarse_code(int bits, float v) {
  const hs_nested_levels_t *levels = hs_nested_levels(bits);
  const float a = __builtin_fabsf(v);
  int i = 0;
  for (int j = 1; j < 8; j++) i += a > levels->cut[j];
  if (bits == 4) return v < 0 ? 7 - i : 8 + i;
  int p = 0;
  for (int h = 0; h < 3; h++) p += a > levels->first[i] + levels->step[i] * ((float)h + 0.5f);
  return v < 0 ? 31 - (4 * i + p) : 32 + (4 * i + p);
}

static float level(int bits, int code) {
  const hs_nested_levels_t *levels = hs_nested_levels(bits);
  const int half = bits == 6 ? 32 : 8, per_step = bits == 6 ? 4 : 1;
  const int n = code < half ? half - 1 - code : code - half;
  const float a = levels->first[n / per_step] + levels->step[n / per_step] * (float)(n % per_step);
  return code < half ? -a : a;
}

/// The byte and the bit of code c of a group, in one of the planes of one bit.
static uint8_t *bit_byte(uint8_t *group, int plane, int c) {
  return group + 128 + 32 * plane + c / 8;
}

static void put(int bits, uint8_t *group, int c, int code) {
  uint8_t *byte = group + c % 64 + 64 * (c / 128);
  const int shift = c / 64 % 2 * 4;
  const int upper = bits == 6 ? code >> 2 : code;
  *byte = (uint8_t)((*byte & ~(15 << shift)) | upper << shift);
  for (int plane = 0; plane < bits - 4; plane++) {
    byte = bit_byte(group, plane, c);
    *byte = (uint8_t)((*byte & ~(1 << c % 8)) | (code >> plane & 1) << c % 8);
  }
}

static int get(int bits, const uint8_t *group, int c) {
  const int upper = group[c % 64 + 64 * (c / 128)] >> c / 64 % 2 * 4 & 15;
  if (bits == 4) return upper;
  int code = upper << 2;
  for (int plane = 0; plane < 2; plane++) {
    code |= (*bit_byte((uint8_t *)group, plane, c) >> c % 8 & 1) << plane;
  }
  return code;
}

static void put_fine(int bits, uint8_t *row, ptrdiff_t l, int k) {
  if (bits == 4) {
    row[l] = (uint8_t)(k + 128);
  } else {
    row[l / 128 * 64 + l % 64] |= (uint8_t)((k + 8) << l / 64 % 2 * 4);
  }
}

static int get_fine(int bits, const uint8_t *row, ptrdiff_t l) {
  return bits == 4 ? row[l] : row[l / 128 * 64 + l % 64] >> l / 64 % 2 * 4 & 15;
}

void hs_nested_encode_f32_ref(ptrdiff_t n, int bits, ptrdiff_t groups, ptrdiff_t stride,
                              const float *w, float scale, float inverse, float fine_scale,
                              float fine_inverse, ptrdiff_t slot, uint8_t *coarse,
                              ptrdiff_t fine_stride, uint8_t *fine, double *coarse_residuals,
                              double *fine_residuals, double *squares) {
  const float largest = bits == 4 ? HS_NESTED_LARGEST_8 : HS_NESTED_LARGEST_4;
  for (ptrdiff_t r = 0; r < n; r++) {
    uint8_t *own = fine + r * fine_stride;
    for (ptrdiff_t i = 0; i < fine_stride; i++) own[i] = 0;
    double coarse_sums[HS_LANES] = {0}, fine_sums[HS_LANES] = {0}, square[HS_LANES] = {0};
    for (ptrdiff_t l = 0; l < stride; l++) {
      const float a = w[r * stride + l];
      const int code = coarse_code(bits, a * inverse);
      const double e = (double)a - (double)scale * (double)level(bits, code);
      const float k = rounded((float)e * fine_inverse, largest);
      const double f = e - (double)fine_scale * (double)k;
      const int lane = l % HS_LANES;
      square[lane] = square[lane] + (double)a * (double)a;
      if (l >= 4 * groups) continue;
      coarse_sums[lane] = coarse_sums[lane] + e * e;
      fine_sums[lane] = fine_sums[lane] + f * f;
      put(bits, coarse + l / 4 * hs_nested_group_bytes(bits), (int)(4 * (slot + r) + l % 4), code);
      put_fine(bits, own, l, (int)k);
    }
    coarse_residuals[r] = fold_double(coarse_sums);
    fine_residuals[r] = fold_double(fine_sums);
    squares[r] = fold_double(square);
  }
}

ptrdiff_t hs_nested_coarse_ref(ptrdiff_t m, ptrdiff_t count, int bits, ptrdiff_t groups,
                               const uint8_t *coarse, const uint8_t *marks, const float *margins,
                               float factor, const int8_t *high, const int8_t *low,
                               const int32_t *thresholds, int32_t first, int32_t *rows,
                               int32_t *sums) {
  const ptrdiff_t size = hs_nested_group_bytes(bits);
  ptrdiff_t kept = 0;
  for (ptrdiff_t t = 0; t < count; t++) {
    const float unit = margins[t] * factor;
    const int is_bounded = 255 * unit <= 0x1p30f;
    if (thresholds[t] == INT32_MAX && is_bounded) continue;
    const int keeps_all = thresholds[t] == INT32_MIN || !is_bounded;
    for (ptrdiff_t r = t * HS_TILE_ROWS; r < (t + 1) * HS_TILE_ROWS && r < m; r++) {
      int32_t sum = 0;
      for (ptrdiff_t l = 0; l < 4 * groups; l++) {
        const uint8_t *group = coarse + (t * groups + l / 4) * size;
        const int code = get(bits, group, (int)(4 * (r % HS_TILE_ROWS) + l % 4));
        sum += (int32_t)(level(bits, code) + 127.5f) * (256 * high[l] + low[l]);
      }
      if (!keeps_all) {
        const int32_t s = (int32_t)((float)marks[r] * unit) + 1;
        const int32_t threshold = thresholds[t];
        if (sum <= (threshold > INT32_MIN + s ? threshold : INT32_MIN + s) - s) continue;
      }
      rows[kept] = first + (int32_t)r;
      sums[kept++] = sum;
    }
  }
  return kept;
}

ptrdiff_t hs_nested_fine_ref(ptrdiff_t count, int32_t *rows, const int32_t *sums, int bits,
                             ptrdiff_t groups, ptrdiff_t fine_stride, const uint8_t *fine,
                             const uint8_t *marks, const int8_t *high, const int8_t *low,
                             const hs_nested_query_t *query, double b, ptrdiff_t first_tile,
                             ptrdiff_t tile_count, const double *tiles,
                             const int32_t *thresholds) {
  (void)tile_count;
  ptrdiff_t kept = 0;
  for (ptrdiff_t c = 0; c < count; c++) {
    const ptrdiff_t row = rows[c], tile = row / HS_TILE_ROWS;
    int32_t sum = 0;
    for (ptrdiff_t l = 0; l < 4 * groups; l++) {
      sum += get_fine(bits, fine + row * fine_stride, l) * (256 * high[l] + low[l]);
    }
    const double *p = tiles + 4 * tile;
    const double value = (p[2] * query->scale) * ((double)sums[c] - query->coarse_offset) +
                         (p[3] * query->scale) * ((double)sum - query->fine_offset);
    const double cutoff = (b - p[1] * query->slack) - (double)marks[row] * (p[0] * query->norm);
    if (value <= cutoff && thresholds[tile - first_tile] != INT32_MIN) continue;
    rows[kept++] = (int32_t)row;
  }
  return kept;
}
