// SPDX-License-Identifier: Apache-2.0
//
// Dense products by OpenBLAS.
// First: it says what to install when a header below is missing.
#include "CHalfspace.h"

#include <cblas.h>
#include <limits.h>

_Static_assert(sizeof(blasint) == sizeof(int) || sizeof(blasint) == sizeof(int64_t),
               "OpenBLAS integers are 32 or 64 bits wide");

/// A size as OpenBLAS's integer. A size that does not fit is a programmer's error: traps rather
/// than compute on a truncated one.
static blasint fits(ptrdiff_t size) {
  if (size < 0 || (size > INT_MAX && sizeof(blasint) == sizeof(int))) __builtin_trap();
  return (blasint)size;
}

/// A row stride, as OpenBLAS wants it: at least 1 even where nothing is read.
static blasint leading(ptrdiff_t stride) { return fits(stride > 1 ? stride : 1); }

/// Parallelism is Halfspace's own, over blocks and shards. OpenBLAS threads beneath it would
/// compete for the same processors.
__attribute__((constructor)) static void pin_to_one_thread(void) { openblas_set_num_threads(1); }

void hs_blas_set_threads(int threads) { openblas_set_num_threads(threads > 1 ? threads : 1); }

const char *hs_blas_config(void) { return openblas_get_config(); }

const char *hs_blas_core(void) { return openblas_get_corename(); }

/// y *= beta, where beta = 0 overwrites whatever y holds.
static void scale_f32(ptrdiff_t n, float beta, float *y) {
  for (ptrdiff_t i = 0; i < n; i++) y[i] = beta == 0 ? 0 : beta * y[i];
}

void hs_gemv_f32(ptrdiff_t m, ptrdiff_t n, float alpha, const float *a, ptrdiff_t lda,
                 const float *x, float beta, float *y) {
  // Beta is applied here: with an empty sum, BLAS leaves y as it is, and some versions multiply
  // a NaN in y by beta = 0.
  if (beta != 1) scale_f32(m, beta, y);
  if (m == 0 || n == 0) return;
  cblas_sgemv(CblasRowMajor, CblasNoTrans, fits(m), fits(n), alpha, a, leading(lda), x, 1, 1, y,
              1);
}

void hs_gemv_t_f32(ptrdiff_t m, ptrdiff_t n, float alpha, const float *a, ptrdiff_t lda,
                   const float *x, float beta, float *y) {
  if (beta != 1) scale_f32(n, beta, y);
  if (m == 0 || n == 0) return;
  cblas_sgemv(CblasRowMajor, CblasTrans, fits(m), fits(n), alpha, a, leading(lda), x, 1, 1, y, 1);
}

void hs_gemm_f32(int trans_a, int trans_b, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, float alpha,
                 const float *a, ptrdiff_t lda, const float *b, ptrdiff_t ldb, float beta,
                 float *c, ptrdiff_t ldc) {
  if (m == 0 || n == 0) return;
  if (k == 0) {
    for (ptrdiff_t i = 0; i < m; i++) scale_f32(n, beta, c + i * ldc);
    return;
  }
  cblas_sgemm(CblasRowMajor, trans_a ? CblasTrans : CblasNoTrans,
              trans_b ? CblasTrans : CblasNoTrans, fits(m), fits(n), fits(k), alpha, a,
              leading(lda), b, leading(ldb), beta, c, leading(ldc));
}

void hs_gemm_f64(int trans_a, int trans_b, ptrdiff_t m, ptrdiff_t n, ptrdiff_t k, double alpha,
                 const double *a, ptrdiff_t lda, const double *b, ptrdiff_t ldb, double beta,
                 double *c, ptrdiff_t ldc) {
  if (m == 0 || n == 0) return;
  if (k == 0) {
    for (ptrdiff_t i = 0; i < m; i++) {
      for (ptrdiff_t j = 0; j < n; j++) c[i * ldc + j] = beta == 0 ? 0 : beta * c[i * ldc + j];
    }
    return;
  }
  cblas_dgemm(CblasRowMajor, trans_a ? CblasTrans : CblasNoTrans,
              trans_b ? CblasTrans : CblasNoTrans, fits(m), fits(n), fits(k), alpha, a,
              leading(lda), b, leading(ldb), beta, c, leading(ldc));
}

void hs_ger_f32(ptrdiff_t m, ptrdiff_t n, float alpha, const float *x, const float *y, float *a,
                ptrdiff_t lda) {
  if (m == 0 || n == 0) return;
  cblas_sger(CblasRowMajor, fits(m), fits(n), alpha, x, 1, y, 1, a, leading(lda));
}
