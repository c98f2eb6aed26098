// api, private: what the functions of named caches share. The misses of the fast paths are in ashlar_cache_slow.cc, the
// rest in ashlar_cache.cc.
#pragma once

#include "ashlar/cache.h"
#include "heap/named_bins.h"

namespace ashlar::api {

void* cache_alloc_miss(slab::Handle& cache);
void cache_free_miss(slab::Handle& cache, void* object);

// As slab has them, for a thread whose signal handlers may fork: it has entered while it holds the lock of all caches.
void write_cache_names(CacheNumber number, char* name, std::size_t bytes);
bool hold_cache(const void* cache);
void let_cache_go(const void* cache);

// Returns the handle of a cache. Writes a line, sets errno, and returns null if it is none.
slab::Handle* expect_cache(const char* caller, const void* cache);

// Returns the handle that the program's pointer points to.
inline slab::Handle& handle_of(ashlar_cache* cache) { return *reinterpret_cast<slab::Handle*>(cache); }

}  // namespace ashlar::api
