// SPDX-License-Identifier: Apache-2.0
//
// Factorizations by LAPACKE. Argument numbers in the results are those of the hs_ functions.
// First: it says what to install when a header below is missing.
#include "CHalfspace.h"

#include <cblas.h>
#include <lapacke.h>
#include <limits.h>

/// 1 when LAPACK's integers hold the size (BLAS's are as wide).
static int fits(ptrdiff_t size) {
  return size >= 0 && (size <= INT_MAX || sizeof(lapack_int) > sizeof(int));
}

/// 1 when rows of n numbers can lie `stride` apart.
static int is_stride(ptrdiff_t stride, ptrdiff_t n) { return fits(stride) && stride >= n; }

int hs_cholesky_f64(ptrdiff_t n, double *a, ptrdiff_t lda) {
  if (!fits(n)) return -1;
  if (!is_stride(lda, n)) return -3;
  if (n == 0) return 0;
  // A row-major lower triangle is a column-major upper one: no copy is made.
  const lapack_int info =
      LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'U', (lapack_int)n, a, (lapack_int)lda);
  return info < 0 ? -2 : (int)info;
}

int hs_cholesky_solve_f64(ptrdiff_t n, ptrdiff_t k, const double *l, ptrdiff_t lda, double *b,
                          ptrdiff_t ldb) {
  if (!fits(n)) return -1;
  if (!fits(k)) return -2;
  if (!is_stride(lda, n)) return -4;
  if (!is_stride(ldb, k)) return -6;
  if (n == 0 || k == 0) return 0;
  // L Y = B, then Lᵀ X = Y, as LAPACK's dpotrs does, without its copies to column-major.
  cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, (blasint)n,
              (blasint)k, 1, l, (blasint)lda, b, (blasint)ldb);
  cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasTrans, CblasNonUnit, (blasint)n,
              (blasint)k, 1, l, (blasint)lda, b, (blasint)ldb);
  return 0;
}

int hs_eigen_symmetric_f64(int vectors, ptrdiff_t n, double *a, ptrdiff_t lda, double *w) {
  if (!fits(n)) return -2;
  if (!is_stride(lda, n)) return -4;
  if (n == 0) return 0;
  const lapack_int info = LAPACKE_dsyevd(LAPACK_ROW_MAJOR, vectors ? 'V' : 'N', 'L',
                                         (lapack_int)n, a, (lapack_int)lda, w);
  return info < 0 ? -3 : (int)info;
}

int hs_qr_f64(ptrdiff_t m, ptrdiff_t n, double *a, ptrdiff_t lda, double *r, double *tau) {
  if (!fits(m) || m < n) return -1;
  if (!fits(n)) return -2;
  if (!is_stride(lda, n)) return -4;
  if (n == 0) return 0;
  const lapack_int rows = (lapack_int)m, columns = (lapack_int)n, stride = (lapack_int)lda;
  if (LAPACKE_dgeqrf(LAPACK_ROW_MAJOR, rows, columns, a, stride, tau) != 0) return -3;
  for (ptrdiff_t i = 0; i < n; i++) {
    for (ptrdiff_t j = 0; j < n; j++) r[i * n + j] = j < i ? 0 : a[i * lda + j];
  }
  return LAPACKE_dorgqr(LAPACK_ROW_MAJOR, rows, columns, columns, a, stride, tau) == 0 ? 0 : -3;
}
