// A program under LeakSanitizer: blocks of malloc's, to which a pointer lies in Ashlar's memory alone, are no leaks.
#include <stdlib.h>
#include <string.h>

#include "ashlar/cache.h"
#include "ashlar/heap.h"
#include "ashlar/vmalloc.h"

static void* volatile* in_cache;
static void* volatile* in_area;
static void* volatile* in_grown_area;
static void* volatile* in_heap[3];
static void* volatile* in_left_heap;
static void* volatile* in_reset_heap;
static void* volatile* volatile in_pushed_heap;

// Whatever it had before: nobody has its addresses any more, and AddressSanitizer takes no use of them for one of freed
// memory.
static void fill(ashlar_heap* heap) {
  const size_t sizes[] = {24, 700, 9000, 60000, 40 << 20};
  for (unsigned i = 0; i < 5; ++i) {
    for (unsigned n = 0; n < (i < 3 ? 100 : 1); ++n) memset(ashlar_heap_malloc(heap, sizes[i]), 1, sizes[i]);
  }
}

int main(void) {
  ashlar_cache* const cache = ashlar_cache_create("pointers", 64, 0, 0, NULL);
  in_cache = ashlar_cache_alloc(cache);
  in_area = ashlar_vmalloc(100000);
  in_grown_area = ashlar_vrealloc(ashlar_vmalloc(5000), 1 << 20, 0);
  ashlar_vfree(ashlar_vmalloc(50000));
  ashlar_heap* const heap = ashlar_heap_create("pointers", 0);
  ashlar_heap* const left = ashlar_heap_create("left", 0);
  in_heap[0] = ashlar_heap_malloc(heap, 64);
  in_heap[1] = ashlar_heap_malloc(heap, 100000);
  in_heap[2] = ashlar_heap_realloc(heap, ashlar_heap_malloc(heap, 40 << 20), 50 << 20);
  in_left_heap = ashlar_heap_malloc(left, 300);
  if (in_cache == NULL || in_area == NULL || in_grown_area == NULL || in_heap[2] == NULL || in_left_heap == NULL)
    return 2;
  in_cache[1] = malloc(100);
  in_area[1] = malloc(200);
  in_grown_area[100000] = malloc(300);
  for (unsigned i = 0; i < 3; ++i) in_heap[i][3] = malloc(400 + i);
  in_left_heap[1] = malloc(500);
  if (ashlar_heap_delete(left) != 0) return 3;
  ashlar_heap* const again = ashlar_heap_create("again", 0);
  for (unsigned round = 0; round < 3; ++round) {
    fill(again);
    if (ashlar_heap_reset(again) != 0) return 4;
  }
  in_reset_heap = ashlar_heap_malloc(again, 700);
  in_reset_heap[1] = malloc(600);
  for (unsigned round = 0; round < 3; ++round) {
    ashlar_heap* const ends = ashlar_heap_create("ends", 0);
    fill(ends);
    if (ashlar_heap_destroy(ends) != 0) return 5;
  }
  // malloc is AddressSanitizer's, whatever is pushed
  if (ashlar_heap_push(again) != 0) return 6;
  in_pushed_heap = malloc(64);
  in_pushed_heap[1] = malloc(700);
  char* const grown = realloc(malloc(100), 5000);
  grown[4999] = 1;
  free(grown);
  if (ashlar_heap_pop() != 0) return 7;
  free(realloc(malloc(100), 200));
  return 0;
}
