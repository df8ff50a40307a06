// SPDX-License-Identifier: Apache-2.0
//
// SIMD kernels of reports row by row: flat lists of pairs of a row and a query, all pairs of a row one
// after another. Where many queries are asked together they stay in the first-level cache while rows
// pass by, and what a training step wants is in its order. Comes after kernels_tile_filters.inc.h.
#include "simd.inc.h"

// ---------------------------------------------------------------------------------------
// Candidates
// ---------------------------------------------------------------------------------------

#define HS_WORD 64                                // queries of a word of bits
#define HS_WORDS (HS_PAIR_QUERIES / HS_WORD)

typedef uint64_t u64x8 __attribute__((ext_vector_type(8)));
typedef int32_t i32x8_pairs __attribute__((ext_vector_type(8)));

/// Bit i of word k becomes bit k of word i, among 2 s words and bits that differ in bit s of their
/// number, in vectors of eight words: s >= 8 pairs vectors.
HS_INLINE void swap_far(int s, uint64_t low, u64x8 v[8]) {
#pragma clang loop unroll(full)
  for (int k = 0; k < 8; k++) {
    if (k & (s / 8)) continue;
    const u64x8 t = ((v[k] >> (u64x8)(uint64_t)s) ^ v[k + s / 8]) & (u64x8)low;
    v[k] ^= t << (u64x8)(uint64_t)s;
    v[k + s / 8] ^= t;
  }
}

/// The same for s < 8, within vectors; `other` has lane l ^ s in lane l.
HS_INLINE u64x8 swap_near(int s, uint64_t low, u64x8 v, u64x8 other) {
  u64x8 mask, left, right;
#pragma clang loop unroll(full)
  for (int l = 0; l < 8; l++) {
    mask[l] = l & s ? ~low : low;
    left[l] = l & s ? 0 : (uint64_t)s;
    right[l] = l & s ? (uint64_t)s : 0;
  }
  return (v & mask) | (((other << left) >> right) & ~mask);
}

/// Transposes 64 words of 64 bits.
HS_INLINE void transpose_bits(uint64_t words[HS_WORD]) {
  u64x8 v[8];
  memcpy(v, words, sizeof v);
  swap_far(32, 0x00000000FFFFFFFF, v);
  swap_far(16, 0x0000FFFF0000FFFF, v);
  swap_far(8, 0x00FF00FF00FF00FF, v);
#pragma clang loop unroll(full)
  for (int k = 0; k < 8; k++) {
    u64x8 a = v[k];
    a = swap_near(4, 0x0F0F0F0F0F0F0F0F, a, __builtin_shufflevector(a, a, 4, 5, 6, 7, 0, 1, 2, 3));
    a = swap_near(2, 0x3333333333333333, a, __builtin_shufflevector(a, a, 2, 3, 0, 1, 6, 7, 4, 5));
    a = swap_near(1, 0x5555555555555555, a, __builtin_shufflevector(a, a, 1, 0, 3, 2, 5, 4, 7, 6));
    v[k] = a;
  }
  memcpy(words, v, sizeof v);
}

/// The queries that rows are asked for together: numbers [n, 4 * groups], and lanes of them or NULL.
typedef struct {
  ptrdiff_t n, words;
  const int8_t *q;
  const int32_t *starts;
  const int8_t *lanes;
} pair_queries;

/// The rows that have a bit in any of their words masks[l], masks[HS_WORD + l], ...
HS_INLINE uint64_t rows_with_pairs(ptrdiff_t words, const uint64_t *masks) {
  uint64_t rows = 0;
  for (int l = 0; l < HS_WORD; l += HS_LANES) {
    i32x16 any = 0;
    for (ptrdiff_t k = 0; k < words; k++) {
      u64x8 low, high;
      memcpy(&low, masks + k * HS_WORD + l, sizeof low);
      memcpy(&high, masks + k * HS_WORD + l + 8, sizeof high);
      any |= __builtin_shufflevector(__builtin_convertvector(low != 0, i32x8_pairs),
                                     __builtin_convertvector(high != 0, i32x8_pairs), 0, 1, 2, 3, 4,
                                     5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    }
    rows |= (uint64_t)mask_of(any) << l;
  }
  return rows;
}

/// Lists the pairs of these rows of a tile, whose queries are the bits of masks[l], masks[HS_WORD + l], ...
/// as rows first + l. Returns how many; writes up to 16 more. Always takes as many steps for a row, unless
/// it has more than a few pairs: how many it has cannot be foreseen.
static __attribute__((noinline)) ptrdiff_t list_pairs(uint64_t rows, ptrdiff_t words,
                                                      const uint64_t *masks, int32_t first,
                                                      int32_t *ids, int32_t *queries) {
  enum { few = 8 };
  ptrdiff_t kept = 0;
  for (; rows; rows &= rows - 1) {
    const int l = __builtin_ctzll(rows);
    const i32x16 row = (i32x16)(first + l);
    for (ptrdiff_t k = 0; k < words; k++) {
      uint64_t mask = masks[k * HS_WORD + l];
      const int count = __builtin_popcountll(mask);
      const int32_t query = (int32_t)(k * HS_WORD);
      int32_t *to = queries + kept;
      store_i32(ids + kept, row);
#pragma clang loop unroll(full)
      for (int i = 0; i < few; i++, mask &= mask - 1) {
        to[i] = query + __builtin_ctzll(mask | (uint64_t)1 << 63);
      }
      for (int i = few; i < count; i++, mask &= mask - 1) to[i] = query + __builtin_ctzll(mask);
      for (int i = HS_LANES; i < count; i += HS_LANES) store_i32(ids + kept + i, row);
      kept += count;
    }
  }
  return kept;
}

#ifndef HS_QUERY_LANES
#define list_pairs_fastest list_pairs
#endif

HS_INLINE void prefetch_rows(uint64_t rows, ptrdiff_t stride, const float *w) {
  for (; rows; rows &= rows - 1) {
    const float *row = w + __builtin_ctzll(rows) * stride;
    for (ptrdiff_t l = 0; l < stride; l += HS_LANES) __builtin_prefetch(row + l, 0, 2);
  }
}

/// The queries of each row of a tile: masks[k * HS_WORD + l] has bit j where the pair of row l and
/// query k * HS_WORD + j is kept. Bits of rows behind the last may be anything.
HS_INLINE void tile_pair_masks(ptrdiff_t rows, ptrdiff_t groups, const uint8_t *codes,
                               const pair_queries *queries, int fits, const int32_t *thresholds,
                               uint64_t *masks) {
  const ptrdiff_t n = queries->n, words = queries->words;
  (void)rows;
#ifdef HS_QUERY_LANES
  if (queries->lanes) {
    for (ptrdiff_t k = 0; k < words; k++) {
      lane_masks(groups, rows, codes, queries->lanes + k * HS_LANE_BYTES(groups), n - k * HS_WORD,
                 thresholds + k * HS_WORD, masks + k * HS_WORD);
      for (ptrdiff_t l = rows; l < HS_WORD; l++) masks[k * HS_WORD + l] = 0;
    }
    return;
  }
#endif
  const ptrdiff_t per_query = 1 + (groups + HS_TILE_PART - 1) / HS_TILE_PART;
  const float *ahead = NULL;
  for (ptrdiff_t j = 0; j < n; j += HS_CODED_QUERIES) {
    const ptrdiff_t block = n - j < HS_CODED_QUERIES ? n - j : HS_CODED_QUERIES;
    tile_masks(block, groups, codes, queries->q + j * 4 * groups,
               fits ? queries->starts + j * per_query : NULL, thresholds + j, &ahead, NULL,
               masks + j);
  }
  for (ptrdiff_t j = n; j < words * HS_WORD; j++) masks[j] = 0;
  for (ptrdiff_t k = 0; k < words; k++) transpose_bits(masks + k * HS_WORD);
}

ptrdiff_t HS_SUFFIX(hs_tile_filter_pairs)(ptrdiff_t m, ptrdiff_t groups, const uint8_t *codes,
                                          const int32_t *spans, ptrdiff_t n, const int8_t *q,
                                          const int32_t *starts, int32_t span,
                                          const int32_t *thresholds, int32_t first,
                                          ptrdiff_t stride, const float *w, int32_t *ids,
                                          int32_t *queries) {
  const ptrdiff_t words = (n + HS_WORD - 1) / HS_WORD;
  pair_queries asked = {n, words, q, starts, NULL};
#ifdef HS_QUERY_LANES
  int8_t lanes[HS_WORDS * HS_LANE_BYTES(HS_HELD_GROUPS)];
  if (groups >= 1 && groups <= HS_HELD_GROUPS && n > HS_FEWEST_LANES) {
    for (ptrdiff_t k = 0; k < words; k++) {
      lanes_of_queries(n, k * HS_WORD, groups, q, lanes + k * HS_LANE_BYTES(groups));
    }
    asked.lanes = lanes;
  }
#endif
  uint64_t masks[HS_PAIR_QUERIES + HS_CODED_QUERIES];
  ptrdiff_t kept = 0;
  for (ptrdiff_t r = 0; r < m; r += HS_TILE_ROWS) {
    const ptrdiff_t rows = m - r < HS_TILE_ROWS ? m - r : HS_TILE_ROWS;
    const int fits = (int64_t)spans[r / HS_TILE_ROWS] * span <= (int64_t)INT16_MAX * INT16_MAX;
    tile_pair_masks(rows, groups, codes + r * 4 * groups, &asked, fits,
                    thresholds + r / HS_TILE_ROWS * n, masks);
    const uint64_t found = rows_with_pairs(words, masks) & rows_of_tile(m - r);
    if (w) prefetch_rows(found, stride, w + r * stride);
    kept += list_pairs_fastest(found, words, masks, first + (int32_t)r, ids + kept, queries + kept);
  }
  return kept;
}

// ---------------------------------------------------------------------------------------
// Candidates from lists
// ---------------------------------------------------------------------------------------

// A bit for each list that a row is in: setting it takes as long as counting entries would, and lists of
// pairs come from bits as they do from tiles, without a second walk through the entries. Words lie as
// list_pairs has them, those of 64 rows together. Lists are walked block of rows by block of rows, whose
// words stay in the first-level cache.

/// The first word of row r.
HS_INLINE uint64_t *row_masks(uint64_t *masks, ptrdiff_t words, ptrdiff_t r) {
  return masks + (r & ~(ptrdiff_t)(HS_WORD - 1)) * words + (r & (HS_WORD - 1));
}

/// Sets the bits of entries below `end` and moves the lists' begins behind them.
HS_INLINE void mark_lists(ptrdiff_t words, ptrdiff_t n, ptrdiff_t *begins, const ptrdiff_t *ends,
                          const int32_t *ids, int32_t first, int32_t end, uint64_t *masks) {
  for (ptrdiff_t k = 0; k < n; k++) {
    uint64_t *own = masks + k / HS_WORD * HS_WORD;
    const uint64_t bit = (uint64_t)1 << k % HS_WORD;
    ptrdiff_t e = begins[k];
    const ptrdiff_t last = ends[k];
    for (; e < last && ids[e] < end; e++) *row_masks(own, words, ids[e] - first) |= bit;
    begins[k] = e;
  }
}

/// Gives those of the ids, ascending, that are below `end` these bits of their last word, and all of the
/// others or none. Returns how many these are.
HS_INLINE ptrdiff_t fill_masks(ptrdiff_t n, const int32_t *ids, int32_t first, int32_t end,
                               ptrdiff_t words, uint64_t others, uint64_t last, uint64_t *masks) {
  ptrdiff_t i = 0;
  for (; i < n && ids[i] < end; i++) {
    uint64_t *own = row_masks(masks, words, ids[i] - first);
    for (ptrdiff_t k = 0; k < words; k++) own[k * HS_WORD] = k < words - 1 ? others : last;
  }
  return i;
}

ptrdiff_t HS_SUFFIX(hs_list_candidates)(ptrdiff_t n, ptrdiff_t *begins, const ptrdiff_t *ends,
                                        const int32_t *ids, int32_t first, ptrdiff_t count,
                                        ptrdiff_t whole_count, const int32_t *whole,
                                        ptrdiff_t dropped_count, const int32_t *dropped,
                                        uint64_t *masks, int32_t *owners, int32_t *rows) {
  if (n == 0) return 0;
  const ptrdiff_t words = (n + HS_WORD - 1) / HS_WORD;
  const ptrdiff_t fitting = HS_LIST_WORDS / words & ~(ptrdiff_t)(HS_WORD - 1);
  const ptrdiff_t size = fitting > 0 ? fitting : HS_WORD;
  const uint64_t last_bits = rows_of_tile(n - (words - 1) * HS_WORD);
  ptrdiff_t kept = 0, w = 0, d = 0;
  for (ptrdiff_t block = 0; block < count; block += size) {
    const ptrdiff_t rest = count - block < size ? count - block : size;
    const int32_t own = first + (int32_t)block, end = own + (int32_t)rest;
    if (words == 1) {
      mark_lists(1, n, begins, ends, ids, own, end, masks);
    } else {
      mark_lists(words, n, begins, ends, ids, own, end, masks);
    }
    w += fill_masks(whole_count - w, whole + w, own, end, words, ~(uint64_t)0, last_bits, masks);
    d += fill_masks(dropped_count - d, dropped + d, own, end, words, 0, 0, masks);
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

// ---------------------------------------------------------------------------------------
// Decisions
// ---------------------------------------------------------------------------------------

#define HS_RECHECK_AHEAD 32           // pairs between the one decided and the one prefetched
#define HS_NEAR_BYTES (4 * 1024 * 1024)  // of rows that the processor fetches early enough by itself

HS_INLINE ptrdiff_t recheck_pairs(ptrdiff_t blocks, ptrdiff_t count, const int32_t *ids,
                                  const int32_t *queries, const float *w, const float *x, float b,
                                  int32_t *fired_ids, int32_t *fired_queries, float *values) {
  ptrdiff_t fired = 0, c = 0;
  // Where rows ascend, and are few enough to be near, they come in time without being asked for.
  const ptrdiff_t bytes = count > 0 ? (ids[count - 1] - ids[0]) * blocks * HS_LANES * 4 : 0;
  const ptrdiff_t ahead = bytes > HS_NEAR_BYTES ? HS_RECHECK_AHEAD : count;
  for (; c + HS_LANES <= count; c += HS_LANES) {
    if (c + ahead + HS_LANES <= count) {
      for (int i = 0; i < HS_LANES; i++) {
        prefetch_row(blocks, w + ids[c + ahead + i] * blocks * HS_LANES);
      }
    }
    const f32x16 z = dots_of_pairs(blocks, w, ids + c, x, queries + c);
    const uint32_t mask = mask_of(z > splat(b));
    const i32x16 query = load_i32(queries + c);
    store_kept(mask, load_i32(ids + c), fired_ids + fired);
    store_kept(mask, query, fired_queries + fired);
    store_kept(mask, (i32x16)(z - splat(b)), (int32_t *)values + fired);
    fired += __builtin_popcount(mask);
  }
  if (c < count) {
    int32_t last_ids[HS_LANES], last_queries[HS_LANES];
    store_i32(last_ids, load_first_i32(count - c, ids + c));
    store_i32(last_queries, load_first_i32(count - c, queries + c));
    for (ptrdiff_t i = count - c; i < HS_LANES; i++) last_ids[i] = last_ids[0];
    const f32x16 z = dots_of_pairs(blocks, w, last_ids, x, last_queries);
    const uint32_t mask = mask_of(z > splat(b)) & first_bits(count - c);
    store_kept_exactly(mask, load_i32(last_ids), fired_ids + fired);
    store_kept_exactly(mask, load_i32(last_queries), fired_queries + fired);
    fired += store_kept_exactly(mask, (i32x16)(z - splat(b)), (int32_t *)values + fired);
  }
  return fired;
}

ptrdiff_t HS_SUFFIX(hs_recheck_pairs_f32)(ptrdiff_t count, const int32_t *ids,
                                          const int32_t *queries, ptrdiff_t stride,
                                          const float *w, const float *x, float b,
                                          int32_t *fired_ids, int32_t *fired_queries,
                                          float *values) {
  HS_WITH_BLOCKS(stride / HS_LANES, recheck_pairs, count, ids, queries, w, x, b, fired_ids,
                 fired_queries, values);
}

ptrdiff_t HS_SUFFIX(hs_group_pairs)(ptrdiff_t pairs, const int32_t *ids, int32_t *active,
                                    int32_t *starts) {
  ptrdiff_t n = 0;
  int32_t before = -1;
  for (ptrdiff_t e = 0; e < pairs; e += HS_LANES) {
    const ptrdiff_t left = pairs - e;
    const i32x16 own = left < HS_LANES ? load_first_i32(left, ids + e) : load_i32(ids + e);
    i32x16 previous = __builtin_shufflevector(own, own, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
                                              13, 14);
    previous[0] = before;
    uint32_t mask = mask_of(own != previous);
    if (left < HS_LANES) mask &= first_bits(left);
    store_kept(mask, own, active + n);
    store_kept(mask, lane_numbers() + (int32_t)e, starts + n);
    n += __builtin_popcount(mask);
    before = own[HS_LANES - 1];
  }
  starts[n] = (int32_t)pairs;
  return n;
}

void HS_SUFFIX(hs_list_owners)(ptrdiff_t n, const int32_t *active, const int32_t *starts,
                               int32_t *owners) {
  for (ptrdiff_t k = 0; k < n; k++) fill_lanes(owners, starts[k], starts[k + 1], active[k]);
}

// ---------------------------------------------------------------------------------------
// Forward
// ---------------------------------------------------------------------------------------

/// The pairs of a report and what is summed.
typedef struct {
  const int32_t *ids, *queries;
  const float *values, *a;
} weighted_pairs;

/// The sum of pair e's query += value * row of a, `blocks` blocks (a constant of at most 4) of rows of
/// `stride` floats, or with 0 one float.
HS_INLINE void add_weighted(ptrdiff_t blocks, ptrdiff_t stride, const weighted_pairs *p, ptrdiff_t e,
                            float *sums) {
  const float *row = p->a + p->ids[e] * stride;
  float *sum = sums + p->queries[e] * stride;
  if (blocks == 0) {
    *sum = fmaf(p->values[e], *row, *sum);
    return;
  }
  const f32x16 h = splat(p->values[e]);
  for (ptrdiff_t j = 0; j < blocks; j++) {
    store(sum + j * HS_LANES, fmadd(h, load(row + j * HS_LANES), load(sum + j * HS_LANES)));
  }
}

/// A shard whose sum grows: pairs at..<last are left.
typedef struct {
  ptrdiff_t at, last;
  float *sums;
  int is_told;
} shard_lane;

#define HS_TURNS_AT_LEAST 64  // turns after which a shard that is waited for is looked for again

/// Adds the next `turns` pairs of each of `count` lanes (a constant). Neighbors often fire on the same queries, whose
/// sums then wait for each other: shards take turns.
HS_INLINE void take_turns(ptrdiff_t blocks, ptrdiff_t stride, int count, ptrdiff_t turns,
                          const weighted_pairs *pairs, shard_lane *lanes) {
  const weighted_pairs p = *pairs;
  const ptrdiff_t rows = blocks > 0 ? blocks : 1;
  ptrdiff_t at[HS_SHARDS_TOGETHER];
  float *sums[HS_SHARDS_TOGETHER];
  for (int k = 0; k < count; k++) {
    at[k] = lanes[k].at;
    sums[k] = lanes[k].sums;
    lanes[k].at += turns;
  }
  for (ptrdiff_t i = 0; i < turns; i++) {
    const ptrdiff_t ahead = i + HS_PAIRS_AHEAD / count < turns ? HS_PAIRS_AHEAD / count : 0;
#pragma clang loop unroll(full)
    for (int k = 0; k < count; k++) {
      prefetch_row(rows, p.a + p.ids[at[k] + i + ahead] * stride);
      add_weighted(blocks, stride, &p, at[k] + i, sums[k]);
    }
  }
}

/// Shards of which some are begun, or gone on with, elsewhere: see hs_forward_pairs_f32.
typedef struct {
  ptrdiff_t shards;
  const ptrdiff_t *first;
  ptrdiff_t plane;
  float *sums;
  int32_t *told;
  const int32_t *awaited;
} shard_list;

/// Sums all shards; as many as can take turns, as long as there are so many. Returns HS_SHARDS_...
HS_INLINE int add_all_shards(ptrdiff_t blocks, ptrdiff_t stride, const shard_list *list,
                             const weighted_pairs *pairs) {
  shard_lane lanes[HS_SHARDS_TOGETHER];
  const ptrdiff_t shards = list->shards, *first = list->first;
  ptrdiff_t next = list->awaited ? 1 : 0;
  const ptrdiff_t end = list->told ? shards - 1 : shards;
  int is_last_left = list->told != NULL, is_first_left = list->awaited != NULL;
  int count = 0, result = 0;
  for (;;) {
    while (count < HS_SHARDS_TOGETHER) {
      ptrdiff_t k = shards - 1;
      int is_told = 0;
      if (is_last_left) {
        is_last_left = 0;
        is_told = 1;
      } else if (is_first_left && __atomic_load_n(list->awaited, __ATOMIC_ACQUIRE) == HS_SHARD_DONE) {
        is_first_left = 0;
        k = 0;
      } else if (next < end) {
        k = next++;
      } else {
        break;
      }
      lanes[count++] = (shard_lane){first[k], first[k + 1], list->sums + k * list->plane, is_told};
    }
    if (count == 0) return is_first_left ? result | HS_SHARDS_FIRST_LEFT : result;
    ptrdiff_t turns = lanes[0].last - lanes[0].at;
    for (int k = 1; k < count; k++) {
      const ptrdiff_t left = lanes[k].last - lanes[k].at;
      turns = left < turns ? left : turns;
    }
    if (is_first_left && turns > HS_TURNS_AT_LEAST) turns = HS_TURNS_AT_LEAST;
    switch (count) {
      case 4: take_turns(blocks, stride, 4, turns, pairs, lanes); break;
      case 3: take_turns(blocks, stride, 3, turns, pairs, lanes); break;
      case 2: take_turns(blocks, stride, 2, turns, pairs, lanes); break;
      default: take_turns(blocks, stride, 1, turns, pairs, lanes);
    }
    for (int k = count - 1; k >= 0; k--) {
      if (lanes[k].at < lanes[k].last) continue;
      if (lanes[k].is_told &&
          __atomic_exchange_n(list->told, HS_SHARD_DONE, __ATOMIC_ACQ_REL) == HS_SHARD_AWAITED) {
        result |= HS_SHARDS_LAST_AWAITED;
      }
      lanes[k] = lanes[--count];
    }
  }
}

int HS_SUFFIX(hs_forward_pairs_f32)(ptrdiff_t shards, const ptrdiff_t *first, const int32_t *ids,
                                    const int32_t *queries, const float *values, ptrdiff_t stride,
                                    const float *a, ptrdiff_t plane, float *sums, int32_t *told,
                                    const int32_t *awaited) {
  const weighted_pairs pairs = {ids, queries, values, a};
  const shard_list list = {shards, first, plane, sums, told, awaited};
  for (ptrdiff_t k = awaited ? 1 : 0; k < shards; k++) {
    memset(sums + k * plane, 0, (size_t)plane * sizeof *sums);
  }
  switch (stride) {
    case 1: return add_all_shards(0, 1, &list, &pairs);
    case 1 * HS_LANES: return add_all_shards(1, 1 * HS_LANES, &list, &pairs);
    case 2 * HS_LANES: return add_all_shards(2, 2 * HS_LANES, &list, &pairs);
    case 3 * HS_LANES: return add_all_shards(3, 3 * HS_LANES, &list, &pairs);
    case 4 * HS_LANES: return add_all_shards(4, 4 * HS_LANES, &list, &pairs);
  }
  // Block of columns by block of columns: what is true of the first is true of all.
  const int32_t ready = awaited ? __atomic_load_n(awaited, __ATOMIC_ACQUIRE) : 0;
  int result = 0;
  for (ptrdiff_t at = 0; at < stride; at += HS_LANES) {
    const weighted_pairs part = {ids, queries, values, a + at};
    const int32_t *seen = awaited ? &ready : NULL;
    const shard_list columns = {shards, first, plane, sums + at,
                                at + HS_LANES < stride ? NULL : told, seen};
    result |= add_all_shards(1, stride, &columns, &part);
  }
  return result;
}
