// SPDX-License-Identifier: Apache-2.0
//
// SIMD kernels of candidate lists: the candidates of a batch, row by row, and which rows have moved too far, sixteen
// at a time. Comes after kernels_pairs.inc.h.
#include "simd.inc.h"

// ---------------------------------------------------------------------------------------
// Candidates
// ---------------------------------------------------------------------------------------

// A bit for each list that a row is in: setting it takes as long as counting entries would, and lists of
// pairs come from bits as they do from tiles, without a second walk through the entries. Words lie as
// list_pairs has them, those of 64 rows together. Lists are walked block of rows by block of rows, whose
// words stay in the first-level cache.

/// Where the words of row r begin.
HS_INLINE ptrdiff_t place_of_masks(ptrdiff_t words, ptrdiff_t r) {
  return (r & ~(ptrdiff_t)(HS_WORD - 1)) * words + (r & (HS_WORD - 1));
}

/// Sets the bits of entries below `end` and moves the lists' begins behind them.
HS_INLINE void mark_lists(ptrdiff_t words, ptrdiff_t n, ptrdiff_t *begins, const ptrdiff_t *ends,
                          const int32_t *ids, int32_t first, int32_t end, uint64_t *masks) {
  enum { lists_ahead = 4, together = 4 };
  for (ptrdiff_t k = 0; k < n; k++) {
    uint64_t *own = masks + k / HS_WORD * HS_WORD;
    const uint64_t bit = (uint64_t)1 << k % HS_WORD;
    ptrdiff_t e = begins[k];
    const ptrdiff_t last = ends[k];
    if (k + lists_ahead < n) __builtin_prefetch(ids + begins[k + lists_ahead]);
    for (; e + together <= last && ids[e + together - 1] < end; e += together) {
      for (int i = 0; i < together; i++) own[place_of_masks(words, ids[e + i] - first)] |= bit;
    }
    for (; e < last && ids[e] < end; e++) own[place_of_masks(words, ids[e] - first)] |= bit;
    begins[k] = e;
  }
}

/// Gives those of the ids, ascending, that are below `end` all bits, those of the last word being `last`.
/// Returns how many these are.
HS_INLINE ptrdiff_t fill_masks(ptrdiff_t n, const int32_t *ids, int32_t first, int32_t end,
                               ptrdiff_t words, uint64_t last, uint64_t *masks) {
  ptrdiff_t i = 0;
  for (; i < n && ids[i] < end; i++) {
    uint64_t *own = masks + place_of_masks(words, ids[i] - first);
    for (ptrdiff_t k = 0; k < words; k++) own[k * HS_WORD] = k < words - 1 ? ~(uint64_t)0 : last;
  }
  return i;
}

/// Gives those of the ids i..<n, ascending, that are below `end` the bits of row i of tiles. Returns the first
/// that is not.
HS_INLINE ptrdiff_t copy_masks(ptrdiff_t i, ptrdiff_t n, const int32_t *ids, int32_t first,
                               int32_t end, ptrdiff_t words, const uint64_t *from,
                               uint64_t *masks) {
  for (; i < n && ids[i] < end; i++) {
    const uint64_t *bits = from + place_of_masks(words, i);
    uint64_t *own = masks + place_of_masks(words, ids[i] - first);
    for (ptrdiff_t k = 0; k < words; k++) own[k * HS_WORD] = bits[k * HS_WORD];
  }
  return i;
}

/// The lists whose candidates are wanted, and what is known beside them.
typedef struct {
  ptrdiff_t n;
  ptrdiff_t *begins;
  const ptrdiff_t *ends;
  const int32_t *ids, *whole, *coded;
  ptrdiff_t whole_count, coded_first, coded_end;
  const uint64_t *coded_masks;
} listed_rows;

/// hs_list_candidates for lists that fill `words` words, a constant where there is one.
HS_INLINE ptrdiff_t list_candidates(ptrdiff_t words, const listed_rows *lists, int32_t first,
                                    ptrdiff_t count, uint64_t *masks, int32_t *owners,
                                    int32_t *rows) {
  const listed_rows l = *lists;
  const ptrdiff_t fitting = HS_LIST_WORDS / words & ~(ptrdiff_t)(HS_WORD - 1);
  const ptrdiff_t size = fitting > 0 ? fitting : HS_WORD;
  const uint64_t last_bits = rows_of_tile(l.n - (words - 1) * HS_WORD);
  ptrdiff_t kept = 0, w = 0, c = l.coded_first;
  for (ptrdiff_t block = 0; block < count; block += size) {
    const ptrdiff_t rest = count - block < size ? count - block : size;
    const int32_t own = first + (int32_t)block, end = own + (int32_t)rest;
    mark_lists(words, l.n, l.begins, l.ends, l.ids, own, end, masks);
    w += fill_masks(l.whole_count - w, l.whole + w, own, end, words, last_bits, masks);
    c = copy_masks(c, l.coded_end, l.coded, own, end, words, l.coded_masks, masks);
    for (ptrdiff_t r = 0; r < rest; r += HS_WORD) {
      uint64_t *group = masks + r * words;
      const uint64_t found = rows_with_pairs(words, group);
      if (!found) continue;
      kept += list_pairs_fastest(found, words, group, own + (int32_t)r, owners + kept, rows + kept);
      memset(group, 0, (size_t)words * HS_WORD * sizeof *group);
    }
  }
  return kept;
}

ptrdiff_t HS_SUFFIX(hs_list_candidates)(ptrdiff_t n, ptrdiff_t *begins, const ptrdiff_t *ends,
                                        const int32_t *ids, int32_t first, ptrdiff_t count,
                                        ptrdiff_t whole_count, const int32_t *whole,
                                        ptrdiff_t coded_first, ptrdiff_t coded_end,
                                        const int32_t *coded, const uint64_t *coded_masks,
                                        uint64_t *masks, int32_t *owners, int32_t *rows) {
  if (n == 0) return 0;
  const listed_rows lists = {n, begins, ends, ids, whole, coded, whole_count, coded_first,
                             coded_end, coded_masks};
  const ptrdiff_t words = (n + HS_WORD - 1) / HS_WORD;
  return words == 1 ? list_candidates(1, &lists, first, count, masks, owners, rows)
                    : list_candidates(words, &lists, first, count, masks, owners, rows);
}

// ---------------------------------------------------------------------------------------
// Moves
// ---------------------------------------------------------------------------------------

/// The 16 lanes of <e, e> before they are folded, e = w - v, in the order of hs_dot_f32.
HS_INLINE f32x16 difference_sums(ptrdiff_t blocks, const float *w, const float *v) {
  f32x16 sum[4];
  for (ptrdiff_t p = 0; p < 4; p++) sum[p] = splat(0);
  for (ptrdiff_t k = 0; k < blocks; k++) {
    const f32x16 e = load(w + k * HS_LANES) - load(v + k * HS_LANES);
    sum[k & 3] = fmadd(e, e, sum[k & 3]);
  }
  if (blocks <= 1) return sum[0];
  if (blocks == 2) return sum[0] + sum[1];
  if (blocks == 3) return (sum[0] + sum[1]) + sum[2];
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

HS_INLINE ptrdiff_t moved_beyond(ptrdiff_t blocks, ptrdiff_t n, const int32_t *ids, const float *w,
                                 const float *reference, const float *limits, int32_t *moved) {
  const ptrdiff_t stride = blocks * HS_LANES;
  ptrdiff_t found = 0;
  for (ptrdiff_t k = 0; k < n; k += HS_LANES) {
    const int count = n - k < HS_LANES ? (int)(n - k) : HS_LANES;
    f32x16 sums[HS_LANES];
    float most[HS_LANES] = {0};
    int32_t numbers[HS_LANES] = {0};
    for (int i = 0; i < HS_LANES; i++) {
      const int32_t r = ids[k + (i < count ? i : 0)];
      numbers[i] = r;
      most[i] = limits[r];
      sums[i] = difference_sums(blocks, w + r * stride, reference + r * stride);
    }
#define HS_LISTED_SUMS(i) sums[i]
    const f32x16 squares = HS_FOLD_16(HS_LISTED_SUMS);
#undef HS_LISTED_SUMS
    const uint32_t present = count < HS_LANES ? ((uint32_t)1 << count) - 1 : 0xFFFF;
    const uint32_t beyond = ~mask_of(squares <= load(most)) & present;
    if (beyond) found += store_kept_exactly(beyond, load_i32(numbers), moved + found);
  }
  return found;
}

ptrdiff_t HS_SUFFIX(hs_moved_beyond_f32)(ptrdiff_t n, const int32_t *ids, ptrdiff_t stride,
                                         const float *w, const float *reference,
                                         const float *limits, int32_t *moved) {
  HS_WITH_BLOCKS(stride / HS_LANES, moved_beyond, n, ids, w, reference, limits, moved);
}

ptrdiff_t HS_SUFFIX(hs_places_of_rows)(ptrdiff_t n, const int32_t *ids, const int32_t *places,
                                       const float *lengths, int32_t *found,
                                       float *found_lengths) {
  ptrdiff_t count = 0;
  for (ptrdiff_t k = 0; k < n; k += HS_LANES) {
    int32_t own[HS_LANES];
    const ptrdiff_t lanes = n - k < HS_LANES ? n - k : HS_LANES;
    for (ptrdiff_t i = 0; i < lanes; i++) own[i] = places[ids[k + i]];
    for (ptrdiff_t i = lanes; i < HS_LANES; i++) own[i] = -1;
    const i32x16 place = load_i32(own);
    const uint32_t mask = mask_of(place >= 0);
    store_kept(mask, place, found + count);
    if (lengths) {
      const f32x16 length = lanes < HS_LANES ? load_first(lanes, lengths + k) : load(lengths + k);
      store_kept(mask, (i32x16)length, (int32_t *)found_lengths + count);
    }
    count += __builtin_popcount(mask);
  }
  return count;
}
