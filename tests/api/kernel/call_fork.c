// A signal handler that forks while its thread is in a call of the library does not wait for that thread, whatever lock
// the call holds.
//
//   call_fork CALL
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ashlar/ashlar.h"
#include "ashlar/cache.h"
#include "ashlar/heap.h"
#include "ashlar/kmalloc.h"
#include "ashlar/mempool.h"
#include "ashlar/nodes.h"
#include "ashlar/pages.h"
#include "ashlar/vmalloc.h"

enum { kThreads = 2, kForks = 200, kWaitMs = 20000 };

static ashlar_cache* cache;
static ashlar_heap* heap;
static ashlar_mempool* pool;
static atomic_bool is_filled;
static atomic_int forks;

static void caches(void) {
  struct ashlar_cache_stats stats;
  ashlar_cache* listed[8];
  ashlar_cache_snapshot(cache, &stats);
  ashlar_cache_list(listed, 8);
  if (ashlar_cache_name(cache) == NULL || ashlar_cache_size(cache) < 100) _exit(1);
  ashlar_cache_destroy(ashlar_cache_create("short-lived", 200, 0, 0, NULL));
}

// The allocator of the pool gives nothing once it is filled, so that each element comes from the reserve.
static void* make_element(void* data) {
  (void)data;
  return is_filled ? NULL : malloc(64);
}

static void end_element(void* element, void* data) {
  (void)data;
  free(element);
}

static void reserve(void) { ashlar_mempool_free(ashlar_mempool_alloc(pool, 0), pool); }

static void pages(void) {
  void* const start = ashlar_get_free_pages(0, 2);
  ashlar_page* const page = ashlar_virt_to_page(start);
  if (ashlar_get_page(page) == 0) ashlar_put_page(page);
  if (ashlar_page_count(page) == 0 && start != NULL) _exit(1);
  ashlar_free_pages_at(start, 2);
}

static void describe(void) {
  void* const block = malloc(100);
  struct ashlar_page_info info;
  ashlar_page_describe(block, &info);
  ashlar_node_of(block);
  ashlar_is_vmalloc_addr(block);
  free(block);
}

static int ignore(void* block, size_t bytes, void* data) {
  (void)block;
  (void)bytes;
  (void)data;
  return 0;
}

static void visit(void) { ashlar_heap_visit(heap, ignore, NULL); }

static void heaps(void) {
  struct ashlar_heap_figures figures;
  ashlar_heap* const own = ashlar_heap_create("short-lived", 0);
  ashlar_heap_malloc(own, 100);
  ashlar_heap_stats(heap, &figures);
  ashlar_heap_trim(heap);
  ashlar_heap_destroy(own);
}

static void areas(void) {
  ashlar_vfree(ashlar_vmalloc(100000));
  ashlar_kvfree(ashlar_kvmalloc(300000, 0));
}

static void statistics(void) {
  struct ashlar_stats stats;
  ashlar_stats_snapshot(&stats, sizeof stats);
  ashlar_validate();
  ashlar_malloc_trim(0);
}

static const struct {
  const char* name;
  void (*call)(void);
} kCalls[] = {{"caches", caches}, {"reserve", reserve}, {"pages", pages}, {"describe", describe},
              {"visit", visit},   {"heaps", heaps},     {"areas", areas}, {"statistics", statistics}};

static void (*call)(void);

static void* use(void* unused) {
  for (;;) call();
  return unused;
}

static void fork_in_handler(int signal_number) {
  (void)signal_number;
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, NULL, 0);
  ++forks;
}

int main(int count, char** arguments) {
  for (size_t i = 0; i < sizeof kCalls / sizeof kCalls[0]; ++i) {
    if (count == 2 && strcmp(arguments[1], kCalls[i].name) == 0) call = kCalls[i].call;
  }
  if (call == NULL) return 2;
  cache = ashlar_cache_create("forked", 100, 0, ASHLAR_CACHE_NO_MERGE, NULL);
  heap = ashlar_heap_create("forked", 0);
  pool = ashlar_mempool_create(8, make_element, end_element, NULL);
  is_filled = 1;
  for (size_t size = 1; size < 10000; size += 100) ashlar_heap_malloc(heap, size);
  signal(SIGUSR1, fork_in_handler);
  pthread_t threads[kThreads];
  for (int i = 0; i < kThreads; ++i) {
    if (pthread_create(&threads[i], NULL, use, NULL) != 0) return 1;
  }
  for (int i = 0; i < kForks; ++i) {
    pthread_kill(threads[i % kThreads], SIGUSR1);
    for (int ms = 0; forks == i && ms < kWaitMs; ++ms) usleep(1000);
    if (forks == i) {
      fprintf(stderr, "%s: fork %d does not return\n", arguments[1], i + 1);
      _exit(1);
    }
  }
  _exit(0);
}
