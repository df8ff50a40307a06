// SPDX-License-Identifier: Apache-2.0
//
// Rows of certified tiles that move: how long their codes stand for them, and new ones. A part of CHalfspace.h, whose
// conventions hold here too; include that.
#ifndef CHALFSPACE_CODED_ROWS_H
#define CHALFSPACE_CODED_ROWS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What the codes of a tile stand for: w = scale * (code - 128) + e with a canonical <e, e>, e = fma(128 - code,
/// scale, w), of at most `limit`; `reach` is as far as e may go then. `room` is added to bounds of norms; the tile
/// wants another scale when all norms have fallen to `small`, or after so many renewals.
typedef struct {
  float scale, limit, reach, room, small;
  int32_t renewals;
} hs_coded_tile_t;

/// Lists those of n padded rows whose codes no longer stand for them, NaN included: NOT (<e, e> <= limit), with
/// e, and <e, e> as hs_dot_f32 sums it, in float. Tile t has rows 64 t..., and codes from
/// 256 t groups on. Row r is row names[r] of w, or row r where `names` is NULL. slacks[id] = fma(sqrt(<e, e>),
/// -(1 + 2^-18), reach), how far a row may move before it has to be listed. Returns the number of the listed; room
/// for n in `beyond`.
ptrdiff_t hs_codes_beyond_f32(ptrdiff_t n, const int32_t *ids, const int32_t *names,
                              ptrdiff_t stride, const float *w, ptrdiff_t groups, const uint8_t *codes,
                              const hs_coded_tile_t *tiles, float *slacks, int32_t *beyond);

/// Encodes n padded rows, called as above, with the scales of their tiles, as hs_tile_encode_f32 does with the inverse
/// 1 / scale, and counts a renewal each. slacks[id] as above. norms[id] = fma(sqrt(<w, w>), 1 + 2^-18, room), which
/// is above |w| + room as long as that is above 2^-60; bounds[4 t + 1] of its tile becomes at least norms[id] +
/// bounds[4 t]. Lists the rows whose codes do not stand for them, whose norm was the last of the tile's 64 above
/// `small`, or whose tile has no renewals left. Returns their number; room for n in `outgrown`.
ptrdiff_t hs_renew_codes_f32(ptrdiff_t n, const int32_t *ids, const int32_t *names,
                             ptrdiff_t stride, const float *w, ptrdiff_t groups,
                             hs_coded_tile_t *tiles, uint8_t *codes, float *norms, float *slacks,
                             double *bounds, int32_t *outgrown);

/// Notes that rows have moved by at most these distances: errors and norms of a row grow by its distance,
/// and by one unit in the last place; bounds[4 t] and bounds[4 t + 1] of its tile become at least the error
/// and the error plus the norm. Rows whose error would exceed the budget of their tile, a Float at
/// budgets + t * bytes, or that have no finite distance or norm, are left alone and listed in `over`, for
/// which there is room for n. Returns their number.
ptrdiff_t hs_note_moves_f32(ptrdiff_t n, const int32_t *rows, const float *displacements,
                            const char *budgets, ptrdiff_t bytes, float *errors, float *norms,
                            double *bounds, int32_t *over);

/// Takes distances that rows have moved at most from their slacks, which become less than the difference, and
/// lists the rows that have none left, or whose distance is no number >= 0, in `spent`, for which there is room for
/// n. Returns their number.
ptrdiff_t hs_spend_slack_f32(ptrdiff_t n, const int32_t *rows, const float *displacements,
                             float *slacks, int32_t *spent);

#ifdef __cplusplus
}
#endif

#endif
