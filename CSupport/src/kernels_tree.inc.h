// SPDX-License-Identifier: Apache-2.0
//
// SIMD kernels of the partition tree: sixteen nodes are tested at a time, then sixteen rows.
// Packed stores write 16 lanes behind what was kept, see kernels_report.inc.h.
#include "simd.inc.h"

// Calls f(d, ...) with a constant number of coordinates where there are few, so that loops over
// coordinates vanish and the query stays in registers.
#define HS_FEW_COORDINATES 8
#define HS_WITH_COORDINATES(d, f, ...)       \
  switch (d) {                               \
    case 1: return f(1, __VA_ARGS__);        \
    case 2: return f(2, __VA_ARGS__);        \
    case 3: return f(3, __VA_ARGS__);        \
    case 4: return f(4, __VA_ARGS__);        \
    case 5: return f(5, __VA_ARGS__);        \
    case 6: return f(6, __VA_ARGS__);        \
    case 7: return f(7, __VA_ARGS__);        \
    case 8: return f(8, __VA_ARGS__);        \
    default: return f(d, __VA_ARGS__);       \
  }

HS_INLINE ptrdiff_t node_filter(ptrdiff_t d, ptrdiff_t count, const int32_t *groups,
                                const float *bounds, ptrdiff_t nodes, const float *x, float norm,
                                float cutoff, float inside, int32_t *kept, int32_t *whole,
                                ptrdiff_t *whole_count) {
  const ptrdiff_t size = (2 * d + 1) * HS_LANES;
  ptrdiff_t number_kept = 0, number_whole = 0;
  for (ptrdiff_t i = 0; i < count; i++) {
    const float *center = bounds + groups[i] * size;
    const float *half = center + d * HS_LANES;
    f32x16 s = splat(0), box = splat(0);
    if (i + 4 < count) {
      const float *next = bounds + groups[i + 4] * size;
      prefetch_row(d <= HS_FEW_COORDINATES ? 2 * d + 1 : d, next);
      if (d > HS_FEW_COORDINATES) __builtin_prefetch(next + 2 * d * HS_LANES);
    }
    for (ptrdiff_t j = 0; j < d; j++) {
      s = fmadd(load(center + j * HS_LANES), splat(x[j]), s);
      if (d <= HS_FEW_COORDINATES) {
        box = fmadd(load(half + j * HS_LANES), splat(fabsf(x[j])), box);
      }
    }
    const f32x16 ball = load(half + d * HS_LANES) * splat(norm);
    const int32_t first = groups[i] * HS_LANES;
    const uint32_t present = nodes - first < HS_LANES ? first_bits(nodes - first) : 0xFFFF;
    if (d > HS_FEW_COORDINATES) {
      // Of many coordinates the boxes are half of what is read; the balls decide about most nodes.
      box = ball;
      if (above(s + ball, splat(cutoff)) & present & ~mask_of(s - ball > splat(inside))) {
        box = splat(0);
        for (ptrdiff_t j = 0; j < d; j++) {
          box = fmadd(load(half + j * HS_LANES), splat(fabsf(x[j])), box);
        }
      }
    }
    const f32x16 width = box < ball ? box : ball;
    const uint32_t reached = above(s + width, splat(cutoff)) & present;
    if (!reached) continue;
    const uint32_t covered = mask_of(s - width > splat(inside)) & reached;
    const i32x16 numbers = lane_numbers() + first;
    store_kept(reached & ~covered, numbers, kept + number_kept);
    number_kept += __builtin_popcount(reached & ~covered);
    if (covered) {
      store_kept(covered, numbers, whole + number_whole);
      number_whole += __builtin_popcount(covered);
    }
  }
  *whole_count = number_whole;
  return number_kept;
}

ptrdiff_t HS_SUFFIX(hs_node_filter_f32)(ptrdiff_t d, ptrdiff_t count, const int32_t *groups,
                                        const float *bounds, ptrdiff_t nodes, const float *x,
                                        float norm, float cutoff, float inside, int32_t *kept,
                                        int32_t *whole, ptrdiff_t *whole_count) {
  HS_WITH_COORDINATES(d, node_filter, count, groups, bounds, nodes, x, norm, cutoff, inside, kept,
                      whole, whole_count);
}

/// What coordinate l and those 16, 32, ... behind it contribute to the canonical inner products
/// of sixteen rows: lane l of the sum of accumulators, for each of them.
HS_INLINE f32x16 tile_lane(ptrdiff_t d, ptrdiff_t l, const float *rows, const float *x) {
  if (d <= HS_LANES) return fmadd(load(rows + l * HS_LANES), splat(x[l]), splat(0));
  const ptrdiff_t blocks = (d + HS_LANES - 1) / HS_LANES;
  f32x16 acc[4] = {0, 0, 0, 0};
  for (ptrdiff_t k = 0; k * HS_LANES + l < d; k++) {
    const ptrdiff_t at = k * HS_LANES + l;
    acc[k % 4] = fmadd(load(rows + at * HS_LANES), splat(x[at]), acc[k % 4]);
  }
  if (blocks == 2) return acc[0] + acc[1];
  if (blocks == 3) return (acc[0] + acc[1]) + acc[2];
  return (acc[0] + acc[1]) + (acc[2] + acc[3]);
}

/// Canonical inner products of the sixteen rows of a tile; +0 and -0 are not told apart.
HS_INLINE f32x16 dots_of_tile(ptrdiff_t d, const float *rows, const float *x) {
  f32x16 t[HS_LANES];
  ptrdiff_t lanes = d < HS_LANES ? d : HS_LANES;
  for (ptrdiff_t l = 0; l < lanes; l++) t[l] = tile_lane(d, l, rows, x);
  // The fold; lanes of the padding are zero and change nothing.
  for (ptrdiff_t half = HS_LANES / 2; half > 0; half /= 2) {
    for (ptrdiff_t l = 0; l + half < lanes; l++) t[l] = t[l] + t[l + half];
    lanes = lanes < half ? lanes : half;
  }
  return t[0];
}

HS_INLINE ptrdiff_t tile_report(ptrdiff_t d, ptrdiff_t count, const int32_t *tiles,
                                const float *rows, const int32_t *numbers, const float *x,
                                float b, int32_t *ids, float *values) {
  const ptrdiff_t ahead = 8;
  ptrdiff_t reported = 0;
  for (ptrdiff_t i = 0; i < count; i++) {
    if (i + ahead < count) {
      const ptrdiff_t next = tiles[i + ahead];
      prefetch_row(d, rows + next * d * HS_LANES);
      __builtin_prefetch(numbers + next * HS_LANES);
    }
    const ptrdiff_t tile = tiles[i];
    const f32x16 z = dots_of_tile(d, rows + tile * d * HS_LANES, x);
    const uint32_t fired = mask_of(z > splat(b));
    if (fired) {
      reported += append_fired(fired, load_i32(numbers + tile * HS_LANES), z, b, ids + reported,
                               values + reported);
    }
  }
  return reported;
}

ptrdiff_t HS_SUFFIX(hs_tile_report_f32)(ptrdiff_t d, ptrdiff_t count, const int32_t *tiles,
                                        const float *rows, const int32_t *numbers,
                                        const float *x, float b, int32_t *ids, float *values) {
  HS_WITH_COORDINATES(d, tile_report, count, tiles, rows, numbers, x, b, ids, values);
}

// ---------------------------------------------------------------------------------------
// Pairs in the order of their numbers
// ---------------------------------------------------------------------------------------

#ifdef HS_PERMUTES

/// The smaller of v and partner where `larger` is 0, the larger where it is all ones.
HS_INLINE u32x16 exchange(u32x16 v, u32x16 partner, u32x16 larger) {
  return (__builtin_elementwise_min(v, partner) & ~larger) |
         (__builtin_elementwise_max(v, partner) & larger);
}

// Compares lane l with the lane that the l-th number says; the lower lane gets the smaller.
#define HS_TAKES(l, k) ((k) < (l) ? ~0u : 0u)
#define HS_EXCHANGE(v, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)                             \
  exchange(v, __builtin_shufflevector(v, v, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p),       \
           (u32x16){HS_TAKES(0, a), HS_TAKES(1, b), HS_TAKES(2, c), HS_TAKES(3, d),                \
                    HS_TAKES(4, e), HS_TAKES(5, f), HS_TAKES(6, g), HS_TAKES(7, h),                \
                    HS_TAKES(8, i), HS_TAKES(9, j), HS_TAKES(10, k), HS_TAKES(11, l),              \
                    HS_TAKES(12, m), HS_TAKES(13, n), HS_TAKES(14, o), HS_TAKES(15, p)})
#define HS_NEIGHBORS(v) HS_EXCHANGE(v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14)
#define HS_BY_TWO(v) HS_EXCHANGE(v, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13)

/// Sixteen lanes in ascending order: Batcher's bitonic network, in which runs of 2, 4, 8 and 16
/// lanes are merged with their mirror images.
HS_INLINE u32x16 sorted_lanes(u32x16 v) {
  v = HS_NEIGHBORS(v);
  v = HS_EXCHANGE(v, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
  v = HS_NEIGHBORS(v);
  v = HS_EXCHANGE(v, 7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8);
  v = HS_BY_TWO(v);
  v = HS_NEIGHBORS(v);
  v = HS_EXCHANGE(v, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  v = HS_EXCHANGE(v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
  v = HS_BY_TWO(v);
  return HS_NEIGHBORS(v);
}

/// Pairs that found their bucket full.
typedef struct {
  ptrdiff_t count;
  int32_t ids[64];
  float values[64];
} late_pairs;

/// Puts those of `late` that belong behind bucket `b` has been written to ids[0..<16] in their places.
static __attribute__((noinline)) void insert_late(const late_pairs *late, uint64_t b,
                                                  uint32_t least, uint64_t factor, int32_t *ids,
                                                  float *values) {
  ptrdiff_t n = HS_LANES;
  for (ptrdiff_t i = 0; i < late->count; i++) {
    const int32_t id = late->ids[i];
    if (((uint32_t)id - least) * factor >> 32 != b) continue;
    ptrdiff_t k = n++;
    for (; k > 0 && ids[k - 1] > id; k--) {
      ids[k] = ids[k - 1];
      values[k] = values[k - 1];
    }
    ids[k] = id;
    values[k] = late->values[i];
  }
}

/// Sorts pairs whose ids are spread evenly: one pass puts them in buckets of about ten, and those
/// are sorted in registers. Returns 0, with nothing of use written, if they are not.
static int sort_in_buckets(ptrdiff_t n, const int32_t *ids, const float *values, uint64_t *scratch,
                           int32_t *sorted_ids, float *sorted_values) {
  uint32_t least = (uint32_t)ids[0], most = least;
  for (ptrdiff_t i = 1; i < n; i++) {
    const uint32_t id = (uint32_t)ids[i];
    least = id < least ? id : least;
    most = id > most ? id : most;
  }
  // Four bits of a key are the place in the bucket.
  if (most - least >= (uint32_t)1 << 28) return 0;
  const ptrdiff_t buckets = n / 10 + 1;
  const uint64_t factor = ((uint64_t)buckets << 32) / ((uint64_t)(most - least) + 1);
  uint32_t *keys = (uint32_t *)scratch;
  float *kept = (float *)(keys + HS_LANES * buckets);
  uint8_t *counts = (uint8_t *)(kept + HS_LANES * buckets);
  memset(counts, 0, (size_t)buckets);
  late_pairs late = {.count = 0};
  for (ptrdiff_t i = 0; i < n; i++) {
    const uint32_t offset = (uint32_t)ids[i] - least;
    const uint64_t b = offset * factor >> 32;
    const uint32_t place = counts[b];
    if (__builtin_expect(place >= HS_LANES, 0)) {
      // So a count stays far below what a byte holds.
      if (late.count == 64) return 0;
      late.ids[late.count] = ids[i];
      late.values[late.count++] = values[i];
    } else {
      keys[HS_LANES * b + place] = offset << 4 | place;
      kept[HS_LANES * b + place] = values[i];
    }
    counts[b]++;
  }
  for (ptrdiff_t b = 0; b < buckets; b++) {
    const u32x16 held = (u32x16)load_i32((const int32_t *)keys + HS_LANES * b);
    const i32x16 present = lane_numbers() < (int32_t)counts[b];
    const u32x16 v = sorted_lanes(present ? held : (u32x16)~0u);
    store_i32(sorted_ids, (i32x16)((v >> 4) + least));
    store(sorted_values, permuted(load(kept + HS_LANES * b), v));
    if (__builtin_expect(counts[b] > HS_LANES, 0)) {
      insert_late(&late, (uint64_t)b, least, factor, sorted_ids, sorted_values);
    }
    sorted_ids += counts[b];
    sorted_values += counts[b];
  }
  return 1;
}

#endif

void HS_SUFFIX(hs_sort_pairs_f32)(ptrdiff_t n, ptrdiff_t m, const int32_t *ids,
                                  const float *values, uint64_t *scratch, int32_t *sorted_ids,
                                  float *sorted_values) {
#ifdef HS_PERMUTES
  enum { fewest = 24, most = 4096 };
  if (n > fewest && n <= most &&
      sort_in_buckets(n, ids, values, scratch, sorted_ids, sorted_values)) return;
#endif
  hs_sort_pairs_f32_ref(n, m, ids, values, scratch, sorted_ids, sorted_values);
}
