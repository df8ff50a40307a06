// SPDX-License-Identifier: Apache-2.0
//
// hs_normal_rows_f32, compiled once per instruction set: HS_SUFFIX(name) names the function.
// Only IEEE + - * / and square root in double precision and integer operations occur, so every
// build gives the same bits. Loops run over HS_NORMAL_BLOCKS independent Philox blocks without
// branches, for the compiler to turn into vectors.
#include <math.h>
#include <string.h>

#include "kernels.h"
#include "philox.h"

#pragma STDC FP_CONTRACT OFF

#define HS_NORMAL_BLOCKS 32

static inline double from_bits(uint64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static inline uint64_t to_bits(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

/// The double `k`, exactly, for k < 2^52 (the bits of 2^52 + k, minus 2^52).
static inline double from_unsigned(uint64_t k) {
  return from_bits(k | 0x4330000000000000u) - 0x1p52;
}

/// sqrt(-2 ln u) for u = (k + 1/2) / 2^32, in 1.5e-5...6.77.
///
/// u = 2^e y with y in sqrt(1/2)...sqrt(2); with s = (y - 1) / (y + 1), |s| < 0.172,
/// ln y = 2 artanh s = 2 (s + s^3 / 3 + s^5 / 5 + ...), cut where terms fall below 1e-15.
static inline double radius(uint32_t k) {
  const double u = (from_unsigned(k) + 0.5) * 0x1p-32;
  const uint64_t root_half = 0x3FE6A09E667F3BCDu;
  // Biased by 1024 so that it is not negative and shifts as an unsigned number.
  const uint64_t e = (to_bits(u) + (UINT64_C(1024) << 52) - root_half) >> 52;
  const double y = from_bits(to_bits(u) + (UINT64_C(1024) << 52) - (e << 52));
  const double s = (y - 1.0) / (y + 1.0);
  const double q = s * s;
  double p = 1.0 / 19.0;
  p = p * q + 1.0 / 17.0;
  p = p * q + 1.0 / 15.0;
  p = p * q + 1.0 / 13.0;
  p = p * q + 1.0 / 11.0;
  p = p * q + 1.0 / 9.0;
  p = p * q + 1.0 / 7.0;
  p = p * q + 1.0 / 5.0;
  p = p * q + 1.0 / 3.0;
  p = p * q + 1.0;
  const double log_y = (2.0 * s) * p;
  const double exponent = from_unsigned(e) - 1024.0;
  // The builtin is sqrt without errno, which would keep loops from being vectorized.
  return __builtin_elementwise_sqrt(-2.0 * (exponent * 0x1.62e42fefa39efp-1 + log_y));
}

/// Cosine and sine of 2 pi (k + 1/2) / 2^32: the quadrant nearest to k is taken off exactly, the
/// rest, |t| <= pi / 4, goes into Taylor polynomials cut where terms fall below 1e-15.
static inline void cosine_sine(uint32_t k, double *cosine, double *sine) {
  const uint32_t quadrant = (k + 0x20000000u) >> 30;  // modulo 4: the sum may wrap
  const uint32_t offset = k - (quadrant << 30) + 0x20000000u;
  const double t = (from_unsigned(offset) - 536870911.5) * (6.283185307179586477 * 0x1p-32);
  const double q = t * t;
  double c = -1.0 / 87178291200.0;
  c = c * q + 1.0 / 479001600.0;
  c = c * q - 1.0 / 3628800.0;
  c = c * q + 1.0 / 40320.0;
  c = c * q - 1.0 / 720.0;
  c = c * q + 1.0 / 24.0;
  c = c * q - 0.5;
  c = c * q + 1.0;
  double s = -1.0 / 1307674368000.0;
  s = s * q + 1.0 / 6227020800.0;
  s = s * q - 1.0 / 39916800.0;
  s = s * q + 1.0 / 362880.0;
  s = s * q - 1.0 / 5040.0;
  s = s * q + 1.0 / 120.0;
  s = s * q - 1.0 / 6.0;
  s = s * q + 1.0;
  s = s * t;
  // cos(t + 90 degrees) = -sin t, sin(t + 90 degrees) = cos t, and so on, by bit operations.
  const uint64_t odd = -(uint64_t)(quadrant & 1);
  const uint64_t c_bits = to_bits(c);
  const uint64_t s_bits = to_bits(s);
  const uint64_t c_sign = (uint64_t)((quadrant + 1) & 2) << 62;
  const uint64_t s_sign = (uint64_t)(quadrant & 2) << 62;
  *cosine = from_bits(((c_bits & ~odd) | (s_bits & odd)) ^ c_sign);
  *sine = from_bits(((s_bits & ~odd) | (c_bits & odd)) ^ s_sign);
}

/// Four deviates per Philox block, for HS_NORMAL_BLOCKS counters with words 0, 2, 3 given.
static inline void normal_blocks(const uint32_t key[2], uint32_t stream,
                                 uint32_t c0[HS_NORMAL_BLOCKS], uint32_t c2[HS_NORMAL_BLOCKS],
                                 uint32_t c3[HS_NORMAL_BLOCKS], float z[4][HS_NORMAL_BLOCKS]) {
  uint32_t c1[HS_NORMAL_BLOCKS];
  for (int i = 0; i < HS_NORMAL_BLOCKS; i++) c1[i] = stream;
  uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < HS_PHILOX_ROUNDS; round++) {
    for (int i = 0; i < HS_NORMAL_BLOCKS; i++) {
      const uint64_t p0 = (uint64_t)HS_PHILOX_M0 * c0[i];
      const uint64_t p1 = (uint64_t)HS_PHILOX_M1 * c2[i];
      c0[i] = (uint32_t)(p1 >> 32) ^ c1[i] ^ k0;
      c2[i] = (uint32_t)(p0 >> 32) ^ c3[i] ^ k1;
      c1[i] = (uint32_t)p1;
      c3[i] = (uint32_t)p0;
    }
    k0 += HS_PHILOX_W0;
    k1 += HS_PHILOX_W1;
  }
  for (int i = 0; i < HS_NORMAL_BLOCKS; i++) {
    double cosine, sine;
    const double r = radius(c0[i]);
    cosine_sine(c1[i], &cosine, &sine);
    z[0][i] = (float)(r * cosine);
    z[1][i] = (float)(r * sine);
  }
  for (int i = 0; i < HS_NORMAL_BLOCKS; i++) {
    double cosine, sine;
    const double r = radius(c2[i]);
    cosine_sine(c3[i], &cosine, &sine);
    z[2][i] = (float)(r * cosine);
    z[3][i] = (float)(r * sine);
  }
}

void HS_SUFFIX(hs_normal_rows_f32)(uint64_t seed, uint32_t stream, int64_t first, ptrdiff_t m,
                                   ptrdiff_t n, ptrdiff_t stride, float *z) {
  const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
  const ptrdiff_t per_row = (n + 3) / 4;
  const ptrdiff_t blocks = per_row * m;
  for (ptrdiff_t r = 0; r < m; r++) {
    for (ptrdiff_t c = n; c < stride; c++) z[r * stride + c] = 0;
  }
  ptrdiff_t row = 0, block = 0;
  for (ptrdiff_t done = 0; done < blocks; done += HS_NORMAL_BLOCKS) {
    uint32_t c0[HS_NORMAL_BLOCKS], c2[HS_NORMAL_BLOCKS], c3[HS_NORMAL_BLOCKS];
    float *to[HS_NORMAL_BLOCKS];
    ptrdiff_t room[HS_NORMAL_BLOCKS];
    float deviates[4][HS_NORMAL_BLOCKS];
    for (int i = 0; i < HS_NORMAL_BLOCKS; i++) {
      const uint64_t number = (uint64_t)(first + row);
      c0[i] = (uint32_t)block;
      c2[i] = (uint32_t)number;
      c3[i] = (uint32_t)(number >> 32);
      to[i] = z + row * stride + 4 * block;
      room[i] = done + i < blocks ? n - 4 * block : 0;
      block++;
      if (block == per_row) {
        block = 0;
        row++;
      }
    }
    normal_blocks(key, stream, c0, c2, c3, deviates);
    for (int i = 0; i < HS_NORMAL_BLOCKS; i++) {
      if (room[i] >= 4) {
        for (int c = 0; c < 4; c++) to[i][c] = deviates[c][i];
      } else {
        for (int c = 0; c < room[i]; c++) to[i][c] = deviates[c][i];
      }
    }
  }
}
