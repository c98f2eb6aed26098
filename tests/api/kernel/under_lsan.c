// A program under LeakSanitizer: blocks of malloc's, to which a pointer lies in Ashlar's memory alone, are no leaks.
#include <stdlib.h>

#include "ashlar/cache.h"
#include "ashlar/vmalloc.h"

static void* volatile* in_cache;
static void* volatile* in_area;
static void* volatile* in_grown_area;

int main(void) {
  ashlar_cache* const cache = ashlar_cache_create("pointers", 64, 0, 0, NULL);
  in_cache = ashlar_cache_alloc(cache);
  in_area = ashlar_vmalloc(100000);
  in_grown_area = ashlar_vrealloc(ashlar_vmalloc(5000), 1 << 20, 0);
  ashlar_vfree(ashlar_vmalloc(50000));
  if (in_cache == NULL || in_area == NULL || in_grown_area == NULL) return 2;
  in_cache[1] = malloc(100);
  in_area[1] = malloc(200);
  in_grown_area[100000] = malloc(300);
  return 0;
}
