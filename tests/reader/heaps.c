// A program with heaps of its own (ashlar/heap.h). It waits as known.c does, and says what the library says of each:
//
//   heap ADDRESS NAME BYTES PEAK LIMIT BLOCKS USED KEPT CHUNKS LARGE
//   left BLOCKS           blocks of a heap that was deleted
#include <ashlar/heap.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "say.h"

static void* hold(ashlar_heap* heap, size_t size, int count) {
  void* last = NULL;
  for (int i = 0; i < count; ++i) memset(last = ashlar_heap_malloc(heap, size), 1, size);
  return last;
}

static void tell(ashlar_heap* heap) {
  struct ashlar_heap_figures n;
  if (ashlar_heap_stats(heap, &n) != 0) _exit(1);
  SAY("heap %llx %s %zu %zu %zu %zu %zu %zu %zu %zu\n", (unsigned long long)(uintptr_t)heap, ashlar_heap_name(heap),
      n.bytes, n.peak_bytes, n.limit, n.blocks, n.used_bytes, n.kept_bytes, n.chunks, n.large);
}

static void* take_and_end(void* heap) {
  hold(heap, 40, 10);
  return NULL;
}

enum { kLeft = 100 };

int main(void) {
  wait_for_line();
  ashlar_heap* const first = ashlar_heap_create("twin", 0);
  ashlar_heap* const second = ashlar_heap_create("twin", 0);
  ashlar_heap* const empty = ashlar_heap_create("", 0);
  ashlar_heap* const left = ashlar_heap_create("left", 0);
  pthread_t thread;
  hold(first, 72, 5000);
  hold(first, 12000, 20);    // spans
  hold(first, 100000, 3);    // runs
  hold(first, 33 << 20, 1);  // a mapping
  ashlar_heap_free(first, hold(first, 200000, 1));
  for (int i = 0; i < 10; ++i) ashlar_heap_free(first, hold(first, 72, 1));
  if (ashlar_heap_set_limit(second, 1 << 20, NULL, NULL) != 0) return 1;
  if (pthread_create(&thread, NULL, take_and_end, second) != 0 || pthread_join(thread, NULL) != 0) return 1;
  hold(left, 500, kLeft);
  if (ashlar_heap_delete(left) != 0) return 1;
  tell(first);
  tell(second);
  tell(empty);
  SAY("left %d\n", kLeft);
  wait_for_line();
  if (ashlar_heap_destroy(first) != 0) return 1;
  tell(second);
  tell(empty);
  SAY("left %d\n", kLeft);
  wait_for_line();
  return 0;
}
