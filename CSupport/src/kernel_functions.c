// SPDX-License-Identifier: Apache-2.0
//
// Expectations over two correlated normal variables: the kernels of infinitely wide shifted-ReLU
// networks. Every integrand is positive, so small results are as exact as large ones.
#include "CHalfspace.h"

#include <math.h>

/// Gauss-Legendre quadrature with 16 nodes on [-1, 1]: the positive nodes and their weights.
static const double nodes[8] = {
    0.09501250983763744, 0.2816035507792589, 0.45801677765722737, 0.6178762444026438,
    0.755404408355003,   0.8656312023878318, 0.9445750230732326,  0.9894009349916499};
static const double weights[8] = {
    0.18945061045506864, 0.18260341504492364, 0.16915651939500265, 0.1495959888165767,
    0.12462897125553407, 0.0951585116824926,  0.062253523938647456, 0.027152459411754176};

static double tail(double z) { return 0.5 * erfc(z * M_SQRT1_2); }

static double density(double z) { return exp(-0.5 * z * z) * (M_2_SQRTPI * M_SQRT1_2 / 2); }

/// E (Z - h)_+.
static double excess(double h) { return density(h) - h * tail(h); }

/// Adds the integrals over the angle c in [low, high] of e(c) and of e(c) * |cos c - end|, where
/// e(c) = exp(-(gap / sin c)² / 2 + slope / (1 + cos c)) / 2 pi.
static void add_panel(double low, double high, double end, double gap, double slope,
                      double *plain, double *moment) {
  const double middle = 0.5 * (low + high), half = 0.5 * (high - low);
  const double sine = sin(middle), cosine = cos(middle);
  double sum0 = 0, sum1 = 0;
  for (int i = 0; i < 8; i++) {
    // The nodes middle - t and middle + t share the sine and cosine of t.
    const double s = sin(nodes[i] * half), c = cos(nodes[i] * half);
    for (int side = -1; side <= 1; side += 2) {
      const double x = cosine * c - side * sine * s;
      const double q = gap == 0 ? 0 : gap / (sine * c + side * cosine * s);
      const double e = weights[i] * exp(-0.5 * q * q + slope / (1 + x));
      sum0 += e;
      sum1 += e * fabs(x - end);
    }
  }
  *plain += sum0 * half * (0.5 / M_PI);
  *moment += sum1 * half * (0.5 / M_PI);
}

/// The same over [low, high] in panels: where gap / c is large the integrand changes by powers of
/// e, so a panel covers a change of e^8 at most, and what is e^-48 of the largest is left out.
static void integrate(double low, double high, double end, double gap, double slope, double *plain,
                      double *moment) {
  gap = fabs(gap);
  double right = high;
  if (gap > 0) {
    const double top = pow(gap / sin(high), 2);
    for (int panel = 0; panel < 1200; panel++) {
      const double q = pow(gap / sin(right), 2);
      double left = asin(gap / sqrt(q + 16));
      if (left < 0.5 * right) left = 0.5 * right;
      if (left <= low || q - top > 96) break;
      add_panel(left, right, end, gap, slope, plain, moment);
      right = left;
    }
    if (pow(gap / sin(right), 2) - top > 96) return;
  }
  add_panel(low, right, end, gap, slope, plain, moment);
}

void hs_normal_corner_f64(double h, double k, double rho, double *first, double *second) {
  double plain = 0, moment = 0;
  rho = rho > 1 ? 1 : rho < -1 ? -1 : rho;
  if (isinf(h) || isinf(k)) {
    // A threshold that is never, or always, exceeded.
    plain = h == INFINITY || k == INFINITY ? 0 : isinf(h) ? tail(k) : tail(h);
    moment = h == INFINITY || k == INFINITY ? 0 : INFINITY;
  } else if (rho >= 0) {
    // From correlation 0, in c = pi/2 - asin(rho'): d/d rho of the corner is the density there.
    integrate(acos(rho), M_PI_2, rho, h - k, -h * k, &plain, &moment);
    const double qh = tail(h), qk = tail(k);
    plain += qh * qk;
    moment += excess(h) * excess(k) + rho * (qh * qk);
  } else {
    // From correlation -1, where Z2 = -Z1, in c = pi/2 + asin(rho').
    integrate(0, acos(-rho), -rho, h + k, h * k, &plain, &moment);
    if (h + k < 0) {
      const double band = tail(h) - tail(-k);
      // E (Z - h)_+ (-Z - k)_+ over h < Z < -k, and the linear term of the integration by parts.
      moment += density(h) * -k - density(k) * h - (1 - h * k) * band + (1 + rho) * band;
      plain += band;
    }
  }
  *first = plain;
  *second = moment;
}

void hs_kernel_row_f64(ptrdiff_t n, ptrdiff_t d, ptrdiff_t stride, const float *x, double squared_x,
                       double h, const float *rows, const double *squared, const double *thresholds,
                       double *product, double *first, double *second) {
  for (ptrdiff_t j = 0; j < n; j++) {
    const float *row = rows + j * stride;
    double sum = 0;
    for (ptrdiff_t l = 0; l < d; l++) sum += (double)x[l] * (double)row[l];
    product[j] = sum;
    // Of equal rows the two squares are equal: the root is exact and the correlation is 1.
    const double norms = sqrt(squared_x * squared[j]);
    hs_normal_corner_f64(h, thresholds[j], norms > 0 ? sum / norms : 0, &first[j], &second[j]);
  }
}
