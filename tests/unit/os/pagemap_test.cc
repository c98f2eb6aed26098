// os: tests what is told of the pages that were used, and the copy of these alone.
#include <gtest/gtest.h>

#include <cstring>

#include "os/os.h"

namespace ashlar::os {
namespace {

constexpr std::size_t kPages = 300;  // more than are read at a time

class PagemapTest : public testing::Test {
 protected:
  void SetUp() override {
    avoid_huge(from_, bytes_);
    avoid_huge(to_, bytes_);
    if (used_bytes(from_, bytes_) == bytes_) GTEST_SKIP() << "the system does not say which pages were used";
    for (const std::size_t i : {std::size_t{1}, std::size_t{130}, kPages - 1}) from_[i * page_bytes()] = char(i);
  }
  ~PagemapTest() override {
    unmap(from_, bytes_);
    unmap(to_, bytes_);
  }
  const std::size_t bytes_ = kPages * page_bytes();
  char* const from_ = static_cast<char*>(map(bytes_));
  char* const to_ = static_cast<char*>(map(bytes_));
};

TEST_F(PagemapTest, UsedPagesAreCounted) {
  EXPECT_EQ(used_bytes(from_, bytes_), 3 * page_bytes());
  EXPECT_FALSE(mostly_used(from_, bytes_));
  std::memset(from_, 1, bytes_);
  EXPECT_EQ(used_bytes(from_, bytes_), bytes_);
  EXPECT_TRUE(mostly_used(from_, bytes_));
}

TEST_F(PagemapTest, TheUsedPagesAreCopiedAndTheOthersStayUnused) {
  ASSERT_TRUE(copy_used(to_, from_, bytes_));
  EXPECT_LE(used_bytes(to_, bytes_), 4 * page_bytes());  // and the first, by which the answer is judged
  EXPECT_EQ(std::memcmp(to_, from_, bytes_), 0);
}

// As it seems where the file speaks of other addresses than the process's.
TEST_F(PagemapTest, NothingIsCopiedByAnAnswerThatIsNotTrue) {
  to_[0] = 1;
  EXPECT_FALSE(copy_used(to_, from_, bytes_));
  EXPECT_EQ(to_[page_bytes()], 0);
}

}  // namespace
}  // namespace ashlar::os
