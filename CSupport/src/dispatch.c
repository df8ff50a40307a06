// SPDX-License-Identifier: Apache-2.0
//
// Picks a set of kernels at load time: the best the processor runs, or a lower one on request.
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"

static const hs_kernels_t portable_kernels = {
#define HS_ENTRY(result, name, parameters, arguments) .name = hs_##name##_ref,
    HS_FOR_EACH_KERNEL(HS_ENTRY)
#undef HS_ENTRY
};

#if defined(__x86_64__)

static const hs_kernels_t avx2_kernels = {
#define HS_ENTRY(result, name, parameters, arguments) .name = hs_##name##_avx2,
    HS_FOR_EACH_KERNEL(HS_ENTRY)
#undef HS_ENTRY
};

static const hs_kernels_t avx512_kernels = {
#define HS_ENTRY(result, name, parameters, arguments) .name = hs_##name##_avx512,
    HS_FOR_EACH_KERNEL(HS_ENTRY)
#undef HS_ENTRY
};

static int has_avx2(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
         __builtin_cpu_supports("popcnt");
}

static int has_avx512(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vnni");
}

#endif

/// The kernels of a level, NULL where the processor lacks the instructions.
static const hs_kernels_t *kernels_of(int level) {
  switch (level) {
    case HS_ISA_PORTABLE: return &portable_kernels;
#if defined(__x86_64__)
    case HS_ISA_AVX2: return has_avx2() ? &avx2_kernels : NULL;
    case HS_ISA_AVX512: return has_avx2() && has_avx512() ? &avx512_kernels : NULL;
#endif
    default: return NULL;
  }
}

// Read at every call, written when a level is selected, possibly while other threads call: every
// level gives the same bits, so it does not matter which of the two a call meets.
static const hs_kernels_t *_Atomic kernels = &portable_kernels;

static const hs_kernels_t *current_kernels(void) {
  return atomic_load_explicit(&kernels, memory_order_relaxed);
}

int hs_isa(void) {
  const hs_kernels_t *current = current_kernels();
  int level = HS_ISA_COUNT - 1;
  while (kernels_of(level) != current) level--;
  return level;
}

const char *hs_isa_name(int level) {
  switch (level) {
    case HS_ISA_PORTABLE: return "portable";
    case HS_ISA_AVX2: return "avx2";
    case HS_ISA_AVX512: return "avx512";
    default: return "unknown";
  }
}

int hs_isa_available(int level) { return kernels_of(level) != NULL; }

int hs_isa_select(int level) {
  const hs_kernels_t *chosen = kernels_of(level);
  if (chosen == NULL) return -1;
  atomic_store_explicit(&kernels, chosen, memory_order_relaxed);
  return 0;
}

__attribute__((constructor)) static void select_best(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
#endif
  const char *wanted = getenv("HALFSPACE_ISA");
  int level = HS_ISA_COUNT - 1;
  if (wanted != NULL) {
    for (int named = 0; named < HS_ISA_COUNT; named++) {
      if (strcmp(wanted, hs_isa_name(named)) == 0) level = named;
    }
  }
  while (hs_isa_select(level) != 0) level--;
}

// The public functions: hs_<name> calls the chosen table's <name>.
#define HS_DEFINE(result, name, parameters, arguments) \
  result hs_##name parameters { return current_kernels()->name arguments; }
HS_FOR_EACH_KERNEL(HS_DEFINE)
#undef HS_DEFINE
