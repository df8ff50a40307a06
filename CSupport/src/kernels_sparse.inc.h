// SPDX-License-Identifier: Apache-2.0
//
// SIMD sparse step. The pairs of a report are sorted by neuron, and most neurons have one or two:
// loops over "the pairs of this neuron" would mispredict at nearly every neuron. So kernels run
// over the flat list of pairs, a chunk at a time; `owner` says which neuron a pair belongs to.
#include "simd.inc.h"

#define HS_CHUNK 64  // most pairs whose owners are listed at a time

/// Pairs per chunk, and neurons between the one listed and the one prefetched: what is on its way
/// should fill part of the first-level cache.
HS_INLINE ptrdiff_t chunk_pairs(ptrdiff_t blocks) { return blocks <= 4 ? HS_CHUNK : HS_LANES; }
HS_INLINE ptrdiff_t neurons_ahead(ptrdiff_t blocks) { return blocks <= 4 ? 48 : 192 / blocks + 1; }

/// Neurons begin..<end of a transposed report, and the table their rows lie in. A row has `blocks`
/// blocks, or with blocks = 0 one float.
typedef struct {
  ptrdiff_t begin, end;
  const int32_t *active, *starts;
  ptrdiff_t blocks;
  const float *table;
} neuron_list;

HS_INLINE const float *neuron_row(const neuron_list *list, ptrdiff_t n) {
  return list->table + list->active[n] * (list->blocks > 0 ? list->blocks * HS_LANES : 1);
}

HS_INLINE void prefetch_neuron(const neuron_list *list, ptrdiff_t n) {
  prefetch_row(list->blocks > 0 ? list->blocks : 1, neuron_row(list, n));
}

HS_INLINE void prefetch_first_neurons(const neuron_list *list) {
  const ptrdiff_t stop = list->begin + neurons_ahead(list->blocks);
  for (ptrdiff_t n = list->begin; n < stop && n < list->end; n++) prefetch_neuron(list, n);
}

/// Lists the owners of the pairs first..<last, at most HS_CHUNK. Starts at neuron n, which owns
/// pair `first` or comes before its owner, and returns such a neuron for pair `last`.
///
/// Every neuron writes its number at least 16 times; the next one overwrites what is too much.
HS_INLINE ptrdiff_t list_owners(const neuron_list *list, ptrdiff_t n, int32_t first, int32_t last,
                                int32_t owner[HS_CHUNK + HS_LANES]) {
  const ptrdiff_t ahead = neurons_ahead(list->blocks);
  const int32_t *starts = list->starts;
  for (; n < list->end && starts[n] < last; n++) {
    if (n + ahead < list->end) prefetch_neuron(list, n + ahead);
    int32_t at = starts[n] > first ? starts[n] - first : 0;
    store_i32(owner + at, (i32x16)(int32_t)n);
    const int32_t stop = (starts[n + 1] < last ? starts[n + 1] : last) - first;
    for (at += HS_LANES; at < stop; at += HS_LANES) store_i32(owner + at, (i32x16)(int32_t)n);
  }
  return n - 1;
}

/// Canonical inner products of `count` <= 16 pairs: the owner's row and row rows[i] of x.
HS_INLINE f32x16 pair_dots(const neuron_list *list, ptrdiff_t count, const int32_t *owner,
                           const int32_t *rows, const float *x) {
  const float *w_rows[HS_LANES], *x_rows[HS_LANES];
  for (int i = 0; i < HS_LANES; i++) {
    const int from = i < count ? i : 0;
    w_rows[i] = neuron_row(list, owner[from]);
    x_rows[i] = x + rows[from] * (list->blocks * HS_LANES);
  }
  return dots_of_pairs(list->blocks, w_rows, x_rows);
}

/// out[i] = canonical inner product of pair i, minus b.
HS_INLINE void chunk_dots(const neuron_list *list, ptrdiff_t count, const int32_t *owner,
                          const int32_t *rows, const float *x, float b, float *out) {
  ptrdiff_t i = 0;
  for (; i + HS_LANES <= count; i += HS_LANES) {
    store(out + i, pair_dots(list, HS_LANES, owner + i, rows + i, x) - splat(b));
  }
  if (i < count) {
    const f32x16 z = pair_dots(list, count - i, owner + i, rows + i, x) - splat(b);
    store_first(count - i, out + i, z);
  }
}

// ---------------------------------------------------------------------------------------
// Sampled inner products
// ---------------------------------------------------------------------------------------

HS_INLINE void sddmm(ptrdiff_t blocks, ptrdiff_t begin, ptrdiff_t end, const int32_t *active,
                     const int32_t *starts, const int32_t *rows, const float *w, const float *x,
                     float b, float *h) {
  const neuron_list list = {begin, end, active, starts, blocks, w};
  const ptrdiff_t chunk = chunk_pairs(blocks);
  int32_t owner[HS_CHUNK + HS_LANES];
  ptrdiff_t n = begin;
  prefetch_first_neurons(&list);
  for (ptrdiff_t e = starts[begin]; e < starts[end]; e += chunk) {
    const ptrdiff_t stop = e + chunk < starts[end] ? e + chunk : starts[end];
    n = list_owners(&list, n, (int32_t)e, (int32_t)stop, owner);
    chunk_dots(&list, stop - e, owner, rows + e, x, b, h + e);
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

// ---------------------------------------------------------------------------------------
// Forward
// ---------------------------------------------------------------------------------------

/// 1 when all of the chunk's pairs belong to one query, as with a batch of one.
HS_INLINE int is_one_query(ptrdiff_t count, const int32_t *rows) {
  int32_t differences = 0;
  for (ptrdiff_t i = 0; i < count; i++) differences |= rows[i] ^ rows[0];
  return differences == 0;
}

HS_INLINE void forward_chunk(const neuron_list *list, ptrdiff_t count, const int32_t *owner,
                             const int32_t *rows, const float *h, float *out) {
  const ptrdiff_t blocks = list->blocks, stride = blocks * HS_LANES;
  if (HS_IS_SHORT(blocks) && is_one_query(count, rows)) {
    // The output row stays in registers: through memory, each pair would wait for the one before.
    float *o = out + rows[0] * stride;
    held_row sum = hold(blocks, o);
    for (ptrdiff_t i = 0; i < count; i++) {
      const float *a = neuron_row(list, owner[i]);
      for (ptrdiff_t k = 0; k < blocks; k++) {
        sum.block[k] = fmadd(splat(h[i]), load(a + k * HS_LANES), sum.block[k]);
      }
    }
    for (ptrdiff_t k = 0; k < blocks; k++) store(o + k * HS_LANES, sum.block[k]);
    return;
  }
  for (ptrdiff_t i = 0; i < count; i++) {
    const float *a = neuron_row(list, owner[i]);
    float *o = out + rows[i] * stride;
    for (ptrdiff_t k = 0; k < blocks; k++) {
      store(o + k * HS_LANES,
            fmadd(splat(h[i]), load(a + k * HS_LANES), load(o + k * HS_LANES)));
    }
  }
}

/// As forward_chunk for rows of one float.
HS_INLINE void forward_chunk_scalar(const neuron_list *list, ptrdiff_t count,
                                    const int32_t *owner, const int32_t *rows, const float *h,
                                    float *out) {
  for (ptrdiff_t i = 0; i < count; i++) {
    out[rows[i]] = fmaf(h[i], *neuron_row(list, owner[i]), out[rows[i]]);
  }
}

HS_INLINE void forward(ptrdiff_t blocks, ptrdiff_t begin, ptrdiff_t end, const int32_t *active,
                       const int32_t *starts, const int32_t *rows, const float *h, const float *a,
                       float *out) {
  const neuron_list list = {begin, end, active, starts, blocks, a};
  const ptrdiff_t chunk = chunk_pairs(blocks);
  int32_t owner[HS_CHUNK + HS_LANES];
  ptrdiff_t n = begin;
  prefetch_first_neurons(&list);
  for (ptrdiff_t e = starts[begin]; e < starts[end]; e += chunk) {
    const ptrdiff_t stop = e + chunk < starts[end] ? e + chunk : starts[end];
    n = list_owners(&list, n, (int32_t)e, (int32_t)stop, owner);
    if (blocks > 0) {
      forward_chunk(&list, stop - e, owner, rows + e, h + e, out);
    } else {
      forward_chunk_scalar(&list, stop - e, owner, rows + e, h + e, out);
    }
  }
}

void HS_SUFFIX(hs_forward_f32)(ptrdiff_t begin, ptrdiff_t end, const int32_t *active,
                               const int32_t *starts, const int32_t *rows, const float *h,
                               ptrdiff_t stride, const float *a, float *out) {
  if (begin >= end || stride == 0) return;
  if (stride == 1) {
    forward(0, begin, end, active, starts, rows, h, a, out);
    return;
  }
  HS_WITH_BLOCKS(stride / HS_LANES, forward, begin, end, active, starts, rows, h, a, out);
}

// ---------------------------------------------------------------------------------------
// Backward
// ---------------------------------------------------------------------------------------

/// Sets the rows of neurons without pairs, which no pair writes, to +0.
HS_INLINE void clear_empty(ptrdiff_t begin, ptrdiff_t end, const int32_t *starts, ptrdiff_t stride,
                           float *grad) {
  for (ptrdiff_t n = begin; n < end; n++) {
    if (starts[n] != starts[n + 1]) continue;
    for (ptrdiff_t l = 0; l < stride; l++) grad[(n - begin) * stride + l] = 0;
  }
}

/// grad[owner] = sum over its pairs of factor * x[row]. Row sums live in registers and are stored
/// after every pair; keep[i] is all ones where pair i has the same owner as the pair before, and 0
/// where the sum starts anew. `sum` carries over from chunk to chunk.
HS_INLINE void accumulate_chunk(ptrdiff_t blocks, ptrdiff_t begin, ptrdiff_t count,
                                const int32_t *owner, const int32_t *keep, const int32_t *rows,
                                const float *factor, const float *x, float *grad, held_row *sum) {
  const ptrdiff_t stride = blocks * HS_LANES;
  for (ptrdiff_t i = 0; i < count; i++) {
    const float *xi = x + rows[i] * stride;
    float *gi = grad + (owner[i] - begin) * stride;
    for (ptrdiff_t k = 0; k < blocks; k++) {
      if (HS_IS_SHORT(blocks)) {
        const f32x16 kept = (f32x16)((i32x16)sum->block[k] & (i32x16)keep[i]);
        sum->block[k] = fmadd(splat(factor[i]), load(xi + k * HS_LANES), kept);
        store(gi + k * HS_LANES, sum->block[k]);
      } else {
        const f32x16 kept = keep[i] ? load(gi + k * HS_LANES) : splat(0);
        store(gi + k * HS_LANES, fmadd(splat(factor[i]), load(xi + k * HS_LANES), kept));
      }
    }
  }
}

/// As accumulate_chunk for rows of one float.
HS_INLINE void accumulate_chunk_scalar(ptrdiff_t begin, ptrdiff_t count, const int32_t *owner,
                                       const int32_t *keep, const int32_t *rows,
                                       const float *factor, const float *x, float *grad,
                                       float *sum) {
  for (ptrdiff_t i = 0; i < count; i++) {
    *sum = fmaf(factor[i], x[rows[i]], keep[i] ? *sum : 0);
    grad[owner[i] - begin] = *sum;
  }
}

/// Owners of a chunk with the owner of the pair before it, and where the owner stays the same.
typedef struct {
  int32_t before[HS_LANES];  // only the last one counts
  int32_t owner[HS_CHUNK + HS_LANES];
  int32_t keep[HS_CHUNK];
} owned_chunk;

HS_INLINE ptrdiff_t list_owned(const neuron_list *list, ptrdiff_t n, ptrdiff_t first,
                               ptrdiff_t last, owned_chunk *chunk) {
  n = list_owners(list, n, (int32_t)first, (int32_t)last, chunk->owner);
  for (ptrdiff_t i = 0; i < HS_CHUNK; i += HS_LANES) {
    const i32x16 same = load_i32(chunk->owner + i) == load_i32(&chunk->before[HS_LANES - 1] + i);
    store_i32(chunk->keep + i, same);
  }
  return n;
}

/// accumulate_chunk for rows of any length: in a function of its own, as the lengths of input and
/// output rows vary independently.
static __attribute__((noinline)) void accumulate_inputs(ptrdiff_t blocks, ptrdiff_t begin,
                                                        ptrdiff_t count, const owned_chunk *chunk,
                                                        const int32_t *rows, const float *factor,
                                                        const float *x, float *grad,
                                                        held_row *sum) {
  HS_WITH_BLOCKS(blocks, accumulate_chunk, begin, count, chunk->owner, chunk->keep, rows, factor,
                 x, grad, sum);
}

HS_INLINE void backward(ptrdiff_t blocks, ptrdiff_t begin, ptrdiff_t end, const int32_t *active,
                        const int32_t *starts, const int32_t *rows, const float *h,
                        ptrdiff_t in_blocks, const float *x, const float *a, const float *g,
                        float *grad_w, float *grad_a) {
  const neuron_list list = {begin, end, active, starts, blocks, a};
  const ptrdiff_t chunk = chunk_pairs(blocks);
  held_row sum_w = {.row = NULL}, sum_a = {.row = NULL};
  float scalar_sum = 0, s[HS_CHUNK];
  owned_chunk owned;
  owned.before[HS_LANES - 1] = -1;
  ptrdiff_t n = begin;
  if (grad_w) prefetch_first_neurons(&list);
  for (ptrdiff_t e = starts[begin]; e < starts[end]; e += chunk) {
    const ptrdiff_t stop = e + chunk < starts[end] ? e + chunk : starts[end];
    const ptrdiff_t count = stop - e;
    n = list_owned(&list, n, e, stop, &owned);
    if (grad_w) {
      if (blocks > 0) {
        chunk_dots(&list, count, owned.owner, rows + e, g, 0, s);
      } else {
        for (ptrdiff_t i = 0; i < count; i++) {
          s[i] = *neuron_row(&list, owned.owner[i]) * g[rows[e + i]];
        }
      }
      accumulate_inputs(in_blocks, begin, count, &owned, rows + e, s, x, grad_w, &sum_w);
    }
    if (grad_a && blocks > 0) {
      accumulate_chunk(blocks, begin, count, owned.owner, owned.keep, rows + e, h + e, g, grad_a,
                       &sum_a);
    } else if (grad_a) {
      accumulate_chunk_scalar(begin, count, owned.owner, owned.keep, rows + e, h + e, g, grad_a,
                              &scalar_sum);
    }
    owned.before[HS_LANES - 1] = owned.owner[count - 1];
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
  if (grad_w) clear_empty(begin, end, starts, in_stride, grad_w);
  if (grad_a) clear_empty(begin, end, starts, out_stride, grad_a);
  const ptrdiff_t in_blocks = in_stride / HS_LANES;
  if (out_stride == 1) {
    backward(0, begin, end, active, starts, rows, h, in_blocks, x, a, g, grad_w, grad_a);
    return;
  }
  HS_WITH_BLOCKS(out_stride / HS_LANES, backward, begin, end, active, starts, rows, h, in_blocks,
                 x, a, g, grad_w, grad_a);
}
