// SPDX-License-Identifier: Apache-2.0
//
// What the SIMD levels make of the levels of nested tiles.
#include "nested_levels.h"
#include "simd.inc.h"

/// For codes whose upper 4 bits are 0, 1, ..., 15: the lowest level, plus 127.5, and the step to
/// the next one.
HS_INLINE void nested_table(int bits, uint8_t first[16], uint8_t step[16]) {
  const hs_nested_levels_t *levels = hs_nested_levels(bits);
  const float steps = bits == 6 ? 3 : 0;
  for (int i = 0; i < 8; i++) {
    first[8 + i] = (uint8_t)(levels->first[i] + 127.5f);
    first[7 - i] = (uint8_t)(127.5f - (levels->first[i] + steps * levels->step[i]));
    step[8 + i] = step[7 - i] = (uint8_t)levels->step[i];
  }
}
