// page: sections and the store of Ashlar's own structures.
#include "page/section.h"

#include <bit>
#include <cstring>

#include "base/hints.h"
#include "page/store.h"

namespace ashlar::page {

[[ASHLAR_SPARSE]] constinit SectionRoot root;

constinit Store store;

namespace {

// Address space, of which only what is used is touched. The first mapping serves a small process for its whole life;
// later ones grow with what is mapped.
constexpr std::size_t kMinStep = 256_KiB;
constexpr std::size_t kFirstStep = round_up(sizeof(Section), kPageBytes) + kMinStep;
constexpr std::size_t kMaxStep = 4_MiB;

std::size_t next_step() ASHLAR_REQUIRES(store.lock) {
  if (store.mapped == 0) return kFirstStep;
  const std::size_t share = round_down(store.mapped / 4, kPageBytes);
  return share < kMinStep ? kMinStep : share < kMaxStep ? share : kMaxStep;
}

// Sections are taken from the end of a mapping, so that what is small shares few pages at its start.
[[ASHLAR_ALWAYS_RUN]] void* take_from_store(std::size_t bytes, std::size_t alignment) ASHLAR_REQUIRES(store.lock) {
  if (bytes > store.end - store.next) return nullptr;
  const bool from_end = bytes >= sizeof(Section);
  const std::uintptr_t start = from_end ? round_down(store.end - bytes, alignment) : round_up(store.next, alignment);
  if (start < store.next || start > store.end - bytes) return nullptr;
  (from_end ? store.end : store.next) = from_end ? start : start + bytes;
  return reinterpret_cast<void*>(start);
}

[[ASHLAR_ALWAYS_RUN]] StoreMapping* map_store(std::size_t bytes) ASHLAR_REQUIRES(store.lock) {
  void* const p = os::map(bytes);
  if (p == nullptr) return nullptr;
  os::name_memory(p, bytes, os::kMetadataName);
  if (store.mapped == 0) os::avoid_huge(p, bytes);
  auto* const mapping = static_cast<StoreMapping*>(p);
  *mapping = {store.newest, bytes};
  store.newest = mapping;
  store.mapped += bytes;
  return mapping;
}

// A mapping of the usual size takes the place of the last one. Under a tight `ulimit -v` a smaller one may still be
// had; what is larger gets one of its own.
void* take_from_new_mapping(std::size_t bytes, std::size_t alignment) ASHLAR_REQUIRES(store.lock) {
  const std::size_t needed = round_up(bytes + alignment + sizeof(StoreMapping), kPageBytes);
  for (std::size_t step = next_step(); step > needed; step = round_down(step / 2, kPageBytes)) {
    StoreMapping* const mapping = map_store(step);
    if (mapping == nullptr) continue;
    store.next = reinterpret_cast<std::uintptr_t>(mapping + 1);
    store.end = reinterpret_cast<std::uintptr_t>(mapping) + step;
    return take_from_store(bytes, alignment);
  }
  StoreMapping* const mapping = map_store(needed);
  if (mapping == nullptr) return nullptr;
  return reinterpret_cast<void*>(round_up(reinterpret_cast<std::uintptr_t>(mapping + 1), alignment));
}

// Called under the arenas' lock, which thereby protects root.offset against a second writer.
bool add_section(std::uintptr_t address) {
  if (section_of(address) != nullptr) return true;
  void* const section = metadata_alloc(sizeof(Section), kPageBytes);
  if (section == nullptr) return false;
  root.offset[address >> kSectionShift] = static_cast<std::intptr_t>(reinterpret_cast<std::uintptr_t>(section) -
                                                                     reinterpret_cast<std::uintptr_t>(root.nowhere));
  return true;
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] void* metadata_alloc(std::size_t bytes, std::size_t alignment) {
  ASHLAR_ASSERT(std::has_single_bit(alignment), "an alignment is a power of two");
  const Guard guard(store.lock);
  void* const p = take_from_store(bytes, alignment);
  return p != nullptr ? p : take_from_new_mapping(bytes, alignment);
}

[[ASHLAR_ALWAYS_RUN]] std::size_t metadata_mapped() {
  const Guard guard(store.lock);
  return store.mapped;
}

[[ASHLAR_ALWAYS_RUN]] void lock_metadata_for_fork() ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  store.lock.lock_beside_same_rank();
}
[[ASHLAR_ALWAYS_RUN]] void unlock_metadata_in_parent() ASHLAR_NO_THREAD_SAFETY_ANALYSIS { store.lock.unlock(); }
[[ASHLAR_ALWAYS_RUN]] void reset_metadata_in_child() { store.lock.reset(); }

[[ASHLAR_ALWAYS_RUN]] bool add_sections(std::uintptr_t start, std::size_t bytes) {
  const std::uintptr_t end = start + bytes;
  for (std::uintptr_t at = start; at < end;
       at = round_down(at, std::size_t{1} << kSectionShift) + (std::size_t{1} << kSectionShift)) {
    if (!add_section(at)) return false;
  }
  return true;
}

[[ASHLAR_ALWAYS_RUN]] void set_descriptors(std::uintptr_t start, std::size_t bytes, Page* first) {
  for (std::uintptr_t at = start; at < start + bytes; at += std::size_t{1} << kStrideShift) {
    section_of(at)->descriptors[page_in_section(at) / kPagesPerStride] = first + ((at - start) >> kPageShift);
  }
}

[[ASHLAR_ALWAYS_RUN]] void mark_slab(PageId first, Order order, SizeClass size_class) {
  ASHLAR_ASSERT(section_of(first.address()) != nullptr, "the pages of an arena have a section");
  ASHLAR_ASSERT(first.raw % order.pages().raw == 0, "a slab is aligned to its size");
  // not section_of, which answers null for foreign addresses: an arena's pages have a section
  auto* const section = reinterpret_cast<Section*>(section_address(first.address()));
  const std::size_t page = page_in_section(first.address());
  std::memset(section->classes + page, size_class.raw, order.pages().raw);
  std::memset(section->orders + page, order.raw, order.pages().raw);
}

[[ASHLAR_ALWAYS_RUN]] void mark_slob(PageId first, PageCount count, bool slobs) {
  auto* const section = reinterpret_cast<Section*>(section_address(first.address()));
  std::memset(section->orders + page_in_section(first.address()), slobs ? kSlobMark : 0, count.raw);
}

[[ASHLAR_ALWAYS_RUN]] void mark_named(PageId first, Order order, CacheNumber number) {
  auto* const section = reinterpret_cast<Section*>(section_address(first.address()));
  CacheNumber* const numbers = section->named + page_in_section(first.address());
  for (std::size_t i = 0; i < order.pages().raw; ++i) numbers[i] = number;
}

}  // namespace ashlar::page
