// SPDX-License-Identifier: Apache-2.0
//
// CHalfspace: the whole C interface of Halfspace.
//
// Conventions, stated once:
//   - Matrices are row-major. Row i of a matrix with `stride` floats per row starts at
//     `a + i * stride`. "Padded" means: stride is a multiple of HS_LANES and the floats
//     behind the last column are zero. Kernels read whole strides.
//   - Sizes are ptrdiff_t, row numbers int32_t. Sizes come first, then inputs, outputs last.
//   - Nothing allocates, does I/O or keeps state, save the dispatch table chosen at load time.
//   - Pointers need only the alignment of their element type; 64 bytes is fastest.
//     Arrays do not overlap unless a comment says so. A size of 0 touches no memory.
//   - Every kernel has one *bit-exact definition* (fixed order of operations, fused
//     multiply-adds where written `fma`), so its result is the same on every instruction
//     set. The readable definition is its twin in src/kernels_reference*.c, which is also the
//     portable level. Only of a NaN, sign and payload are left open.
#ifndef CHALFSPACE_H
#define CHALFSPACE_H

#include <stddef.h>
#include <stdint.h>

#if defined(__has_include)
#if !__has_include(<cblas.h>)
#error "cblas.h not found. Please run: apt-get install libopenblas-dev liblapacke-dev"
#elif !__has_include(<lapacke.h>)
#error "lapacke.h not found. Please run: apt-get install libopenblas-dev liblapacke-dev"
#elif !__has_include(<zlib.h>)
#error "zlib.h not found. Please run: apt-get install zlib1g-dev"
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/// Floats per padding unit: strides of padded rows are multiples of this.
#define HS_LANES 16

// ---------------------------------------------------------------------------------------
// Dispatch
// ---------------------------------------------------------------------------------------

/// Instruction-set levels, slowest first. Each runs the same bit-exact definitions.
typedef enum {
  HS_ISA_PORTABLE = 0,  ///< plain C, any processor
  HS_ISA_AVX2 = 1,      ///< x86-64-v3: AVX2, FMA, BMI2
  HS_ISA_AVX512 = 2,    ///< AVX-512 F/BW/DQ/VL and VNNI
  HS_ISA_COUNT = 3
} hs_isa_t;

/// The level in use: the best the processor has, or the one that the environment variable
/// HALFSPACE_ISA (portable, avx2, avx512) names, lowered to what the processor has.
int hs_isa(void);
/// Name of a level ("portable", "avx2", "avx512"); "unknown" outside 0..<HS_ISA_COUNT.
const char *hs_isa_name(int level);
/// 1 when this processor can run `level`.
int hs_isa_available(int level);
/// Uses `level` from now on (for tests and benchmarks). Calls under way elsewhere finish at
/// the level they started with. Returns 0, or -1 and changes nothing when the level is not
/// available.
int hs_isa_select(int level);

// ---------------------------------------------------------------------------------------
// Threads
// ---------------------------------------------------------------------------------------

/// What a thread runs of a parallel loop.
typedef struct hs_parts hs_parts;

/// The next index that a thread is to run; -1 where nothing is left, which it must go on to. To ask says that those
/// before are done.
ptrdiff_t hs_next_index(hs_parts *parts);

/// Calls run(context, parts) on the calling thread and up to threads - 1 others, each with parts of its own, at
/// least one, which are together every index in 0..<count, and returns 1 when all are done; returns 0 at once,
/// without a call, where another loop has the threads or `threads` exceeds the number of processors. Threads that have
/// worked wait awake for some 50 µs before they sleep, so that the next loop finds them.
int hs_parallel(ptrdiff_t count, int threads, void (*run)(void *context, hs_parts *parts), void *context);

/// Whether the loops of the calling thread are run by it alone from now on; at first they are not.
void hs_set_alone(int is_alone);

/// Whether they are.
int hs_is_alone(void);

// ---------------------------------------------------------------------------------------
// OpenBLAS: dense products. Fast, but in unspecified summation order: use them as filters
// and baselines, never for a value that decides or is reported.
// ---------------------------------------------------------------------------------------

/// y[m] = alpha * A x + beta * y, A is [m, n] with row stride lda.
void hs_gemv_f32(ptrdiff_t m, ptrdiff_t n, float alpha, const float *a, ptrdiff_t lda,
                 const float *x, float beta, float *y);
/// y[n] = alpha * Aᵀ x + beta * y, A is [m, n] with row stride lda.
void hs_gemv_t_f32(ptrdiff_t m, ptrdiff_t n, float alpha, const float *a, ptrdiff_t lda,
                   const float *x, float beta, float *y);
/// C[m, n] = alpha * op(A) op(B) + beta * C with op = transpose where the flag is not 0;
/// op(A) is [m, k], op(B) is [k, n]; lda, ldb, ldc are the row strides as stored.
void hs_gemm_f32(int trans_a, int trans_b, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, float alpha,
                 const float *a, ptrdiff_t lda, const float *b, ptrdiff_t ldb, float beta,
                 float *c, ptrdiff_t ldc);
/// As hs_gemm_f32 in double precision.
void hs_gemm_f64(int trans_a, int trans_b, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, double alpha,
                 const double *a, ptrdiff_t lda, const double *b, ptrdiff_t ldb, double beta,
                 double *c, ptrdiff_t ldc);
/// A[m, n] += alpha * x yᵀ (rank-one update).
void hs_ger_f32(ptrdiff_t m, ptrdiff_t n, float alpha, const float *x, const float *y, float *a,
                ptrdiff_t lda);
/// Threads OpenBLAS may use from now on (process-wide, at least 1). It is pinned to one thread
/// at load time, whatever OPENBLAS_NUM_THREADS says: Halfspace's own loops are parallel, and
/// dense products run inside them.
void hs_blas_set_threads(int threads);
/// OpenBLAS's build line and the name of the processor core it chose.
const char *hs_blas_config(void);
const char *hs_blas_core(void);

// ---------------------------------------------------------------------------------------
// LAPACKE, double precision, row-major. Return LAPACK's info: 0 on success, i > 0 for a
// numerical failure (for example: leading minor i is not positive definite), -i when
// argument i is illegal: a size that is negative or does not fit LAPACK's integer, a row stride
// below the row's length, a matrix with a NaN in it. LAPACKE allocates work space; should that
// fail, the matrix counts as the illegal argument.
// ---------------------------------------------------------------------------------------

/// Cholesky: the lower triangle of A [n, n] becomes L with A = L Lᵀ.
int hs_cholesky_f64(ptrdiff_t n, double *a, ptrdiff_t lda);
/// Solves A X = B in place of B [n, k], given L from hs_cholesky_f64.
int hs_cholesky_solve_f64(ptrdiff_t n, ptrdiff_t k, const double *l, ptrdiff_t lda, double *b,
                          ptrdiff_t ldb);
/// Symmetric eigenproblem of A [n, n] (lower triangle read): w[n] ascending eigenvalues; with
/// vectors != 0, column j of A becomes the eigenvector of w[j].
int hs_eigen_symmetric_f64(int vectors, ptrdiff_t n, double *a, ptrdiff_t lda, double *w);
/// Thin QR of A [m, n], m >= n: A becomes Q with orthonormal columns; r [n, n] (row stride n)
/// receives the upper triangle, zeros below; tau [n] is scratch.
int hs_qr_f64(ptrdiff_t m, ptrdiff_t n, double *a, ptrdiff_t lda, double *r, double *tau);

// ---------------------------------------------------------------------------------------
// Kernels of infinitely wide networks, double precision
// ---------------------------------------------------------------------------------------

/// For standard normal Z1, Z2 with correlation rho (clamped to [-1, 1]): first = P(Z1 > h, Z2 > k)
/// and second = E (Z1 - h)_+ (Z2 - k)_+. Relative error below 1e-12 for |h|, |k| <= 4 where the
/// result exceeds 1e-18. An infinite threshold is allowed.
void hs_normal_corner_f64(double h, double k, double rho, double *first, double *second);
/// One row of a kernel matrix: for each of n rows (at `stride` floats, d of them read) its inner
/// product with x and the two expectations above at their correlation. squared_x and squared[n]
/// are the squared lengths summed in double in the order of coordinates, h and thresholds[n] the
/// thresholds divided by the lengths.
void hs_kernel_row_f64(ptrdiff_t n, ptrdiff_t d, ptrdiff_t stride, const float *x, double squared_x,
                       double h, const float *rows, const double *squared, const double *thresholds,
                       double *product, double *first, double *second);

// ---------------------------------------------------------------------------------------
// Canonical inner product
// ---------------------------------------------------------------------------------------

/// The canonical inner product of two padded rows: the one definition of <w, x> that decides
/// whether a neuron fires and that every path reports.
///
/// Definition. The row is cut into blocks of 16 lanes. Let K = stride / 16 and A = min(4, K).
/// Accumulator p < A holds 16 lanes, starts at +0 and takes blocks p, p + A, p + 2A, ... in
/// order: acc[p][l] = fma(w[l], x[l], acc[p][l]). The accumulators are added as
/// ((acc0 + acc1) + (acc2 + acc3)), leaving out those that do not exist; the 16 lanes are
/// folded: t[l] + t[l + 8], then + 4, + 2, + 1. stride = 0 gives 0.
///
/// Rounding: the result differs from the exact inner product by at most
/// gamma(ceil(stride / 64) + 6) * sum |w_l x_l|, gamma(n) = n u / (1 - n u), u = 2^-24, plus
/// stride * 2^-149 for underflow.
float hs_dot_f32(ptrdiff_t stride, const float *w, const float *x);

/// z[r * ldz + q] = canonical <W_r, X_q> for m rows and n queries (rows of X), all pairs.
void hs_preactivations_f32(ptrdiff_t m, ptrdiff_t n, ptrdiff_t stride, const float *w,
                           const float *x, float *z, ptrdiff_t ldz);

// ---------------------------------------------------------------------------------------
// Half-space reports. A pair is reported when its canonical value z satisfies z > b
// (strictly; NaN is never reported); the reported value is z - b (one float subtraction).
// ---------------------------------------------------------------------------------------

/// Fused scan: reports all rows r < m of W [m, stride] that fire on the query x. Writes
/// first + r to ids (ascending) and the values; both need room for m entries.
/// Returns the number of reported rows.
ptrdiff_t hs_scan_report_f32(ptrdiff_t m, ptrdiff_t stride, const float *w, const float *x,
                             float b, int32_t first, int32_t *ids, float *values);

/// Filter: keeps every r < n for which NOT (z[r] <= cutoff) holds (so NaN is kept). Writes
/// first + r to candidates (ascending, room for n). Returns their number.
ptrdiff_t hs_filter_f32(ptrdiff_t n, const float *z, float cutoff, int32_t first,
                        int32_t *candidates);

/// Decides candidates by the canonical value: reports those rows of W that fire on x, in the
/// order of the candidates. ids may be the same array as candidates. Rows ahead are
/// prefetched. Returns the number of reported rows.
ptrdiff_t hs_recheck_f32(ptrdiff_t count, const int32_t *candidates, ptrdiff_t stride,
                         const float *w, const float *x, float b, int32_t *ids, float *values);

/// Products of one query part with the vectors of a grid's part, transposed: products[i] for i <
/// stride is the sum over k < h of table[k * stride + i] x[k], added by fused multiply-adds from +0 in
/// ascending order of k, in sums by k modulo 4, (s0 + s1) + (s2 + s3), where stride <=
/// HS_NARROW_TABLE, and by k modulo 2 otherwise. What lies behind the table is prefetched.
void hs_grid_products_f32(ptrdiff_t h, ptrdiff_t stride, const float *table, const float *x,
                          float *products);
#define HS_NARROW_TABLE 64

/// Product-grid filter. Writes, ascending, every local number i * s2 + j < limit with
/// NOT (beta[j] <= cutoff - alpha[i]), one float subtraction: up to its rounding, the pairs with
/// alpha[i] + beta[j] > cutoff. `beta` has s2 floats, then padding up to a multiple of 16 that is
/// read and ignored. Rows i with beta_max <= cutoff - alpha[i] are skipped, where beta_max is the
/// largest beta, or NaN if one of them is NaN. Then NaN in alpha or beta keeps the pair.
/// Starts at row *row. Stops before the first row it would not skip when fewer than s2 of the
/// `capacity` (>= s2) entries remain, and sets *row to that row; to s1 when all is done. Returns
/// the number written. s1 * s2 <= INT32_MAX.
ptrdiff_t hs_grid_filter_f32(ptrdiff_t s1, ptrdiff_t s2, const float *alpha, const float *beta,
                             float beta_max, float cutoff, int64_t limit, ptrdiff_t *row,
                             ptrdiff_t capacity, int32_t *locals);

/// Decides product-grid candidates. Row (i, j) is U_i + V_j (padded rows of full length; where
/// one is nonzero the other is zero, so the sum is exact), its canonical value is the canonical
/// inner product of that sum with x. Writes first + local and the value of those that fire.
ptrdiff_t hs_grid_recheck_f32(ptrdiff_t count, const int32_t *locals, ptrdiff_t s2,
                              ptrdiff_t stride, const float *u, const float *v, const float *x,
                              float b, int64_t first, int64_t *ids, float *values);

#include "CHalfspaceCodedRows.h"
#include "CHalfspaceInflate.h"
#include "CHalfspaceNested.h"
#include "CHalfspaceRows.h"
#include "CHalfspaceStructures.h"

// ---------------------------------------------------------------------------------------
// Sparse step, neuron-major. A batch report is CSR by query: offsets[queries + 1], ids
// (ascending within a query), values. Its transpose lists, for every neuron that fires on some
// query (ascending), the queries it fires on (ascending).
// ---------------------------------------------------------------------------------------

/// Transposes a CSR report over `queries` queries and neurons 0..<m. counts [m] is scratch that
/// must be all zero on entry and is all zero on return. Room: active [min(m, pairs)],
/// starts [that + 1], rows and h [pairs]; pairs = offsets[queries] <= INT32_MAX.
/// Returns the number of active neurons n; starts[n] = pairs.
ptrdiff_t hs_transpose_report(ptrdiff_t queries, ptrdiff_t m, const ptrdiff_t *offsets,
                              const int32_t *ids, const float *values, int32_t *counts,
                              int32_t *active, int32_t *starts, int32_t *rows, float *h);

// Neurons begin..<end of a transposed report go into each of the following kernels, so that blocks
// of neurons can be worked on in parallel. Starts must not descend; a neuron may have no entries.

/// Sampled inner products (SDDMM): for every active neuron n in begin..<end and every query it
/// fires on, h[e] = canonical <W_active[n], X_rows[e]> - b. `h` is indexed as `rows`.
void hs_sddmm_f32(ptrdiff_t begin, ptrdiff_t end, const int32_t *active, const int32_t *starts,
                  const int32_t *rows, ptrdiff_t stride, const float *w, const float *x, float b,
                  float *h);

/// Sparse backward: for n in begin..<end, over its entries e in order:
///   s = canonical <a[active[n]], g[rows[e]]>          (stride 1: the product a * g)
///   grad_w[n - begin][l] = fma(s, x[rows[e]][l], grad_w[n - begin][l])    from +0
///   grad_a[n - begin][c] = fma(h[e], g[rows[e]][c], grad_a[n - begin][c]) from +0
/// x rows have in_stride floats (padded), a and g rows out_stride (1, or a multiple of 16).
/// grad_w or grad_a may be NULL: not computed.
void hs_backward_f32(ptrdiff_t begin, ptrdiff_t end, const int32_t *active, const int32_t *starts,
                     const int32_t *rows, const float *h, ptrdiff_t in_stride, const float *x,
                     ptrdiff_t out_stride, const float *a, const float *g, float *grad_w,
                     float *grad_a);

/// Sparse forward, query by query, from a CSR report whose neurons ascend within a query: for every
/// shard shards[p]..<shards[p + 1] of neurons a sum from +0,
///   sum[c] = fma(values[e], a[ids[e]][c], sum[c]) over the query's entries e in the shard, in order;
/// the sums of the `pieces` >= 1 shards are added in order: out[q] = factor * (sum_0 + sum_1 + ...).
/// With more_offsets (else NULL), the entries of a second report are added to the last sum. Rows of
/// a, more_a and out have `stride` floats: 1, or a multiple of 16.
void hs_forward_queries_f32(ptrdiff_t queries, const ptrdiff_t *offsets, const int32_t *ids,
                            const float *values, const float *a, const ptrdiff_t *more_offsets,
                            const int32_t *more_ids, const float *more_values,
                            const float *more_a, ptrdiff_t pieces, const ptrdiff_t *shards,
                            ptrdiff_t stride, float factor, float *out);

/// The sums of single shards, for processes that hold some shards each: with the sums defined for
/// hs_forward_queries_f32, out[p * plane + q * stride + c] = sum[c] of shard p and query q.
void hs_forward_shards_f32(ptrdiff_t queries, const ptrdiff_t *offsets, const int32_t *ids,
                           const float *values, const float *a, ptrdiff_t pieces,
                           const ptrdiff_t *shards, ptrdiff_t stride, ptrdiff_t plane, float *out);

/// Combines sums of `pieces` >= 1 shards in their order, for i < count:
///   out[i] = factor * (parts[i] + parts[plane + i] + parts[2 * plane + i] + ...).
/// From the sums of all shards it makes the bits of hs_forward_queries_f32.
void hs_add_planes_f32(ptrdiff_t pieces, ptrdiff_t plane, ptrdiff_t count, const float *parts,
                       float factor, float *out);

/// What bounds how far plain SGD moves rows: for neurons that have entries,
///   bounds[n] = sum (|slopes[e]| * norms[rows[e]]) * factor + floor
/// over their entries e in order, where norms[q] is at least the norm of row q of the inputs.
typedef struct {
  const float *norms;
  float factor, floor;
  float *bounds;
} hs_move_bounds;

/// hs_backward_f32 and plain SGD in one: for neurons begin..<end, with the gradients defined
/// there (`a` as it was on entry), w[active[n]] = fma(alpha_w, grad_w, w[active[n]]) and, with
/// trains_a, a[active[n]] = fma(alpha_a, grad_a, a[active[n]]), lane by lane; neurons without
/// entries are left alone. `slopes` is scratch, indexed as `rows`. `owners`, indexed as `rows` too, are
/// the neurons of the entries, or NULL: it is faster with them where neurons have few entries.
/// With `moves` (else NULL), the moves of rows of w are bounded; returns the largest bound that is a
/// number, or 0.
float hs_backward_sgd_f32(ptrdiff_t begin, ptrdiff_t end, const int32_t *active,
                          const int32_t *starts, const int32_t *rows, const int32_t *owners,
                          const float *h, ptrdiff_t in_stride, const float *x,
                          ptrdiff_t out_stride, const float *g, float alpha_w, float *w,
                          float alpha_a, int trains_a, float *a, float *slopes,
                          const hs_move_bounds *moves);

// ---------------------------------------------------------------------------------------
// Optimizers: n gradient rows, compact [n, stride]; row k belongs to row ids[k] of the
// [*, stride] parameter and state arrays; ids are distinct. Each turns the gradient into the
// *step* in place (to be added by hs_add_rows_f32). All operations are single float operations, in
// this order. Any stride will do; 1 and multiples of 16 are fast.
// ---------------------------------------------------------------------------------------

/// p[ids[k]][l] = fma(alpha, step[k][l], p[ids[k]][l]). Rows ahead are prefetched.
void hs_add_rows_f32(ptrdiff_t n, const int32_t *ids, ptrdiff_t stride, float alpha,
                     const float *step, float *p);
/// s = fma(g, g, s); step = g / (sqrt(s) + epsilon). `g` becomes the step.
void hs_adagrad_rows_f32(ptrdiff_t n, const int32_t *ids, ptrdiff_t stride, float epsilon,
                         float *g, float *s);
/// v = fma(mu, v, g); step = v.
void hs_momentum_rows_f32(ptrdiff_t n, const int32_t *ids, ptrdiff_t stride, float mu, float *g,
                          float *v);
/// u = fma(beta1, u, (1 - beta1) * g); v = fma(beta2, v, ((1 - beta2) * g) * g);
/// step = (u * scale1) / (sqrt(v * scale2) + epsilon), where scale1 and scale2 are the bias
/// corrections 1 / (1 - beta^t).
void hs_adam_rows_f32(ptrdiff_t n, const int32_t *ids, ptrdiff_t stride, float beta1, float beta2,
                      float scale1, float scale2, float epsilon, float *g, float *u, float *v);

// ---------------------------------------------------------------------------------------
// Elementwise functions for the losses
// ---------------------------------------------------------------------------------------

/// y[i] = exp(x[i]), relative error below 1e-7 for normal results, absolute error below 2^-149
/// for denormal ones; 0 below -104, +inf above 88.73; NaN stays NaN. y may be x. The definition
/// is in src/exponential.h.
void hs_exp_f32(ptrdiff_t n, const float *x, float *y);

/// Softmax of `rows` rows of `classes` scores, row stride `stride` (padded, classes <= stride):
/// p[c] = exp(z[c] - max) / sum for c < classes, +0 for the padding. The sum runs over lanes:
/// 16 partial sums over blocks in order, folded as in hs_dot_f32; so does the maximum, in which
/// NaN scores do not count (they make the sum NaN). maximum[r] = max (-inf without classes) and
/// sum[r] = the sum, so that log-sum-exp = maximum + log(sum). p may be z.
void hs_softmax_f32(ptrdiff_t rows, ptrdiff_t classes, ptrdiff_t stride, const float *z, float *p,
                    float *maximum, float *sum);

/// Has n listed rows of so many bytes each brought near, which are needed soon. No other effect.
void hs_prefetch_rows(ptrdiff_t n, const ptrdiff_t *rows, ptrdiff_t bytes, const void *table);

// ---------------------------------------------------------------------------------------
// Counter-based random numbers (Philox 4x32-10, Salmon et al., SC 2011): the value at a position
// is a pure function of (seed, stream, row, column), so nothing needs to be stored.
// ---------------------------------------------------------------------------------------

/// The Philox 4x32-10 block: out[4] from a 128-bit counter and a 64-bit key (little-endian words).
void hs_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/// Standard normal deviates for rows first..<first + m, columns 0..<n, of the given stream:
/// z[r * stride + c]; floats n..<stride of each row are set to +0. Column pair (2k, 2k + 1) comes
/// by Box-Muller from half a Philox block with counter (k / 2, stream, row low, row high) and key
/// = seed: words (a, b) = 0, 1 for even k, 2, 3 for odd. With r = sqrt(-2 ln((a + 1/2) / 2^32))
/// and t = 2 pi (b + 1/2) / 2^32, column 2k is r cos t and column 2k + 1 is r sin t, so that
/// |z| < 6.8. All arithmetic is plain IEEE double (no fma, no libm), so the bits do not depend on
/// processor or library; the result is within one unit of the last place of the exact value.
void hs_normal_rows_f32(uint64_t seed, uint32_t stream, int64_t first, ptrdiff_t m, ptrdiff_t n,
                        ptrdiff_t stride, float *z);

#ifdef __cplusplus
}
#endif

#endif
