// slab: slob, see the header.
#include "slab/slob.h"

#include "base/hints.h"
#include "slab/slob_block.h"

#include "base/misuse.h"
#include "os/sanitizers.h"

namespace ashlar::slob {

namespace {

constexpr unsigned kLists = 3;
constexpr std::size_t kListLimits[kLists] = {256, 1024, kMaxBytes + 1};  // the kernel's SLOB_BREAK1 and 2
constexpr unsigned kMaxLooks = 256;  // blocks that are searched before a new one is made: 4 MiB

struct Slob {
  Lock<LockRank::kSlob> lock;                         // protects all blocks, too
  List<Block> lists[kLists] ASHLAR_GUARDED_BY(lock);  // blocks with something free
  Block* unused ASHLAR_GUARDED_BY(lock) = nullptr;
  Counts counts ASHLAR_GUARDED_BY(lock);
};
constinit Slob slob;

unsigned granules_for(std::size_t bytes) {
  return bytes == 0 ? 1 : static_cast<unsigned>((bytes + kMinAlign - 1) / kMinAlign);
}

std::uint8_t list_for(std::size_t bytes) {
  std::uint8_t list = 0;
  while (list + 1u < kLists && bytes >= kListLimits[list]) ++list;
  return list;
}

PageId first_page(std::uintptr_t address) { return PageId::of(round_down(address, kBlockBytes)); }

// Returns the block that holds an address of slob's.
Block* block_of(const void* p) {
  return static_cast<Block*>(page::descriptor_of(first_page(reinterpret_cast<std::uintptr_t>(p)))->owner);
}

unsigned granule_of(const Block& block, const void* p) {
  return static_cast<unsigned>((reinterpret_cast<std::uintptr_t>(p) - block.base) / kMinAlign);
}

Block* new_block(std::uint8_t list, page::Node& node) ASHLAR_REQUIRES(slob.lock) {
  Block* block = slob.unused;
  if (block != nullptr) slob.unused = block->next;
  else block = static_cast<Block*>(page::metadata_alloc(sizeof(Block), alignof(Block)));
  if (block == nullptr) return nullptr;
  *block = Block{};
  const page::Run run = page::alloc_run(node, kBlockOrder.pages(), kBlockBytes);
  if (!run) {
    block->next = slob.unused;
    slob.unused = block;
    return nullptr;
  }
  block->base = run.first.address();
  block->list = list;
  page::descriptor_of(run.first)->owner = block;
  page::mark_slob(run.first, kBlockOrder.pages(), true);
  slob.lists[list].push_front(block);
  ++slob.counts.blocks;
  slob.counts.pages = slob.counts.pages + kBlockOrder.pages();
  return block;
}

void end_block(Block* block) ASHLAR_REQUIRES(slob.lock) {
  const PageId first = first_page(block->base);
  slob.lists[block->list].remove(block);
  --slob.counts.blocks;
  slob.counts.pages = slob.counts.pages - kBlockOrder.pages();
  page::mark_slob(first, kBlockOrder.pages(), false);
  block->next = slob.unused;
  slob.unused = block;
  page::free_run(first);
}

// First fit: the lowest place for `count` granules at a multiple of `alignment` granules, or kGranules.
unsigned find_place(Block& block, unsigned count, unsigned alignment) {
  for (unsigned at = 0; (at = block.used.find(at, kGranules, false)) + count <= kGranules;) {
    at = static_cast<unsigned>(round_up(at, alignment));
    if (at + count > kGranules) break;
    const unsigned end = block.used.find(at, at + count, true);
    if (end == at + count) return at;
    at = end;
  }
  if (alignment == 1) block.max_free = static_cast<std::uint16_t>(count - 1);
  return kGranules;
}

[[ASHLAR_OFTEN_RUN]] void take(Block& block, unsigned at, unsigned count) ASHLAR_REQUIRES(slob.lock) {
  ASHLAR_ASSERT(slob.lock.held(), "slob's lock is held");
  ASHLAR_ASSERT(block.free >= count && at + count <= kGranules, "the granules lie in the block and are free");
  block.used.set(at, count, true);
  block.free = static_cast<std::uint16_t>(block.free - count);
  slob.counts.live_bytes += count * kMinAlign;
  if (block.free == 0) slob.lists[block.list].remove(&block);
}

[[ASHLAR_OFTEN_RUN]] void free_granules(Block& block, unsigned at, unsigned count) ASHLAR_REQUIRES(slob.lock) {
  ASHLAR_ASSERT(slob.lock.held(), "slob's lock is held");
  ASHLAR_ASSERT(block.free + count <= kGranules && slob.counts.live_bytes >= count * kMinAlign,
                "no more granules come back than are in use");
  block.used.set(at, count, false);
  if (block.free == 0) slob.lists[block.list].push_front(&block);
  block.free = static_cast<std::uint16_t>(block.free + count);
  block.max_free = block.free;
  slob.counts.live_bytes -= count * kMinAlign;
}

// Returns how many granules the object has that starts at one.
[[ASHLAR_OFTEN_RUN]] unsigned length(const Block& block, unsigned at) {
  const unsigned end = block.start.find(at + 1, kGranules, true);
  return block.used.find(at, end, false) - at;
}

[[noreturn]] void die_of_invalid(const Block& block, const char* caller, const void* p) ASHLAR_REQUIRES(slob.lock) {
  unsigned at = granule_of(block, p);
  MisuseLine line = not_a_start(caller, p);
  if (!block.used.test(at)) {
    line << " (nothing is allocated there)";
  } else {
    while (!block.start.test(at)) --at;
    add_inside(line, p, block.base + std::size_t{at} * kMinAlign, length(block, at) * kMinAlign);
  }
  slob.lock.unlock();
  os::say(line.view());
  os::die();
}

// Returns the granule at which p's object starts. Precondition: the lock is held. It is released before an abort.
unsigned start_or_die(const Block& block, const void* p, const char* caller) ASHLAR_REQUIRES(slob.lock) {
  const unsigned at = granule_of(block, p);
  if (reinterpret_cast<std::uintptr_t>(p) % kMinAlign != 0 || !block.start.test(at)) die_of_invalid(block, caller, p);
  return at;
}

}  // namespace

[[ASHLAR_OFTEN_RUN]] void* allocate(std::size_t bytes, std::size_t alignment, page::Node& node) {
  const unsigned count = granules_for(bytes), step = granules_for(alignment);
  const std::uint8_t list = list_for(bytes);
  const Guard guard(slob.lock);
  Block* block = slob.lists[list].front();
  unsigned at = kGranules;
  for (unsigned looks = kMaxLooks; block != nullptr; block = --looks > 0 ? block->next : nullptr) {
    if (block->max_free >= count && (at = find_place(*block, count, step)) != kGranules) break;
  }
  if (block == nullptr) {
    block = new_block(list, node);
    at = 0;
  }
  if (block == nullptr) return nullptr;
  os::take_over(&slob);
  block->start.set(at, 1, true);  // before its granules are seen to be used (peek_bytes of the object before it)
  take(*block, at, count);
  ++block->objects;
  ++slob.counts.objects;
  return reinterpret_cast<void*>(block->base + std::size_t{at} * kMinAlign);
}

[[ASHLAR_OFTEN_RUN]] void release(void* p, const char* caller) {
  const Guard guard(slob.lock);
  Block* const block = block_of(p);
  const unsigned at = start_or_die(*block, p, caller);
  os::hand_over(&slob);
  free_granules(*block, at, length(*block, at));
  block->start.set(at, 1, false);
  ASHLAR_ASSERT(block->objects > 0 && slob.counts.objects > 0, "a block counts its objects");
  --slob.counts.objects;
  if (--block->objects == 0) end_block(block);
}

[[ASHLAR_OFTEN_RUN]] std::size_t usable_bytes(const void* p, const char* caller) {
  const Guard guard(slob.lock);
  const Block& block = *block_of(p);
  return length(block, start_or_die(block, p, caller)) * kMinAlign;
}

std::size_t peek_bytes(const void* p) {
  const Block& block = *block_of(p);
  const unsigned at = granule_of(block, p);
  if (reinterpret_cast<std::uintptr_t>(p) % kMinAlign != 0 || !block.start.test(at)) return 0;
  // What is used is read before the starts, as allocate writes them after. A release between the two joins the object
  // behind to this one: until two looks agree.
  const auto end_before = [&](unsigned limit) {
    return block.start.find(at + 1, block.used.find(at, limit, false), true);
  };
  unsigned end = end_before(kGranules);
  for (unsigned again = 0; (again = end_before(end)) != end;) end = again;
  return (end - at) * kMinAlign;
}

[[ASHLAR_OFTEN_RUN]] bool resize(void* p, std::size_t bytes) {
  if (bytes > kMaxBytes) return false;
  const unsigned wanted = granules_for(bytes);
  const Guard guard(slob.lock);
  Block& block = *block_of(p);
  const unsigned at = granule_of(block, p), old = length(block, at);
  if (wanted < old) {
    free_granules(block, at + wanted, old - wanted);
  } else if (wanted > old) {
    if (at + wanted > kGranules || block.used.find(at + old, at + wanted, true) != at + wanted) return false;
    take(block, at + old, wanted - old);
  }
  return true;
}

[[ASHLAR_OFTEN_RUN]] Counts counts() {
  const Guard guard(slob.lock);
  return slob.counts;
}

namespace {

// What is found in the blocks, to be compared with the counts.
struct Sums {
  std::uint64_t blocks = 0, open = 0, objects = 0;
  std::size_t live_bytes = 0;
};

[[gnu::cold]] Broken check_bits(const Block& block, Sums& sums) {
  unsigned used = 0, objects = 0, longest = 0;
  for (unsigned at = 0, end = 0; at < kGranules; at = end) {
    const bool is_used = block.used.test(at);
    end = block.used.find(at, kGranules, !is_used);
    if (is_used) {
      if (!block.start.test(at)) return broken("what is used of a slob block begins with an object", &block);
      used += end - at;
      for (unsigned s = at; s < end; s = block.start.find(s + 1, end, true)) ++objects;
    } else {
      if (block.start.find(at, end, true) != end) return broken("no object of slob starts in what is free", &block);
      if (end - at > longest) longest = end - at;
    }
  }
  if (block.free != kGranules - used) return broken("a slob block counts its free granules", &block);
  if (block.objects != objects || objects == 0) return broken("a slob block counts its objects", &block);
  if (longest > block.max_free)
    return broken("no more granules of a slob block are free side by side than it says", &block);
  ++sums.blocks;
  sums.open += block.free != 0 ? 1 : 0;
  sums.objects += objects;
  sums.live_bytes += std::size_t{used} * kMinAlign;
  return {};
}

// The blocks in 2 MiB of pages. Marks of other pages change meanwhile: nothing is concluded from those.
[[gnu::cold]] __attribute__((no_sanitize("thread"))) Broken check_pages(const page::Section& section, std::size_t first,
                                                                        Sums& sums) {
  const page::Page* const descriptors = section.descriptors[first / page::kPagesPerStride];
  for (std::size_t i = 0; descriptors != nullptr && i < page::kPagesPerStride; i += kBlockOrder.pages().raw) {
    if (section.orders[first + i] != page::kSlobMark) continue;
    const auto* const block = static_cast<const Block*>(descriptors[i].owner);
    if (block == nullptr || page::run_head(PageId::of(reinterpret_cast<const void*>(block->base))) != descriptors + i)
      return broken("the first page of a slob block leads to it", descriptors + i);
    if (const Broken b = check_bits(*block, sums)) return b;
  }
  return {};
}

[[gnu::cold]] Broken check_lists(const Sums& sums) ASHLAR_REQUIRES(slob.lock) {
  std::uint64_t listed = 0;
  for (std::uint8_t list = 0; list < kLists; ++list) {
    const Block* before = nullptr;
    for (const Block* block = slob.lists[list].front(); block != nullptr; before = block, block = block->next) {
      if (block->prev != before) return broken("the links of a slob list lead to and fro", block);
      if (block->list != list) return broken("a slob block is on its list", block);
      if (block->free == 0) return broken("a listed slob block has something free", block);
      if (++listed > sums.open) break;
    }
  }
  return listed == sums.open ? Broken{} : broken("slob lists the blocks that have something free", &slob);
}

}  // namespace

Broken validate() {
  const Guard guard(slob.lock);
  Sums sums;
  for (std::uintptr_t s = 0; slob.counts.blocks != 0 && s < page::kSections; ++s) {
    const page::Section* const section = page::section_of(s << page::kSectionShift);
    if (section == nullptr) continue;
    for (std::size_t first = 0; first < page::kSectionPages; first += page::kPagesPerStride) {
      if (const Broken b = check_pages(*section, first, sums)) return b;
    }
  }
  if (sums.blocks != slob.counts.blocks || sums.blocks * kBlockOrder.pages().raw != slob.counts.pages.raw)
    return broken("slob counts its blocks and their pages", &slob);
  if (sums.objects != slob.counts.objects || sums.live_bytes != slob.counts.live_bytes)
    return broken("slob counts its objects and their bytes", &slob);
  return check_lists(sums);
}

[[ASHLAR_OFTEN_RUN]] void lock_for_fork() ASHLAR_NO_THREAD_SAFETY_ANALYSIS { slob.lock.lock_beside_same_rank(); }
[[ASHLAR_OFTEN_RUN]] void unlock_in_parent() ASHLAR_NO_THREAD_SAFETY_ANALYSIS { slob.lock.unlock(); }
[[ASHLAR_OFTEN_RUN]] void reset_in_child() { slob.lock.reset(); }

}  // namespace ashlar::slob
