// page: sections and the store of Ashlar's own structures.
#include "page/section.h"

#include <cstring>

#include "base/hints.h"
#include "page/store.h"

namespace ashlar::page {

[[ASHLAR_SPARSE]] constinit SectionRoot root;

constinit Store store;

namespace {

// Address space, of which only what is used is touched. One mapping serves a small process for its whole life.
constexpr std::size_t kStoreBytes = std::size_t{4} << 20;

bool refill_store(std::size_t bytes) {
  // Under a tight `ulimit -v` the exact need may still be there where the usual size is not.
  for (const std::size_t size : {bytes > kStoreBytes ? bytes : kStoreBytes, bytes}) {
    void* const p = os::map(round_up(size, kPageBytes));
    if (p == nullptr) continue;
    os::name_memory(p, size, os::kMetadataName);
    auto* const mapping = static_cast<StoreMapping*>(p);
    *mapping = {store.newest, round_up(size, kPageBytes)};
    store.newest = mapping;
    store.next = reinterpret_cast<std::uintptr_t>(p) + sizeof(StoreMapping);
    store.end = reinterpret_cast<std::uintptr_t>(p) + mapping->bytes;
    store.mapped += mapping->bytes;
    return true;
  }
  return false;
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

void* metadata_alloc(std::size_t bytes, std::size_t alignment) {
  const Guard guard(store.lock);
  std::uintptr_t start = round_up(store.next, alignment);
  if (store.end == 0 || start + bytes > store.end) {
    if (!refill_store(bytes + alignment + sizeof(StoreMapping))) return nullptr;
    start = round_up(store.next, alignment);
  }
  store.next = start + bytes;
  return reinterpret_cast<void*>(start);
}

std::size_t metadata_mapped() {
  const Guard guard(store.lock);
  return store.mapped;
}

void lock_metadata_for_fork() { store.lock.lock_beside_same_rank(); }
void unlock_metadata_in_parent() { store.lock.unlock(); }
void reset_metadata_in_child() { store.lock.reset(); }

Page* descriptor_of(PageId page) {
  const std::uintptr_t address = page.address();
  const Section* const section = section_of(address);
  if (section == nullptr) return nullptr;
  const std::size_t index = page_in_section(address);
  Page* const block = section->descriptors[index / kPagesPerBlock];
  return block == nullptr ? nullptr : block + index % kPagesPerBlock;
}

bool add_descriptors(std::uintptr_t start, std::size_t bytes, Page* first) {
  const std::uintptr_t end = start + bytes;
  for (std::uintptr_t at = start; at < end;
       at = round_down(at, std::size_t{1} << kSectionShift) + (std::size_t{1} << kSectionShift)) {
    if (!add_section(at)) return false;
  }
  for (std::uintptr_t at = start; at < end; at += std::size_t{1} << kBlockShift) {
    section_of(at)->descriptors[page_in_section(at) / kPagesPerBlock] = first + ((at - start) >> kPageShift);
  }
  return true;
}

void mark_slab(PageId first, Order order, SizeClass size_class) {
  // not section_of, which answers null for foreign addresses: an arena's pages have a section
  auto* const section = reinterpret_cast<Section*>(section_address(first.address()));
  const std::size_t page = page_in_section(first.address());
  std::memset(section->classes + page, size_class.raw, order.pages().raw);
  std::memset(section->orders + page, order.raw, order.pages().raw);
}

void mark_slob(PageId first, PageCount count, bool slobs) {
  auto* const section = reinterpret_cast<Section*>(section_address(first.address()));
  std::memset(section->orders + page_in_section(first.address()), slobs ? kSlobMark : 0, count.raw);
}

void mark_named(PageId first, Order order, std::uint8_t number) {
  auto* const section = reinterpret_cast<Section*>(section_address(first.address()));
  std::memset(section->named + page_in_section(first.address()), number, order.pages().raw);
}

}  // namespace ashlar::page
