// SPDX-License-Identifier: Apache-2.0
#include "CAllocationCounter.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif

static __thread size_t count;

size_t allocation_count(void) { return count; }

#ifdef IS_SANITIZED

int allocation_counter_is_available(void) { return 0; }

#else

#include <errno.h>

int allocation_counter_is_available(void) { return 1; }

// glibc's own names. What they return can be given to its free, which stays as it is.
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size) {
  count++;
  return __libc_malloc(size);
}

void *calloc(size_t n, size_t size) {
  count++;
  return __libc_calloc(n, size);
}

void *realloc(void *old, size_t size) {
  count++;
  return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
  count++;
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **result, size_t alignment, size_t size) {
  void *room = memalign(alignment, size);
  if (!room) return ENOMEM;
  *result = room;
  return 0;
}

#endif
