// check: blocks with pages of their own, and nothing to access around them; when freed, not to be accessed themselves.
#include "base/bytes.h"
#include "check/guarded_pages.h"
#include "check/places.h"
#include "check/report.h"
#include "check/shard.h"

namespace ashlar::check {

void* allocate_guarded(std::size_t size, std::size_t alignment, Form form, bool sampled, const Handle* owner) {
  bool tick_due = false;
  Guarded* const block =
      make_block(owner != nullptr ? checks_of(*owner) : settings, size, alignment, sampled, tick_due);
  if (tick_due) tick_threads();
  if (block == nullptr) return nullptr;
  block->form = form;
  block->sampled = sampled;
  publish(block->owner, owner);
  fill_guarded(*block);
  if (sampled || block->checks.user) {
    block->tracks.freed = {};
    record(block->tracks.allocated);
  }
  if (block->checks.trace) trace(cache_name(*block).view(), "alloc", block->block, size);
  block->state.store(State::kLive, std::memory_order_release);
  return reinterpret_cast<void*>(block->block);
}

namespace {

// Takes a freed block's memory, and keeps its addresses for a while: a late access is a fault that can be told. A run's
// pages are cleared, and go. Of one whose pages moved, only the addresses are left (`moved`).
void put_away(Guarded& block, bool moved = false) {
  if (block.pages == Guarded::Pages::kRun) {
    fill_block(reinterpret_cast<void*>(block.start), block.checks.poison ? kPoisonFree : 0, block.bytes);
    block.state.store(State::kFreed, std::memory_order_release);
    return end_block(&block);
  }
  if (block.pages != Guarded::Pages::kPlace) {
    os::seal(reinterpret_cast<void*>(block.start), block.bytes);  // refused: it stays readable, no more
  } else if (!moved) {
    unmap_place(block);
  }
  block.state.store(State::kFreed, std::memory_order_release);
  quarantine(&block);
}

// Makes a live block the caller's own, and waits until no thread looks at its red zones (look_at_zones), as its pages
// may go then. Not in a signal handler that interrupted this layer, whose callers leave the pages as they are. False if
// it is not live.
bool take_from_program(Guarded& block) {
  State expected = State::kLive;
  // acquire: pairs with the release that made it live; release: publishes nothing
  if (!block.state.compare_exchange_strong(expected, State::kMoving, std::memory_order_acq_rel,
                                           std::memory_order_relaxed)) {
    return false;
  }
  if (const Entered shard; shard) {
    const Guard guard(guarded_blocks.lock);  // a thread that takes the lock after this reads kMoving
  }
  return true;
}

}  // namespace

Damage look_at_zones(const Guarded& block) {
  const Entered shard;  // so that no signal handler waits for the lock below
  if (!shard) return {};
  const Guard guard(guarded_blocks.lock);
  return block.state.load(std::memory_order_acquire) == State::kLive ? check_guarded(block) : Damage{};
}

bool release_guarded(Guarded& block, std::uintptr_t p, Form form, std::size_t size, const char* caller) {
  if (p != block.block || !take_from_program(block)) {
    report_bad_pointer(block, p, caller);
    return true;
  }
  const bool is_checked = settings.checked || block.cache() != nullptr;
  if (options.mismatch != 0 && is_checked && (block.form != form || (size != kNoSize && size != block.size))) {
    report_mismatch(cache_name(block).view(), p, block.form, form, block.size, size, caller,
                    block.checks.user ? &block.tracks : nullptr);
  }
  if (const Damage damage = check_guarded(block)) report_damage(block, damage, caller);
  if (block.checks.trace) trace(cache_name(block).view(), "free", p, block.size);
  if (block.sampled || block.checks.user) record(block.tracks.freed);
  const Entered shard;
  if (shard) put_away(block);  // else in a signal handler: the block is lost
  return true;
}

namespace {

// A block that shrinks below goes to a slot.
constexpr std::size_t kMinResized = slab::kMaxSmall;

// Where the block lies in its place, with more or fewer pages behind it.
bool resize_in_place(Guarded& block, std::size_t size) {
  const std::size_t bytes = round_up(block.block + size - block.start, os::page_bytes());
  if (bytes > max_in_place(block)) return false;
  if (bytes == block.bytes) return true;
  const Entered shard;  // so that no signal handler waits for the locks below
  if (!shard || !vmalloc::resize_at(reinterpret_cast<void*>(block.start), bytes)) return false;
  publish(block.bytes, bytes);
  return true;
}

// Moves the pages of a block to a larger place. The record of the new one, or null.
Guarded* move_to_larger(Guarded& block, std::size_t size) {
  const std::size_t skip = block.block - block.start;
  bool tick_due = false;
  Guarded* const larger = make_block(block.checks, skip + size, kMinAlign, false, tick_due);
  if (larger == nullptr) return nullptr;
  const Entered shard;
  if (larger->pages != Guarded::Pages::kPlace ||
      !vmalloc::move_at(reinterpret_cast<void*>(block.start), reinterpret_cast<void*>(larger->start))) {
    if (larger->pages == Guarded::Pages::kPlace) unmap_place(*larger);
    end_block(larger);
    return nullptr;
  }
  leave_pages(larger);
  larger->block = larger->start + skip;
  larger->size = block.size;
  return larger;
}

// What the block gains reads as zero, of which only its zone did not; what it loses is in its zone now, or gone.
void adopt_size(Guarded& block, std::size_t size) {
  const std::size_t zone_end = block.size + os::page_bytes();
  if (size > block.size) fill(block.block + block.size, block.block + (size < zone_end ? size : zone_end), 0);
  block.size = size;
  fill_guarded(block);
}

}  // namespace

void* resize_guarded(Guarded& block, std::uintptr_t p, std::size_t size) {
  if (size < kMinResized || p != block.block || block.form != Form::kMalloc || block.cache() != nullptr ||
      block.sampled || block.pages != Guarded::Pages::kPlace) {
    return nullptr;
  }
  if (!take_from_program(block)) return nullptr;
  Guarded* at = &block;
  const std::size_t old_size = block.size;
  if (check_guarded(block) || interrupted()) at = nullptr;  // freeing it will tell
  else if (!resize_in_place(block, size)) at = size > old_size ? move_to_larger(block, size) : nullptr;
  if (at == nullptr) {
    block.state.store(State::kLive, std::memory_order_release);
    return nullptr;
  }
  if (at != &block) {
    at->form = block.form;
    at->sampled = false;
    publish(at->owner, nullptr);
    enter_pages(at);
    const Entered shard;
    put_away(block, true);
  }
  adopt_size(*at, size);
  at->state.store(State::kLive, std::memory_order_release);
  return reinterpret_cast<void*>(at->block);
}

void forget_owner(const Handle& cache) {
  for (Guarded* block = all_guarded(); block != nullptr; block = block->next_of_all) {
    if (block->cache() != &cache) continue;
    // A freed one, that only reports still look at. Its record may be in use again for a block of another owner.
    const Handle* owner = &cache;
    // relaxed: nothing is published
    __atomic_compare_exchange_n(&block->owner, &owner, nullptr, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  }
}

}  // namespace ashlar::check
