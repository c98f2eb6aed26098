// check: blocks in a mapping of their own, between pages without access; when freed, without access themselves.
#include "check/report.h"
#include "check/shard.h"

namespace ashlar::check {

namespace {

// Freed blocks that keep their addresses: so many, and so much address space.
constexpr std::uint32_t kMostQuarantined = 128;
constexpr std::size_t kMostQuarantinedBytes = std::size_t{256} << 20;
// Each takes up to three mappings, of which the kernel allows some 65 000. What has no place here goes to the heap.
constexpr std::uint32_t kMostBlocks = 10000;

struct Blocks {
  Lock<LockRank::kGuarded> lock;  // protects all below
  Guarded* oldest = nullptr;      // the quarantine
  Guarded* newest = nullptr;
  Guarded* unused = nullptr;
  std::uint32_t quarantined = 0;
  std::size_t quarantined_bytes = 0;
  std::uint32_t in_use = 0;
};
constinit Blocks blocks;
// Release, acquire: publishes what the new first record holds.
constinit std::atomic<Guarded*> every_block{nullptr};

Guarded* new_record() {
  const Guard guard(blocks.lock);
  if (blocks.in_use >= kMostBlocks) return nullptr;
  Guarded* block = blocks.unused;
  if (block != nullptr) {
    blocks.unused = block->next;
  } else {
    block = static_cast<Guarded*>(page::metadata_alloc(sizeof(Guarded), alignof(Guarded)));
    if (block == nullptr) return nullptr;
    block->guarded = true;
    block->next_of_all = every_block.load(std::memory_order_relaxed);  // written under the lock alone
    every_block.store(block, std::memory_order_release);               // pairs with the acquire in all_guarded
  }
  ++blocks.in_use;
  return block;
}

void forget_record(Guarded* block) {
  const Guard guard(blocks.lock);
  __atomic_store_n(&block->start, std::uintptr_t{0}, __ATOMIC_RELEASE);  // pairs with guarded_around's acquire
  block->next = blocks.unused;
  blocks.unused = block;
  --blocks.in_use;
}

void end_mapping(Guarded* block) {
  set_area(block->block, 1, nullptr);
  vmalloc::free(block->mapping);
  forget_record(block);
}

// Takes the oldest out of the quarantine, which is not empty; under the lock.
Guarded* take_oldest() {
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
  if (blocks.quarantined <= kMostQuarantined && blocks.quarantined_bytes <= kMostQuarantinedBytes) return nullptr;
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
  while (Guarded* const oldest = too_much()) end_mapping(oldest);
}

// Maps the pages of a block, with a guard on each side (vmalloc has one behind all that it gives).
bool map_pages(Guarded* block, std::size_t size, std::size_t alignment) {
  const std::size_t page = os::page_bytes();
  std::size_t bytes = 0;
  if (__builtin_add_overflow(size != 0 ? size : 1, alignment > page ? alignment : 0, &bytes)) return false;
  if (bytes > PTRDIFF_MAX - 4 * page) return false;
  bytes = round_up(bytes, page);
  block->mapping = vmalloc::alloc(page + bytes, kMinAlign);
  if (block->mapping == nullptr) return false;
  const std::uintptr_t start = reinterpret_cast<std::uintptr_t>(block->mapping) + page;
  if (!os::seal(block->mapping, page)) {
    vmalloc::free(block->mapping);
    return false;
  }
  block->bytes = bytes;
  block->size = size;
  block->block = round_down(start + bytes - size, alignment > kMinAlign ? alignment : kMinAlign);
  __atomic_store_n(&block->start, start, __ATOMIC_RELEASE);  // pairs with guarded_around's acquire
  return true;
}

}  // namespace

Guarded* all_guarded() { return every_block.load(std::memory_order_acquire); }

Guarded* guarded_around(std::uintptr_t address) {
  const std::size_t page = os::page_bytes();
  for (Guarded* block = all_guarded(); block != nullptr; block = block->next_of_all) {
    const std::uintptr_t start = __atomic_load_n(&block->start, __ATOMIC_ACQUIRE);
    if (start != 0 && address - (start - page) < block->bytes + 2 * page) return block;
  }
  return nullptr;
}

void* allocate_guarded(std::size_t size, std::size_t alignment, Form form, bool sampled, const Handle* owner) {
  Guarded* block = nullptr;
  {
    const Entered shard;
    if (!shard) return nullptr;
    block = new_record();
    if (block == nullptr) return nullptr;
    if (!map_pages(block, size, alignment) || !set_area(block->block, 1, block)) {
      if (block->start != 0) vmalloc::free(block->mapping);
      forget_record(block);
      return nullptr;
    }
  }
  block->form = form;
  block->sampled = sampled;
  block->owner = owner;
  fill_guarded(*block);
  if (sampled || settings.user) {
    block->tracks.freed = {};
    record(block->tracks.allocated);
  }
  if (settings.trace) trace(cache_name(*block).view(), "alloc", block->block, size);
  block->state.store(State::kLive, std::memory_order_release);
  return reinterpret_cast<void*>(block->block);
}

bool release_guarded(Guarded& block, std::uintptr_t p, Form form, std::size_t size, const char* caller) {
  State expected = State::kLive;
  if (p != block.block || !block.state.compare_exchange_strong(expected, State::kMoving, std::memory_order_acq_rel,
                                                               std::memory_order_relaxed)) {
    report_bad_pointer(block, p, caller);
    return true;
  }
  if (options.mismatch != 0 && settings.checked && (block.form != form || (size != kNoSize && size != block.size))) {
    report_mismatch(cache_name(block).view(), p, block.form, form, block.size, size, caller,
                    settings.user ? &block.tracks : nullptr);
  }
  if (const Damage damage = check_guarded(block)) report_damage(block, damage, caller);
  if (settings.trace) trace(cache_name(block).view(), "free", p, block.size);
  if (block.sampled || settings.user) record(block.tracks.freed);
  const Entered shard;
  if (!shard) return true;                                      // in a signal handler: the block is lost
  os::seal(reinterpret_cast<void*>(block.start), block.bytes);  // refused: it stays readable, no more
  block.state.store(State::kFreed, std::memory_order_release);
  quarantine(&block);
  return true;
}

void forget_owner(const Handle& cache) {
  for (Guarded* block = all_guarded(); block != nullptr; block = block->next_of_all) {
    if (block->owner == &cache) block->owner = nullptr;  // a freed one, that only reports still look at
  }
}

bool empty_quarantine(std::size_t wanted) {
  if (wanted > kMostQuarantinedBytes) return false;
  const Entered shard;
  if (!shard) return false;
  bool any = false;
  while (Guarded* const oldest = anything_quarantined()) {
    end_mapping(oldest);
    any = true;
  }
  return any;
}

void lock_guarded_for_fork() { blocks.lock.lock_beside_same_rank(); }
void unlock_guarded_in_parent() { blocks.lock.unlock(); }
void reset_guarded_in_child() { blocks.lock.reset(); }

}  // namespace ashlar::check
