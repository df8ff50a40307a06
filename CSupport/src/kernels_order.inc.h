// SPDX-License-Identifier: Apache-2.0
//
// SIMD kernels that put pairs, or numbers, in the order of the numbers: one pass throws them into
// buckets, and the few of a bucket are sorted in registers.
#include "simd.inc.h"

#ifdef HS_PICKS

typedef uint16_t u16x16 __attribute__((ext_vector_type(16)));
typedef uint16_t u16x32 __attribute__((ext_vector_type(32)));

enum {
  bucket_room = 32,    // pairs that find room in a bucket
  bucket_mean = 10,    // pairs of a bucket on average: few buckets have more than a register's lanes
  buckets_at_once = 8  // two share a register, and registers take turns: a step waits for the last
};

/// Throws n pairs into buckets of neighbors: number id into bucket id * factor / 2^32 - first. Bucket
/// b begins at slots[bucket_room * b] and has counts[b] pairs; behind the last there is room for n.
/// Returns 0 if a bucket has too many, which have run into the next. Where `pairs` is 0, a constant here
/// and below, there are only numbers, and values are NULL.
HS_INLINE int fill_buckets(int pairs, ptrdiff_t n, const int32_t *ids, const float *values,
                           uint64_t factor, uint64_t first, ptrdiff_t buckets, uint64_t *slots,
                           uint32_t *counts) {
  // Meanwhile they are the slots where buckets end: then nothing is added up for each pair.
  for (ptrdiff_t b = 0; b < buckets; b++) counts[b] = (uint32_t)(bucket_room * b);
  // Nor is `first` subtracted: an address as much before the list is not one to read.
  const uintptr_t list = (uintptr_t)counts - first * sizeof *counts;
#pragma clang loop unroll_count(4)
  for (ptrdiff_t i = 0; i < n; i++) {
    const uint32_t id = (uint32_t)ids[i];
    uint32_t *end = (uint32_t *)(list + (id * factor >> 32) * sizeof *counts);
    uint32_t bits = 0;
    if (pairs) memcpy(&bits, values + i, sizeof bits);
    slots[(*end)++] = (uint64_t)id << 32 | bits;
  }
  uint32_t most = 0;
  for (ptrdiff_t b = 0; b < buckets; b++) {
    counts[b] -= (uint32_t)(bucket_room * b);
    most = counts[b] > most ? counts[b] : most;
  }
  return most <= bucket_room;
}

/// What the pairs of a bucket are sorted by: the twelve bits behind the bucket's number, and the
/// pair's lane; lanes without a pair come last.
HS_INLINE u16x16 bucket_keys(u32x16 ids, uint32_t factor, uint32_t count) {
  const u32x16 lanes = (u32x16)lane_numbers();
  const u32x16 keys = (ids * factor >> 16 & 0xFFF0) | lanes;
  return __builtin_convertvector(lanes < count ? keys : (u32x16)0xFFFF, u16x16);
}

// Two times sixteen lanes, compared with those that the numbers say; the lower lane gets the smaller.
#define HS_LARGER(l, k) ((k) < (l) ? (l) + 32 : (l))
#define HS_TWICE(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)                                \
  a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, a + 16, b + 16, c + 16, d + 16, e + 16,       \
      f + 16, g + 16, h + 16, i + 16, j + 16, k + 16, l + 16, m + 16, n + 16, o + 16, p + 16
#define HS_EXCHANGE(v, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)                          \
  do {                                                                                         \
    const u16x32 other = __builtin_shufflevector(                                               \
        v, v, HS_TWICE(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p));                        \
    v = __builtin_shufflevector(                                                                \
        __builtin_elementwise_min(v, other), __builtin_elementwise_max(v, other),               \
        HS_TWICE(HS_LARGER(0, a), HS_LARGER(1, b), HS_LARGER(2, c), HS_LARGER(3, d),            \
                 HS_LARGER(4, e), HS_LARGER(5, f), HS_LARGER(6, g), HS_LARGER(7, h),            \
                 HS_LARGER(8, i), HS_LARGER(9, j), HS_LARGER(10, k), HS_LARGER(11, l),          \
                 HS_LARGER(12, m), HS_LARGER(13, n), HS_LARGER(14, o), HS_LARGER(15, p)));      \
  } while (0)
#define HS_EXCHANGE_ALL(v, ...)                                                                 \
  _Pragma("clang loop unroll(full)") for (int r = 0; r < buckets_at_once / 2; r++) {            \
    HS_EXCHANGE(v[r], __VA_ARGS__);                                                             \
  }
#define HS_EXCHANGE_NEIGHBORS(v) \
  HS_EXCHANGE_ALL(v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14)
#define HS_EXCHANGE_BY_TWO(v) \
  HS_EXCHANGE_ALL(v, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13)

/// Puts every sixteen lanes in ascending order: Batcher's bitonic network, in which runs of 2, 4, 8 and
/// 16 lanes are merged with their mirror images.
HS_INLINE void sort_lanes(u16x32 v[buckets_at_once / 2]) {
  HS_EXCHANGE_NEIGHBORS(v);
  HS_EXCHANGE_ALL(v, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
  HS_EXCHANGE_NEIGHBORS(v);
  HS_EXCHANGE_ALL(v, 7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8);
  HS_EXCHANGE_BY_TWO(v);
  HS_EXCHANGE_NEIGHBORS(v);
  HS_EXCHANGE_ALL(v, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  HS_EXCHANGE_ALL(v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11);
  HS_EXCHANGE_BY_TWO(v);
  HS_EXCHANGE_NEIGHBORS(v);
}

/// By how much a key is below the next of its half, less one. Where that is below 15, both may have the
/// same twelve bits. Keys of pairs are different; where there is no pair, they are equal.
HS_INLINE u16x32 key_gaps(u16x32 sorted) {
  const u16x32 next = __builtin_shufflevector(
      sorted, sorted, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 15, 17, 18, 19, 20, 21, 22,
      23, 24, 25, 26, 27, 28, 29, 30, 31, 31);
  return next - sorted - (uint16_t)1;
}

/// Ends the sort of a bucket of `count` pairs whose first sixteen have been sorted by twelve bits.
static void finish_bucket(uint32_t count, const uint64_t *slots, int32_t *ids, float *values) {
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t bits = (uint32_t)slots[i];
    const int32_t id = i < HS_LANES ? ids[i] : (int32_t)(slots[i] >> 32);
    float value = 0;
    if (values && i < HS_LANES) value = values[i];
    if (i >= HS_LANES) memcpy(&value, &bits, sizeof value);
    uint32_t k = i;
    for (; k > 0 && ids[k - 1] > id; k--) {
      ids[k] = ids[k - 1];
      if (values) values[k] = values[k - 1];
    }
    ids[k] = id;
    if (values) values[k] = value;
  }
}

/// Whether the first sixteen of `count` numbers ascend.
HS_INLINE int ascends(uint32_t count, const int32_t *ids) {
  if (count < 2) return 1;
  const uint32_t falls = mask_of(load_i32(ids) > load_i32(ids + 1));
  return (falls & first_bits(count < HS_LANES ? count - 1 : HS_LANES - 1)) == 0;
}

/// Ends the sort of those of `buckets_at_once` buckets that need it.
static __attribute__((noinline)) void finish_buckets(const uint32_t *counts, const uint64_t *slots,
                                                     int32_t *ids, float *values) {
  for (int k = 0; k < buckets_at_once; k++) {
    const uint32_t count = counts[k];
    if (count > HS_LANES || !ascends(count, ids)) {
      finish_bucket(count, slots + bucket_room * k, ids, values);
    }
    ids += count;
    if (values) values += count;
  }
}

HS_INLINE u32x16 load_slots(const uint64_t *slots) {
  return (u32x16)load_i32((const int32_t *)slots);
}

/// Writes the pairs of `buckets_at_once` buckets in ascending order. Returns how many they are.
HS_INLINE uint32_t write_buckets(int pairs, uint32_t factor, const uint32_t *counts,
                                 const uint64_t *slots, int32_t *sorted_ids, float *sorted_values) {
  u16x32 sorted[buckets_at_once / 2];
#pragma clang loop unroll(full)
  for (int r = 0; r < buckets_at_once / 2; r++) {
    u16x16 keys[2];
#pragma clang loop unroll(full)
    for (int k = 0; k < 2; k++) {
      const uint64_t *bucket = slots + bucket_room * (2 * r + k);
      const u32x16 ids = __builtin_shufflevector(
          load_slots(bucket), load_slots(bucket + HS_LANES / 2), 1, 3, 5, 7, 9, 11, 13, 15, 17, 19,
          21, 23, 25, 27, 29, 31);
      keys[k] = bucket_keys(ids, factor, counts[2 * r + k]);
    }
    sorted[r] = __builtin_shufflevector(keys[0], keys[1], 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
                                        13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27,
                                        28, 29, 30, 31);
  }
  sort_lanes(sorted);
  uint32_t written = 0, most = 0;
  u16x32 gap = key_gaps(sorted[0]);
#pragma clang loop unroll(full)
  for (int k = 0; k < buckets_at_once; k++) {
    const uint64_t *bucket = slots + bucket_room * k;
    const u32x16 low = load_slots(bucket), high = load_slots(bucket + HS_LANES / 2);
    const u16x16 places = k % 2 ? sorted[k / 2].hi : sorted[k / 2].lo;
    // A value, and behind it the number.
    const u32x16 from = __builtin_convertvector(places, u32x16) * 2;
    store_i32(sorted_ids + written, (i32x16)picked(low, high, from + 1));
    if (pairs) store(sorted_values + written, (f32x16)picked(low, high, from));
    written += counts[k];
    // Reaches `bucket_room` where there are more pairs than lanes.
    most |= counts[k] + bucket_room - 1 - HS_LANES;
    gap = __builtin_elementwise_min(gap, key_gaps(sorted[k / 2]));
  }
  const u16x32 close = (u16x32)(gap < (u16x32)(uint16_t)15);
  if (__builtin_expect(most >= bucket_room || mask_of((i32x16)close != 0), 0)) {
    finish_buckets(counts, slots, sorted_ids, sorted_values);
  }
  return written;
}

/// Sorts some pairs whose ids are spread evenly. Returns 0, with nothing of use written, if they are not,
/// or too few or too many.
HS_INLINE int sort_in_buckets(int pairs, ptrdiff_t n, const int32_t *ids, const float *values,
                              uint64_t *scratch, int32_t *sorted_ids, float *sorted_values) {
  if (n < HS_SORT_BUCKETS_FROM || n > HS_SORT_BUCKETS_TO) return 0;
  uint32_t least = (uint32_t)ids[0], most = least;
  for (ptrdiff_t i = 1; i < n; i++) {
    const uint32_t id = (uint32_t)ids[i];
    least = id < least ? id : least;
    most = id > most ? id : most;
  }
  const uint64_t factor = ((uint64_t)(n / bucket_mean) << 32) / ((uint64_t)(most - least) + 1);
  const uint64_t first = least * factor >> 32;
  ptrdiff_t buckets = (ptrdiff_t)((most * factor >> 32) - first) + 1;
  buckets = (buckets + buckets_at_once - 1) / buckets_at_once * buckets_at_once;
  uint64_t *slots = scratch;
  uint32_t *counts = (uint32_t *)(slots + bucket_room * buckets + n);
  if (!fill_buckets(pairs, n, ids, values, factor, first, buckets, slots, counts)) return 0;
  for (ptrdiff_t b = 0; b < buckets; b += buckets_at_once) {
    const uint32_t written = write_buckets(pairs, (uint32_t)factor, counts + b,
                                           slots + bucket_room * b, sorted_ids, sorted_values);
    sorted_ids += written;
    if (pairs) sorted_values += written;
  }
  return 1;
}

#endif

void HS_SUFFIX(hs_sort_pairs_f32)(ptrdiff_t n, ptrdiff_t m, const int32_t *ids,
                                  const float *values, uint64_t *scratch, int32_t *sorted_ids,
                                  float *sorted_values) {
#ifdef HS_PICKS
  if (sort_in_buckets(1, n, ids, values, scratch, sorted_ids, sorted_values)) return;
#endif
  hs_sort_pairs_f32_ref(n, m, ids, values, scratch, sorted_ids, sorted_values);
}

void HS_SUFFIX(hs_sort_ids)(ptrdiff_t n, ptrdiff_t m, const int32_t *ids, uint64_t *bits,
                            uint64_t *scratch, int32_t *sorted) {
#ifdef HS_PICKS
  if (sort_in_buckets(0, n, ids, NULL, scratch, sorted, NULL)) return;
#endif
  hs_sort_ids_ref(n, m, ids, bits, scratch, sorted);
}
