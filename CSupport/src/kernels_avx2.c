// SPDX-License-Identifier: Apache-2.0
//
// The AVX2 level: sixteen lanes are two registers.
#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi,bmi2,popcnt"))), \
                             apply_to = function)

// All functions that pass vectors are inlined: there is no calling convention to change.
#pragma clang diagnostic ignored "-Wpsabi"

#define HS_SUFFIX(name) name##_avx2
#define HS_ROW_BLOCK 2
#define HS_TILE_UNROLLED 4
#define HS_SGD_GROUP 4
#define HS_FEW_ROWS 4
#define HS_GRID_COLUMNS 2

typedef int32_t hs_lanes_t __attribute__((ext_vector_type(16)));

static inline __attribute__((always_inline)) uint32_t mask_of(hs_lanes_t lanes) {
  return (uint32_t)_mm256_movemask_ps((__m256)lanes.lo) |
         (uint32_t)_mm256_movemask_ps((__m256)lanes.hi) << 8;
}

// kept_lanes[m]: the numbers of the bits set in m, one byte each, from the lowest. HS_KEPT puts
// number b, where its bit is set, behind as many bytes as lower bits are set.
#define HS_BIT(m, b) ((uint64_t)((m) >> (b)) & 1)
#define HS_RANK(m, b)                                                                        \
  ((b > 0) * HS_BIT(m, 0) + (b > 1) * HS_BIT(m, 1) + (b > 2) * HS_BIT(m, 2) +                \
   (b > 3) * HS_BIT(m, 3) + (b > 4) * HS_BIT(m, 4) + (b > 5) * HS_BIT(m, 5) +                \
   (b > 6) * HS_BIT(m, 6))
#define HS_PLACE(m, b) (HS_BIT(m, b) * (uint64_t)(b) << 8 * HS_RANK(m, b))
#define HS_KEPT(m)                                                                           \
  (HS_PLACE(m, 1) | HS_PLACE(m, 2) | HS_PLACE(m, 3) | HS_PLACE(m, 4) | HS_PLACE(m, 5) |      \
   HS_PLACE(m, 6) | HS_PLACE(m, 7))
#define HS_KEPT_4(m) HS_KEPT(m), HS_KEPT((m) + 1), HS_KEPT((m) + 2), HS_KEPT((m) + 3)
#define HS_KEPT_16(m) HS_KEPT_4(m), HS_KEPT_4((m) + 4), HS_KEPT_4((m) + 8), HS_KEPT_4((m) + 12)
#define HS_KEPT_64(m) \
  HS_KEPT_16(m), HS_KEPT_16((m) + 16), HS_KEPT_16((m) + 32), HS_KEPT_16((m) + 48)
static const uint64_t kept_lanes[256] = {HS_KEPT_64(0), HS_KEPT_64(64), HS_KEPT_64(128),
                                         HS_KEPT_64(192)};

static inline __attribute__((always_inline)) __m256i packed(uint32_t mask, __m256i lanes) {
  const __m128i order = _mm_loadu_si64(&kept_lanes[mask]);
  return _mm256_permutevar8x32_epi32(lanes, _mm256_cvtepu8_epi32(order));
}

static inline __attribute__((always_inline)) void store_kept(uint32_t mask, hs_lanes_t lanes,
                                                             int32_t *to) {
  const uint32_t low = mask & 255;
  _mm256_storeu_si256((__m256i *)to, packed(low, (__m256i)lanes.lo));
  _mm256_storeu_si256((__m256i *)(to + __builtin_popcount(low)),
                      packed(mask >> 8, (__m256i)lanes.hi));
}

#include "kernels_dense.inc.h"
#include "kernels_report.inc.h"
#include "kernels_rows.inc.h"
#include "kernels_sparse.inc.h"
#include "kernels_forward.inc.h"
#include "kernels_sgd.inc.h"
#include "kernels_sgd_step.inc.h"
#include "kernels_rows_sparse.inc.h"
#include "kernels_shards.inc.h"
#include "tile_masks_avx2.inc.h"
#include "kernels_tiles.inc.h"
#include "kernels_coded_rows.inc.h"
#include "kernels_tile_filters.inc.h"
#include "kernels_pairs.inc.h"
#include "kernels_words.inc.h"
#include "kernels_lists.inc.h"
#include "nested_table.inc.h"
#include "nested_avx2.inc.h"
#include "kernels_nested.inc.h"
#include "kernels_tree.inc.h"
#include "kernels_order.inc.h"
#include "normal_rows.inc.h"

#pragma clang attribute pop

#endif
