// api, private: serves calls that the fast paths of heaps cannot serve.
#pragma once

#include "ashlar/heap.h"
#include "heap/realm_calls.h"

namespace ashlar::api {

inline constexpr const char* kMalloc = "ashlar_heap_malloc()";
inline constexpr const char* kFree = "ashlar_heap_free()";

void* heap_malloc_miss(ashlar_heap* handle, std::size_t size);
void heap_free_miss(ashlar_heap* handle, void* p);

// For functions with flags (ashlar/mallocx.h), whose names are in the messages. A block for which `zeroed` becomes true
// is zero as a whole. resize_of takes a block of any heap.
void* allocate_of(const char* caller, ashlar_heap* handle, std::size_t size, std::size_t alignment, bool& zeroed);
bool owns_block(const char* caller, ashlar_heap* handle, const void* block);
void* resize_of(void* block, std::size_t size);

// Returns the realm that the program's pointer points to.
inline heap::Realm& realm_of(ashlar_heap* heap) { return *reinterpret_cast<heap::Realm*>(heap); }

}  // namespace ashlar::api
