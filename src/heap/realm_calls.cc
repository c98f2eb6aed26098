// heap: calls that concern realms, see the header.
#include "heap/realm_calls.h"

#include "heap/bins.h"
#include "heap/gate.h"
#include "heap/quiet.h"
#include "heap/realm_private.h"

namespace ashlar::heap {

namespace {

constexpr std::size_t kKeptByReset = 1_MiB;

// Calls `run` with the thread's heap marked as busy; `interrupted` answers a signal handler that may not enter. Where
// the gate stays closed it goes on: it waits for the fork's locks. What is due is done afterwards, as at any miss.
template <class Run, class Result>
Result quietly(Run run, Result interrupted, Caller who = Caller::kFrees) {
  Heap* const heap = attach();
  const Entry entry;
  if (heap == nullptr) {
    const Result result = run();
    if (entry) tick_without_heap(who);
    return result;
  }
  if (heap->busy) return interrupted;
  const Result result = [&] {
    const Busy busy(*heap);
    return run();
  }();
  if (entry) maintain(*heap, who);
  return result;
}

// The same for what returns nothing.
template <class Run>
void quietly_do(Run run) {
  quietly([&] { return run(), true; }, false);
}

[[gnu::noinline]] void empty_caches() {
  quietly_do([] {
    page::release_reservation();
    if (current->kind == Kind::kLive) flush(*current, Flush::kToSlabs);
    slab::shrink();
    vmalloc::drop_kept();
    page::reclaim_all();
  });
}

struct Refusal {
  RealmLimit on_limit = nullptr;
  void* data = nullptr;
  bool by_limit = false;
  bool open = false;  // the realm has not ended
};

[[gnu::noinline]] Refusal why_refused(Realm& realm, std::size_t size) {
  const auto look = [&] {
    const std::size_t wanted = size > kMaxSpan ? PageCount::ceil(size).bytes() : kChunkBytes;
    const Guard guard(realm.lock);
    const std::size_t taken = realm.bytes + realm.coming;
    const bool over = realm.limit != 0 && (taken > realm.limit || wanted > realm.limit - taken);
    return Refusal{realm.on_limit, realm.limit_data, over, accepts(realm)};
  };
  return quietly(look, Refusal{});
}

// True if `size` bytes, which the realm did not get, are worth another try: the program made room below the limit, or
// caches were emptied, which is done once.
bool find_room(Realm& realm, std::size_t size, bool& emptied) {
  if (interrupted()) return false;
  const Refusal refusal = why_refused(realm, size);
  if (!refusal.open) return false;
  if (refusal.by_limit) {
    return refusal.on_limit != nullptr &&
           refusal.on_limit(reinterpret_cast<ashlar_heap*>(&realm), size, refusal.data) != 0;
  }
  if (emptied) return false;
  emptied = true;
  empty_caches();
  return true;
}

[[gnu::noinline]] void* try_reallocate(RealmBlock& block, void* p, std::size_t size, Sampling* sampling) {
  return quietly([&] { return reallocate(block, p, size, "realloc()", sampling); }, static_cast<void*>(nullptr));
}

[[gnu::noinline]] void* try_allocate(Realm& realm, std::size_t size, std::size_t alignment, bool& zeroed,
                                     Sampling* sampling) {
  const auto take = [&] { return allocate(realm, size, alignment, zeroed, sampling); };
  return quietly(take, static_cast<void*>(nullptr), Caller::kAllocates);
}

}  // namespace

[[gnu::noinline]] Realm* begin_realm(std::string_view name) {
  return quietly([&] { return create_realm(name); }, static_cast<Realm*>(nullptr));
}

void* allocate_in(Realm& realm, std::size_t size, std::size_t alignment, bool& zeroed, Sampling* sampling) {
  for (bool emptied = false;;) {
    if (void* const p = try_allocate(realm, size, alignment, zeroed, sampling)) return p;
    if (!find_room(realm, size, emptied)) return nullptr;
  }
}

[[gnu::noinline]] bool release_in(RealmBlock& block, void* p, const char* caller) {
  return quietly([&] { return release(block, p, caller, By::kOwner), true; }, false);
}

[[gnu::noinline]] bool reallocate_in_realm(void* p, std::size_t size, void*& moved, Sampling* sampling) {
  RealmBlock* const block = realm_block_around(p);
  if (block == nullptr) return false;
  for (bool emptied = false;;) {
    moved = try_reallocate(*block, p, size, sampling);
    if (moved != nullptr || !find_room(realm_of(*block), size, emptied)) return true;
  }
}

[[gnu::noinline]] bool finish_realm(Realm& realm, End how) {
  return quietly([&] { return end_realm(realm, how); }, true);
}

[[gnu::noinline]] bool is_pushed(Realm& realm) {
  const auto look = [&] {
    const Guard guard(realm.lock);
    return realm.pushed != 0;
  };
  return quietly(look, true);
}

[[gnu::noinline]] void reset(Realm& realm) {
  quietly_do([&] { reset_realm(realm, kKeptByReset); });
}

[[gnu::noinline]] std::size_t trim(Realm& realm) {
  return quietly([&] { return trim_realm(realm); }, std::size_t{0});
}

[[gnu::noinline]] void adopt(Realm& realm) {
  quietly_do([&] { adopt_realm(realm); });
}

[[gnu::noinline]] void set_limit(Realm& realm, std::size_t bytes, RealmLimit on_limit, void* data) {
  quietly_do([&] { limit_realm(realm, bytes, on_limit, data); });
}

[[gnu::noinline]] RealmCounts count(Realm& realm) {
  return quietly([&] { return counts_of(realm); }, RealmCounts{});
}

}  // namespace ashlar::heap
