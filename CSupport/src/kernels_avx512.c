// SPDX-License-Identifier: Apache-2.0
//
// The AVX-512 level.
#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF
#pragma clang attribute push(                                                                     \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,fma,bmi,bmi2,popcnt"))), \
    apply_to = function)

// All functions that pass vectors are inlined: there is no calling convention to change.
#pragma clang diagnostic ignored "-Wpsabi"

#define HS_SUFFIX(name) name##_avx512
#define HS_ROW_BLOCK 4
#define HS_TILE_UNROLLED 1
#define HS_SGD_GROUP 8
#define HS_FEW_ROWS 0
#define HS_GRID_COLUMNS 8
#define HS_PICKS

typedef int32_t hs_lanes_t __attribute__((ext_vector_type(16)));

static inline __attribute__((always_inline)) uint32_t mask_of(hs_lanes_t lanes) {
  return _mm512_movepi32_mask((__m512i)lanes);
}

// Packs in a register: storing packed lanes to memory directly is slow on some processors.
static inline __attribute__((always_inline)) void store_kept(uint32_t mask, hs_lanes_t lanes,
                                                             int32_t *to) {
  _mm512_storeu_si512(to, _mm512_maskz_compress_epi32((__mmask16)mask, (__m512i)lanes));
}

typedef uint32_t hs_numbers_t __attribute__((ext_vector_type(16)));

static inline __attribute__((always_inline)) hs_numbers_t picked(hs_numbers_t low,
                                                                 hs_numbers_t high,
                                                                 hs_numbers_t numbers) {
  return (hs_numbers_t)_mm512_permutex2var_epi32((__m512i)low, (__m512i)numbers, (__m512i)high);
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
#include "tile_masks_avx512.inc.h"
#include "kernels_tiles.inc.h"
#include "kernels_coded_rows.inc.h"
#include "kernels_tile_filters.inc.h"
#include "pair_masks_avx512.inc.h"
#include "kernels_pairs.inc.h"
#include "kernels_words.inc.h"
#include "kernels_lists.inc.h"
#include "nested_table.inc.h"
#include "nested_avx512.inc.h"
#include "kernels_nested.inc.h"
#include "kernels_tree.inc.h"
#include "kernels_order.inc.h"
#include "normal_rows.inc.h"

#pragma clang attribute pop

#endif
