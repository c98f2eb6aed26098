// api: the fast paths of include/ashlar/heap.h.
#include "api/ashlar_heap.h"

void* ashlar_heap_malloc(ashlar_heap* heap, size_t size) noexcept {
  void* const p = heap != nullptr ? ashlar::heap::pop(ashlar::api::realm_of(heap), size) : nullptr;
  return p != nullptr ? p : ashlar::api::heap_malloc_miss(heap, size);
}

void ashlar_heap_free(ashlar_heap* heap, void* block) noexcept {
  if (heap == nullptr || !ashlar::heap::push(ashlar::api::realm_of(heap), block, ashlar::api::kFree)) [[unlikely]]
    ashlar::api::heap_free_miss(heap, block);
}
