// profile: blocks of heaps that the program made, of pages, and areas.
#include "heap/realm_calls.h"
#include "profile/chance.h"
#include "profile/entered.h"

namespace ashlar::profile {

namespace {

using heap::Realm;
using heap::RealmBlock;

std::int64_t draw(std::uint64_t& random, std::uint64_t mean) { return distance(next_random(random), mean); }

heap::Sampling sampling_now() {
  heap::Sampling sampling;
  sampling.mean = control.rate.load(std::memory_order_relaxed);
  sampling.draw = draw;
  return sampling;
}

// What came to be in a realm: an object that was picked, or a block that the profile counts with the large ones.
void note_in(Realm& realm, void* p, std::size_t size, const heap::Sampling& sampling) {
  if (sampling.picked.raw != 0) {
    if (!record_picked(p, size, sampling.picked)) heap::drop_sample(realm);
    return;
  }
  const RealmBlock* const block = heap::realm_block_around(p);
  if (block != nullptr && heap::class_in_realm(*block, p).raw == 0 && note(p, size)) heap::add_sample(realm);
}

// Ends the samples in a realm's chunks and runs. Those that may lie in mappings, whose list has a lock, are left in
// `others`; returns how many. The realm counts its samples, so the search ends with the last one.
constexpr std::size_t kOthers = 64;
std::size_t end_samples_in(Realm& realm, void* (&others)[kOthers], std::size_t skip) {
  const Entered entered;
  std::size_t n = 0;
  if (!entered) return 0;
  const Heads& heads = state->records_by_address;
  for (std::uint32_t list = 0; heads.lists != nullptr && list <= heads.mask; ++list) {
    for (std::uint32_t i = heads.lists[list], next = 0; i != 0; i = next) {
      const Record& record = state->records[i];
      next = record.next;
      if (record.slots != 0) continue;
      void* const p = reinterpret_cast<void*>(record.address);
      const RealmBlock* const block = heap::peek_realm_block(p);
      const bool is_mapping = block == nullptr && page::descriptor_of(PageId::of(p)) == nullptr;
      if (block != nullptr && block->realm.load(std::memory_order_relaxed) == &realm) {
        unlink_record(i);
        end_record(i);
        heap::drop_sample(realm);
        if (realm.samples.load(std::memory_order_relaxed) == 0) return 0;
      } else if (is_mapping && skip != 0) {
        --skip;
      } else if (is_mapping && n < kOthers) {
        others[n++] = p;
      }
    }
  }
  return n;
}

}  // namespace

void* allocate_in(Realm& realm, std::size_t size, std::size_t alignment, bool& zeroed) {
  heap::Sampling sampling = sampling_now();
  if (sampling.mean == 0 || heap::interrupted() || check::interrupted())
    return heap::allocate_in(realm, size, alignment, zeroed);
  void* const p = heap::allocate_in(realm, size, alignment, zeroed, &sampling);
  if (p != nullptr) note_in(realm, p, size, sampling);
  if (writing.wanted.load(std::memory_order_relaxed) != 0) [[unlikely]]
    write_wanted_file();
  return p;
}

bool reallocate_in(void* p, std::size_t size, void*& moved) {
  RealmBlock* const block = heap::realm_block_around(p);
  if (block == nullptr) return false;
  Realm& realm = heap::realm_of(*block);
  const bool object = heap::class_in_realm(*block, p).raw != 0;
  heap::Sampling sampling = sampling_now();
  const Moving moving = begin_move(p);
  const bool done =
      heap::reallocate_in_realm(p, size, moved, sampling.mean != 0 && !heap::interrupted() ? &sampling : nullptr);
  if (!done || moved == nullptr || (moved == p && object)) {  // it stays as it is, or within its class
    end_move(moving, nullptr, 0);
    if (moved == p) note_size(p, size);
    return done;
  }
  end_freed(moving);
  if (moving.sample != 0) heap::drop_sample(realm);
  if (sampling.mean != 0 && !heap::interrupted()) note_in(realm, moved, size, sampling);
  return true;
}

void forget_all_in(Realm& realm) {
  if (realm.samples.load(std::memory_order_relaxed) == 0) return;
  void* others[kOthers];
  for (std::size_t n = kOthers, skip = 0; n == kOthers;) {
    n = end_samples_in(realm, others, skip);
    for (std::size_t i = 0; i < n; ++i) {
      const RealmBlock* const block = heap::realm_block_around(others[i]);
      if (block == nullptr || &heap::realm_of(*block) != &realm) {
        ++skip;
        continue;
      }
      end_freed(begin_move(others[i]));
      heap::drop_sample(realm);
    }
  }
  realm.samples.store(0, std::memory_order_relaxed);
}

void release_pages(void* p) {
  if (state == nullptr || !may_have_record(p)) return;
  const Entered entered(Entered::Where::kWaits);
  const std::uint32_t i = entered ? find_record(reinterpret_cast<std::uintptr_t>(p)) : 0;
  if (i == 0) return;
  unlink_record(i);
  end_record(i);
}

void end_freed(Moving moving) {
  if (moving.sample == 0) return;
  const Entered entered;  // held by no handler below: `begin_move` had it
  tables.lock.assert_held();
  end_record(moving.sample);
}

}  // namespace ashlar::profile
