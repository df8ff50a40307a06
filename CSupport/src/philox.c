// SPDX-License-Identifier: Apache-2.0
//
// Counter-based random numbers: the Philox 4x32-10 block function of J. K. Salmon, M. A. Moraes,
// R. O. Dror and D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011,
// doi:10.1145/2063384.2063405.
#include "kernels.h"

#include "philox.h"

void hs_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  uint32_t c[4] = {counter[0], counter[1], counter[2], counter[3]};
  uint32_t k[2] = {key[0], key[1]};
  for (int round = 0; round < HS_PHILOX_ROUNDS; round++) {
    const uint64_t p0 = (uint64_t)HS_PHILOX_M0 * c[0];
    const uint64_t p1 = (uint64_t)HS_PHILOX_M1 * c[2];
    c[0] = (uint32_t)(p1 >> 32) ^ c[1] ^ k[0];
    c[2] = (uint32_t)(p0 >> 32) ^ c[3] ^ k[1];
    c[1] = (uint32_t)p1;
    c[3] = (uint32_t)p0;
    k[0] += HS_PHILOX_W0;
    k[1] += HS_PHILOX_W1;
  }
  for (int i = 0; i < 4; i++) out[i] = c[i];
}

#define HS_SUFFIX(name) name##_ref
#include "normal_rows.inc.h"
