// SPDX-License-Identifier: Apache-2.0
//
// The threads of parallel loops. A step of a small network has several loops of some microseconds, and
// waking a thread takes longer: so threads wait for the next loop awake, for a while. And a line of
// memory takes some fifty nanoseconds from core to core: so threads share as few as can be.
//
//   job      what the loop is; written by the caller alone, last
//              generation (32 bits) | threads (32)              the loop's number
//   share    of each thread, a line of its own:
//              generation (32 bits) | first (16) | end (16)     what is left of its part of the loop
//              generation (32 bits) | parts done (32)           written by the thread once it is through
//
// Each thread takes from its own share as long as there is something, and then from the others'. A share
// whose generation is an older one is whole: whoever takes from it first, its thread or another, says
// so. So nobody waits for a thread that sleeps, and a thread that comes late finds nothing to take.
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#include "CHalfspace.h"

#define HS_MOST_WORKERS 1023
#define HS_SPINS 4096        // pauses before a thread sleeps, some fifty to a hundred microseconds
#define HS_LONG_WAIT 16384   // pauses before the caller lets others run
#define HS_LINE 128          // two lines: neighbors may be fetched together

#define HS_MOST_PARTS 0xFFFF
#define HS_PART_BITS 16
#define HS_GENERATION_BITS 32
// Generations are compared by their difference: all shares are marked before it could be too large.
#define HS_GENERATIONS_BETWEEN_MARKS ((uint32_t)1 << 30)

typedef struct {
  _Alignas(HS_LINE) _Atomic uint64_t left;
  _Atomic uint64_t done;
} share_t;

/// A loop as one thread has read it.
typedef struct {
  uint32_t generation;
  int threads;
  ptrdiff_t count, parts;
  void (*run)(void *, hs_parts *);
  void *context;
} loop_t;

/// What a thread runs of a loop.
struct hs_parts {
  const loop_t *loop;
  int own;               // the thread's number
  int finished;          // shares in which it has found nothing left
  ptrdiff_t index, end;  // what is left of the part under way
  ptrdiff_t taken;       // parts so far
};

static struct {
  _Alignas(HS_LINE) _Atomic uint64_t head;
  // A thread that comes late may read these of the next loop: it then finds nothing to take.
  _Atomic ptrdiff_t count;
  void (*_Atomic run)(void *, hs_parts *);
  void *_Atomic context;
} job;

static struct {
  _Alignas(HS_LINE) _Atomic int taken;
  int started;
  _Alignas(HS_LINE) _Atomic int sleeping;
  pthread_mutex_t mutex;
  pthread_cond_t wake;
} pool = {.mutex = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

/// The caller's share, and those of the threads.
static share_t shares[1 + HS_MOST_WORKERS];

static void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static uint64_t pack(uint32_t generation, uint64_t first, uint64_t end) {
  return (uint64_t)generation << HS_GENERATION_BITS | first << HS_PART_BITS | end;
}

static uint32_t generation_of(uint64_t word) { return (uint32_t)(word >> HS_GENERATION_BITS); }

static loop_t read_loop(uint64_t head) {
  loop_t loop = {.generation = generation_of(head),
                 .threads = (int)(uint32_t)head,
                 .count = atomic_load_explicit(&job.count, memory_order_relaxed),
                 .run = atomic_load_explicit(&job.run, memory_order_relaxed),
                 .context = atomic_load_explicit(&job.context, memory_order_relaxed)};
  loop.parts = loop.count < HS_MOST_PARTS ? loop.count : HS_MOST_PARTS;
  return loop;
}

/// Takes a part of a loop from the share of thread `owner`, its first or its last; -1 where there is none.
static ptrdiff_t take(const loop_t *loop, int owner, int takes_first) {
  _Atomic uint64_t *left = &shares[owner].left;
  uint64_t word = atomic_load_explicit(left, memory_order_relaxed);
  for (;;) {
    const int32_t age = (int32_t)(loop->generation - generation_of(word));
    if (age < 0) return -1;
    uint64_t first = word >> HS_PART_BITS & HS_MOST_PARTS, end = word & HS_MOST_PARTS;
    if (age > 0) {
      first = (uint64_t)(loop->parts * owner / loop->threads);
      end = (uint64_t)(loop->parts * (owner + 1) / loop->threads);
    }
    if (first >= end) return -1;
    const ptrdiff_t part = (ptrdiff_t)(takes_first ? first++ : --end);
    if (atomic_compare_exchange_weak_explicit(left, &word, pack(loop->generation, first, end),
                                              memory_order_acq_rel, memory_order_relaxed)) {
      return part;
    }
  }
}

/// Takes another part, where there is one. The caller goes up from the first of its share, the others down from
/// their last, and others take from where owners come last: from loop to loop a thread finds the same part of
/// the data in its cache.
static int take_part(hs_parts *parts) {
  const loop_t *loop = parts->loop;
  for (; parts->finished < loop->threads; parts->finished++) {
    const int k = parts->own + parts->finished;
    const int owner = k < loop->threads ? k : k - loop->threads;
    const ptrdiff_t part = take(loop, owner, (owner == 0) == (parts->finished == 0));
    if (part < 0) continue;
    // Most loops have a part for each index.
    parts->index = part;
    parts->end = part + 1;
    if (loop->parts != loop->count) {
      const ptrdiff_t size = loop->count / loop->parts, more = loop->count % loop->parts;
      parts->index = part * size + (part < more ? part : more);
      parts->end = parts->index + size + (part < more);
    }
    parts->taken++;
    return 1;
  }
  return 0;
}

ptrdiff_t hs_next_index(hs_parts *parts) {
  if (parts->index == parts->end && !take_part(parts)) return -1;
  return parts->index++;
}

/// Runs parts until all are taken; returns how many.
static ptrdiff_t run_parts(const loop_t *loop, int own) {
  hs_parts parts = {.loop = loop, .own = own};
  // Who has taken nothing must not look at what the loop is: its caller may be through.
  if (take_part(&parts)) loop->run(loop->context, &parts);
  return parts.taken;
}

/// The head of the job once it is another than `seen`.
static uint64_t next_head(uint64_t seen) {
  for (int spin = 0; spin < HS_SPINS; spin++) {
    const uint64_t head = atomic_load_explicit(&job.head, memory_order_acquire);
    if (head != seen) return head;
    relax();
  }
  pthread_mutex_lock(&pool.mutex);
  atomic_fetch_add(&pool.sleeping, 1);
  uint64_t head;
  while ((head = atomic_load(&job.head)) == seen) pthread_cond_wait(&pool.wake, &pool.mutex);
  atomic_fetch_sub(&pool.sleeping, 1);
  pthread_mutex_unlock(&pool.mutex);
  return head;
}

static void *work(void *number) {
  const int own = (int)(intptr_t)number;
  for (uint64_t seen = 0;;) {
    seen = next_head(seen);
    const loop_t loop = read_loop(seen);
    if (own >= loop.threads) continue;
    const ptrdiff_t done = run_parts(&loop, own);
    if (done > 0) {
      const uint64_t word = pack(loop.generation, 0, (uint64_t)done);
      atomic_store_explicit(&shares[own].done, word, memory_order_release);
    }
  }
  return NULL;
}

static void start_workers(int wanted) {
  while (pool.started < wanted) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, (void *)(intptr_t)(pool.started + 1)) != 0) return;
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

/// Says of all shares that nothing is left of them, and nothing was done.
static void mark_shares(uint32_t generation) {
  for (int k = 0; k <= HS_MOST_WORKERS; k++) {
    atomic_store(&shares[k].left, pack(generation, 0, 0));
    atomic_store(&shares[k].done, pack(generation, 0, 0));
  }
}

static loop_t publish(ptrdiff_t count, int threads, void (*run)(void *, hs_parts *), void *context) {
  uint32_t generation = generation_of(atomic_load_explicit(&job.head, memory_order_relaxed));
  if (generation % HS_GENERATIONS_BETWEEN_MARKS == 0) mark_shares(generation);
  atomic_store_explicit(&job.count, count, memory_order_relaxed);
  atomic_store_explicit(&job.run, run, memory_order_relaxed);
  atomic_store_explicit(&job.context, context, memory_order_relaxed);
  const uint64_t head = pack(generation + 1, 0, (uint64_t)threads);
  atomic_store_explicit(&job.head, head, memory_order_release);
  // A thread that goes to sleep at this very moment may be missed, and sleeps through this loop.
  if (atomic_load_explicit(&pool.sleeping, memory_order_relaxed) > 0) {
    pthread_mutex_lock(&pool.mutex);
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.mutex);
  }
  return read_loop(head);
}

/// Whether the parts that others have taken of a loop, `missing` in all, are done.
static int are_done(const loop_t *loop, ptrdiff_t missing) {
  for (int k = 1; k < loop->threads && missing > 0; k++) {
    const uint64_t done = atomic_load_explicit(&shares[k].done, memory_order_acquire);
    if (generation_of(done) == loop->generation) missing -= (ptrdiff_t)(uint32_t)done;
  }
  return missing == 0;
}

static _Thread_local int is_alone = 0;

void hs_set_alone(int alone) { is_alone = alone; }

int hs_is_alone(void) { return is_alone; }

int hs_parallel(ptrdiff_t count, int threads, void (*run)(void *, hs_parts *), void *context) {
  // Threads that wait awake must not keep each other from running.
  if (threads > processors() || threads > HS_MOST_WORKERS) return 0;
  int is_taken = 0;
  if (!atomic_compare_exchange_strong(&pool.taken, &is_taken, 1)) return 0;
  start_workers(threads - 1);
  const loop_t loop = publish(count, threads, run, context);
  const ptrdiff_t missing = loop.parts - run_parts(&loop, 0);
  for (int spin = 0; !are_done(&loop, missing); spin++) {
    relax();
    if (spin >= HS_LONG_WAIT) sched_yield();
  }
  atomic_store_explicit(&pool.taken, 0, memory_order_release);
  return 1;
}
