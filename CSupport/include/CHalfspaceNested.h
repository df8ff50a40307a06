// SPDX-License-Identifier: Apache-2.0
//
// Kernels of nested tiles: codes in two planes, of which all of the first are read and few of the
// second. A part of CHalfspace.h, whose conventions hold here too; include that.
#ifndef CHALFSPACE_NESTED_H
#define CHALFSPACE_NESTED_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// ---------------------------------------------------------------------------------------
// A row w of a tile of HS_TILE_ROWS is approximated by S level + s k: a coarse code of 4 or 6 bits
// for the level, whose steps widen outward as those of a quantizer for normal numbers do, and a
// fine code k + 128, |k| <= 127, for what the level leaves out. Levels are half-integers; see
// hs_nested_encode_f32. The coarse codes of a tile are one stream: for each group of four
// coordinates the upper 4 bits of 256 codes, that of coordinate 4 g + i of row r being number
// c = 4 r + i: in byte c % 64 + 64 (c / 128), the lower half where c / 64 is even; and with 6 bits
// two bits of each besides, that of code c being bit c % 8 of byte 128 + c / 8 (the lowest) and of
// byte 160 + c / 8. The fine codes of a row stand together. A query is t q as for certified tiles,
// in two planes, with zeros up to a multiple of HS_NESTED_PADDING. All sums are exact: callers see
// to it that 255 sum |q| < 2^31.
// ---------------------------------------------------------------------------------------

/// Bytes that are read at once of queries and fine codes: behind the last row there are as many.
#define HS_NESTED_PADDING 64
/// The largest level, and half of the widest step: what the fine codes have to reach is at most the
/// larger of the latter and what exceeds the former, in units of the coarse scale.
#define HS_NESTED_TOP_4 127.5f
#define HS_NESTED_TOP_6 125.5f
#define HS_NESTED_STEP_4 15.5f
#define HS_NESTED_STEP_6 4.0f
/// The coarse scale that is best for normal numbers: their deviation over this.
#define HS_NESTED_DEVIATION_4 46.5f
#define HS_NESTED_DEVIATION_6 36.5f

/// Bytes of the coarse codes of a group of a tile.
static inline ptrdiff_t hs_nested_group_bytes(int bits) { return bits == 6 ? 192 : 128; }

/// Encodes n padded rows as rows slot..<slot + n of a tile. With a = |w[l] * inverse|, in float,
///   i = the number of j in 1...7 with a > cut[j]
///   4 bits: level = first[i],          code = w < 0 ? 7 - i : 8 + i
///   6 bits: p = the number of h in 0...2 with a > first[i] + step[i] * (h + 1 / 2)
///           level = first[i] + step[i] * p, code = w < 0 ? 31 - (4 i + p) : 32 + (4 i + p)
/// negative where w * inverse < 0, and e = w[l] - scale * level in double, k = e rounded to float,
/// times fine_inverse, rounded to an integer as in hs_tile_encode_f32. `coarse` is the tile, `fine`
/// the row of fine codes of row 0 of the n, fine_stride bytes apart. coarse_residuals[r] = sum of
/// e^2, fine_residuals[r] = sum of (e - fine_scale * k)^2, squares[r] = sum of w[l]^2, in double,
/// summed as in hs_tile_encode_f32. 4 * groups <= stride; what is behind 4 * groups is not stored.
void hs_nested_encode_f32(ptrdiff_t n, int bits, ptrdiff_t groups, ptrdiff_t stride,
                          const float *w, float scale, float inverse, float fine_scale,
                          float fine_inverse, ptrdiff_t slot, uint8_t *coarse,
                          ptrdiff_t fine_stride, uint8_t *fine, double *coarse_residuals,
                          double *fine_residuals, double *squares);

/// Filters the rows r < m of `count` consecutive tiles by their coarse codes. The sum of a row is
/// a = sum of (level + 127.5) q. With mark[r] (HS_TILE_ROWS of each tile) and u = margins[t] *
/// factor in float, row r of tile t is kept if a exceeds
///   max(threshold[t], -2^31 + s) - s,  s = mark[r] * u, truncated, + 1,
/// none where threshold[t] is INT32_MAX; but all where it is INT32_MIN or NOT (255 u <= 2^30).
/// Writes first + r and a, room for 64 * count + HS_LANES each; returns how many.
ptrdiff_t hs_nested_coarse(ptrdiff_t m, ptrdiff_t count, int bits, ptrdiff_t groups,
                           const uint8_t *coarse, const uint8_t *marks, const float *margins,
                           float factor, const int8_t *high, const int8_t *low,
                           const int32_t *thresholds, int32_t first, int32_t *rows,
                           int32_t *sums);

/// Numbers of a query for hs_nested_fine: norm X, slack G, scale t, and what is to be taken off the
/// sums of coarse and of fine codes.
typedef struct {
  double norm, slack, scale, coarse_offset, fine_offset;
} hs_nested_query_t;

/// Most tiles of a block.
#define HS_NESTED_TILES 256

/// Filters `count` listed rows, by row number, by both codes, given their sums of coarse codes a.
/// All are of the tile_count <= HS_NESTED_TILES tiles from first_tile on, whose thresholds are given.
/// With the sum f of (k + 128) q and the numbers E, R, S, s of the row's tile (tiles[4 * tile]) a row
/// is left out if
///   (S t) (a - coarse_offset) + (s t) (f - fine_offset) <= b - (E X + R G)
/// in double, no fma, unless the tile's threshold is INT32_MIN. What is kept stays in `rows` (room for
/// HS_LANES more), in order. Fine codes are prefetched. Returns how many are kept.
ptrdiff_t hs_nested_fine(ptrdiff_t count, int32_t *rows, const int32_t *sums, ptrdiff_t groups,
                         ptrdiff_t fine_stride, const uint8_t *fine, const int8_t *high,
                         const int8_t *low, const hs_nested_query_t *query, double b,
                         ptrdiff_t first_tile, ptrdiff_t tile_count, const double *tiles,
                         const int32_t *thresholds);

#ifdef __cplusplus
}
#endif

#endif
