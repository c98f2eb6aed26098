// heap: what realms hold, block by block and in sum; and fork.
#include "heap/counted.h"
#include "heap/lost.h"
#include "heap/quiet.h"
#include "heap/realm_private.h"
#include "heap/scope.h"

namespace ashlar::heap {

namespace {

constexpr std::size_t kMaxObjects = 4 * kPageBytes / kMinAlign;  // of a slab

// A bit for each object of a slab that is live.
struct Live {
  std::uint64_t bits[kMaxObjects / 64] = {};
  void set(std::size_t i) { bits[i / 64] |= std::uint64_t{1} << i % 64; }
  void clear(std::size_t i) { bits[i / 64] &= ~(std::uint64_t{1} << i % 64); }
  [[nodiscard]] bool has(std::size_t i) const { return (bits[i / 64] >> i % 64 & 1) != 0; }
};

void clear_list(Live& live, const Object* object, std::uintptr_t base, std::size_t size, std::size_t made) {
  for (; object != nullptr; object = object->next) {
    const std::size_t offset = reinterpret_cast<std::uintptr_t>(object) - base;
    if (offset < made * size) live.clear(offset / size);
  }
}

Live find_live(const Realm& realm, const RealmSlab& slab, std::uintptr_t base) {
  Live live;
  const std::size_t size = slab::kClassTable[slab.size_class].size;
  for (std::size_t i = 0; i < slab.made; ++i) live.set(i);
  clear_list(live, slab.free, base, size, slab.made);
  clear_list(live, realm.first[slab.size_class], base, size, slab.made);
  return live;
}

using Visit = int (*)(void* block, std::size_t bytes, void* data);

// What a page of a chunk heads, as it was when the lock was held.
struct Found {
  Live live;
  std::uintptr_t base = 0;
  std::size_t bytes = 0;
  std::size_t count = 0;
};

// The realm's lock, for a call that runs the program's function between: a signal handler may free meanwhile, or fork.
class [[nodiscard]] ASHLAR_SCOPED_CAPABILITY QuietGuard {
 public:
  explicit QuietGuard(Realm& realm) ASHLAR_ACQUIRE(realm.lock) : realm_(realm) { realm_.lock.lock(); }
  ~QuietGuard() ASHLAR_RELEASE() { realm_.lock.unlock(); }
  QuietGuard(const QuietGuard&) = delete;
  QuietGuard& operator=(const QuietGuard&) = delete;

 private:
  Quiet quiet_;  // ends after the lock is released
  Realm& realm_;
};

Found look(Realm& realm, const RealmChunk& chunk, unsigned page) {
  const QuietGuard guard(realm);
  Found found;
  if ((chunk.used >> page & 1) == 0 || chunk.head[page] != page) return found;
  const RealmSlab& slab = chunk.slabs[page];
  found.base = chunk.start + page * kPageBytes;
  if (slab.size_class == kSpanClass) {
    if (slab.in_use != 0) found.live.set(0);
    found.bytes = slab.made * kPageBytes;
    found.count = 1;
  } else {
    found.live = find_live(realm, slab, found.base);
    found.bytes = slab::kClassTable[slab.size_class].size;
    found.count = slab.made;
  }
  return found;
}

int visit_chunk(Realm& realm, const RealmChunk& chunk, Visit visit, void* data) {
  for (unsigned page = 0; page < kChunkPages; ++page) {
    const Found found = look(realm, chunk, page);
    for (std::size_t i = 0; i < found.count; ++i) {
      if (!found.live.has(i)) continue;
      if (const int end = visit(reinterpret_cast<void*>(found.base + i * found.bytes), found.bytes, data)) return end;
    }
  }
  return 0;
}

// While visits are under way no chunk changes its list (realm_slabs.cc).
int visit_chunks(Realm& realm, bool full, Visit visit, void* data) {
  RealmBlock* block = nullptr;
  {
    const QuietGuard guard(realm);
    block = (full ? realm.full : realm.open).front();
  }
  for (RealmBlock* next = nullptr; block != nullptr; block = next) {
    {
      const QuietGuard guard(realm);
      next = block->next;
    }
    if (const int end = visit_chunk(realm, static_cast<RealmChunk&>(*block), visit, data)) return end;
  }
  return 0;
}

int visit_large(Realm& realm, Visit visit, void* data) {
  RealmBlock* block = nullptr;
  {
    const QuietGuard guard(realm);
    block = realm.large.front();
  }
  for (RealmBlock* next = nullptr; block != nullptr; block = next) {
    {
      const QuietGuard guard(realm);
      next = block->next;
    }
    if (const int end = visit(reinterpret_cast<void*>(block->start), block->bytes, data)) return end;
  }
  return 0;
}

void end_visit(Realm& realm) {
  RealmBlock* freed = nullptr;
  {
    const QuietGuard guard(realm);
    if (--realm.visits != 0) return;
    freed = drop_freed_spans(realm);
    add_freed(freed, drop_empty_slabs(realm));
  }
  free_blocks(freed);
}

void count_chunk(const RealmChunk& chunk, RealmCounts& n) {
  for (unsigned page = 0; page < kChunkPages; ++page) {
    if ((chunk.used >> page & 1) == 0 || chunk.head[page] != page) continue;
    const RealmSlab& slab = chunk.slabs[page];
    const bool span = slab.size_class == kSpanClass;
    n.live_blocks += slab.in_use;
    n.live_bytes += slab.in_use * (span ? slab.made * kPageBytes : slab::kClassTable[slab.size_class].size);
  }
}

// The owner changes its bins meanwhile: a figure may be a few objects old.
__attribute__((no_sanitize("thread"))) void count_bins(const Realm& realm, RealmCounts& n) {
  for (unsigned c = 1; c < kRealmClasses; ++c) {
    const std::size_t loaded = __atomic_load_n(&realm.loaded[c], __ATOMIC_RELAXED);
    n.live_blocks -= loaded < n.live_blocks ? loaded : n.live_blocks;
    n.bins_bytes += loaded * slab::kClassTable[c].size;
  }
  n.live_bytes -= n.bins_bytes < n.live_bytes ? n.bins_bytes : n.live_bytes;
}

}  // namespace

int visit_realm(Realm& realm, Visit visit, void* data) {
  {
    const QuietGuard guard(realm);
    ++realm.visits;
  }
  int end = visit_chunks(realm, true, visit, data);
  if (end == 0) end = visit_chunks(realm, false, visit, data);
  if (end == 0) end = visit_large(realm, visit, data);
  end_visit(realm);
  return end;
}

RealmCounts counts_of(Realm& realm) {
  const Guard guard(realm.lock);
  RealmCounts n;
  n.bytes = realm.bytes;
  n.max_bytes = realm.max_bytes;
  n.limit = realm.limit;
  n.chunks = realm.chunks;
  n.larges = realm.larges;
  for (const List<RealmBlock>* list : {&realm.open, &realm.full}) {
    for (const RealmBlock* block = list->front(); block != nullptr; block = block->next)
      count_chunk(static_cast<const RealmChunk&>(*block), n);
  }
  for (const RealmBlock* block = realm.large.front(); block != nullptr; block = block->next)
    ++n.live_blocks, n.live_bytes += block->bytes;
  count_bins(realm, n);
  return n;
}

void lock_realms_for_fork() ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  realms.lock.lock_beside_same_rank();
  for (Realm* realm = realms.live.front(); realm != nullptr; realm = realm->next) realm->lock.lock_beside_same_rank();
  // else nobody uses it, and its page stays untouched
  if (realms.created != 0) left_realm.lock.lock_beside_same_rank();
}

void unlock_realms_in_parent() ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  if (realms.created != 0) left_realm.lock.unlock();
  for (Realm* realm = realms.live.front(); realm != nullptr; realm = realm->next) realm->lock.unlock();
  realms.lock.unlock();
}

namespace {

// A thread that is gone may have been within a pop or a push: its bin has an object more or less than it counts. The
// bins wait for the next owner.
void leave_bins(Realm& realm) ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  if (realm.owner == 0 || realm.owner == own_thread()) return;
  realm.owner = 0;
  stop_fast_paths(realm);
  for (unsigned c = 1; c < kRealmClasses; ++c) {
    std::uint32_t n = 0;
    realm.first[c] = readable_part(realm.first[c]);
    // no longer than it counts, except for one object: a block that was freed twice makes a list without an end
    for (Object* object = realm.first[c]; object != nullptr; object = object->next) {
      if (++n > realm.loaded[c]) object->next = nullptr;
    }
    if (realm.loaded[c] != n) realm.loaded[c] = realm.loaded_then[c] = n;
  }
}

}  // namespace

void reset_realms_in_child() ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  if (realms.created != 0) {
    drop_scopes_in_child();
    left_realm.lock.reset();
  }
  for (Realm* realm = realms.live.front(); realm != nullptr; realm = realm->next) {
    realm->lock.reset();
    leave_bins(*realm);
  }
  for (Realm* realm = realms.unused.front(); realm != nullptr; realm = realm->next) realm->lock.reset();
  realms.lock.reset();
}

}  // namespace ashlar::heap
