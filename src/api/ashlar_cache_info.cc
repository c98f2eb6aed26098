// api: the functions of include/ashlar/cache.h that report figures of caches, and list caches.
#include <cerrno>

#include "api/ashlar_cache.h"
#include "api/refusal.h"
#include "check/check.h"
#include "heap/quiet.h"
#include "stats/stats.h"

namespace ashlar::api {

namespace {

[[gnu::noinline]] struct ashlar_cache_stats stats_of(const slab::Handle& cache) {
  const heap::Quiet quiet;
  const stats::NamedCounts n = stats::counts_of(*cache.named);
  return {n.object_size, n.live, n.magazines, n.depot, n.slab_free, n.slabs, n.slab_bytes};
}

// Returns the figures of a cache whose objects are checked. They are in spans, not in slabs, and no thread holds free
// ones.
struct ashlar_cache_stats stats_of_checked(const slab::Handle& cache) {
  const check::ObjectCounts n = check::object_counts(cache);
  return {cache.size, n.live, 0, 0, n.free, n.spans, n.bytes};
}

}  // namespace

}  // namespace ashlar::api

namespace api = ashlar::api;
namespace slab = ashlar::slab;

int ashlar_cache_snapshot(const ashlar_cache* cache, struct ashlar_cache_stats* stats) noexcept {
  constexpr const char* kCaller = "ashlar_cache_snapshot()";
  const slab::Handle* const handle = api::expect_cache(kCaller, cache);
  if (handle == nullptr) return -1;
  if (stats == nullptr) {
    api::refuse(kCaller, "the pointer to the figures must not be NULL");
    return -1;
  }
  *stats = handle->checked != nullptr ? api::stats_of_checked(*handle) : api::stats_of(*handle);
  return 0;
}

size_t ashlar_cache_list(ashlar_cache** caches, size_t count) noexcept {
  const ashlar::heap::Quiet quiet;
  return slab::list(reinterpret_cast<slab::Handle**>(caches), caches != nullptr ? count : 0);
}
