// api, private: serves calls that the fast paths of named caches cannot serve.
#pragma once

#include "ashlar/cache.h"
#include "heap/named_bins.h"

namespace ashlar::api {

void* cache_alloc_miss(slab::Handle& cache);
void cache_free_miss(slab::Handle& cache, void* object);

// Returns the handle that the program's pointer points to.
inline slab::Handle& handle_of(ashlar_cache* cache) { return *reinterpret_cast<slab::Handle*>(cache); }

}  // namespace ashlar::api
