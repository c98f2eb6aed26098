// A program under LeakSanitizer: blocks of malloc's, to which a pointer lies in Ashlar's memory alone, are no leaks.
#include <stdlib.h>

#include "ashlar/cache.h"
#include "ashlar/heap.h"
#include "ashlar/vmalloc.h"

static void* volatile* in_cache;
static void* volatile* in_area;
static void* volatile* in_grown_area;
static void* volatile* in_heap[3];
static void* volatile* in_left_heap;

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
  return 0;
}
