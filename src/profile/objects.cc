// profile: objects of named caches. While a profile is on, and while a cache has samples after that, the handles lead
// the fast paths to bins that are empty (slab/named_cache.h), so each call is seen. take_object and put_object serve
// most of them from the cache's own bins. Samples lie anywhere in the slabs.
#include "heap/named_bins.h"
#include "heap/quiet.h"
#include "page/request.h"
#include "profile/entered.h"

namespace ashlar::profile {

namespace {

// The handles lead away from the bins before anyone can free the object.
[[gnu::noinline]] void add(slab::NamedCache& named) {
  const heap::Quiet quiet;
  slab::add_sample(named);
}

[[gnu::noinline]] void drop(slab::NamedCache& named) {
  const heap::Quiet quiet;
  slab::drop_sample(named);
}

bool record(const slab::Handle& cache, void* p, const Stack& stack) {
  Sample sample;
  sample.address = reinterpret_cast<std::uintptr_t>(p);
  sample.requested = cache.size;
  sample.usable = cache.named->usable;
  sample.counted = cache.named->info.size;
  const Entered entered;
  return entered && find_record(sample.address) == 0 && add_record(sample, stack) != 0;
}

}  // namespace

void note_object(const slab::Handle& cache, void* p) {
  if (!is_on() || heap::interrupted() || check::interrupted()) return;
  if (is_object_due(cache.named->info.size)) {
    Stack stack;
    capture(stack);
    add(*cache.named);
    if (!record(cache, p, stack)) drop(*cache.named);
  }
  if (writing.wanted.load(std::memory_order_relaxed) != 0) [[unlikely]]
    write_wanted_file();
}

void* take_object(const slab::Handle& cache) {
  const std::uint64_t mean = control.rate.load(std::memory_order_relaxed);
  if (page::request_waits() || writing.wanted.load(std::memory_order_relaxed) != 0) return nullptr;
  if (mean == 0) return heap::pop(cache, cache.number);  // the cache has samples of a profile that ended
  heap::Counted* const own = mean != 1 ? heap::counted_already() : nullptr;
  const std::int64_t bytes = cache.named->info.size;
  if (own == nullptr || own->mean != mean || own->until_object <= bytes) return nullptr;
  void* const object = heap::pop(cache, cache.number);
  if (object != nullptr) own->until_object -= bytes;
  return object;
}

bool put_object(const slab::Handle& cache, void* p) {
  return state != nullptr && !may_have_record(p) && heap::push(cache, cache.number, p);
}

void release_object(void* p) {
  if (state == nullptr || heap::interrupted() || !may_have_record(p)) return;
  {
    const Entered entered;
    const std::uint32_t i = entered ? find_record(reinterpret_cast<std::uintptr_t>(p)) : 0;
    if (i == 0) return;
    unlink_record(i);
    end_record(i);
  }
  drop_object(p);
}

void drop_object(const void* p) {
  if (slab::NamedCache* const named = heap::named_around(p)) drop(*named);
}

}  // namespace ashlar::profile
