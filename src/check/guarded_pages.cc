// check: where guarded blocks get their records and pages, and how long the addresses of freed ones are kept.
#include "check/guarded_pages.h"

#include "base/bytes.h"
#include "check/places.h"
#include "check/shard.h"

namespace ashlar::check {

constinit GuardedBlocks guarded_blocks;
Guarded* all_guarded() { return guarded_blocks.every.load(std::memory_order_acquire); }

namespace {

// Freed blocks that keep their addresses: so many, and so much address space.
constexpr std::uint32_t kMaxQuarantined = 128;
constexpr std::size_t kMaxQuarantinedBytes = 256_MiB;
// Each takes up to three mappings.
constexpr std::uint32_t kMaxSampled = 10000;

Guarded* new_record() {
  const Guard guard(guarded_blocks.lock);
  Guarded* block = guarded_blocks.unused;
  if (block != nullptr) {
    guarded_blocks.unused = block->next;
  } else {
    block = static_cast<Guarded*>(page::metadata_alloc(sizeof(Guarded), alignof(Guarded)));
    if (block == nullptr) return nullptr;
    block->kind = RegionKind::kGuarded;
    block->next_of_all = guarded_blocks.every.load(std::memory_order_relaxed);  // written under the lock alone
    guarded_blocks.every.store(block, std::memory_order_release);               // pairs with the acquire in all_guarded
  }
  return block;
}

void forget_record(Guarded* block) {
  ASHLAR_ASSERT(block->start == 0, "a record that is not in use has no start");
  const Guard guard(guarded_blocks.lock);
  block->next = guarded_blocks.unused;
  guarded_blocks.unused = block;
}

// Takes the oldest out of the quarantine, which is not empty.
Guarded* take_oldest() ASHLAR_REQUIRES(guarded_blocks.lock) {
  Guarded* const oldest = guarded_blocks.oldest;
  guarded_blocks.oldest = oldest->next;
  --guarded_blocks.quarantined;
  guarded_blocks.quarantined_bytes -= oldest->bytes;
  return oldest;
}

// What leaves the quarantine for the sake of the newest; one at a time.
Guarded* too_much() {
  const Guard guard(guarded_blocks.lock);
  if (guarded_blocks.oldest == nullptr || guarded_blocks.oldest == guarded_blocks.newest) return nullptr;
  const bool fits =
      guarded_blocks.quarantined <= kMaxQuarantined && guarded_blocks.quarantined_bytes <= kMaxQuarantinedBytes;
  return fits ? nullptr : take_oldest();
}

Guarded* anything_quarantined() {
  const Guard guard(guarded_blocks.lock);
  return guarded_blocks.oldest != nullptr ? take_oldest() : nullptr;
}

constexpr std::size_t kRunZone = 64;  // bytes before and behind a block in a run

// Lays a block of `size` bytes out in `bytes` from `start` on: at their end, before a zone if no guard follows.
void lay_out(Guarded* block, std::uintptr_t start, std::size_t bytes, std::size_t size, std::size_t alignment) {
  const std::size_t zone = block->pages == Guarded::Pages::kRun ? kRunZone : 0;
  publish(block->bytes, bytes);
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
  if (sampled && guarded_blocks.others.load(std::memory_order_relaxed) >= kMaxSampled) return false;
  publish(block->pages, Guarded::Pages::kPlace);
  std::uintptr_t start = !sampled && map_place(*block, bytes, random) ? block->start : 0;
  if (start == 0) {
    publish(block->pages, Guarded::Pages::kMapping);
    start = map_between_guards(block, bytes);
  }
  if (start == 0 && !sampled) {
    publish(block->pages, Guarded::Pages::kRun);
    bytes = round_up(bytes + 2 * kRunZone, page);
    start = take_run(bytes);
  }
  if (start == 0) return false;
  lay_out(block, start, bytes, size, alignment);
  if (block->pages != Guarded::Pages::kPlace) guarded_blocks.others.fetch_add(1, std::memory_order_relaxed);
  return true;
}

}  // namespace

bool enter_pages(Guarded* block) { return set_region(block->start, 1, block) && set_region(block->block, 1, block); }

void leave_pages(Guarded* block) {
  if (PageId::of(block->block) != PageId::of(block->start)) set_region(block->block, 1, nullptr);
  set_region(block->start, 1, nullptr);
}

void end_block(Guarded* block) {
  leave_pages(block);
  const std::uintptr_t start = block->start;
  __atomic_store_n(&block->start, std::uintptr_t{0}, __ATOMIC_RELEASE);  // pairs with guarded_around's acquire
  if (block->pages != Guarded::Pages::kPlace) guarded_blocks.others.fetch_sub(1, std::memory_order_relaxed);
  if (block->pages == Guarded::Pages::kPlace) release_place(*block);
  else if (block->pages == Guarded::Pages::kMapping) vmalloc::free(block->mapping);
  else page::free_run(PageId::of(start));
  forget_record(block);
}

void quarantine(Guarded* block) {
  {
    const Guard guard(guarded_blocks.lock);
    block->next = nullptr;
    if (guarded_blocks.oldest == nullptr) guarded_blocks.oldest = block;
    else guarded_blocks.newest->next = block;
    guarded_blocks.newest = block;
    ++guarded_blocks.quarantined;
    guarded_blocks.quarantined_bytes += block->bytes;
  }
  while (Guarded* const oldest = too_much()) end_block(oldest);
}

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

Extent extent_of(const Guarded& block) {
  Extent extent;
  extent.start = __atomic_load_n(&block.start, __ATOMIC_ACQUIRE);
  extent.pages = read_published(block.pages);
  extent.bytes = read_published(block.bytes);
  return __atomic_load_n(&block.start, __ATOMIC_RELAXED) == extent.start ? extent : Extent{};
}

// Few have guards of their own, or none: they are looked through.
Guarded* guarded_around(std::uintptr_t address) {
  Region* const region = region_around(address);
  if (region != nullptr) return is_guarded(*region) ? &as_guarded(*region) : nullptr;
  if (guarded_blocks.others.load(std::memory_order_relaxed) == 0) return nullptr;
  const std::size_t page = os::page_bytes();
  for (Guarded* block = all_guarded(); block != nullptr; block = block->next_of_all) {
    const Extent extent = extent_of(*block);
    if (!extent || extent.pages == Guarded::Pages::kPlace) continue;
    const std::size_t guard = extent.pages == Guarded::Pages::kMapping ? page : 0;
    if (address - (extent.start - guard) < extent.bytes + 2 * guard) return block;
  }
  return nullptr;
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

void lock_guarded_for_fork() ASHLAR_NO_THREAD_SAFETY_ANALYSIS { guarded_blocks.lock.lock_beside_same_rank(); }
void unlock_guarded_in_parent() ASHLAR_NO_THREAD_SAFETY_ANALYSIS { guarded_blocks.lock.unlock(); }
void reset_guarded_in_child() { guarded_blocks.lock.reset(); }

}  // namespace ashlar::check
