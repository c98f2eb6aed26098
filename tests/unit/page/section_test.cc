// page: tests sections, which lead from an address to the class, the slab and the descriptor of its page. Also tests
// the store of metadata.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "page/page_fixture.h"

namespace ashlar::page {
namespace {

class SectionTest : public PageTest {};

TEST_F(SectionTest, AnAddressOutsideOfAllSectionsHasNoClassNoSectionAndNoDescriptor) {
  for (const std::uintptr_t address :
       {std::uintptr_t{0}, std::uintptr_t{16}, std::uintptr_t{0xffffffff}, std::uintptr_t{1} << 32,
        std::uintptr_t{0x7fffffffffff}, (std::uintptr_t{1} << kAddressBits) - 1}) {
    const auto* const p = reinterpret_cast<const void*>(address);
    EXPECT_EQ(class_of(p), SizeClass(0)) << std::hex << address;
    EXPECT_EQ(section_of(address), nullptr);
    EXPECT_EQ(descriptor_of(PageId::of(p)), nullptr);
    EXPECT_FALSE(find_run(PageId::of(p)));
    EXPECT_FALSE(find_run_around(PageId::of(p)));
  }
}

TEST_F(SectionTest, AnAddressBeyondUserSpaceHasNoSectionNoDescriptorAndNoRun) {
  for (unsigned bit = kAddressBits; bit < 64; ++bit) {
    const std::uintptr_t address = std::uintptr_t{1} << bit;
    EXPECT_EQ(section_of(address), nullptr) << bit;
    EXPECT_EQ(descriptor_of(PageId(address >> kPageShift)), nullptr) << bit;
    EXPECT_FALSE(find_run(PageId(address >> kPageShift))) << bit;
  }
  EXPECT_FALSE(find_run(PageId(~std::uintptr_t{0})));
  EXPECT_FALSE(find_run_around(PageId(~std::uintptr_t{0})));
}

TEST_F(SectionTest, EachPageOfAnArenaHasItsOwnDescriptorInOrder) {
  Page* const block = take(kMaxOrder.raw);
  ASSERT_NE(block, nullptr);
  const PageId first(page_address(block) >> kPageShift);
  for (std::uint32_t i = 0; i < kArenaPages; ++i) {
    ASSERT_EQ(descriptor_of(first + PageCount(i)), block + i);
    ASSERT_EQ(page_address(block + i), (first + PageCount(i)).address());
  }
  EXPECT_EQ(descriptor_of(PageId(first.raw - 1)), nullptr);
  EXPECT_EQ(descriptor_of(first + PageCount(kArenaPages)), nullptr);
}

TEST_F(SectionTest, ASlabIsFoundFromEachOfItsBytesAndFromNoneBesideIt) {
  for (unsigned order = 0; order <= 9; ++order) {
    Page* const slab = alloc_slab_pages(local_node(), Order(order));
    ASSERT_NE(slab, nullptr);
    const std::uintptr_t start = page_address(slab);
    EXPECT_EQ(start % Order(order).bytes(), 0u) << "a slab lies at a multiple of its size";
    mark_slab(PageId(start >> kPageShift), Order(order), SizeClass(order + 1));
    for (std::size_t offset = 0; offset < Order(order).bytes(); offset += 1000) {
      const auto* const p = reinterpret_cast<const void*>(start + offset);
      ASSERT_EQ(class_of(p), SizeClass(order + 1));
      ASSERT_EQ(slab_of(p), slab) << "order " << order << ", offset " << offset;
    }
    const auto* const end = reinterpret_cast<const void*>(start + Order(order).bytes());
    EXPECT_NE(class_of(end), SizeClass(order + 1));
    EXPECT_NE(class_of(reinterpret_cast<const void*>(start - 1)), SizeClass(order + 1));
    mark_slab(PageId(start >> kPageShift), Order(order), SizeClass(0));
    EXPECT_EQ(class_of(reinterpret_cast<const void*>(start)), SizeClass(0));
  }
}

TEST_F(SectionTest, AnArenaAcrossTheBorderOfTwoSectionsIsFoundInBoth) {
  const std::uintptr_t border = std::uintptr_t{0x200} << kSectionShift;
  const std::size_t bytes = 8_MiB;
  auto* const descriptors = static_cast<Page*>(std::calloc(bytes >> kPageShift, sizeof(Page)));
  ASSERT_TRUE(add_sections(border - bytes / 2, bytes));
  set_descriptors(border - bytes / 2, bytes, descriptors);
  for (std::size_t i = 0; i < bytes >> kPageShift; ++i) {
    ASSERT_EQ(descriptor_of(PageId(((border - bytes / 2) >> kPageShift) + i)), &descriptors[i]);
  }
  EXPECT_NE(section_of(border - 1), section_of(border));
  std::free(descriptors);
}

TEST_F(SectionTest, WithoutMemoryThereIsNoSection) {
  os_.map_budget = 0;
  // whatever is left of the store holds no section for ever
  unsigned made = 0;
  for (std::uintptr_t section = 0x300; section < 0x308; ++section) {
    made += add_sections(section << kSectionShift, 2_MiB) ? 1 : 0;
  }
  EXPECT_LT(made, 8u);
  EXPECT_EQ(descriptor_of(PageId((std::uintptr_t{0x307} << kSectionShift) >> kPageShift)), nullptr);
  os_.map_budget = SIZE_MAX;
  EXPECT_TRUE(add_sections(std::uintptr_t{0x307} << kSectionShift, 2_MiB));
}

TEST_F(SectionTest, WhatASmallProcessNeedsTakesOneMapping) {
  ASSERT_NE(metadata_alloc(64, 8), nullptr);
  const std::size_t first = metadata_mapped();
  EXPECT_LE(first, sizeof(Section) + 512_KiB);
  ASSERT_TRUE(add_sections(std::uintptr_t{0x310} << kSectionShift, 2_MiB));
  ASSERT_NE(metadata_alloc(100_KiB, 64), nullptr);
  EXPECT_EQ(metadata_mapped(), first);
}

TEST_F(SectionTest, TheStoreGivesZeroedAlignedMemoryThatNeverOverlaps) {
  std::vector<std::pair<std::uintptr_t, std::size_t>> given;
  const std::size_t sizes[] = {1, 8, 24, 64, 100, 4096, 70000, 5_MiB};
  for (int round = 0; round < 50; ++round) {
    for (const std::size_t bytes : sizes) {
      const std::size_t alignment = std::size_t{1} << (round % 13);
      auto* const p = static_cast<unsigned char*>(metadata_alloc(bytes, alignment));
      ASSERT_NE(p, nullptr);
      const auto start = reinterpret_cast<std::uintptr_t>(p);
      ASSERT_EQ(start % alignment, 0u);
      for (std::size_t i = 0; i < bytes; i += i < 4096 ? 1 : 4096) ASSERT_EQ(p[i], 0u);
      std::memset(p, 0xff, bytes < 4096 ? bytes : 4096);
      p[bytes - 1] = 0xff;
      given.emplace_back(start, bytes);
    }
  }
  std::sort(given.begin(), given.end());
  for (std::size_t i = 1; i < given.size(); ++i) ASSERT_LE(given[i - 1].first + given[i - 1].second, given[i].first);
}

TEST_F(SectionTest, TheStoreTakesTheExactNeedWhereItsUsualSizeIsRefusedAndRecovers) {
  while (os_.map_budget = 0, metadata_alloc(4096, 8) != nullptr) {
  }  // use up what is left
  const std::size_t before = counts().metadata_bytes;
  EXPECT_EQ(metadata_alloc(4096, 8), nullptr);
  EXPECT_EQ(counts().metadata_bytes, before) << "nothing was mapped";
  os_.map_budget = 16384;
  EXPECT_NE(metadata_alloc(4096, 8), nullptr);
  EXPECT_LE(counts().metadata_bytes - before, 16384u);
  os_.map_budget = SIZE_MAX;
  EXPECT_NE(metadata_alloc(1_MiB, 4096), nullptr);
}

}  // namespace
}  // namespace ashlar::page
