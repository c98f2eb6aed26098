// page: sections, the kernel's sparse memory: from an address to what is known of its page, in two steps.
//
//            48                32                12        0
//   address  │  section number │ page in section │         │
//
//   root.offset[section] ──► Section { class bytes │ named │ order bytes │ descriptors of each 2 MiB }
//
// An address in no section leads to a page of zeros instead of a null pointer: the fast path of free has no branch
// for it. The table holds offsets from that page of zeros, so that its untouched parts (all zero) need no
// initialisation, and the library no relocations for them.
//
// A section spans 4 GiB, since then the page's number within it is a 32-bit shift without a mask.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/base.h"
#include "base/hints.h"
#include "page/descriptor.h"

namespace ashlar::page {

inline constexpr unsigned kSectionShift = 32;
inline constexpr std::size_t kSectionPages = std::size_t{1} << (kSectionShift - kPageShift);
inline constexpr std::size_t kSections = std::size_t{1} << (kAddressBits - kSectionShift);
inline constexpr unsigned kStrideShift = 21;  // descriptors are found by strides of 2 MiB: no slab is larger
inline constexpr std::size_t kPagesPerStride = std::size_t{1} << (kStrideShift - kPageShift);
inline constexpr std::size_t kSectionStrides = std::size_t{1} << (kSectionShift - kStrideShift);

struct Section {
  std::uint8_t classes[kSectionPages];  // the size class of the slab that a page is in, or 0
  CacheNumber named[kSectionPages];     // the number of the named cache whose slab it is in, or 0
  std::uint8_t orders[kSectionPages];   // the order of that slab, or kSlobMark
  Page* descriptors[kSectionStrides];   // of each stride's first page; null where no arena is
};

struct SectionRoot {
  std::intptr_t offset[kSections] = {};  // from `nowhere` to the section
  // All zero, never written: classes and named of what is not there.
  std::uint8_t nowhere[(1 + sizeof(CacheNumber)) * kSectionPages] = {};
};
extern SectionRoot root;

// The bits above kAddressBits are left out, so that every pointer leads into the table. Where they are set, what the
// table says does not count: see is_address. A third instruction of one cycle; a multiplication does all in two
// instructions, and free waits three cycles for it.
inline std::size_t section_number(std::uintptr_t address) {
  static_assert(kAddressBits == 48);
  return static_cast<std::uint16_t>(address >> kSectionShift);
}

// False for what a program may not have as an address: not canonical, the kernel's, or above 47 bits with five levels
// of tables, where the kernel places nothing unless it is asked to by an address.
inline bool is_address(const void* p) { return reinterpret_cast<std::uintptr_t>(p) >> kAddressBits == 0; }

[[gnu::always_inline]] inline std::uintptr_t section_address(std::uintptr_t address) {
  return reinterpret_cast<std::uintptr_t>(root.nowhere) +
         static_cast<std::uintptr_t>(root.offset[section_number(address)]);
}

inline std::size_t page_in_section(std::uintptr_t address) { return static_cast<std::uint32_t>(address) >> kPageShift; }

// The size class of the slab in which p lies, or 0. Reads without a lock: the owner of an object got its address after
// the slab was set up, and the slab stays while the object is in use.
[[gnu::always_inline]] inline SizeClass class_of(const void* p) {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  const auto* const classes = reinterpret_cast<const std::uint8_t*>(section_address(address));
  return SizeClass(classes[page_in_section(address)]);
}

// The number of the named cache in whose slab p lies, or 0; as class_of.
inline CacheNumber named_of(const void* p) {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  auto base =
      reinterpret_cast<std::uintptr_t>(&root) + static_cast<std::uintptr_t>(root.offset[section_number(address)]);
  forget_origin(base);  // so that both constants become one displacement
  const auto* const numbers = reinterpret_cast<const CacheNumber*>(base) + page_in_section(address);
  static_assert((offsetof(SectionRoot, nowhere) + offsetof(Section, named)) % sizeof(CacheNumber) == 0);
  return numbers[(offsetof(SectionRoot, nowhere) + offsetof(Section, named)) / sizeof(CacheNumber)];
}

// In place of an order: the page is slob's (slab/slob.h).
inline constexpr std::uint8_t kSlobMark = 0xff;

// The section of an address, or null. False for addresses beyond user space too.
[[gnu::always_inline]] inline Section* section_of(std::uintptr_t address) {
  if (address >> kAddressBits != 0 || root.offset[address >> kSectionShift] == 0) return nullptr;
  return reinterpret_cast<Section*>(section_address(address));
}

// True if p lies in one of slob's blocks; as class_of.
inline bool is_slob(const void* p) {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  const Section* const section = section_of(address);
  return section != nullptr && section->orders[page_in_section(address)] == kSlobMark;
}

// The descriptor of the slab that holds p, which must lie in one (class_of(p) is not 0).
inline Page* slab_of(const void* p) {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  auto* const section = reinterpret_cast<Section*>(section_address(address));
  const std::size_t page = page_in_section(address);
  const std::size_t head = page & ~((std::size_t{1} << section->orders[page]) - 1);
  return section->descriptors[page / kPagesPerStride] + head % kPagesPerStride;
}

// The order of the slab that p lies in, without a look at its descriptor.
inline Order slab_order(const void* p) {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  return Order(reinterpret_cast<const Section*>(section_address(address))->orders[page_in_section(address)]);
}

// The descriptor of any page of an arena, or null.
inline Page* descriptor_of(PageId page) {
  const std::uintptr_t address = page.address();
  const Section* const section = section_of(address);
  if (section == nullptr) return nullptr;
  const std::size_t index = page_in_section(address);
  Page* const stride = section->descriptors[index / kPagesPerStride];
  return stride == nullptr ? nullptr : stride + index % kPagesPerStride;
}

// Makes the sections that [start, start + bytes) touches; false without memory. One writer at a time, like the next.
bool add_sections(std::uintptr_t start, std::size_t bytes);

// Enters an arena's descriptors into its sections, which must be there.
void set_descriptors(std::uintptr_t start, std::size_t bytes, Page* first);

// Sets the class and order bytes of a slab's pages; class 0 clears them.
void mark_slab(PageId first, Order order, SizeClass size_class);

// Marks pages as slob's, or clears the mark.
void mark_slob(PageId first, PageCount count, bool slobs);

// Sets the numbers of a slab's pages that tell the named cache; 0 clears them.
void mark_named(PageId first, Order order, CacheNumber number);

}  // namespace ashlar::page
