// SPDX-License-Identifier: Apache-2.0
//
// Sixteen-lane vectors, the vocabulary of the SIMD kernels. The including file sets the target
// instruction set and provides
//   HS_SUFFIX(name)       name with the level's suffix,
//   HS_ROW_BLOCK          rows that share a query tile in dense products,
//   HS_TILE_UNROLLED      most blocks of rows whose dense products are fully unrolled,
//   HS_SGD_GROUP          blocks of a long row whose gradient is held in registers,
//   HS_FEW_ROWS           rows of a tile that are listed one by one faster than packed, or 0,
//   HS_GRID_COLUMNS       columns of a grid's tables for whose sums there are registers,
//   uint32_t mask_of(i32x16)                          one bit per lane from all-ones lanes,
//   void store_kept(uint32_t mask, i32x16, int32_t *) the lanes of `mask`, packed; writes up to
//                                                     16 lanes whatever the mask.
// and, with HS_PICKS defined,
//   u32x16 picked(u32x16, u32x16, u32x16)             lane l is the lane of the first two, 32
//                                                     together, that the low bits of number l say.
#ifndef HS_SIMD_INC_H
#define HS_SIMD_INC_H

#include <math.h>
#include <string.h>

#include "kernels.h"

#define HS_INLINE static inline __attribute__((always_inline))

typedef float f32x4 __attribute__((ext_vector_type(4)));
typedef float f32x8 __attribute__((ext_vector_type(8)));
typedef float f32x16 __attribute__((ext_vector_type(16)));
typedef int32_t i32x16 __attribute__((ext_vector_type(16)));
typedef uint32_t u32x16 __attribute__((ext_vector_type(16)));
typedef int64_t i64x16 __attribute__((ext_vector_type(16)));
typedef f32x16 f32x16_any __attribute__((aligned(4)));
typedef i32x16 i32x16_any __attribute__((aligned(4)));
typedef i64x16 i64x16_any __attribute__((aligned(8)));

HS_INLINE f32x16 load(const float *p) { return *(const f32x16_any *)p; }
HS_INLINE i32x16 load_i32(const int32_t *p) { return *(const i32x16_any *)p; }
HS_INLINE void store(float *p, f32x16 v) { *(f32x16_any *)p = v; }
HS_INLINE void store_i32(int32_t *p, i32x16 v) { *(i32x16_any *)p = v; }
HS_INLINE f32x16 fmadd(f32x16 a, f32x16 b, f32x16 c) { return __builtin_elementwise_fma(a, b, c); }
HS_INLINE f32x16 splat(float s) { return (f32x16)s; }

/// a where the lanes of `where` are all ones, else b.
HS_INLINE f32x16 chosen(i32x16 where, f32x16 a, f32x16 b) {
  return (f32x16)((where & (i32x16)a) | (~where & (i32x16)b));
}

/// 0, 1, ..., 15.
HS_INLINE i32x16 lane_numbers(void) {
  return (i32x16){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
}

/// The first n < 16 lanes of memory, zeros behind them.
HS_INLINE f32x16 load_first(ptrdiff_t n, const float *p) {
  float lanes[HS_LANES] = {0};
  memcpy(lanes, p, (size_t)n * sizeof *p);
  return load(lanes);
}

HS_INLINE i32x16 load_first_i32(ptrdiff_t n, const int32_t *p) {
  int32_t lanes[HS_LANES] = {0};
  memcpy(lanes, p, (size_t)n * sizeof *p);
  return load_i32(lanes);
}

/// Writes n < 16 lanes only.
HS_INLINE void store_first(ptrdiff_t n, float *p, f32x16 v) {
  float lanes[HS_LANES];
  store(lanes, v);
  memcpy(p, lanes, (size_t)n * sizeof *p);
}

/// Packs the lanes of `mask` to `to`, writing no lane more than that. Returns their number.
HS_INLINE int store_kept_exactly(uint32_t mask, i32x16 v, int32_t *to) {
  int32_t lanes[HS_LANES];
  const int kept = __builtin_popcount(mask);
  store_kept(mask, v, lanes);
  memcpy(to, lanes, (size_t)kept * sizeof *to);
  return kept;
}

HS_INLINE void prefetch_row(ptrdiff_t blocks, const float *row) {
  for (ptrdiff_t k = 0; k < blocks; k++) __builtin_prefetch(row + k * HS_LANES);
}

// ---------------------------------------------------------------------------------------
// The canonical inner product, up to its last step, which sixteen pairs take together
// ---------------------------------------------------------------------------------------

/// A row whose first blocks stay in registers. `blocks` is a constant in hot callers.
typedef struct {
  f32x16 block[4];
  const float *row;
} held_row;

HS_INLINE held_row hold(ptrdiff_t blocks, const float *row) {
  held_row held = {.row = row};
  for (ptrdiff_t k = 0; k < 4; k++) held.block[k] = k < blocks ? load(row + k * HS_LANES) : 0;
  return held;
}

/// Sixteen lanes of the row w, or of w + v where v is given (NULL is a constant in callers).
HS_INLINE f32x16 row_lanes(const float *w, const float *v, ptrdiff_t at) {
  return v ? load(w + at) + load(v + at) : load(w + at);
}

/// The 16 lanes of <w, x> (or <w + v, x>) before they are folded.
HS_INLINE f32x16 lane_sums(ptrdiff_t blocks, const float *w, const float *v, const held_row *x) {
  if (blocks == 0) return splat(0);
  f32x16 a0 = fmadd(row_lanes(w, v, 0), x->block[0], splat(0));
  if (blocks == 1) return a0;
  f32x16 a1 = fmadd(row_lanes(w, v, 16), x->block[1], splat(0));
  if (blocks == 2) return a0 + a1;
  f32x16 a2 = fmadd(row_lanes(w, v, 32), x->block[2], splat(0));
  if (blocks == 3) return (a0 + a1) + a2;
  f32x16 a3 = fmadd(row_lanes(w, v, 48), x->block[3], splat(0));
  ptrdiff_t at = 64;
  for (; at + 64 <= blocks * HS_LANES; at += 64) {
    a0 = fmadd(row_lanes(w, v, at), load(x->row + at), a0);
    a1 = fmadd(row_lanes(w, v, at + 16), load(x->row + at + 16), a1);
    a2 = fmadd(row_lanes(w, v, at + 32), load(x->row + at + 32), a2);
    a3 = fmadd(row_lanes(w, v, at + 48), load(x->row + at + 48), a3);
  }
  const ptrdiff_t rest = blocks % 4;
  if (rest > 0) a0 = fmadd(row_lanes(w, v, at), load(x->row + at), a0);
  if (rest > 1) a1 = fmadd(row_lanes(w, v, at + 16), load(x->row + at + 16), a1);
  if (rest > 2) a2 = fmadd(row_lanes(w, v, at + 32), load(x->row + at + 32), a2);
  return (a0 + a1) + (a2 + a3);
}

// The folds of 16 pairs form a tree of 15 additions: each step adds the upper to the lower half
// of what is left of two operands' pairs, so every pair sees t[l] + t[l + 8], then + 4, + 2, + 1.
//
//        a0...a15   b0...b15        step 8: a0...a7 | b0...b7
//        two of these               step 4: a0...a3 | b0...b3 | c0...c3 | d0...d3
//        two of these               step 2: a0 a1 e0 e1 | b0 b1 f0 f1 | c0 c1 ... | d0 d1 ...
//        two of these               step 1: a e i m | b f j n | c g k o | d h l p
//        and back into order                a b c d | e f g h | i j k l | m n o p

HS_INLINE f32x16 step8(f32x16 a, f32x16 b) {
  return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
         __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30,
                                 31);
}

HS_INLINE f32x16 step4(f32x16 a, f32x16 b) {
  return __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27) +
         __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
}

HS_INLINE f32x16 step2(f32x16 a, f32x16 b) {
  return __builtin_shufflevector(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
         __builtin_shufflevector(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
}

HS_INLINE f32x16 step1(f32x16 a, f32x16 b) {
  return __builtin_shufflevector(a, b, 0, 2, 16, 18, 4, 6, 20, 22, 8, 10, 24, 26, 12, 14, 28, 30) +
         __builtin_shufflevector(a, b, 1, 3, 17, 19, 5, 7, 21, 23, 9, 11, 25, 27, 13, 15, 29, 31);
}

HS_INLINE f32x16 in_order(f32x16 a) {
  return __builtin_shufflevector(a, a, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
}

// Lane i of the result is the fold of SUMS(i), an expression with the 16 lanes of pair i.
#define HS_FOLD_4(SUMS, i) step4(step8(SUMS(i), SUMS(i + 1)), step8(SUMS(i + 2), SUMS(i + 3)))
#define HS_FOLD_16(SUMS)                                              \
  in_order(step1(step2(HS_FOLD_4(SUMS, 0), HS_FOLD_4(SUMS, 4)),       \
                 step2(HS_FOLD_4(SUMS, 8), HS_FOLD_4(SUMS, 12))))

/// The fold of one pair.
HS_INLINE float fold(f32x16 t) {
  const f32x8 t8 = t.lo + t.hi;
  const f32x4 t4 = t8.lo + t8.hi;
  return (t4.x + t4.z) + (t4.y + t4.w);
}

HS_INLINE float dot(ptrdiff_t blocks, const float *w, const float *x) {
  const held_row held = hold(blocks, x);
  return fold(lane_sums(blocks, w, NULL, &held));
}

/// 1 where rows are short enough for everything about them to stay in registers. The number of
/// blocks is then a constant, see HS_WITH_BLOCKS.
#define HS_IS_SHORT(blocks) (__builtin_constant_p(blocks) && (blocks) <= 4)

// Defines the body of a function that folds SUMS(0)...SUMS(15): spelled out for short rows,
// through memory for others.
#define HS_RETURN_FOLDS(blocks, SUMS)                             \
  if (HS_IS_SHORT(blocks)) return HS_FOLD_16(SUMS);               \
  f32x16 sums[HS_LANES];                                          \
  for (int i = 0; i < HS_LANES; i++) sums[i] = SUMS(i);           \
  return HS_FOLD_16(HS_STORED_SUMS)
#define HS_STORED_SUMS(i) sums[i]

/// Sixteen consecutive rows against one: lane i is the canonical <row i of w, x>.
HS_INLINE f32x16 dots_of_rows(ptrdiff_t blocks, const float *w, const held_row *x) {
#define HS_SUMS(i) lane_sums(blocks, w + (i) * (blocks * HS_LANES), NULL, x)
  HS_RETURN_FOLDS(blocks, HS_SUMS);
#undef HS_SUMS
}

/// The 16 lanes of <row numbers[i] of w, x> before they are folded, for HS_ROW_BLOCK rows of more
/// than four blocks that share what is loaded of x. Meanwhile the rows next[i] are fetched.
HS_INLINE void lane_sums_together(ptrdiff_t blocks, const float *w, const int32_t *numbers,
                                  const int32_t *next, const held_row *x, f32x16 *sums) {
  const ptrdiff_t stride = blocks * HS_LANES, rest = blocks % 4;
  const float *row[HS_ROW_BLOCK], *ahead[HS_ROW_BLOCK];
  f32x16 a[HS_ROW_BLOCK][4];
#pragma clang loop unroll(full)
  for (int i = 0; i < HS_ROW_BLOCK; i++) {
    row[i] = w + numbers[i] * stride;
    ahead[i] = w + next[i] * stride;
#pragma clang loop unroll(full)
    for (int k = 0; k < 4; k++) {
      __builtin_prefetch(ahead[i] + k * HS_LANES);
      a[i][k] = fmadd(load(row[i] + k * HS_LANES), x->block[k], splat(0));
    }
  }
  ptrdiff_t at = 64;
  for (; at + 64 <= stride; at += 64) {
#pragma clang loop unroll(full)
    for (int k = 0; k < 4; k++) {
      const f32x16 lanes = load(x->row + at + k * HS_LANES);
#pragma clang loop unroll(full)
      for (int i = 0; i < HS_ROW_BLOCK; i++) {
        __builtin_prefetch(ahead[i] + at + k * HS_LANES);
        a[i][k] = fmadd(load(row[i] + at + k * HS_LANES), lanes, a[i][k]);
      }
    }
  }
#pragma clang loop unroll(full)
  for (int k = 0; k < 3; k++) {
    if (k >= rest) break;
    const f32x16 lanes = load(x->row + at + k * HS_LANES);
#pragma clang loop unroll(full)
    for (int i = 0; i < HS_ROW_BLOCK; i++) {
      __builtin_prefetch(ahead[i] + at + k * HS_LANES);
      a[i][k] = fmadd(load(row[i] + at + k * HS_LANES), lanes, a[i][k]);
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < HS_ROW_BLOCK; i++) sums[i] = (a[i][0] + a[i][1]) + (a[i][2] + a[i][3]);
}

/// Sixteen listed rows against one: lane i is the canonical <row w_numbers[i] of w, x>; where v is
/// given, row v_numbers[i] of v is added to the first.
HS_INLINE f32x16 dots_of_listed(ptrdiff_t blocks, const float *w, const int32_t *w_numbers,
                                const float *v, const int32_t *v_numbers, const held_row *x) {
  const ptrdiff_t stride = blocks * HS_LANES;
#define HS_SUMS(i) \
  lane_sums(blocks, w + w_numbers[i] * stride, v ? v + v_numbers[i] * stride : NULL, x)
  HS_RETURN_FOLDS(blocks, HS_SUMS);
#undef HS_SUMS
}

/// The same for the first `count` of sixteen; the other lanes are of no use. Long rows are not read
/// for them.
HS_INLINE f32x16 dots_of_first_listed(ptrdiff_t blocks, ptrdiff_t count, const float *w,
                                      const int32_t *w_numbers, const float *v,
                                      const int32_t *v_numbers, const held_row *x) {
  if (HS_IS_SHORT(blocks)) return dots_of_listed(blocks, w, w_numbers, v, v_numbers, x);
  const ptrdiff_t stride = blocks * HS_LANES;
  f32x16 sums[HS_LANES];
  for (ptrdiff_t i = 0; i < HS_LANES; i++) sums[i] = splat(0);
  for (ptrdiff_t i = 0; i < count; i++) {
    sums[i] = lane_sums(blocks, w + w_numbers[i] * stride,
                        v ? v + v_numbers[i] * stride : NULL, x);
  }
  return HS_FOLD_16(HS_STORED_SUMS);
}

/// Sixteen of `count` >= 16 listed rows of more than four blocks against one: lane i is the
/// canonical <row numbers[i] of w, x>. What comes next in the list is fetched meanwhile.
HS_INLINE f32x16 dots_of_long_listed(ptrdiff_t blocks, ptrdiff_t count, const float *w,
                                     const int32_t *numbers, const held_row *x) {
  // Enough bytes ahead for rows that are far away, and no more than stay in cache.
  const ptrdiff_t ahead = blocks <= 16 ? HS_LANES : HS_ROW_BLOCK;
  f32x16 sums[HS_LANES];
  for (ptrdiff_t i = 0; i < HS_LANES; i += HS_ROW_BLOCK) {
    int32_t next[HS_ROW_BLOCK];
#pragma clang loop unroll(full)
    for (ptrdiff_t k = 0; k < HS_ROW_BLOCK; k++) {
      const ptrdiff_t at = i + k + ahead;
      next[k] = numbers[at < count ? at : count - 1];
    }
    lane_sums_together(blocks, w, numbers + i, next, x, sums + i);
  }
  return HS_FOLD_16(HS_STORED_SUMS);
}

HS_INLINE f32x16 pair_sums(ptrdiff_t blocks, const float *w, const float *x) {
  const held_row held = hold(blocks, x);
  return lane_sums(blocks, w, NULL, &held);
}

/// Sixteen pairs: lane i is the canonical <row w_numbers[i] of w, row x_numbers[i] of x>.
HS_INLINE f32x16 dots_of_pairs(ptrdiff_t blocks, const float *w, const int32_t *w_numbers,
                               const float *x, const int32_t *x_numbers) {
  const ptrdiff_t stride = blocks * HS_LANES;
#define HS_SUMS(i) pair_sums(blocks, w + w_numbers[i] * stride, x + x_numbers[i] * stride)
  HS_RETURN_FOLDS(blocks, HS_SUMS);
#undef HS_SUMS
}

// Calls f(blocks, ...) with a constant number of blocks where rows are short, so that loops over
// blocks vanish and rows stay in registers.
#define HS_WITH_BLOCKS(blocks, f, ...)       \
  switch (blocks) {                          \
    case 1: return f(1, __VA_ARGS__);        \
    case 2: return f(2, __VA_ARGS__);        \
    case 3: return f(3, __VA_ARGS__);        \
    case 4: return f(4, __VA_ARGS__);        \
    default: return f(blocks, __VA_ARGS__);  \
  }

#endif
