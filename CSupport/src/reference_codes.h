// SPDX-License-Identifier: Apache-2.0
//
// What the readable definitions of encoders and of canonical products have in common.
#ifndef HS_REFERENCE_CODES_H
#define HS_REFERENCE_CODES_H

#include "kernels.h"

/// Adding and subtracting 1.5 * 2^23 rounds a float of magnitude below 2^22 to an integer.
static const float rounder = 0x1.8p23f;

static inline float rounded(float v, float largest) {
  v = v > -largest ? v : -largest;
  v = v < largest ? v : largest;
  return (v + rounder) - rounder;
}

static inline double fold_double(double t[HS_LANES]) {
  for (int half = HS_LANES / 2; half > 0; half /= 2) {
    for (int l = 0; l < half; l++) t[l] = t[l] + t[l + half];
  }
  return t[0];
}

/// What four chains over blocks of lanes come to, in the order of hs_dot_f32. Destroys them.
static inline float folded_chains(ptrdiff_t blocks, float acc[4][HS_LANES]) {
  for (int l = 0; l < HS_LANES; l++) {
    if (blocks > 1) acc[0][l] = acc[0][l] + acc[1][l];
    if (blocks > 3) acc[2][l] = acc[2][l] + acc[3][l];
    if (blocks > 2) acc[0][l] = acc[0][l] + acc[2][l];
  }
  for (int half = HS_LANES / 2; half > 0; half /= 2) {
    for (int l = 0; l < half; l++) acc[0][l] = acc[0][l] + acc[0][l + half];
  }
  return acc[0][0];
}

#endif
