// SPDX-License-Identifier: Apache-2.0
//
// The kernels that exist once per instruction set, and the table that holds one set of them.
#ifndef HS_KERNELS_H
#define HS_KERNELS_H

#include "CHalfspace.h"

// X(result, name, parameters, arguments) for every dispatched kernel.
#define HS_FOR_EACH_KERNEL(X)                                                                     \
  X(float, dot_f32, (ptrdiff_t stride, const float *w, const float *x), (stride, w, x))           \
  X(void, preactivations_f32,                                                                     \
    (ptrdiff_t m, ptrdiff_t n, ptrdiff_t stride, const float *w, const float *x, float *z,        \
     ptrdiff_t ldz),                                                                              \
    (m, n, stride, w, x, z, ldz))                                                                 \
  X(ptrdiff_t, scan_report_f32,                                                                   \
    (ptrdiff_t m, ptrdiff_t stride, const float *w, const float *x, float b, int32_t first,       \
     int32_t *ids, float *values),                                                                \
    (m, stride, w, x, b, first, ids, values))                                                     \
  X(ptrdiff_t, filter_f32,                                                                        \
    (ptrdiff_t n, const float *z, float cutoff, int32_t first, int32_t *candidates),              \
    (n, z, cutoff, first, candidates))                                                            \
  X(ptrdiff_t, recheck_f32,                                                                       \
    (ptrdiff_t count, const int32_t *candidates, ptrdiff_t stride, const float *w,                \
     const float *x, float b, int32_t *ids, float *values),                                       \
    (count, candidates, stride, w, x, b, ids, values))                                            \
  X(ptrdiff_t, grid_filter_f32,                                                                   \
    (ptrdiff_t s1, ptrdiff_t s2, const float *alpha, const float *beta, float beta_max,           \
     float cutoff, int64_t limit, ptrdiff_t *row, ptrdiff_t capacity, int32_t *locals),           \
    (s1, s2, alpha, beta, beta_max, cutoff, limit, row, capacity, locals))                        \
  X(void, grid_products_f32,                                                                      \
    (ptrdiff_t h, ptrdiff_t stride, const float *table, const float *x, float *products),         \
    (h, stride, table, x, products))                                                              \
  X(ptrdiff_t, grid_recheck_f32,                                                                  \
    (ptrdiff_t count, const int32_t *locals, ptrdiff_t s2, ptrdiff_t stride, const float *u,      \
     const float *v, const float *x, float b, int64_t first, int64_t *ids, float *values),        \
    (count, locals, s2, stride, u, v, x, b, first, ids, values))                                  \
  X(float, largest_f32, (ptrdiff_t n, const float *a), (n, a))                                    \
  X(void, tile_encode_f32,                                                                        \
    (ptrdiff_t n, ptrdiff_t groups, ptrdiff_t stride, const float *w, float scale,                \
     float inverse, ptrdiff_t slot, uint8_t *codes, double *residuals, double *squares),          \
    (n, groups, stride, w, scale, inverse, slot, codes, residuals, squares))                      \
  X(ptrdiff_t, codes_beyond_f32,                                                                  \
    (ptrdiff_t n, const int32_t *ids, const int32_t *names, ptrdiff_t stride, const float *w,     \
     ptrdiff_t groups, const uint8_t *codes, const hs_coded_tile_t *tiles, float *slacks,         \
     int32_t *beyond),                                                                            \
    (n, ids, names, stride, w, groups, codes, tiles, slacks, beyond))                             \
  X(ptrdiff_t, renew_codes_f32,                                                                   \
    (ptrdiff_t n, const int32_t *ids, const int32_t *names, ptrdiff_t stride, const float *w,     \
     ptrdiff_t groups, hs_coded_tile_t *tiles, uint8_t *codes, float *norms, float *slacks,       \
     double *bounds, int32_t *outgrown),                                                          \
    (n, ids, names, stride, w, groups, tiles, codes, norms, slacks, bounds, outgrown))            \
  X(double, query_encode_f32,                                                                     \
    (ptrdiff_t groups, ptrdiff_t stride, const float *x, float scale, float inverse,              \
     int8_t *high, int8_t *low, int32_t *sum),                                                    \
    (groups, stride, x, scale, inverse, high, low, sum))                                          \
  X(void, queries_encode_f32,                                                                     \
    (ptrdiff_t n, ptrdiff_t groups, ptrdiff_t stride, const float *x, const float *scales,        \
     int8_t *high, int8_t *low, int32_t *sums, double *residuals),                                \
    (n, groups, stride, x, scales, high, low, sums, residuals))                                   \
  X(void, query_sizes_f32,                                                                        \
    (ptrdiff_t n, ptrdiff_t stride, const float *x, float *squares, float *largest),              \
    (n, stride, x, squares, largest))                                                             \
  X(int32_t, tile_span,                                                                           \
    (ptrdiff_t groups, const uint8_t *codes, ptrdiff_t slot, ptrdiff_t n),                        \
    (groups, codes, slot, n))                                                                     \
  X(ptrdiff_t, tile_thresholds,                                                                   \
    (ptrdiff_t count, const int32_t *list, ptrdiff_t n, const double *tiles,                      \
     const double *queries, double b, double largest, int32_t *thresholds),                       \
    (count, list, n, tiles, queries, b, largest, thresholds))                                     \
  X(ptrdiff_t, tile_filter_one,                                                                   \
    (ptrdiff_t m, ptrdiff_t count, const int32_t *list, ptrdiff_t groups, const uint8_t *codes,   \
     const int8_t *high, const int8_t *low, const int32_t *thresholds, const int32_t *numbers,    \
     int32_t first, ptrdiff_t stride, const float *w, int32_t *candidates),                       \
    (m, count, list, groups, codes, high, low, thresholds, numbers, first, stride, w,             \
     candidates))                                                                                 \
  X(void, tile_filter_batch,                                                                      \
    (ptrdiff_t m, ptrdiff_t groups, const uint8_t *codes, const int32_t *spans, ptrdiff_t n,      \
     const int8_t *q, const int32_t *starts, int32_t span, const int32_t *thresholds,             \
     int32_t first, ptrdiff_t stride, const float *w, int density, ptrdiff_t capacity,            \
     int32_t *counts, int32_t *candidates),                                                       \
    (m, groups, codes, spans, n, q, starts, span, thresholds, first, stride, w, density, capacity, \
     counts, candidates))                                                                         \
  X(int, query_lanes, (ptrdiff_t n, ptrdiff_t groups, const int8_t *q, int8_t *lanes),            \
    (n, groups, q, lanes))                                                                        \
  X(ptrdiff_t, tile_filter_pairs,                                                                 \
    (ptrdiff_t m, ptrdiff_t groups, const uint8_t *codes, const int32_t *spans, ptrdiff_t n,      \
     const int8_t *q, const int8_t *lanes, const int32_t *starts, int32_t span,                   \
     const int32_t *thresholds, int32_t first, ptrdiff_t stride, const float *w, int32_t *ids,    \
     int32_t *queries),                                                                           \
    (m, groups, codes, spans, n, q, lanes, starts, span, thresholds, first, stride, w, ids,       \
     queries))                                                                                    \
  X(ptrdiff_t, recheck_pairs_f32,                                                                 \
    (ptrdiff_t count, const int32_t *ids, const int32_t *queries, ptrdiff_t stride,               \
     const float *w, const float *x, float b, int32_t *fired_ids, int32_t *fired_queries,         \
     float *values),                                                                              \
    (count, ids, queries, stride, w, x, b, fired_ids, fired_queries, values))                     \
  X(ptrdiff_t, list_candidates,                                                                   \
    (ptrdiff_t n, ptrdiff_t *begins, const ptrdiff_t *ends, const int32_t *ids,                   \
     int32_t first, ptrdiff_t count, ptrdiff_t whole_count, const int32_t *whole,                 \
     ptrdiff_t coded_first, ptrdiff_t coded_end, const int32_t *coded,                            \
     const uint64_t *coded_masks, uint64_t *masks, int32_t *owners, int32_t *rows),               \
    (n, begins, ends, ids, first, count, whole_count, whole, coded_first, coded_end, coded,       \
     coded_masks, masks, owners, rows))                                                           \
  X(ptrdiff_t, tile_pair_masks,                                                                   \
    (ptrdiff_t m, ptrdiff_t groups, const uint8_t *codes, const int32_t *spans, ptrdiff_t n,      \
     const int8_t *q, const int8_t *lanes, const int32_t *starts, int32_t span,                   \
     const int32_t *thresholds, ptrdiff_t words, uint64_t *masks),                                \
    (m, groups, codes, spans, n, q, lanes, starts, span, thresholds, words, masks))               \
  X(ptrdiff_t, tile_filter_word,                                                                  \
    (ptrdiff_t m, ptrdiff_t groups, const uint8_t *codes, const int32_t *spans, ptrdiff_t n,      \
     const int8_t *q, const int8_t *lanes, const int32_t *starts, int32_t span,                   \
     const int32_t *thresholds, ptrdiff_t stride, const float *w, uint16_t *rows,                 \
     uint8_t *queries),                                                                           \
    (m, groups, codes, spans, n, q, lanes, starts, span, thresholds, stride, w, rows, queries))   \
  X(ptrdiff_t, recheck_word_f32,                                                                  \
    (ptrdiff_t count, const uint16_t *rows, const uint8_t *queries, int32_t first,                \
     ptrdiff_t stride, const float *w, const float *x, float b, int32_t *fired_ids,               \
     int32_t *fired_queries, float *values),                                                      \
    (count, rows, queries, first, stride, w, x, b, fired_ids, fired_queries, values))             \
  X(ptrdiff_t, group_pairs,                                                                       \
    (ptrdiff_t pairs, const int32_t *ids, int32_t *active, int32_t *starts),                      \
    (pairs, ids, active, starts))                                                                 \
  X(void, list_owners,                                                                            \
    (ptrdiff_t n, const int32_t *active, const int32_t *starts, int32_t *owners),                 \
    (n, active, starts, owners))                                                                  \
  X(void, pair_dots_f32,                                                                          \
    (ptrdiff_t first, ptrdiff_t last, const int32_t *ids, const int32_t *rows, ptrdiff_t stride,  \
     const float *w, const float *x, float b, float *h),                                          \
    (first, last, ids, rows, stride, w, x, b, h))                                                 \
  X(int, forward_pairs_f32,                                                                       \
    (ptrdiff_t shards, const ptrdiff_t *first, const int32_t *ids, const int32_t *queries,        \
     const float *values, ptrdiff_t stride, const float *a, ptrdiff_t plane, float *sums,         \
     int32_t *told, const int32_t *awaited),                                                      \
    (shards, first, ids, queries, values, stride, a, plane, sums, told, awaited))                 \
  X(ptrdiff_t, node_filter_f32,                                                                   \
    (ptrdiff_t d, ptrdiff_t count, const int32_t *groups, const float *bounds, ptrdiff_t nodes,   \
     const float *x, float norm, float cutoff, float inside, int32_t *kept, int32_t *whole,       \
     ptrdiff_t *whole_count),                                                                     \
    (d, count, groups, bounds, nodes, x, norm, cutoff, inside, kept, whole, whole_count))         \
  X(ptrdiff_t, tile_report_f32,                                                                   \
    (ptrdiff_t d, ptrdiff_t count, const int32_t *tiles, const float *rows,                       \
     const int32_t *numbers, const float *x, float b, int32_t *ids, float *values),               \
    (d, count, tiles, rows, numbers, x, b, ids, values))                                          \
  X(void, sort_pairs_f32,                                                                         \
    (ptrdiff_t n, ptrdiff_t m, const int32_t *ids, const float *values, uint64_t *scratch,        \
     int32_t *sorted_ids, float *sorted_values),                                                  \
    (n, m, ids, values, scratch, sorted_ids, sorted_values))                                      \
  X(void, sort_ids,                                                                               \
    (ptrdiff_t n, ptrdiff_t m, const int32_t *ids, uint64_t *bits, uint64_t *scratch,             \
     int32_t *sorted),                                                                            \
    (n, m, ids, bits, scratch, sorted))                                                           \
  X(ptrdiff_t, moved_beyond_f32,                                                                  \
    (ptrdiff_t n, const int32_t *ids, ptrdiff_t stride, const float *w, const float *reference,   \
     const float *limits, int32_t *moved),                                                        \
    (n, ids, stride, w, reference, limits, moved))                                                \
  X(ptrdiff_t, places_of_rows,                                                                    \
    (ptrdiff_t n, const int32_t *ids, const int32_t *places, const float *lengths,                \
     int32_t *found, float *found_lengths),                                                       \
    (n, ids, places, lengths, found, found_lengths))                                              \
  X(ptrdiff_t, transpose_report,                                                                  \
    (ptrdiff_t queries, ptrdiff_t m, const ptrdiff_t *offsets, const int32_t *ids,                \
     const float *values, int32_t *counts, int32_t *active, int32_t *starts, int32_t *rows,       \
     float *h),                                                                                   \
    (queries, m, offsets, ids, values, counts, active, starts, rows, h))                          \
  X(void, sddmm_f32,                                                                              \
    (ptrdiff_t begin, ptrdiff_t end, const int32_t *active, const int32_t *starts,                \
     const int32_t *rows, ptrdiff_t stride, const float *w, const float *x, float b, float *h),   \
    (begin, end, active, starts, rows, stride, w, x, b, h))                                       \
  X(void, backward_f32,                                                                           \
    (ptrdiff_t begin, ptrdiff_t end, const int32_t *active, const int32_t *starts,                \
     const int32_t *rows, const float *h, ptrdiff_t in_stride, const float *x,                    \
     ptrdiff_t out_stride, const float *a, const float *g, float *grad_w, float *grad_a),         \
    (begin, end, active, starts, rows, h, in_stride, x, out_stride, a, g, grad_w, grad_a))        \
  X(void, forward_queries_f32,                                                                    \
    (ptrdiff_t queries, const ptrdiff_t *offsets, const int32_t *ids, const float *values,        \
     const float *a, const ptrdiff_t *more_offsets, const int32_t *more_ids,                      \
     const float *more_values, const float *more_a, ptrdiff_t pieces, const ptrdiff_t *shards,    \
     ptrdiff_t stride, float factor, float *out),                                                 \
    (queries, offsets, ids, values, a, more_offsets, more_ids, more_values, more_a, pieces,       \
     shards, stride, factor, out))                                                                \
  X(void, forward_shards_f32,                                                                     \
    (ptrdiff_t queries, const ptrdiff_t *offsets, const int32_t *ids, const float *values,        \
     const float *a, ptrdiff_t pieces, const ptrdiff_t *shards, ptrdiff_t stride,                 \
     ptrdiff_t plane, float *out),                                                                \
    (queries, offsets, ids, values, a, pieces, shards, stride, plane, out))                       \
  X(void, add_planes_f32,                                                                         \
    (ptrdiff_t pieces, ptrdiff_t plane, ptrdiff_t count, const float *parts, float factor,        \
     float *out),                                                                                 \
    (pieces, plane, count, parts, factor, out))                                                   \
  X(float, backward_sgd_f32,                                                                       \
    (ptrdiff_t begin, ptrdiff_t end, const int32_t *active, const int32_t *starts,                \
     const int32_t *rows, const int32_t *owners, const float *h, ptrdiff_t in_stride,             \
     const float *x, ptrdiff_t out_stride, const float *g, float alpha_w, float *w,               \
     float alpha_a, int trains_a, float *a, float *slopes, const hs_move_bounds *moves),          \
    (begin, end, active, starts, rows, owners, h, in_stride, x, out_stride, g, alpha_w, w,        \
     alpha_a, trains_a, a, slopes, moves))                                                         \
  X(void, nested_encode_f32,                                                                      \
    (ptrdiff_t n, int bits, ptrdiff_t groups, ptrdiff_t stride, const float *w, float scale,      \
     float inverse, float fine_scale, float fine_inverse, ptrdiff_t slot, uint8_t *coarse,        \
     ptrdiff_t fine_stride, uint8_t *fine, double *coarse_residuals, double *fine_residuals,      \
     double *squares),                                                                            \
    (n, bits, groups, stride, w, scale, inverse, fine_scale, fine_inverse, slot, coarse,          \
     fine_stride, fine, coarse_residuals, fine_residuals, squares))                               \
  X(ptrdiff_t, nested_coarse,                                                                     \
    (ptrdiff_t m, ptrdiff_t count, int bits, ptrdiff_t groups, const uint8_t *coarse,             \
     const uint8_t *marks, const float *margins, float factor, const int8_t *high,                \
     const int8_t *low, const int32_t *thresholds, int32_t first, int32_t *rows,                  \
     int32_t *sums),                                                                              \
    (m, count, bits, groups, coarse, marks, margins, factor, high, low, thresholds, first, rows,  \
     sums))                                                                                       \
  X(ptrdiff_t, nested_fine,                                                                       \
    (ptrdiff_t count, int32_t *rows, const int32_t *sums, int bits, ptrdiff_t groups,             \
     ptrdiff_t fine_stride, const uint8_t *fine, const uint8_t *marks, const int8_t *high,        \
     const int8_t *low, const hs_nested_query_t *query, double b, ptrdiff_t first_tile,           \
     ptrdiff_t tile_count, const double *tiles, const int32_t *thresholds),                       \
    (count, rows, sums, bits, groups, fine_stride, fine, marks, high, low, query, b, first_tile,  \
     tile_count, tiles, thresholds))                                                              \
  X(void, sparse_preactivations_f32,                                                              \
    (ptrdiff_t m, ptrdiff_t stride, const float *w, const hs_sparse_rows_t *x, float *tile,       \
     float *z, ptrdiff_t ldz),                                                                    \
    (m, stride, w, x, tile, z, ldz))                                                              \
  X(void, sparse_backward_f32,                                                                    \
    (ptrdiff_t begin, ptrdiff_t end, const int32_t *active, const int32_t *starts,                \
     const int32_t *rows, const hs_sparse_rows_t *x, ptrdiff_t in_stride, ptrdiff_t out_stride,   \
     const float *a, const float *g, float epsilon, float *state, float alpha, float *w,          \
     float average_alpha, float *average, float *gradient),                                       \
    (begin, end, active, starts, rows, x, in_stride, out_stride, a, g, epsilon, state, alpha, w,  \
     average_alpha, average, gradient))                                                           \
  X(void, add_rows_f32,                                                                           \
    (ptrdiff_t n, const int32_t *ids, ptrdiff_t stride, float alpha, const float *step,           \
     float *p),                                                                                   \
    (n, ids, stride, alpha, step, p))                                                             \
  X(void, adagrad_rows_f32,                                                                       \
    (ptrdiff_t n, const int32_t *ids, ptrdiff_t stride, float epsilon, float *g, float *s),       \
    (n, ids, stride, epsilon, g, s))                                                              \
  X(void, momentum_rows_f32,                                                                      \
    (ptrdiff_t n, const int32_t *ids, ptrdiff_t stride, float mu, float *g, float *v),            \
    (n, ids, stride, mu, g, v))                                                                   \
  X(void, adam_rows_f32,                                                                          \
    (ptrdiff_t n, const int32_t *ids, ptrdiff_t stride, float beta1, float beta2, float scale1,   \
     float scale2, float epsilon, float *g, float *u, float *v),                                  \
    (n, ids, stride, beta1, beta2, scale1, scale2, epsilon, g, u, v))                             \
  X(void, exp_f32, (ptrdiff_t n, const float *x, float *y), (n, x, y))                            \
  X(void, softmax_f32,                                                                            \
    (ptrdiff_t rows, ptrdiff_t classes, ptrdiff_t stride, const float *z, float *p,               \
     float *maximum, float *sum),                                                                 \
    (rows, classes, stride, z, p, maximum, sum))                                                  \
  X(void, normal_rows_f32,                                                                        \
    (uint64_t seed, uint32_t stream, int64_t first, ptrdiff_t m, ptrdiff_t n, ptrdiff_t stride,   \
     float *z),                                                                                   \
    (seed, stream, first, m, n, stride, z))

/// One function per kernel.
typedef struct {
#define HS_FIELD(result, name, parameters, arguments) result(*name) parameters;
  HS_FOR_EACH_KERNEL(HS_FIELD)
#undef HS_FIELD
} hs_kernels_t;

// hs_<name>_ref, the readable definitions, are also the portable level. The other levels exist on
// processors of their family only.
#define HS_DECLARE(result, name, parameters, arguments) \
  result hs_##name##_ref parameters;                    \
  result hs_##name##_avx2 parameters;                   \
  result hs_##name##_avx512 parameters;
HS_FOR_EACH_KERNEL(HS_DECLARE)
#undef HS_DECLARE

#endif
