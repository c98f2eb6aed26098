// api, private: what follows when the fast paths of named caches miss.
#pragma once

#include "ashlar/cache.h"
#include "heap/named_bins.h"

namespace ashlar::api {

void* cache_alloc_miss(slab::Handle& cache);
void cache_free_miss(slab::Handle& cache, void* object);

// A handle is what the program's pointer points at.
inline slab::Handle& handle_of(ashlar_cache* cache) { return *reinterpret_cast<slab::Handle*>(cache); }

}  // namespace ashlar::api
