// slab: tests all size classes.
#include <gtest/gtest.h>

#include "page/descriptor.h"
#include "slab/size_class.h"

namespace ashlar::slab {
namespace {

TEST(SizeClass, EverySizeGetsTheSmallestClassThatHoldsIt) {
  for (std::size_t size = 0; size <= kMaxSmall; ++size) {
    unsigned wanted = 1;
    while (kClassTable[wanted].size < size) ++wanted;
    ASSERT_EQ(class_for(size).raw, wanted) << size;
  }
}

TEST(SizeClass, ClassesRiseInMultiplesOfTheAlignmentUpToTheLargestSmallSize) {
  EXPECT_EQ(kClassTable[0].size, 0u) << "class 0 is none";
  EXPECT_EQ(kClassTable[1].size, kMinAlign);
  for (unsigned c = 1; c < kClasses; ++c) {
    EXPECT_EQ(kClassTable[c].size % kMinAlign, 0u);
    EXPECT_GT(kClassTable[c].size, kClassTable[c - 1].size);
  }
  EXPECT_EQ(kClassTable[kClasses - 1].size, kMaxSmall);
}

TEST(SizeClass, RoundingCostsLessThanAFifthBeyondTheFineClasses) {
  for (std::size_t size = kFineLimit; size <= kMaxSmall; ++size) {
    const std::size_t block = size_of(class_for(size));
    ASSERT_LE((block - size) * 5, block) << size;
  }
  for (std::size_t size = 1; size <= kFineLimit; ++size) ASSERT_LT(size_of(class_for(size)) - size, kMinAlign);
}

TEST(SizeClass, EveryPowerOfTwoIsAClassSoThatAlignedBlocksHaveOne) {
  for (std::size_t size = kMinAlign; size <= kMaxSmall; size *= 2) EXPECT_EQ(size_of(class_for(size)), size);
}

TEST(SizeClass, TheInverseDividesEveryOffsetOfEverySlabExactly) {
  for (unsigned c = 1; c < kClasses; ++c) {
    const ClassInfo& info = kClassTable[c];
    for (std::uint32_t offset = 0; offset < info.max_order.bytes(); ++offset) {
      ASSERT_EQ(std::uint64_t{offset} * info.inverse >> 32, offset / info.size) << info.size << " at " << offset;
    }
  }
}

TEST(SizeClass, SlabsHoldWholeObjectsWithLittleWaste) {
  for (unsigned c = 1; c < kClasses; ++c) {
    const ClassInfo& info = kClassTable[c];
    EXPECT_LE(info.min_order, info.max_order);
    for (unsigned o = info.min_order.raw; o <= info.max_order.raw; ++o) {
      const std::size_t bytes = Order(o).bytes(), capacity = bytes / info.size;
      EXPECT_GE(capacity, 1u) << info.size;
      EXPECT_LT(capacity, 65536u) << "counts are 16 bits";
      EXPECT_LT(bytes / kMinAlign, std::size_t{page::kNoObject}) << "offsets are 16 bits of granules";
      EXPECT_LE(bytes, 2_MiB) << "descriptors are found by strides of 2 MiB";
    }
    for (const Order order : {info.min_order, info.max_order}) {
      EXPECT_LE(order.bytes() % info.size * 8, order.bytes()) << info.size << ", order " << unsigned{order.raw};
    }
  }
}

TEST(SizeClass, AMagazineHoldsAtLeastTwoObjectsAndIsWorthSixteenToThirtyTwoKibibytes) {
  for (unsigned c = 1; c < kClasses; ++c) {
    const ClassInfo& info = kClassTable[c];
    EXPECT_GE(info.magazine, 2u);
    EXPECT_LE(info.magazine * std::size_t{info.size}, info.magazine == 2 ? 2 * kMaxSmall : kMaxSmall);
    EXPECT_GT((info.magazine + 1) * std::size_t{info.size}, kMaxSmall / 2) << "of class " << c;
    if (c > 1) {
      EXPECT_LE(info.magazine, kClassTable[c - 1].magazine);
    }
  }
}

TEST(SizeClass, TheCoarseMapHoldsEverySizeOfItsRangeInPowersOfTwo) {
  EXPECT_EQ(kCoarseClassOfGranules.size(), kCoarseLimit / kMinAlign + 1);
  for (std::size_t size = 0; size <= kCoarseLimit; ++size) {
    const std::size_t block = kClassTable[kCoarseClassOfGranules[(size + kMinAlign - 1) / kMinAlign]].size;
    ASSERT_GE(block, size);
    ASSERT_TRUE(std::has_single_bit(block)) << size;
    ASSERT_LE(block, 2 * (size < kMinAlign ? kMinAlign : size)) << size;
  }
}

}  // namespace
}  // namespace ashlar::slab
