// Shows: a named cache with a constructor, whose objects take exactly 256 KiB: a free object's link lies at its end,
// and the fourth of a slab of 1 MiB ends with the slab.
// Right: no object is lost or handed out twice.
#include <ashlar/cache.h>

#include "case.h"

enum { kObjects = 64 };
static void* objects[kObjects];

static void construct(void* object) { memset(object, 1, 64); }

static void check_distinct(void) {
  for (int i = 0; i < kObjects; ++i) {
    CHECK(objects[i] != NULL);
    for (int k = 0; k < i; ++k) CHECK(objects[i] != objects[k]);
  }
}

static void free_all(ashlar_cache* cache, int kept_of) {
  for (int i = 0; i < kObjects; ++i) {
    if (i % kept_of == 0 && kept_of > 1) continue;
    ashlar_cache_free(cache, objects[i]);
    objects[i] = NULL;
  }
  ashlar_cache_shrink(cache);
}

static void fill(ashlar_cache* cache) {
  for (int i = 0; i < kObjects; ++i) {
    if (objects[i] == NULL) objects[i] = ashlar_cache_alloc(cache);
  }
  check_distinct();
}

int main(void) {
  ashlar_cache* cache = ashlar_cache_create("big", 262000, 4096, 0, construct);
  CHECK(cache != NULL);
  for (int round = 0; round < 4; ++round) {
    fill(cache);
    free_all(cache, 1);
  }
  fill(cache);
  free_all(cache, 5);
  fill(cache);
  free_all(cache, 1);
  CHECK(ashlar_cache_destroy(cache) == 0);
  return 0;
}
