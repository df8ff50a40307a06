// SPDX-License-Identifier: Apache-2.0
#include "CMachineLimits.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

/// Independent chains: enough to cover the latency of a multiply-add.
enum { chains = 12 };

// Keeps a vector register's value, so that no step is left out.
#define KEEP(x) __asm__ volatile("" : "+x"(x))
#define KEEP_512(x) __asm__ volatile("" : "+v"(x))

static double portable_f32(ptrdiff_t rounds) {
  volatile float sums[chains] = {0};
  for (ptrdiff_t r = 0; r < rounds; r++) {
    for (int i = 0; i < chains; i++) sums[i] = sums[i] * 0.5f + 1;
  }
  return (double)rounds * chains;
}

static double portable_i8(ptrdiff_t rounds) {
  volatile int32_t sums[chains] = {0};
  for (ptrdiff_t r = 0; r < rounds; r++) {
    for (int i = 0; i < chains; i++) sums[i] += (int8_t)r * (uint8_t)i;
  }
  return (double)rounds * chains;
}

#if defined(__x86_64__)

__attribute__((target("avx2,fma"))) static double avx2_f32(ptrdiff_t rounds) {
  __m256 sums[chains], half = _mm256_set1_ps(0.5f);
  KEEP(half);
  for (int i = 0; i < chains; i++) sums[i] = _mm256_set1_ps((float)i);
  for (ptrdiff_t r = 0; r < rounds; r++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < chains; i++) {
      sums[i] = _mm256_fmadd_ps(sums[i], half, half);
      KEEP(sums[i]);
    }
  }
  return (double)rounds * chains * 8;
}

__attribute__((target("avx2"))) static double avx2_i8(ptrdiff_t rounds) {
  __m256i sums[chains], codes = _mm256_set1_epi8(3);
  KEEP(codes);
  for (int i = 0; i < chains; i++) sums[i] = _mm256_set1_epi32(i);
  for (ptrdiff_t r = 0; r < rounds; r++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < chains; i++) {
      sums[i] = _mm256_add_epi16(sums[i], _mm256_maddubs_epi16(codes, sums[i]));
      KEEP(sums[i]);
    }
  }
  return (double)rounds * chains * 32;
}

__attribute__((target("avx512f"))) static double avx512_f32(ptrdiff_t rounds) {
  __m512 sums[chains], half = _mm512_set1_ps(0.5f);
  KEEP_512(half);
  for (int i = 0; i < chains; i++) sums[i] = _mm512_set1_ps((float)i);
  for (ptrdiff_t r = 0; r < rounds; r++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < chains; i++) {
      sums[i] = _mm512_fmadd_ps(sums[i], half, half);
      KEEP_512(sums[i]);
    }
  }
  return (double)rounds * chains * 16;
}

__attribute__((target("avx512f,avx512vnni"))) static double avx512_i8(ptrdiff_t rounds) {
  __m512i sums[chains], codes = _mm512_set1_epi32(0x03030303);
  KEEP_512(codes);
  for (int i = 0; i < chains; i++) sums[i] = _mm512_set1_epi32(i);
  for (ptrdiff_t r = 0; r < rounds; r++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < chains; i++) {
      sums[i] = _mm512_dpbusd_epi32(sums[i], codes, codes);
      KEEP_512(sums[i]);
    }
  }
  return (double)rounds * chains * 64;
}

#endif

double limits_multiply_add_f32(int level, ptrdiff_t rounds) {
#if defined(__x86_64__)
  if (level == LIMITS_AVX512) return avx512_f32(rounds);
  if (level == LIMITS_AVX2) return avx2_f32(rounds);
#endif
  (void)level;
  return portable_f32(rounds);
}

double limits_multiply_add_i8(int level, ptrdiff_t rounds) {
#if defined(__x86_64__)
  if (level == LIMITS_AVX512) return avx512_i8(rounds);
  if (level == LIMITS_AVX2) return avx2_i8(rounds);
#endif
  (void)level;
  return portable_i8(rounds);
}

/// Read in vectors as wide as the caller's instruction set has them: narrower ones do not keep up
/// with the memory.
static inline __attribute__((always_inline)) uint64_t read_in_order(ptrdiff_t n,
                                                                    const void *bytes) {
  typedef uint64_t lanes __attribute__((ext_vector_type(8), aligned(8)));
  enum { together = 8 };
  const lanes *p = bytes;
  lanes sums[together] = {0};
  for (ptrdiff_t i = 0; i + together <= n / (ptrdiff_t)sizeof(lanes); i += together) {
#pragma clang loop unroll(full)
    for (int k = 0; k < together; k++) sums[k] ^= p[i + k];
  }
  for (int k = 1; k < together; k++) sums[0] ^= sums[k];
  return __builtin_reduce_xor(sums[0]);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static uint64_t avx2_read(ptrdiff_t n, const void *bytes) {
  return read_in_order(n, bytes);
}

__attribute__((target("avx512f"))) static uint64_t avx512_read(ptrdiff_t n, const void *bytes) {
  return read_in_order(n, bytes);
}
#endif

uint64_t limits_read(int level, ptrdiff_t n, const void *bytes) {
#if defined(__x86_64__)
  if (level == LIMITS_AVX512) return avx512_read(n, bytes);
  if (level == LIMITS_AVX2) return avx2_read(n, bytes);
#endif
  (void)level;
  return read_in_order(n, bytes);
}

/// The r-th of rows that differ at random.
static ptrdiff_t row_number(ptrdiff_t r, ptrdiff_t rows) {
  return (ptrdiff_t)((uint64_t)r * 0x9E3779B97F4A7C15u >> 20) % rows;
}

uint64_t limits_read_rows(ptrdiff_t n, const void *bytes, ptrdiff_t size, ptrdiff_t start,
                          ptrdiff_t count) {
  enum { line = 64, ahead = 16 };
  const char *first = bytes;
  const ptrdiff_t rows = n / size;
  uint64_t sum = 0;
  for (ptrdiff_t r = start; r < start + count; r++) {
    const char *next = first + row_number(r + ahead, rows) * size;
    const char *row = first + row_number(r, rows) * size;
    for (ptrdiff_t i = 0; i < size; i += line) __builtin_prefetch(next + i, 0, 2);
    for (ptrdiff_t i = 0; i < size; i += line) sum += (uint64_t)row[i];
  }
  return sum;
}
