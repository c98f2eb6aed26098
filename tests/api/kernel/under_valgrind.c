// A correct program under memcheck: what it does with named caches, heaps, pages and malloc is no error, and what a
// variable of it leads to by Ashlar's memory alone is no leak.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "ashlar/cache.h"
#include "ashlar/heap.h"
#include "ashlar/pages.h"

// Where the library is preloaded. Weak names find nothing in an archive.
#ifdef ASHLAR_IS_PRELOADED
#pragma weak ashlar_cache_create
#pragma weak ashlar_cache_alloc
#pragma weak ashlar_cache_free
#pragma weak ashlar_cache_destroy
#pragma weak ashlar_heap_create
#pragma weak ashlar_heap_destroy
#pragma weak ashlar_heap_delete
#pragma weak ashlar_heap_free
#pragma weak ashlar_heap_malloc
#pragma weak ashlar_heap_pop
#pragma weak ashlar_heap_push
#pragma weak ashlar_heap_realloc
#pragma weak ashlar_heap_reset
#pragma weak ashlar_get_free_pages
#pragma weak ashlar_free_pages_at
#endif

static const size_t kSizes[] = {24, 700, 9000, 60000, 3 << 20};
static void* volatile* kept[8];

static void construct(void* object) { memset(object, 0x5a, 200); }

static void use_cache(void (*constructor)(void*)) {
  ashlar_cache* const cache = ashlar_cache_create("valgrind", 200, 0, ASHLAR_CACHE_NO_MERGE, constructor);
  void* objects[500];
  for (unsigned round = 0; round < 3; ++round) {
    for (unsigned i = 0; i < 500; ++i) {
      unsigned char* const object = objects[i] = ashlar_cache_alloc(cache);
      if (constructor != NULL && object[100] != 0x5a) abort();
      memset(object, constructor != NULL ? 0x5a : 1, 200);
    }
    for (unsigned i = 0; i < 500; ++i) ashlar_cache_free(cache, objects[i * 7 % 500]);
  }
  if (ashlar_cache_destroy(cache) != 0) abort();
}

static void fill(ashlar_heap* heap) {
  for (unsigned i = 0; i < 5; ++i) {
    for (unsigned n = 0; n < (i < 3 ? 50 : 2); ++n) {
      void* const p = ashlar_heap_malloc(heap, kSizes[i]);
      memset(p, 1, kSizes[i]);
      if (n % 3 == 0) ashlar_heap_free(heap, p);
      if (n % 3 == 1) memset(ashlar_heap_realloc(heap, p, kSizes[i] * 2), 2, kSizes[i] * 2);
    }
  }
}

static void use_heap(void) {
  ashlar_heap* const heap = ashlar_heap_create("valgrind", 0);
  for (unsigned round = 0; round < 3; ++round) {
    fill(heap);
    if (ashlar_heap_reset(heap) != 0) abort();
  }
  if (ashlar_heap_push(heap) != 0) abort();
  char* p = malloc(100);
  memset(p, 1, 100);
  p = realloc(p, 5000);
  p[4999] = p[99];
  if (p[4999] != 1) abort();
  free(p);
  free(calloc(3, 100));
  if (ashlar_heap_pop() != 0) abort();
  fill(heap);
  if (ashlar_heap_destroy(heap) != 0) abort();
}

static void* run(void* unused) {
  use_cache(NULL);
  use_cache(construct);
  use_heap();
  return unused;
}

int main(void) {
#ifdef ASHLAR_IS_PRELOADED
  if (ashlar_heap_create == NULL) return 2;
#endif
  pthread_t thread;
  if (pthread_create(&thread, NULL, run, NULL) != 0) return 3;
  run(NULL);
  pthread_join(thread, NULL);
  void* const pages = ashlar_get_free_pages(0, 2);
  memset(pages, 1, 4 * 4096);
  ashlar_free_pages_at(pages, 2);
  ashlar_heap* const heap = ashlar_heap_create("pointers", 0);
  ashlar_heap* const left = ashlar_heap_create("left", 0);
  kept[0] = ashlar_heap_malloc(heap, 64);
  kept[1] = ashlar_heap_malloc(left, 700);
  kept[2] = ashlar_cache_alloc(ashlar_cache_create("pointers", 64, 0, 0, NULL));
  for (unsigned i = 0; i < 3; ++i) {
    memset((void*)kept[i], 0, 64);
    kept[i][1] = malloc(500 + i);
  }
  if (ashlar_heap_delete(left) != 0) return 4;
  return 0;
}
