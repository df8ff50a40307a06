// SPDX-License-Identifier: Apache-2.0
//
// The threads of parallel loops. A step of a small network has several loops of some ten microseconds,
// and waking a thread takes as long: so threads wait for the next loop awake, for a while.
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include "CHalfspace.h"

#define HS_MOST_WORKERS 1023
#define HS_SPINS 4096        // pauses before a thread sleeps, some fifty microseconds
#define HS_LONG_WAIT 16384   // pauses before the caller lets others run

// The state of the loop under way, so that a thread enters a loop only while it is open:
//   generation (32 bits) | closed (1) | threads that may enter (15) | threads that have (16)
#define HS_GENERATION_BITS 32
#define HS_CLOSED ((uint64_t)1 << 31)
#define HS_LIMIT_BITS 16
#define HS_ENTERED 0xFFFF

static struct {
  _Atomic int taken;
  _Atomic uint64_t state;
  // Indices handed out, and those of them to others than the caller, from the end.
  _Atomic ptrdiff_t next;
  _Atomic ptrdiff_t from_end;
  _Atomic int left;
  _Atomic int sleeping;
  // Written by the caller before it publishes the state, read by threads that have entered.
  ptrdiff_t count;
  void (*body)(void *, ptrdiff_t);
  void *context;
  // The caller's alone.
  int started;
  pthread_mutex_t mutex;
  pthread_cond_t wake;
} pool = {.state = HS_CLOSED, .mutex = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static uint32_t generation_of(uint64_t state) { return (uint32_t)(state >> HS_GENERATION_BITS); }

/// Takes turns until all are taken. The caller goes up from the first index, the others down from the
/// last: from loop to loop a thread finds the same part of the data in its cache.
static void take_indices(int is_caller) {
  for (ptrdiff_t taken = 0;; taken++) {
    if (atomic_fetch_add_explicit(&pool.next, 1, memory_order_relaxed) >= pool.count) return;
    const ptrdiff_t index =
        is_caller
            ? taken
            : pool.count - 1 - atomic_fetch_add_explicit(&pool.from_end, 1, memory_order_relaxed);
    pool.body(pool.context, index);
  }
}

/// The state once its generation is another than `seen`.
static uint64_t next_loop(uint32_t seen) {
  for (int spin = 0; spin < HS_SPINS; spin++) {
    const uint64_t state = atomic_load(&pool.state);
    if (generation_of(state) != seen) return state;
    relax();
  }
  pthread_mutex_lock(&pool.mutex);
  // Either the caller sees that somebody sleeps, or this thread sees the new state.
  atomic_fetch_add(&pool.sleeping, 1);
  uint64_t state;
  while (generation_of(state = atomic_load(&pool.state)) == seen) {
    pthread_cond_wait(&pool.wake, &pool.mutex);
  }
  atomic_fetch_sub(&pool.sleeping, 1);
  pthread_mutex_unlock(&pool.mutex);
  return state;
}

static void *work(void *unused) {
  (void)unused;
  uint32_t seen = 0;
  for (;;) {
    uint64_t state = next_loop(seen);
    seen = generation_of(state);
    while (generation_of(state) == seen && !(state & HS_CLOSED) &&
           (state & HS_ENTERED) < ((state & ~HS_CLOSED) >> HS_LIMIT_BITS & HS_MOST_WORKERS)) {
      if (!atomic_compare_exchange_weak(&pool.state, &state, state + 1)) continue;
      take_indices(0);
      atomic_fetch_add(&pool.left, 1);
      break;
    }
  }
  return NULL;
}

static void start_workers(int wanted) {
  while (pool.started < wanted) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, NULL) != 0) return;
    pthread_detach(thread);
    pool.started++;
  }
}

static int processors(void) {
  static _Atomic int known = 0;
  int count = atomic_load_explicit(&known, memory_order_relaxed);
  if (count > 0) return count;
  count = (int)sysconf(_SC_NPROCESSORS_ONLN);
  atomic_store_explicit(&known, count, memory_order_relaxed);
  return count;
}

static _Thread_local int is_alone = 0;

void hs_set_alone(int alone) { is_alone = alone; }

int hs_parallel(ptrdiff_t count, int threads, void (*body)(void *, ptrdiff_t), void *context) {
  if (is_alone) {
    for (ptrdiff_t index = 0; index < count; index++) body(context, index);
    return 1;
  }
  // Threads that wait awake must not keep each other from running.
  if (threads > processors() || threads > HS_MOST_WORKERS) return 0;
  int is_taken = 0;
  if (!atomic_compare_exchange_strong(&pool.taken, &is_taken, 1)) return 0;
  start_workers(threads - 1);
  pool.count = count;
  pool.body = body;
  pool.context = context;
  atomic_store(&pool.next, 0);
  atomic_store(&pool.from_end, 0);
  atomic_store(&pool.left, 0);
  const uint64_t generation = generation_of(atomic_load(&pool.state)) + (uint32_t)1;
  const uint64_t limit = (uint64_t)(threads - 1) << HS_LIMIT_BITS;
  // Generation 0 is what new threads have seen.
  atomic_store(&pool.state, ((uint32_t)generation ? generation : 1) << HS_GENERATION_BITS | limit);
  if (atomic_load(&pool.sleeping) > 0) {
    pthread_mutex_lock(&pool.mutex);
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.mutex);
  }
  take_indices(1);
  const uint64_t state = atomic_fetch_or(&pool.state, HS_CLOSED);
  const int entered = (int)(state & HS_ENTERED);
  for (int spin = 0; atomic_load(&pool.left) != entered; spin++) {
    relax();
    if (spin >= HS_LONG_WAIT) sched_yield();
  }
  atomic_store(&pool.taken, 0);
  return 1;
}
