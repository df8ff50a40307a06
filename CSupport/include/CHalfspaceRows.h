// SPDX-License-Identifier: Apache-2.0
//
// Kernels over sparse input rows. A part of CHalfspace.h, whose conventions hold here too; include
// that.
//
// They give what the kernels over padded rows give for the same rows with their zeros. Where the
// weights are finite, a product with a zero changes no accumulator of a canonical inner product and
// no element of a gradient: an accumulator starts at +0, and fma(w, 0, t) = t. Only the sign of a
// zero may differ, where a product underflowed before; no comparison and no other number shows it.
#ifndef CHALFSPACE_ROWS_H
#define CHALFSPACE_ROWS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Some rows of a sparse matrix, gathered for the kernels by hs_gather_rows_f32. Row q has the
/// entries offsets[q]..<offsets[q + 1], ordered by their lane of the canonical inner product, and
/// within a lane by column. Nonempty lanes are numbered in the order of the tree that adds them up:
/// slots[e] is the number of an entry's lane, lanes[q] how many there are, and the tree is the
/// additions lane into[e] += lane from[e] for the first lanes[q] - 1 positions e of the row.
typedef struct {
  ptrdiff_t count;     ///< rows
  ptrdiff_t *offsets;  ///< count + 1
  int32_t *columns;    ///< of every entry
  float *values;       ///< of every entry
  uint8_t *slots, *into, *from;  ///< of every entry
  int32_t *lanes;      ///< of every row
  ptrdiff_t block_count;
  int32_t *blocks;     ///< the blocks of 16 columns that have entries, ascending
} hs_sparse_rows_t;

/// Gathers rows numbers[0..<count] of a matrix of compressed sparse rows, whose columns ascend
/// within a row and are below `stride`, into `to`, which has room for their entries and for
/// min(entries, stride / 16) blocks. marks [stride / 16] is scratch that must be all zero on entry
/// and is all zero on return.
void hs_gather_rows_f32(ptrdiff_t count, const ptrdiff_t *numbers, const ptrdiff_t *offsets,
                        const int32_t *columns, const float *values, ptrdiff_t stride,
                        uint8_t *marks, hs_sparse_rows_t *to);

/// z[q * ldz + r] = canonical <W_r, X_q> for m padded rows of W and all gathered rows X_q: a lane
/// that has entries starts at +0 and takes fma(w, x, lane) for them in order, then come the
/// additions.
/// `tile` is scratch of 16 * stride floats.
void hs_sparse_preactivations_f32(ptrdiff_t m, ptrdiff_t stride, const float *w,
                                  const hs_sparse_rows_t *x, float *tile, float *z,
                                  ptrdiff_t ldz);

/// Sparse inputs: for neurons begin..<end of a transposed report over the gathered rows x, with
///   s = canonical <a[active[n]], g[rows[e]]>      (out_stride 1: the product a * g)
///   gradient[l] = fma(s, x[rows[e]][l], gradient[l])  from +0, over the neuron's entries in order,
/// the columns l that some of these rows have are stepped, and no others are touched:
///   d = gradient[l];
///   with state (else NULL): state[l] = fma(d, d, state[l]); d = d / (sqrt(state[l]) + epsilon)
///   w[l] = fma(alpha, d, w[l])
///   with average (else NULL): average[l] = fma(average_alpha, d, average[l])
/// on row active[n] of w, state and average. That is hs_backward_f32, then hs_adagrad_rows_f32 where
/// there is a state, then hs_add_rows_f32. `gradient` [in_stride] is scratch that must be all zero
/// on entry and is all zero on return.
void hs_sparse_backward_f32(ptrdiff_t begin, ptrdiff_t end, const int32_t *active,
                            const int32_t *starts, const int32_t *rows,
                            const hs_sparse_rows_t *x, ptrdiff_t in_stride, ptrdiff_t out_stride,
                            const float *a, const float *g, float epsilon, float *state,
                            float alpha, float *w, float average_alpha, float *average,
                            float *gradient);

#ifdef __cplusplus
}
#endif

#endif
