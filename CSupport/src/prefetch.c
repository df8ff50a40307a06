// SPDX-License-Identifier: Apache-2.0
//
// Rows that will be needed soon.
#include "CHalfspace.h"

void hs_prefetch_rows(ptrdiff_t n, const ptrdiff_t *rows, ptrdiff_t bytes, const void *table) {
  enum { line = 64 };
  for (ptrdiff_t i = 0; i < n; i++) {
    const char *row = (const char *)table + rows[i] * bytes;
    for (ptrdiff_t at = 0; at < bytes; at += line) __builtin_prefetch(row + at, 0, 2);
  }
}
