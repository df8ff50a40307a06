// SPDX-License-Identifier: Apache-2.0
//
// Lists of candidates for static queries: the readable definition of what decides how far rows have
// moved and of how pairs are merged, and what does not depend on the instruction set: the merging of lists,
// and accounts of moves.
#include <math.h>

#include "kernels.h"
#include "reference_codes.h"

#pragma STDC FP_CONTRACT OFF

ptrdiff_t hs_moved_beyond_f32_ref(ptrdiff_t n, const int32_t *ids, ptrdiff_t stride,
                                  const float *w, const float *reference, const float *limits,
                                  int32_t *moved) {
  ptrdiff_t found = 0;
  for (ptrdiff_t k = 0; k < n; k++) {
    const ptrdiff_t at = ids[k] * stride;
    float acc[4][HS_LANES] = {{0}};
    for (ptrdiff_t l = 0; l < stride; l++) {
      const float e = w[at + l] - reference[at + l];
      float *sum = &acc[l / HS_LANES % 4][l % HS_LANES];
      *sum = __builtin_fmaf(e, e, *sum);
    }
    if (!(folded_chains(stride / HS_LANES, acc) <= limits[ids[k]])) moved[found++] = ids[k];
  }
  return found;
}

/// The first of ids[begin..<end], ascending, that is at least `id`.
static ptrdiff_t lower_bound(const int32_t *ids, ptrdiff_t begin, ptrdiff_t end, int32_t id) {
  // Halves without a branch: which one it is cannot be foreseen.
  for (ptrdiff_t length = end - begin; length > 0;) {
    const ptrdiff_t half = length / 2;
    const int is_less = ids[begin + half] < id;
    begin = is_less ? begin + half + 1 : begin;
    length = is_less ? length - half - 1 : half;
  }
  return begin;
}

ptrdiff_t hs_merge_lists(ptrdiff_t first, ptrdiff_t end, const ptrdiff_t *offsets, const int32_t *ids,
                         const uint8_t *dropped, ptrdiff_t active, const int32_t *active_lists,
                         const int32_t *starts, const int32_t *added, const int32_t *names,
                         ptrdiff_t *new_offsets, int32_t *new_ids) {
  ptrdiff_t written = 0, next = lower_bound(active_lists, 0, active, (int32_t)first);
  for (ptrdiff_t i = first; i < end; i++) {
    ptrdiff_t e = offsets[i];
    const ptrdiff_t last = offsets[i + 1];
    if (next < active && active_lists[next] == i) {
      for (ptrdiff_t a = starts[next]; a < starts[next + 1]; a++) {
        const int32_t name = names[added[a]];
        for (; e < last && ids[e] < name; e++) {
          new_ids[written] = ids[e];
          written += !dropped[ids[e]];
        }
        new_ids[written++] = name;
      }
      next++;
    }
    for (; e < last; e++) {
      new_ids[written] = ids[e];
      written += !dropped[ids[e]];
    }
    new_offsets[i + 1] = written;
  }
  return written;
}

void hs_fetch_lists(ptrdiff_t n, const ptrdiff_t *lists, const ptrdiff_t *offsets,
                    const int32_t *ids) {
  enum { line = 16 };
  for (ptrdiff_t k = 0; k < n; k++) {
    const ptrdiff_t last = offsets[lists[k] + 1];
    for (ptrdiff_t e = offsets[lists[k]]; e < last; e += line) __builtin_prefetch(ids + e, 0, 2);
  }
}

ptrdiff_t hs_find_entries(ptrdiff_t n, const ptrdiff_t *lists, const ptrdiff_t *offsets,
                          const int32_t *ids, int32_t first, int32_t end, ptrdiff_t *begins,
                          ptrdiff_t *ends) {
  ptrdiff_t total = 0;
  for (ptrdiff_t k = 0; k < n; k++) {
    const ptrdiff_t own = offsets[lists[k]], next = offsets[lists[k] + 1];
    begins[k] = first > 0 ? lower_bound(ids, own, next, first) : own;
    ends[k] = next > own && ids[next - 1] >= end ? lower_bound(ids, begins[k], next, end) : next;
    total += ends[k] - begins[k];
  }
  return total;
}

ptrdiff_t hs_places_of_rows_ref(ptrdiff_t n, const int32_t *ids, const int32_t *places,
                                const float *lengths, int32_t *found, float *found_lengths) {
  ptrdiff_t count = 0;
  for (ptrdiff_t k = 0; k < n; k++) {
    const int32_t place = places[ids[k]];
    if (place < 0) continue;
    found[count] = place;
    if (lengths) found_lengths[count] = lengths[k];
    count++;
  }
  return count;
}

ptrdiff_t hs_merge_pairs_f32(ptrdiff_t n1, const int32_t *ids1, const float *values1,
                             ptrdiff_t n2, const int32_t *ids2, const float *values2,
                             int32_t *ids, float *values) {
  ptrdiff_t i = 0, j = 0, written = 0;
  // A few among many: what lies between them is copied by loops whose ends alone are a surprise.
  for (; 4 * n2 < n1 && j < n2; j++) {
    for (; i < n1 && ids1[i] < ids2[j]; i++) {
      ids[written] = ids1[i];
      values[written++] = values1[i];
    }
    const int in_both = i < n1 && ids1[i] == ids2[j];
    ids[written] = ids2[j];
    values[written++] = in_both ? values1[i] : values2[j];
    i += in_both;
  }
  while (i < n1 && j < n2) {
    const int32_t a = ids1[i], b = ids2[j];
    ids[written] = a <= b ? a : b;
    values[written++] = a <= b ? values1[i] : values2[j];
    i += a <= b;
    j += b <= a;
  }
  for (; i < n1; i++) {
    ids[written] = ids1[i];
    values[written++] = values1[i];
  }
  for (; j < n2; j++) {
    ids[written] = ids2[j];
    values[written++] = values2[j];
  }
  return written;
}

ptrdiff_t hs_spend_f32(ptrdiff_t n, const int32_t *ids, const float *bounds, float *spent,
                       const float *allowances, int32_t *over) {
  ptrdiff_t found = 0;
  for (ptrdiff_t k = 0; k < n; k++) {
    const int32_t r = ids[k];
    const float sum = (spent[r] + bounds[k]) * (1 + 0x1p-22f);
    spent[r] = sum;
    over[found] = r;
    found += !(sum <= allowances[r]);
  }
  return found;
}

float hs_largest_square_f32(ptrdiff_t m, ptrdiff_t stride, const float *w) {
  float largest = 0;
  for (ptrdiff_t r = 0; r < m; r++) {
    float lanes[HS_LANES] = {0};
    const float *row = w + r * stride;
    ptrdiff_t at = 0;
    for (; at + HS_LANES <= stride; at += HS_LANES) {
      for (int l = 0; l < HS_LANES; l++) lanes[l] += row[at + l] * row[at + l];
    }
    for (int l = 0; at + l < stride; l++) lanes[l] += row[at + l] * row[at + l];
    float sum = 0;
    for (int l = 0; l < HS_LANES; l++) sum += lanes[l];
    if (!(sum <= largest)) largest = sum;
    if (isnan(largest)) return largest;
  }
  return largest;
}
