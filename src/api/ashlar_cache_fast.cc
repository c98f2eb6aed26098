// api: the fast paths of include/ashlar/cache.h.
#include "api/ashlar_cache.h"
#include "api/refusal.h"

using ashlar::api::handle_of;

void* ashlar_cache_alloc(ashlar_cache* cache) noexcept {
  if (void* const object = ashlar::heap::pop(handle_of(cache))) [[likely]]
    return object;
  return ashlar::api::cache_alloc_miss(handle_of(cache));
}

void ashlar_cache_free(ashlar_cache* cache, void* object) noexcept {
  if (!ashlar::heap::push(handle_of(cache), object)) [[unlikely]]
    ashlar::api::cache_free_miss(handle_of(cache), object);
}

size_t ashlar_cache_alloc_bulk(ashlar_cache* cache, size_t count, void** objects) noexcept {
  if (cache == nullptr) {
    ashlar::api::refuse("ashlar_cache_alloc_bulk()", "the cache must not be NULL");
    return 0;
  }
  for (size_t i = 0; i < count; ++i) {
    objects[i] = ashlar_cache_alloc(cache);
    if (objects[i] == nullptr) {
      ashlar_cache_free_bulk(cache, i, objects);
      return 0;
    }
  }
  return count;
}

void ashlar_cache_free_bulk(ashlar_cache* cache, size_t count, void** objects) noexcept {
  if (cache == nullptr) {
    ashlar::api::refuse("ashlar_cache_free_bulk()", "the cache must not be NULL");
    return;
  }
  for (size_t i = 0; i < count; ++i) ashlar_cache_free(cache, objects[i]);
}
