// vmalloc: tests a system that refuses calls: the result is null, nothing is changed, no address space is lost, and
// later calls succeed.
#include <gtest/gtest.h>

#include "fake_os/fake_os.h"
#include "fake_page/fake_page.h"
#include "vmalloc/vmalloc.h"

namespace ashlar::vmalloc {
namespace {

class RefusalTest : public testing::Test {
 protected:
  RefusalTest() : os_(fake_os::state()) {
    fake_os::reset();
    os_.unmap_needs_no_lock = true;
  }
  ~RefusalTest() override {
    for (const std::string& error : os_.errors) ADD_FAILURE() << error;
    EXPECT_EQ(fake_os::reserved_bytes(), 0u) << "address space is lost";
    EXPECT_EQ(counts().areas, 0u);
    EXPECT_EQ(fake_page::state().outside_pages, 0u);
  }
  fake_os::State& os_;
};

TEST_F(RefusalTest, WithoutAddressSpaceABlockIsNull) {
  os_.largest_reserve = 1_MiB;
  EXPECT_EQ(alloc(1_MiB, 16), nullptr) << "the guard does not fit";
  EXPECT_EQ(alloc(1_MiB, 1_MiB), nullptr);
  EXPECT_EQ(counts().areas, 0u);
  os_.largest_reserve = SIZE_MAX;
  void* const p = alloc(1_MiB, 16);
  ASSERT_NE(p, nullptr);
  EXPECT_TRUE(free(p));
}

TEST_F(RefusalTest, WithoutMemoryABlockIsNullAndItsAddressSpaceGoesBack) {
  os_.commit_budget = 0;
  EXPECT_EQ(alloc(1_MiB, 16), nullptr);
  EXPECT_EQ(alloc(1_MiB, 8_MiB), nullptr);
  EXPECT_EQ(fake_os::reserved_bytes(), 0u);
}

TEST_F(RefusalTest, WithoutADescriptorABlockIsNull) {
  fake_page::state().metadata_refused = true;
  EXPECT_EQ(alloc(1_MiB, 16), nullptr);
  fake_page::state().metadata_refused = false;
  EXPECT_TRUE(free(alloc(1_MiB, 16)));
}

TEST_F(RefusalTest, AboveTheMemoryLimitABlockIsNullAndOneThatGrowsStays) {
  fake_page::state().limit_pages = 3_MiB / kPageBytes;
  EXPECT_EQ(alloc(4_MiB, 16), nullptr);
  void* const p = alloc(2_MiB, 16);
  ASSERT_NE(p, nullptr);
  EXPECT_EQ(alloc(2_MiB, 16), nullptr);
  EXPECT_EQ(resize(p, 4_MiB), nullptr);
  EXPECT_EQ(bytes_of(p), 2_MiB);
  void* const q = resize(p, 1_MiB);
  EXPECT_EQ(bytes_of(q), 1_MiB);
  EXPECT_TRUE(free(q));
}

TEST_F(RefusalTest, ARefusedResizeLeavesTheBlock) {
  void* const p = alloc(1_MiB, 16);
  os_.refuse_remap = true;
  EXPECT_EQ(resize(p, 2_MiB), nullptr);
  EXPECT_EQ(bytes_of(p), 1_MiB);
  EXPECT_EQ(counts().bytes, 1_MiB);
  os_.refuse_remap = false;
  void* const q = resize(p, 2_MiB);
  ASSERT_NE(q, nullptr);
  EXPECT_TRUE(free(q));
}

TEST_F(RefusalTest, AnAlignedBlockGivesBackWhatLiesBesideIt) {
  for (const std::size_t skew : {std::size_t{0}, std::size_t{4096}, 5_MiB / 2}) {
    os_.skew = skew;
    void* const p = alloc(1_MiB, 4_MiB);
    ASSERT_NE(p, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p) % 4_MiB, 0u);
    EXPECT_EQ(fake_os::reserved_bytes(), 1_MiB + os_.page_bytes) << "the block and its guard";
    EXPECT_TRUE(free(p));
  }
}

TEST_F(RefusalTest, AlignmentBeyondAllMemoryIsNull) {
  os_.largest_reserve = std::size_t{1} << 46;
  EXPECT_EQ(alloc(1_MiB, std::size_t{1} << 63), nullptr);
  EXPECT_EQ(alloc(1_MiB, std::size_t{1} << 47), nullptr);
}

TEST_F(RefusalTest, WithLargerOsPagesBlocksAndGuardsAreWholeOnes) {
  for (const std::size_t os_page : {16384, 65536}) {
    os_.page_bytes = os_page;
    void* const p = alloc(os_page + 1, 16);
    EXPECT_EQ(bytes_of(p), 2 * os_page);
    EXPECT_EQ(fake_os::reserved_bytes(), 3 * os_page);
    EXPECT_EQ(fake_os::committed_bytes(), 2 * os_page) << "the guard cannot be touched";
    void* const q = resize(p, 3 * os_page + 1);
    EXPECT_EQ(bytes_of(q), 4 * os_page);
    EXPECT_TRUE(free(q));
  }
}

}  // namespace
}  // namespace ashlar::vmalloc
