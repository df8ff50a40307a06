// SPDX-License-Identifier: Apache-2.0
//
// What two threads tell each other of a shard that both have pairs of.
#include "CHalfspace.h"

int hs_await_shard(int32_t *word) {
  int32_t none = 0;
  return !__atomic_compare_exchange_n(word, &none, HS_SHARD_AWAITED, 0, __ATOMIC_ACQ_REL,
                                      __ATOMIC_ACQUIRE);
}
