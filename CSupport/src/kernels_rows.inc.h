// SPDX-License-Identifier: Apache-2.0
//
// SIMD optimizer steps over listed rows, and the transposition of reports.
#include "simd.inc.h"

// ---------------------------------------------------------------------------------------
// Optimizers
// ---------------------------------------------------------------------------------------

/// What to do with 16 lanes of a gradient g and of the state rows u and v.
typedef enum { HS_ADD, HS_ADAGRAD, HS_MOMENTUM, HS_ADAM } rule;

typedef struct {
  float alpha;  // learning rate, momentum
  float epsilon, beta1, beta2, scale1, scale2;
} rule_numbers;

HS_INLINE f32x16 square_root(f32x16 x) { return __builtin_elementwise_sqrt(x); }

HS_INLINE void apply(rule which, const rule_numbers *c, f32x16 *g, f32x16 *u, f32x16 *v) {
  switch (which) {
    case HS_ADD:
      *u = fmadd(splat(c->alpha), *g, *u);
      return;
    case HS_ADAGRAD:
      *u = fmadd(*g, *g, *u);
      *g = *g / (square_root(*u) + splat(c->epsilon));
      return;
    case HS_MOMENTUM:
      *u = fmadd(splat(c->alpha), *u, *g);
      *g = *u;
      return;
    case HS_ADAM:
      *u = fmadd(splat(c->beta1), *u, splat(1 - c->beta1) * *g);
      *v = fmadd(splat(c->beta2), *v, (splat(1 - c->beta2) * *g) * *g);
      *g = (*u * splat(c->scale1)) / (square_root(*v * splat(c->scale2)) + splat(c->epsilon));
      return;
  }
}

/// Rows of `blocks` blocks, then `rest` < 16 floats. `step` is g where the rule writes it.
HS_INLINE void apply_rows(ptrdiff_t blocks, ptrdiff_t rest, rule which, const rule_numbers *c,
                          ptrdiff_t n, const int32_t *ids, const float *g, float *step, float *u,
                          float *v) {
  const ptrdiff_t stride = blocks * HS_LANES + rest;
  const ptrdiff_t ahead = blocks <= 4 ? 32 : 1 + 128 / blocks;
  for (ptrdiff_t k = 0; k < n; k++) {
    if (k + ahead < n) {
      const ptrdiff_t next = ids[k + ahead] * stride;
      for (ptrdiff_t l = 0; l < stride; l += HS_LANES) __builtin_prefetch(u + next + l, 1);
      if (which == HS_ADAM) {
        for (ptrdiff_t l = 0; l < stride; l += HS_LANES) __builtin_prefetch(v + next + l, 1);
      }
    }
    const ptrdiff_t to = ids[k] * stride;
    for (ptrdiff_t l = 0; l < stride; l += HS_LANES) {
      const ptrdiff_t left = stride - l, gradient = k * stride + l, state = to + l;
      f32x16 gl, ul, vl = splat(0);
      if (rest == 0 || left >= HS_LANES) {
        gl = load(g + gradient);
        ul = load(u + state);
        if (which == HS_ADAM) vl = load(v + state);
        apply(which, c, &gl, &ul, &vl);
        if (which != HS_ADD) store(step + gradient, gl);
        store(u + state, ul);
        if (which == HS_ADAM) store(v + state, vl);
      } else {
        gl = load_first(left, g + gradient);
        ul = load_first(left, u + state);
        if (which == HS_ADAM) vl = load_first(left, v + state);
        apply(which, c, &gl, &ul, &vl);
        if (which != HS_ADD) store_first(left, step + gradient, gl);
        store_first(left, u + state, ul);
        if (which == HS_ADAM) store_first(left, v + state, vl);
      }
    }
  }
}

/// Rows of one float, 16 at a time.
HS_INLINE void apply_scalars(rule which, const rule_numbers *c, ptrdiff_t n, const int32_t *ids,
                             const float *g, float *step, float *u, float *v) {
  for (ptrdiff_t k = 0; k < n; k += HS_LANES) {
    const ptrdiff_t count = n - k < HS_LANES ? n - k : HS_LANES;
    float u_lanes[HS_LANES] = {0}, v_lanes[HS_LANES] = {0};
    for (ptrdiff_t i = 0; i < count; i++) {
      u_lanes[i] = u[ids[k + i]];
      if (which == HS_ADAM) v_lanes[i] = v[ids[k + i]];
    }
    f32x16 gl = count < HS_LANES ? load_first(count, g + k) : load(g + k);
    f32x16 ul = load(u_lanes), vl = load(v_lanes);
    apply(which, c, &gl, &ul, &vl);
    store(u_lanes, ul);
    store(v_lanes, vl);
    if (which != HS_ADD) {
      if (count < HS_LANES) {
        store_first(count, step + k, gl);
      } else {
        store(step + k, gl);
      }
    }
    for (ptrdiff_t i = 0; i < count; i++) {
      u[ids[k + i]] = u_lanes[i];
      if (which == HS_ADAM) v[ids[k + i]] = v_lanes[i];
    }
  }
}

HS_INLINE void apply_strided(rule which, const rule_numbers *c, ptrdiff_t n, const int32_t *ids,
                             ptrdiff_t stride, const float *g, float *step, float *u, float *v) {
  if (stride == 1) {
    apply_scalars(which, c, n, ids, g, step, u, v);
    return;
  }
  if (stride % HS_LANES != 0) {
    apply_rows(stride / HS_LANES, stride % HS_LANES, which, c, n, ids, g, step, u, v);
    return;
  }
  HS_WITH_BLOCKS(stride / HS_LANES, apply_rows, 0, which, c, n, ids, g, step, u, v);
}

void HS_SUFFIX(hs_add_rows_f32)(ptrdiff_t n, const int32_t *ids, ptrdiff_t stride, float alpha,
                                const float *step, float *p) {
  const rule_numbers c = {.alpha = alpha};
  apply_strided(HS_ADD, &c, n, ids, stride, step, NULL, p, NULL);
}

void HS_SUFFIX(hs_adagrad_rows_f32)(ptrdiff_t n, const int32_t *ids, ptrdiff_t stride,
                                    float epsilon, float *g, float *s) {
  const rule_numbers c = {.epsilon = epsilon};
  apply_strided(HS_ADAGRAD, &c, n, ids, stride, g, g, s, NULL);
}

void HS_SUFFIX(hs_momentum_rows_f32)(ptrdiff_t n, const int32_t *ids, ptrdiff_t stride, float mu,
                                     float *g, float *v) {
  const rule_numbers c = {.alpha = mu};
  apply_strided(HS_MOMENTUM, &c, n, ids, stride, g, g, v, NULL);
}

void HS_SUFFIX(hs_adam_rows_f32)(ptrdiff_t n, const int32_t *ids, ptrdiff_t stride, float beta1,
                                 float beta2, float scale1, float scale2, float epsilon, float *g,
                                 float *u, float *v) {
  const rule_numbers c = {.epsilon = epsilon,
                          .beta1 = beta1,
                          .beta2 = beta2,
                          .scale1 = scale1,
                          .scale2 = scale2};
  apply_strided(HS_ADAM, &c, n, ids, stride, g, g, u, v);
}

// ---------------------------------------------------------------------------------------
// Transposition
// ---------------------------------------------------------------------------------------

/// Lane l becomes the sum of lanes 0...l.
HS_INLINE i32x16 running_sums(i32x16 x) {
  const i32x16 zero = (i32x16)0;
  x += __builtin_shufflevector(zero, x, 0, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29,
                               30);
  x += __builtin_shufflevector(zero, x, 0, 1, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28,
                               29);
  x += __builtin_shufflevector(zero, x, 0, 1, 2, 3, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
                               27);
  x += __builtin_shufflevector(zero, x, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
  return x;
}

int32_t HS_SUFFIX(hs_running_starts)(ptrdiff_t n, int32_t *counts) {
  int32_t total = 0;
  ptrdiff_t r = 0;
  for (; r + HS_LANES <= n; r += HS_LANES) {
    const i32x16 count = load_i32(counts + r);
    const i32x16 after = running_sums(count);
    store_i32(counts + r, after - count + total);
    total += after[HS_LANES - 1];
  }
  for (; r < n; r++) {
    const int32_t own = counts[r];
    counts[r] = total;
    total += own;
  }
  return total;
}

/// Lists the numbers r in first..<last with counts[r] > 0, behind the n listed already, and where the
/// entries of each start, from starts[n] on; counts[r] becomes that start. Returns how many are
/// listed now. `room` is that of `active` and `starts`.
HS_INLINE ptrdiff_t list_active(ptrdiff_t first, ptrdiff_t last, ptrdiff_t n, ptrdiff_t room,
                                int32_t *counts, int32_t *active, int32_t *starts) {
  ptrdiff_t r = first;
  int32_t start = starts[n];
  for (; r + HS_LANES <= last; r += HS_LANES) {
    const i32x16 count = load_i32(counts + r);
    const uint32_t mask = mask_of(count != 0);
    if (mask == 0) continue;
    const i32x16 id = lane_numbers() + (int32_t)r;
    const i32x16 after = running_sums(count);
    const i32x16 before = after - count + start;
    store_i32(counts + r, count != 0 ? before : 0);
    if (n + HS_LANES <= room) {
      store_kept(mask, id, active + n);
      store_kept(mask, before, starts + n);
    } else {
      store_kept_exactly(mask, id, active + n);
      store_kept_exactly(mask, before, starts + n);
    }
    n += __builtin_popcount(mask);
    start += after[HS_LANES - 1];
  }
  for (; r < last; r++) {
    if (counts[r] == 0) continue;
    active[n] = (int32_t)r;
    starts[n] = start;
    start += counts[r];
    counts[r] = starts[n++];
  }
  starts[n] = start;
  return n;
}

#define HS_TRANSPOSED_RANGE 32768  // rows whose counts and entries stay in the second-level cache
#define HS_MOST_CURSORS 1024       // queries that are walked through side by side

/// A report to be transposed, and how far its queries have been read.
typedef struct {
  ptrdiff_t queries, room;
  const ptrdiff_t *offsets;
  const int32_t *ids;
  const float *values;
  int32_t *counts, *active, *starts, *rows;
  float *h;
} transposition;

/// Transposes the entries of query q at from[q]..<to[q], which all belong to rows first..<last, behind
/// the n rows listed already. Returns how many are listed now.
HS_INLINE ptrdiff_t transpose_range(const transposition *t, ptrdiff_t first, ptrdiff_t last,
                                    ptrdiff_t n, const ptrdiff_t *from, const ptrdiff_t *to) {
  const ptrdiff_t listed = list_active(first, last, n, t->room, t->counts, t->active, t->starts);
  int32_t *counts = t->counts;
  for (ptrdiff_t q = 0; q < t->queries; q++) {
    for (ptrdiff_t e = from[q]; e < to[q]; e++) {
      const int32_t at = counts[t->ids[e]]++;
      t->rows[at] = (int32_t)q;
      t->h[at] = t->values[e];
    }
  }
  for (ptrdiff_t k = n; k < listed; k++) counts[t->active[k]] = 0;
  return listed;
}

/// Range of rows by range.
static __attribute__((noinline)) ptrdiff_t transpose_by_ranges(const transposition *t,
                                                               ptrdiff_t m) {
  ptrdiff_t from[HS_MOST_CURSORS], to[HS_MOST_CURSORS], n = 0;
  for (ptrdiff_t q = 0; q < t->queries; q++) from[q] = t->offsets[q];
  for (ptrdiff_t first = 0; first < m; first += HS_TRANSPOSED_RANGE) {
    const ptrdiff_t last = m - first < HS_TRANSPOSED_RANGE ? m : first + HS_TRANSPOSED_RANGE;
    for (ptrdiff_t q = 0; q < t->queries; q++) {
      ptrdiff_t e = from[q];
      for (; e < t->offsets[q + 1] && t->ids[e] < last; e++) t->counts[t->ids[e]]++;
      to[q] = e;
    }
    n = transpose_range(t, first, last, n, from, to);
    for (ptrdiff_t q = 0; q < t->queries; q++) from[q] = to[q];
  }
  return n;
}

ptrdiff_t HS_SUFFIX(hs_transpose_report)(ptrdiff_t queries, ptrdiff_t m, const ptrdiff_t *offsets,
                                         const int32_t *ids, const float *values, int32_t *counts,
                                         int32_t *active, int32_t *starts, int32_t *rows,
                                         float *h) {
  const ptrdiff_t pairs = queries > 0 ? offsets[queries] : 0;
  if (queries == 1) {  // the neurons of one query are in order already
    for (ptrdiff_t e = 0; e < pairs; e++) {
      active[e] = ids[e];
      starts[e] = (int32_t)e;
      rows[e] = 0;
      h[e] = values[e];
    }
    starts[pairs] = (int32_t)pairs;
    return pairs;
  }
  const transposition t = {queries, m < pairs ? m : pairs, offsets, ids, values,
                           counts,  active,                starts,  rows, h};
  starts[0] = 0;
  if (m > HS_TRANSPOSED_RANGE && queries <= HS_MOST_CURSORS) return transpose_by_ranges(&t, m);
  for (ptrdiff_t e = 0; e < pairs; e++) counts[ids[e]]++;
  return transpose_range(&t, 0, m, 0, offsets, offsets + 1);
}
