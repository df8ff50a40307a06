// SPDX-License-Identifier: Apache-2.0
//
// SIMD kernels of rows that move while codes stand for them: which codes no longer do, and new ones. Comes after
// kernels_tiles.inc.h.
#include "simd.inc.h"

/// Sixteen codes of one row less 128, from group g on; zeros behind the last group.
HS_INLINE f32x16 numbers_of_codes(ptrdiff_t groups, ptrdiff_t g, const uint8_t *codes) {
  i32x4 packed = {0, 0, 0, 0}, signs = {0, 0, 0, 0};
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) {
    if (g + i >= groups) continue;
    int32_t four;
    memcpy(&four, codes + (g + i) * HS_TILE_ROWS * 4, sizeof four);
    packed[i] = four;
    signs[i] = (int32_t)0x80808080;
  }
  packed ^= signs;
  return __builtin_convertvector(__builtin_convertvector((i8x16)packed, i32x16), f32x16);
}

/// What four chains over blocks come to, as in hs_dot_f32.
HS_INLINE f32x16 added_lanes(ptrdiff_t blocks, const f32x16 sum[4]) {
  if (blocks <= 1) return sum[0];
  if (blocks == 2) return sum[0] + sum[1];
  if (blocks == 3) return (sum[0] + sum[1]) + sum[2];
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/// The 16 lanes of <e, e> before they are folded, e = w - scale * k, in the order of hs_dot_f32.
HS_INLINE f32x16 error_sums(ptrdiff_t blocks, ptrdiff_t groups, const float *w, float scale,
                            const uint8_t *codes) {
  f32x16 sum[4] = {splat(0), splat(0), splat(0), splat(0)};
  for (ptrdiff_t k = 0; k < blocks; k++) {
    const f32x16 e = fmadd(numbers_of_codes(groups, 4 * k, codes), splat(-scale), load(w + k * HS_LANES));
    sum[k & 3] = fmadd(e, e, sum[k & 3]);
  }
  return added_lanes(blocks, sum);
}

/// How far rows with these <e, e> may move until e may be longer than `reach`.
HS_INLINE f32x16 slack_of(f32x16 errors, f32x16 reach) {
  return fmadd(__builtin_elementwise_sqrt(errors), splat(-(1 + 0x1p-18f)), reach);
}

#define HS_CODED_CHUNK 128  // rows whose places and limits are brought together

/// Where rows and their codes begin, and the scales and limits of their tiles.
typedef struct {
  const float *row[HS_CODED_CHUNK];
  const uint8_t *codes[HS_CODED_CHUNK];
  float scale[HS_CODED_CHUNK], limit[HS_CODED_CHUNK], reach[HS_CODED_CHUNK];
} coded_rows;

/// Sixteen rows of a chunk: lane i is the canonical <e, e> of row i.
HS_INLINE f32x16 coded_errors(ptrdiff_t blocks, ptrdiff_t groups, const coded_rows *rows,
                              ptrdiff_t at) {
#define HS_SUMS(i) \
  error_sums(blocks, groups, rows->row[at + i], rows->scale[at + i], rows->codes[at + i])
  HS_RETURN_FOLDS(blocks, HS_SUMS);
#undef HS_SUMS
}

HS_INLINE ptrdiff_t codes_beyond(ptrdiff_t blocks, ptrdiff_t groups, ptrdiff_t n,
                                 const int32_t *ids, const int32_t *names, const float *w,
                                 const uint8_t *codes, const hs_coded_tile_t *tiles,
                                 float *slacks, int32_t *beyond) {
  const ptrdiff_t stride = blocks * HS_LANES, size = HS_TILE_ROWS * 4 * groups;
  ptrdiff_t found = 0;
  coded_rows rows;
  for (ptrdiff_t begin = 0; begin < n; begin += HS_CODED_CHUNK) {
    const ptrdiff_t count = n - begin < HS_CODED_CHUNK ? n - begin : HS_CODED_CHUNK;
    const ptrdiff_t whole = (count + HS_LANES - 1) / HS_LANES * HS_LANES;
#pragma clang loop vectorize(disable)
    for (ptrdiff_t i = 0; i < whole; i++) {
      const uint32_t r = (uint32_t)ids[begin + (i < count ? i : 0)], tile = r / HS_TILE_ROWS;
      rows.row[i] = w + (names ? (uint32_t)names[r] : r) * stride;
      rows.codes[i] = codes + tile * size + r % HS_TILE_ROWS * 4;
      rows.scale[i] = tiles[tile].scale;
      rows.limit[i] = tiles[tile].limit;
      rows.reach[i] = tiles[tile].reach;
    }
    for (ptrdiff_t i = 0; i < count; i += HS_LANES) {
      const f32x16 errors = coded_errors(blocks, groups, &rows, i);
      const uint32_t mask = ~mask_of(errors <= load(rows.limit + i));
      const f32x16 left = slack_of(errors, load(rows.reach + i));
      const ptrdiff_t lanes = count - i < HS_LANES ? count - i : HS_LANES;
      for (ptrdiff_t l = 0; l < lanes; l++) slacks[ids[begin + i + l]] = left[l];
      // Whether there is one cannot be foreseen.
      if (count - i >= HS_LANES) {
        store_kept(mask & 0xFFFF, load_i32(ids + begin + i), beyond + found);
        found += __builtin_popcount(mask & 0xFFFF);
      } else {
        found += store_kept_exactly(mask & first_bits(count - i),
                                    load_first_i32(count - i, ids + begin + i), beyond + found);
      }
    }
  }
  return found;
}

ptrdiff_t HS_SUFFIX(hs_codes_beyond_f32)(ptrdiff_t n, const int32_t *ids, const int32_t *names,
                                         ptrdiff_t stride, const float *w, ptrdiff_t groups,
                                         const uint8_t *codes, const hs_coded_tile_t *tiles,
                                         float *slacks,
                                         int32_t *beyond) {
  switch (groups) {  // constants where rows are short
#define HS_CASE(number)                                                                        \
  case number:                                                                                 \
    if (stride == (number + 3) / 4 * HS_LANES) {                                               \
      return codes_beyond((number + 3) / 4, number, n, ids, names, w, codes, tiles, slacks,    \
                          beyond);                                                             \
    }                                                                                          \
    break
    HS_CASE(4);
    HS_CASE(5);
    HS_CASE(8);
#undef HS_CASE
  }
  HS_WITH_BLOCKS(stride / HS_LANES, codes_beyond, groups, n, ids, names, w, codes, tiles, slacks,
                 beyond);
}

/// Whether no norm of a tile's rows is above `most`.
HS_INLINE int are_small(const float *norms, float most) {
  i32x16 above = 0;
  for (ptrdiff_t l = 0; l < HS_TILE_ROWS; l += HS_LANES) above |= load(norms + l) > splat(most);
  return mask_of(above) == 0;
}

ptrdiff_t HS_SUFFIX(hs_renew_codes_f32)(ptrdiff_t n, const int32_t *ids, const int32_t *names,
                                        ptrdiff_t stride, const float *w, ptrdiff_t groups,
                                        hs_coded_tile_t *tiles, uint8_t *codes, float *norms,
                                        float *slacks,
                                        double *bounds, int32_t *outgrown) {
  ptrdiff_t found = 0;
  const ptrdiff_t blocks = stride / HS_LANES;
  for (ptrdiff_t i = 0; i < n; i++) {
    const uint32_t r = (uint32_t)ids[i], t = r / HS_TILE_ROWS;
    hs_coded_tile_t *tile = tiles + t;
    const float *row = w + (names ? (uint32_t)names[r] : r) * stride;
    const f32x16 scale = splat(tile->scale), inverse = splat(1 / tile->scale);
    uint8_t *own = codes + (t * groups * HS_TILE_ROWS + r % HS_TILE_ROWS) * 4;
    f32x16 error[4] = {splat(0), splat(0), splat(0), splat(0)};
    f32x16 square[4] = {splat(0), splat(0), splat(0), splat(0)};
    for (ptrdiff_t b = 0; b < blocks; b++) {
      const f32x16 lanes = load(row + b * HS_LANES);
      const f32x16 k = rounded(lanes * inverse, 127);
      const f32x16 e = fmadd(k, -scale, lanes);
      error[b & 3] = fmadd(e, e, error[b & 3]);
      square[b & 3] = fmadd(lanes, lanes, square[b & 3]);
      const u8x16 bytes = __builtin_convertvector(__builtin_convertvector(k, i32x16) + 128, u8x16);
      for (ptrdiff_t g = 4 * b; g < 4 * b + 4 && g < groups; g++) {
        memcpy(own + g * HS_TILE_ROWS * 4, (const char *)&bytes + 4 * (g - 4 * b), 4);
      }
    }
    const int was_large = norms[r] > tile->small;
    norms[r] = fmaf(sqrtf(fold(added_lanes(blocks, square))), 1 + 0x1p-18f, tile->room);
    const double reach = (double)norms[r] + bounds[4 * t];
    if (reach > bounds[4 * t + 1]) bounds[4 * t + 1] = reach;
    const float left_out = fold(added_lanes(blocks, error));
    slacks[r] = fmaf(sqrtf(left_out), -(1 + 0x1p-18f), tile->reach);
    const int fits = left_out <= tile->limit;
    const int shrinks = was_large && norms[r] <= tile->small &&
                        are_small(norms + t * HS_TILE_ROWS, tile->small);
    if (--tile->renewals <= 0 || !fits || shrinks) outgrown[found++] = (int32_t)r;
  }
  return found;
}
