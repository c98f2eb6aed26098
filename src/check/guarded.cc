// check: blocks with pages of their own, and nothing to access around them; when freed, not to be accessed themselves.

#include "base/bytes.h"
#include "check/places.h"
#include "check/report.h"
#include "check/shard.h"

namespace ashlar::check {

namespace {

// Freed blocks that keep their addresses: so many, and so much address space.
constexpr std::uint32_t kMaxQuarantined = 128;
constexpr std::size_t kMaxQuarantinedBytes = 256_MiB;
// Each takes up to three mappings.
constexpr std::uint32_t kMaxSampled = 10000;

struct Blocks {
  Lock<LockRank::kGuarded> lock;
  Guarded* oldest ASHLAR_GUARDED_BY(lock) = nullptr;  // the quarantine
  Guarded* newest ASHLAR_GUARDED_BY(lock) = nullptr;
  Guarded* unused ASHLAR_GUARDED_BY(lock) = nullptr;
  std::uint32_t quarantined ASHLAR_GUARDED_BY(lock) = 0;
  std::size_t quarantined_bytes ASHLAR_GUARDED_BY(lock) = 0;
};
constinit Blocks blocks;
// Blocks that have no place. Relaxed: a hint for messages.
constinit std::atomic<std::uint32_t> others{0};

Guarded* new_record() {
  const Guard guard(blocks.lock);
  Guarded* block = blocks.unused;
  if (block != nullptr) {
    blocks.unused = block->next;
  } else {
    block = static_cast<Guarded*>(page::metadata_alloc(sizeof(Guarded), alignof(Guarded)));
    if (block == nullptr) return nullptr;
    block->kind = RegionKind::kGuarded;
    block->next_of_all = every_block.load(std::memory_order_relaxed);  // written under the lock alone
    every_block.store(block, std::memory_order_release);               // pairs with the acquire in all_guarded
  }
  return block;
}

void forget_record(Guarded* block) {
  ASHLAR_ASSERT(block->start == 0, "a record that is not in use has no start");
  const Guard guard(blocks.lock);
  block->next = blocks.unused;
  blocks.unused = block;
}

bool enter_pages(Guarded* block) { return set_region(block->start, 1, block) && set_region(block->block, 1, block); }

// Takes a block out of the map of regions, its start last and once: others see by it whether the place is taken, and
// may have entered a block of theirs there at once.
void leave_pages(Guarded* block) {
  if (PageId::of(block->block) != PageId::of(block->start)) set_region(block->block, 1, nullptr);
  set_region(block->start, 1, nullptr);
}

// Ends a block whose pages are not to be accessed again; those of a place are unmapped already. No search by address
// finds it from before they are unmapped, as the address may be another block's at once.
void end_block(Guarded* block) {
  leave_pages(block);
  const std::uintptr_t start = block->start;
  __atomic_store_n(&block->start, std::uintptr_t{0}, __ATOMIC_RELEASE);  // pairs with guarded_around's acquire
  if (block->pages != Guarded::Pages::kPlace) others.fetch_sub(1, std::memory_order_relaxed);
  if (block->pages == Guarded::Pages::kPlace) release_place(*block);
  else if (block->pages == Guarded::Pages::kMapping) vmalloc::free(block->mapping);
  else page::free_run(PageId::of(start));
  forget_record(block);
}

// Takes the oldest out of the quarantine, which is not empty.
Guarded* take_oldest() ASHLAR_REQUIRES(blocks.lock) {
  Guarded* const oldest = blocks.oldest;
  blocks.oldest = oldest->next;
  --blocks.quarantined;
  blocks.quarantined_bytes -= oldest->bytes;
  return oldest;
}

// What leaves the quarantine for the sake of the newest; one at a time.
Guarded* too_much() {
  const Guard guard(blocks.lock);
  if (blocks.oldest == nullptr || blocks.oldest == blocks.newest) return nullptr;
  if (blocks.quarantined <= kMaxQuarantined && blocks.quarantined_bytes <= kMaxQuarantinedBytes) return nullptr;
  return take_oldest();
}

Guarded* anything_quarantined() {
  const Guard guard(blocks.lock);
  return blocks.oldest != nullptr ? take_oldest() : nullptr;
}

void quarantine(Guarded* block) {
  {
    const Guard guard(blocks.lock);
    block->next = nullptr;
    if (blocks.oldest == nullptr) blocks.oldest = block;
    else blocks.newest->next = block;
    blocks.newest = block;
    ++blocks.quarantined;
    blocks.quarantined_bytes += block->bytes;
  }
  while (Guarded* const oldest = too_much()) end_block(oldest);
}

constexpr std::size_t kRunZone = 64;  // bytes before and behind a block in a run

// Lays a block of `size` bytes out in `bytes` from `start` on: at their end, before a zone if no guard follows.
void lay_out(Guarded* block, std::uintptr_t start, std::size_t bytes, std::size_t size, std::size_t alignment) {
  const std::size_t zone = block->pages == Guarded::Pages::kRun ? kRunZone : 0;
  block->bytes = bytes;
  block->size = size;
  block->block = round_down(start + bytes - zone - size, alignment > kMinAlign ? alignment : kMinAlign);
  const bool secret = block->checks.red_zones == RedZones::kCanary;
  block->red_zone_byte = secret ? static_cast<unsigned char>(derive_for(start) | 0x81) : kRedActive;
  __atomic_store_n(&block->start, start, __ATOMIC_RELEASE);  // pairs with guarded_around's acquire
}

// Maps a block with a guard on each side (vmalloc puts one after each area), where there is no place. Returns its
// start, or 0.
std::uintptr_t map_between_guards(Guarded* block, std::size_t bytes) {
  const std::size_t page = os::page_bytes();
  block->mapping = vmalloc::alloc(page + bytes, kMinAlign);
  if (block->mapping == nullptr) return 0;
  if (os::seal(block->mapping, page)) return reinterpret_cast<std::uintptr_t>(block->mapping) + page;
  vmalloc::free(block->mapping);
  return 0;
}

// Pages without guards. Their address, or 0.
std::uintptr_t take_run(std::size_t bytes) {
  const PageCount count = PageCount::ceil(bytes);
  if (count > page::kMaxRun) return 0;
  const page::Run run = page::alloc_run(page::local_node(), count, os::page_bytes());
  if (run && !run.zeroed) clear_block(run.first.pointer(), bytes);
  return run ? run.first.address() : 0;
}

// Finds pages for a block. What is sampled lies close together, as most of it is small. False when there are none.
bool map_pages(Guarded* block, std::size_t size, std::size_t alignment, std::uint64_t random, bool sampled) {
  const std::size_t page = os::page_bytes();
  std::size_t bytes = 0;
  if (__builtin_add_overflow(size != 0 ? size : 1, alignment > page ? alignment : 0, &bytes)) return false;
  if (bytes > PTRDIFF_MAX - 4 * page) return false;
  bytes = round_up(bytes, page);
  if (sampled && others.load(std::memory_order_relaxed) >= kMaxSampled) return false;
  block->pages = Guarded::Pages::kPlace;
  std::uintptr_t start = !sampled && map_place(*block, bytes, random) ? block->start : 0;
  if (start == 0) {
    block->pages = Guarded::Pages::kMapping;
    start = map_between_guards(block, bytes);
  }
  if (start == 0 && !sampled) {
    block->pages = Guarded::Pages::kRun;
    bytes = round_up(bytes + 2 * kRunZone, page);
    start = take_run(bytes);
  }
  if (start == 0) return false;
  lay_out(block, start, bytes, size, alignment);
  if (block->pages != Guarded::Pages::kPlace) others.fetch_add(1, std::memory_order_relaxed);
  return true;
}

// A record with pages for a block; null without memory, or in a signal handler.
Guarded* make_block(const Checks& checks, std::size_t size, std::size_t alignment, bool sampled, bool& tick_due) {
  const Entered shard;
  if (!shard) return nullptr;
  tick_due = count_allocation(*shard);
  Guarded* const block = new_record();
  if (block == nullptr) return nullptr;
  block->checks = checks;
  if (!map_pages(block, size, alignment, next_random(*shard), sampled)) {
    forget_record(block);
    return nullptr;
  }
  if (enter_pages(block)) return block;
  if (block->pages == Guarded::Pages::kPlace) unmap_place(*block);
  end_block(block);
  return nullptr;
}

}  // namespace

constinit std::atomic<Guarded*> every_block{nullptr};
Guarded* all_guarded() { return every_block.load(std::memory_order_acquire); }

namespace {

struct Extent {
  Guarded::Pages pages;
  std::size_t bytes;
};
// Of a record that another thread may be using again, which its start tells if it is read after these: hence acquire.
// The writer's stores are plain, and TSan is told to leave the reads alone.
__attribute__((no_sanitize("thread"))) Extent extent_of(const Guarded& block) {
  Extent extent{};
  __atomic_load(&block.pages, &extent.pages, __ATOMIC_ACQUIRE);
  extent.bytes = __atomic_load_n(&block.bytes, __ATOMIC_ACQUIRE);
  return extent;
}

}  // namespace

// Few have guards of their own, or none: they are looked through.
Guarded* guarded_around(std::uintptr_t address) {
  Region* const region = region_around(address);
  if (region != nullptr) return is_guarded(*region) ? &as_guarded(*region) : nullptr;
  if (others.load(std::memory_order_relaxed) == 0) return nullptr;
  const std::size_t page = os::page_bytes();
  for (Guarded* block = all_guarded(); block != nullptr; block = block->next_of_all) {
    const std::uintptr_t start = __atomic_load_n(&block->start, __ATOMIC_ACQUIRE);
    if (start == 0) continue;
    const Extent extent = extent_of(*block);
    if (extent.pages == Guarded::Pages::kPlace) continue;
    const std::size_t guard = extent.pages == Guarded::Pages::kMapping ? page : 0;
    if (address - (start - guard) >= extent.bytes + 2 * guard) continue;
    // What was read is another block's if the record was used again meanwhile: it had no start in between.
    if (__atomic_load_n(&block->start, __ATOMIC_RELAXED) == start) return block;
  }
  return nullptr;
}

void* allocate_guarded(std::size_t size, std::size_t alignment, Form form, bool sampled, const Handle* owner) {
  bool tick_due = false;
  Guarded* const block =
      make_block(owner != nullptr ? checks_of(*owner) : settings, size, alignment, sampled, tick_due);
  if (tick_due) tick_threads();
  if (block == nullptr) return nullptr;
  block->form = form;
  block->sampled = sampled;
  block->owner = owner;
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
    const Guard guard(blocks.lock);  // a thread that takes the lock after this reads kMoving
  }
  return true;
}

}  // namespace

Damage look_at_zones(const Guarded& block) {
  const Entered shard;  // so that no signal handler waits for the lock below
  if (!shard) return {};
  const Guard guard(blocks.lock);
  return block.state.load(std::memory_order_acquire) == State::kLive ? check_guarded(block) : Damage{};
}

bool release_guarded(Guarded& block, std::uintptr_t p, Form form, std::size_t size, const char* caller) {
  if (p != block.block || !take_from_program(block)) {
    report_bad_pointer(block, p, caller);
    return true;
  }
  const bool is_checked = settings.checked || block.owner != nullptr;
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
  if (bytes > most_in_place(block)) return false;
  if (bytes == block.bytes) return true;
  if (!vmalloc::resize_at(reinterpret_cast<void*>(block.start), bytes)) return false;
  block.bytes = bytes;
  return true;
}

// Moves the pages of a block to a larger place. The record of the new one, or null.
Guarded* move_to_larger(Guarded& block, std::size_t size) {
  const std::size_t skip = block.block - block.start;
  bool tick_due = false;
  Guarded* const larger = make_block(block.checks, skip + size, kMinAlign, false, tick_due);
  if (larger == nullptr) return nullptr;
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
  if (size < kMinResized || p != block.block || block.form != Form::kMalloc || block.owner != nullptr ||
      block.sampled || block.pages != Guarded::Pages::kPlace) {
    return nullptr;
  }
  if (!take_from_program(block)) return nullptr;
  Guarded* at = &block;
  const std::size_t old_size = block.size;
  if (check_guarded(block) || holds_shard()) at = nullptr;  // freeing it will tell
  else if (!resize_in_place(block, size)) at = size > old_size ? move_to_larger(block, size) : nullptr;
  if (at == nullptr) {
    block.state.store(State::kLive, std::memory_order_release);
    return nullptr;
  }
  if (at != &block) {
    at->form = block.form;
    at->sampled = false;
    at->owner = nullptr;
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
    if (block->owner == &cache) block->owner = nullptr;  // a freed one, that only reports still look at
  }
}

bool empty_quarantine(std::size_t wanted) {
  if (wanted > kMaxQuarantinedBytes) return false;
  const Entered shard;
  if (!shard) return false;
  bool any = false;
  while (Guarded* const oldest = anything_quarantined()) {
    end_block(oldest);
    any = true;
  }
  return any;
}

void lock_guarded_for_fork() ASHLAR_NO_THREAD_SAFETY_ANALYSIS { blocks.lock.lock_beside_same_rank(); }
void unlock_guarded_in_parent() ASHLAR_NO_THREAD_SAFETY_ANALYSIS { blocks.lock.unlock(); }
void reset_guarded_in_child() { blocks.lock.reset(); }

}  // namespace ashlar::check
