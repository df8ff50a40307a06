// SPDX-License-Identifier: Apache-2.0
//
// The levels of nested tiles' coarse codes: near the best for normal numbers. 4 bits leave out
// 0.0975 of their deviation, 6 bits 0.0283 at HS_NESTED_DEVIATION_6: 5 % more than with the scale
// that suits the levels alone, but then fine codes of 4 bits would not reach coordinates of which
// most rows have some.
#ifndef HS_NESTED_LEVELS_H
#define HS_NESTED_LEVELS_H

/// For each half of the upper 4 bits: the first level, the step to the next ones with 6 bits, and
/// what a magnitude exceeds that belongs to it.
typedef struct {
  float first[8], step[8], cut[8];
} hs_nested_levels_t;

static const hs_nested_levels_t hs_nested_levels_4 = {
    .first = {5.5f, 17.5f, 30.5f, 43.5f, 58.5f, 75.5f, 96.5f, 127.5f},
    .cut = {0, 11.5f, 24, 37, 51, 67, 86, 112},
};
static const hs_nested_levels_t hs_nested_levels_6 = {
    .first = {1.5f, 13.5f, 25.5f, 37.5f, 49.5f, 62.5f, 79.5f, 101.5f},
    .step = {3, 3, 3, 3, 3, 4, 5, 8},
    .cut = {0, 12, 24, 36, 48, 60.5f, 77, 98},
};

static inline const hs_nested_levels_t *hs_nested_levels(int bits) {
  return bits == 6 ? &hs_nested_levels_6 : &hs_nested_levels_4;
}

#endif
