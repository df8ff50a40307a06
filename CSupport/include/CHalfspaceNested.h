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
// fine code for what the level leaves out: k + 128, |k| <= 127, where coarse codes have 4 bits,
// and k + 8, |k| <= 7, of 4 bits where they have 6. Levels are half-integers; see
// hs_nested_encode_f32. The coarse codes of a tile are one stream: for each group of four
// coordinates the upper 4 bits of 256 codes, that of coordinate 4 g + i of row r being number
// c = 4 r + i: in byte c % 64 + 64 (c / 128), the lower half where c / 64 is even; and with 6 bits
// two bits of each besides, that of code c being bit c % 8 of byte 128 + c / 8 (the lowest) and of
// byte 160 + c / 8. The fine codes of a row stand together, fine_stride bytes from those of the
// next. With 8 bits coordinate l has byte l; with 4 bits fine_stride is a multiple of 64, and it
// has half of byte l / 128 * 64 + l % 64, the lower one where l / 64 is even. A query is t q as
// for certified tiles, in two planes, with zeros up to a multiple of HS_NESTED_PADDING. All sums
// are exact: callers see to it that 255 sum |q| < 2^31.
// ---------------------------------------------------------------------------------------

/// Queries are read in pieces of so many coordinates. Fine codes are followed by as many bytes.
#define HS_NESTED_PADDING 128
/// The coarse scale that is best for normal numbers: their deviation over this.
#define HS_NESTED_DEVIATION_4 46.5f
#define HS_NESTED_DEVIATION_6 32.0f
/// The largest level of 4 bits, and half of its widest step, in coarse scales: what fine codes of
/// 8 bits have to reach is at most the latter, or what exceeds the former.
#define HS_NESTED_TOP_4 127.5f
#define HS_NESTED_STEP_4 15.5f
/// How far fine codes of 4 bits are to reach: less than half of the widest steps of 6 bits, which
/// few coordinates need.
#define HS_NESTED_REACH_6 2.5f
/// The largest fine codes of 8 and of 4 bits.
#define HS_NESTED_LARGEST_8 127.0f
#define HS_NESTED_LARGEST_4 7.0f

/// Bytes of the coarse codes of a group of a tile.
static inline ptrdiff_t hs_nested_group_bytes(int bits) { return bits == 6 ? 192 : 128; }

/// Encodes n padded rows as rows slot..<slot + n of a tile. With a = |w[l] * inverse|, in float,
///   i = the number of j in 1...7 with a > cut[j]
///   4 bits: level = first[i],          code = w < 0 ? 7 - i : 8 + i
///   6 bits: p = the number of h in 0...2 with a > first[i] + step[i] * (h + 1 / 2)
///           level = first[i] + step[i] * p, code = w < 0 ? 31 - (4 i + p) : 32 + (4 i + p)
/// negative where w * inverse < 0, and e = w[l] - scale * level in double, k = e rounded to float,
/// times fine_inverse, rounded to an integer within the largest fine code as in
/// hs_tile_encode_f32.
/// `coarse` is the tile, `fine` the fine codes of row 0 of the n, all bytes of which are written.
/// coarse_residuals[r] = sum of e^2, fine_residuals[r] = sum of (e - fine_scale * k)^2 over
/// l < 4 * groups, squares[r] = sum of w[l]^2, in double, summed as in hs_tile_encode_f32.
/// 4 * groups <= stride.
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

/// Numbers of a query for hs_nested_fine: norm X, slack G, scale t, and what is to be taken off
/// the sums of coarse and of fine codes.
typedef struct {
  double norm, slack, scale, coarse_offset, fine_offset;
} hs_nested_query_t;

/// Most tiles of a block.
#define HS_NESTED_TILES 256

/// Filters `count` listed rows, by row number, by both codes, given their sums of coarse codes a.
/// All are of the tile_count <= HS_NESTED_TILES tiles from first_tile on, whose thresholds are
/// given. With the sum f of the fine codes times q, the numbers U, R, S, s of the row's tile
/// (tiles[4 * tile]) and its mark (marks[row]) a row is left out if
///   (S t) (a - coarse_offset) + (s t) (f - fine_offset) <= (b - R G) - mark (U X)
/// in double, no fma, unless the tile's threshold is INT32_MIN. What is kept stays in `rows` (room
/// for HS_LANES more), in order. Fine codes are prefetched. Returns how many are kept.
ptrdiff_t hs_nested_fine(ptrdiff_t count, int32_t *rows, const int32_t *sums, int bits,
                         ptrdiff_t groups, ptrdiff_t fine_stride, const uint8_t *fine,
                         const uint8_t *marks, const int8_t *high, const int8_t *low,
                         const hs_nested_query_t *query, double b, ptrdiff_t first_tile,
                         ptrdiff_t tile_count, const double *tiles, const int32_t *thresholds);

#ifdef __cplusplus
}
#endif

#endif
