// SPDX-License-Identifier: Apache-2.0
//
// SIMD sparse step. The pairs of a report are sorted by neuron, and most neurons have one or two:
// loops over "the pairs of this neuron" would mispredict at nearly every neuron. So kernels run
// over the flat list of pairs, a chunk at a time; `owner` says which neuron a pair belongs to.
#include "simd.inc.h"

#define HS_CHUNK 64  // most pairs in a chunk

/// Neurons begin..<end of a transposed report, and the table their rows lie in. Functions take
/// the number of blocks of a row as their first argument, so that it can be a constant; with 0
/// blocks a row is one float.
typedef struct {
  ptrdiff_t begin, end;
  const int32_t *active, *starts;
  const float *table;
} neuron_list;

/// Row numbers in the table and positions in begin..<end of the owners of up to HS_CHUNK pairs,
/// one per pair. Neurons write theirs several times over, hence the room behind.
typedef struct {
  int32_t before[HS_LANES];  // the last one belongs to the pair before the first
  int32_t row[HS_CHUNK + HS_LANES];
  int32_t position[HS_CHUNK + HS_LANES];
} owners;

/// A walk over the pairs of a list, chunk by chunk. While one chunk is computed, the next one is
/// already listed, so that its rows can be prefetched pair by pair.
typedef struct {
  neuron_list list;
  ptrdiff_t neuron;     // owns the first pair not listed, or comes before its owner
  ptrdiff_t e, count;   // the current chunk: pairs e..<e + count
  ptrdiff_t next_count;
  owners *current, *next;
} pair_walk;

HS_INLINE const float *row_of(ptrdiff_t blocks, const float *table, int32_t number) {
  return table + (ptrdiff_t)number * (blocks > 0 ? blocks * HS_LANES : 1);
}

HS_INLINE void prefetch_row_of(ptrdiff_t blocks, const float *table, int32_t number) {
  prefetch_row(blocks > 0 ? blocks : 1, row_of(blocks, table, number));
}

/// Writes v over to[at..<stop], at least four times and past `stop` by less than 16. Few neurons
/// have more than four pairs, so that the branch is predicted.
HS_INLINE void fill_lanes(int32_t *to, ptrdiff_t at, ptrdiff_t stop, int32_t v) {
  typedef int32_t i32x4_any __attribute__((ext_vector_type(4), aligned(4)));
  *(i32x4_any *)(to + at) = (i32x4_any)v;
  for (at += 4; at < stop; at += HS_LANES) store_i32(to + at, (i32x16)v);
}

/// Lists the owners of the `count` pairs from `first` on, with their positions if wanted.
HS_INLINE void list_owners(pair_walk *walk, int with_positions, ptrdiff_t first, ptrdiff_t count,
                           owners *to) {
  const int32_t *active = walk->list.active, *starts = walk->list.starts;
  const ptrdiff_t begin = walk->list.begin, last = first + count;
  ptrdiff_t n = walk->neuron, start = starts[n] > first ? starts[n] : first;
  while (start < last) {
    const ptrdiff_t after = starts[n + 1], stop = after < last ? after : last;
    fill_lanes(to->row, start - first, stop - first, active[n]);
    if (with_positions) {
      fill_lanes(to->position, start - first, stop - first, (int32_t)(n - begin));
    }
    start = after > start ? after : start;
    n++;
  }
  walk->neuron = n - 1;
}

HS_INLINE ptrdiff_t chunk_from(ptrdiff_t blocks, const pair_walk *walk, ptrdiff_t e) {
  const ptrdiff_t most = blocks <= 4 ? HS_CHUNK : HS_LANES;
  const ptrdiff_t left = walk->list.starts[walk->list.end] - e;
  return left < most ? left : most;
}

HS_INLINE void list_next(ptrdiff_t blocks, pair_walk *walk, int with_positions) {
  walk->next_count = chunk_from(blocks, walk, walk->e + walk->count);
  if (walk->next_count == 0) return;
  list_owners(walk, with_positions, walk->e + walk->count, walk->next_count, walk->next);
  walk->next->before[HS_LANES - 1] = walk->current->row[walk->count - 1];
}

HS_INLINE pair_walk start_walk(ptrdiff_t blocks, neuron_list list, int with_positions,
                               owners buffer[2]) {
  pair_walk walk = {.list = list,
                    .neuron = list.begin,
                    .e = list.starts[list.begin],
                    .current = &buffer[0],
                    .next = &buffer[1]};
  // What is listed beyond a short chunk is only prefetched; any row number will do.
  memset(buffer, 0, 2 * sizeof *buffer);
  walk.count = chunk_from(blocks, &walk, walk.e);
  if (walk.count == 0) return walk;
  list_owners(&walk, with_positions, walk.e, walk.count, walk.current);
  walk.current->before[HS_LANES - 1] = -1;
  for (ptrdiff_t i = 0; i < walk.count; i++) {
    prefetch_row_of(blocks, list.table, walk.current->row[i]);
  }
  list_next(blocks, &walk, with_positions);
  return walk;
}

HS_INLINE void advance(ptrdiff_t blocks, pair_walk *walk, int with_positions) {
  owners *done = walk->current;
  walk->e += walk->count;
  walk->count = walk->next_count;
  walk->current = walk->next;
  walk->next = done;
  if (walk->count > 0) list_next(blocks, walk, with_positions);
}

/// out[i] = canonical inner product of pair i of the chunk, its owner's row and row rows[i] of x,
/// minus b.
HS_INLINE void chunk_dots(ptrdiff_t blocks, const pair_walk *walk, const int32_t *rows,
                          const float *x, float b, float *out) {
  const float *table = walk->list.table;
  const int32_t *numbers = walk->current->row, *next = walk->next->row;
  ptrdiff_t i = 0;
  for (; i + HS_LANES <= walk->count; i += HS_LANES) {
    for (int l = 0; l < HS_LANES; l++) prefetch_row_of(blocks, table, next[i + l]);
    store(out + i, dots_of_pairs(blocks, table, numbers + i, x, rows + i) - splat(b));
  }
  const ptrdiff_t rest = walk->count - i;
  if (rest > 0) {
    int32_t last_numbers[HS_LANES], last_rows[HS_LANES];
    store_i32(last_numbers, load_first_i32(rest, numbers + i));
    store_i32(last_rows, load_first_i32(rest, rows + i));
    store_first(rest, out + i,
                dots_of_pairs(blocks, table, last_numbers, x, last_rows) - splat(b));
  }
}

// ---------------------------------------------------------------------------------------
// Sampled inner products
// ---------------------------------------------------------------------------------------

HS_INLINE void sddmm(ptrdiff_t blocks, ptrdiff_t begin, ptrdiff_t end, const int32_t *active,
                     const int32_t *starts, const int32_t *rows, const float *w, const float *x,
                     float b, float *h) {
  const neuron_list list = {begin, end, active, starts, w};
  owners buffer[2];
  pair_walk walk = start_walk(blocks, list, 0, buffer);
  for (; walk.count > 0; advance(blocks, &walk, 0)) {
    chunk_dots(blocks, &walk, rows + walk.e, x, b, h + walk.e);
  }
}

void HS_SUFFIX(hs_sddmm_f32)(ptrdiff_t begin, ptrdiff_t end, const int32_t *active,
                             const int32_t *starts, const int32_t *rows, ptrdiff_t stride,
                             const float *w, const float *x, float b, float *h) {
  if (begin >= end) return;
  if (stride == 0) {  // rows without a block, blocks = 0, stand for something else here
    hs_sddmm_f32_ref(begin, end, active, starts, rows, stride, w, x, b, h);
    return;
  }
  HS_WITH_BLOCKS(stride / HS_LANES, sddmm, begin, end, active, starts, rows, w, x, b, h);
}

#define HS_FAR_AHEAD 32                  // pairs between the one multiplied and the one prefetched
#define HS_NEAR_BYTES (4 * 1024 * 1024)  // of rows that the processor fetches early enough by itself

/// Whether rows of ascending pairs lie so far apart, in more than `near` bytes, that they do not come in time
/// without being asked for.
HS_INLINE int are_far(ptrdiff_t blocks, ptrdiff_t count, const int32_t *ids, ptrdiff_t near) {
  return count > 0 && (ptrdiff_t)(ids[count - 1] - ids[0]) * blocks * HS_LANES * 4 > near;
}

/// How many pairs ahead rows are fetched that are multiplied by queries: all pairs ahead where none need be.
HS_INLINE ptrdiff_t pairs_ahead(ptrdiff_t blocks, ptrdiff_t count, const int32_t *ids) {
  return are_far(blocks, count, ids, HS_NEAR_BYTES) ? HS_FAR_AHEAD : count;
}

/// Prefetches the rows of the lanes of pairs that come `ahead`, of `left` that there are.
HS_INLINE void prefetch_ahead(ptrdiff_t blocks, ptrdiff_t ahead, ptrdiff_t left, const int32_t *ids,
                              const float *w) {
  if (ahead + HS_LANES > left) return;
  for (int i = 0; i < HS_LANES; i++) prefetch_row(blocks, w + ids[ahead + i] * blocks * HS_LANES);
}

HS_INLINE void pair_dots(ptrdiff_t blocks, ptrdiff_t first, ptrdiff_t last, const int32_t *ids,
                         const int32_t *rows, const float *w, const float *x, float b, float *h) {
  const ptrdiff_t ahead = pairs_ahead(blocks, last - first, ids + first);
  ptrdiff_t e = first;
  for (; e + HS_LANES <= last; e += HS_LANES) {
    prefetch_ahead(blocks, ahead, last - e, ids + e, w);
    store(h + e, dots_of_pairs(blocks, w, ids + e, x, rows + e) - splat(b));
  }
  const ptrdiff_t rest = last - e;
  if (rest > 0) {
    int32_t last_ids[HS_LANES], last_rows[HS_LANES];
    store_i32(last_ids, load_first_i32(rest, ids + e));
    store_i32(last_rows, load_first_i32(rest, rows + e));
    store_first(rest, h + e, dots_of_pairs(blocks, w, last_ids, x, last_rows) - splat(b));
  }
}

void HS_SUFFIX(hs_pair_dots_f32)(ptrdiff_t first, ptrdiff_t last, const int32_t *ids,
                                 const int32_t *rows, ptrdiff_t stride, const float *w,
                                 const float *x, float b, float *h) {
  HS_WITH_BLOCKS(stride / HS_LANES, pair_dots, first, last, ids, rows, w, x, b, h);
}

// ---------------------------------------------------------------------------------------
// Backward
// ---------------------------------------------------------------------------------------

/// 1 when some neuron of begin..<end has no pairs. Reports list no such neuron; callers may.
HS_INLINE int has_empty(ptrdiff_t begin, ptrdiff_t end, const int32_t *starts) {
  i32x16 empty = (i32x16)0;
  ptrdiff_t n = begin;
  for (; n + HS_LANES <= end; n += HS_LANES) {
    empty |= load_i32(starts + n) == load_i32(starts + n + 1);
  }
  for (; n < end; n++) empty |= (i32x16)(starts[n] == starts[n + 1]);
  return mask_of(empty != 0) != 0;
}

/// Sets the gradient rows of neurons without pairs, which no pair writes, to +0.
static __attribute__((noinline)) void clear_empty(ptrdiff_t begin, ptrdiff_t end,
                                                  const int32_t *starts, ptrdiff_t stride,
                                                  float *grad) {
  for (ptrdiff_t n = begin; grad && n < end; n++) {
    if (starts[n] != starts[n + 1]) continue;
    for (ptrdiff_t l = 0; l < stride; l++) grad[(n - begin) * stride + l] = 0;
  }
}

/// grad[position] = sum over the owner's pairs of factor * x[row]. Row sums live in registers and
/// are stored after every pair; keep[i] is all ones where pair i has the same owner as the pair
/// before, and 0 where the sum starts anew. `sum` carries over from chunk to chunk.
HS_INLINE void accumulate_chunk(ptrdiff_t blocks, ptrdiff_t count, const int32_t *position,
                                const int32_t *keep, const int32_t *rows, const float *factor,
                                const float *x, float *grad, held_row *sum) {
  const ptrdiff_t stride = blocks * HS_LANES;
  held_row local = *sum;
  for (ptrdiff_t i = 0; i < count; i++) {
    const float *xi = x + rows[i] * stride;
    float *gi = grad + position[i] * stride;
    const f32x16 f = splat(factor[i]);
    const i32x16 same = (i32x16)keep[i];
    for (ptrdiff_t k = 0; k < blocks; k++) {
      if (HS_IS_SHORT(blocks)) {
        const f32x16 kept = (f32x16)((i32x16)local.block[k] & same);
        local.block[k] = fmadd(f, load(xi + k * HS_LANES), kept);
        store(gi + k * HS_LANES, local.block[k]);
      } else {
        const f32x16 kept = (f32x16)((i32x16)load(gi + k * HS_LANES) & same);
        store(gi + k * HS_LANES, fmadd(f, load(xi + k * HS_LANES), kept));
      }
    }
  }
  *sum = local;
}

/// As accumulate_chunk for rows of one float.
HS_INLINE void accumulate_chunk_scalar(ptrdiff_t count, const int32_t *position,
                                       const int32_t *keep, const int32_t *rows,
                                       const float *factor, const float *x, float *grad,
                                       float *sum) {
  float local = *sum;
  for (ptrdiff_t i = 0; i < count; i++) {
    local = fmaf(factor[i], x[rows[i]], keep[i] ? local : 0);
    grad[position[i]] = local;
  }
  *sum = local;
}

/// accumulate_chunk for rows of any length: in a function of its own, as the lengths of input and
/// output rows vary independently.
static __attribute__((noinline)) void accumulate_inputs(ptrdiff_t blocks, ptrdiff_t count,
                                                        const int32_t *position,
                                                        const int32_t *keep, const int32_t *rows,
                                                        const float *factor, const float *x,
                                                        float *grad, held_row *sum) {
  HS_WITH_BLOCKS(blocks, accumulate_chunk, count, position, keep, rows, factor, x, grad, sum);
}

HS_INLINE void backward(ptrdiff_t blocks, ptrdiff_t begin, ptrdiff_t end, const int32_t *active,
                        const int32_t *starts, const int32_t *rows, const float *h,
                        ptrdiff_t in_blocks, const float *x, const float *a, const float *g,
                        float *grad_w, float *grad_a) {
  const neuron_list list = {begin, end, active, starts, a};
  held_row sum_w = {.row = NULL}, sum_a = {.row = NULL};
  float scalar_sum = 0, s[HS_CHUNK];
  int32_t keep[HS_CHUNK];
  owners buffer[2];
  pair_walk walk = start_walk(blocks, list, 1, buffer);
  for (; walk.count > 0; advance(blocks, &walk, 1)) {
    const owners *own = walk.current;
    const ptrdiff_t count = walk.count;
    const int32_t *re = rows + walk.e;
    const float *he = h + walk.e;
    for (ptrdiff_t i = 0; i < HS_CHUNK; i += HS_LANES) {
      store_i32(keep + i, load_i32(own->row + i) == load_i32(own->row + i - 1));
    }
    if (grad_w) {
      if (blocks > 0) {
        chunk_dots(blocks, &walk, re, g, 0, s);
      } else {
        for (ptrdiff_t i = 0; i < count; i++) s[i] = *row_of(blocks, a, own->row[i]) * g[re[i]];
      }
      accumulate_inputs(in_blocks, count, own->position, keep, re, s, x, grad_w, &sum_w);
    }
    if (grad_a && blocks > 0) {
      accumulate_chunk(blocks, count, own->position, keep, re, he, g, grad_a, &sum_a);
    } else if (grad_a) {
      accumulate_chunk_scalar(count, own->position, keep, re, he, g, grad_a, &scalar_sum);
    }
  }
}

void HS_SUFFIX(hs_backward_f32)(ptrdiff_t begin, ptrdiff_t end, const int32_t *active,
                                const int32_t *starts, const int32_t *rows, const float *h,
                                ptrdiff_t in_stride, const float *x, ptrdiff_t out_stride,
                                const float *a, const float *g, float *grad_w, float *grad_a) {
  if (begin >= end) return;
  if (out_stride == 0) {
    hs_backward_f32_ref(begin, end, active, starts, rows, h, in_stride, x, out_stride, a, g,
                        grad_w, grad_a);
    return;
  }
  if (has_empty(begin, end, starts)) {
    clear_empty(begin, end, starts, in_stride, grad_w);
    clear_empty(begin, end, starts, out_stride, grad_a);
  }
  const ptrdiff_t in_blocks = in_stride / HS_LANES;
  if (out_stride == 1) {
    backward(0, begin, end, active, starts, rows, h, in_blocks, x, a, g, grad_w, grad_a);
    return;
  }
  HS_WITH_BLOCKS(out_stride / HS_LANES, backward, begin, end, active, starts, rows, h, in_blocks,
                 x, a, g, grad_w, grad_a);
}
