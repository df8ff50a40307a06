// SPDX-License-Identifier: Apache-2.0
//
// Picks a set of kernels at load time: the best the processor runs, or a lower one on request.
#include <stdlib.h>
#include <string.h>

#include "kernels.h"

static const hs_kernels_t portable_kernels = {
#define HS_ENTRY(result, name, parameters, arguments) .name = hs_##name##_ref,
    HS_FOR_EACH_KERNEL(HS_ENTRY)
#undef HS_ENTRY
};

static const hs_kernels_t *kernels_of(int level) {
  return level == HS_ISA_PORTABLE ? &portable_kernels : NULL;
}

static int current_level = HS_ISA_PORTABLE;
static const hs_kernels_t *kernels = &portable_kernels;

int hs_isa(void) { return current_level; }

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
  kernels = chosen;
  current_level = level;
  return 0;
}

__attribute__((constructor)) static void select_best(void) {
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
  result hs_##name parameters { return kernels->name arguments; }
HS_FOR_EACH_KERNEL(HS_DEFINE)
#undef HS_DEFINE
