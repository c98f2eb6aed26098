// vmalloc: tests blocks with a mapping of their own: alignment, guard, contents through resizing, and the table of
// areas.
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "fake_page/fake_page.h"
#include "vmalloc/vmalloc.h"

namespace ashlar::vmalloc {
namespace {

char* at(void* p, std::size_t offset) { return static_cast<char*>(p) + offset; }

class VmallocTest : public testing::Test {
 protected:
  ~VmallocTest() override {
    EXPECT_EQ(counts().areas, 0u);
    EXPECT_EQ(counts().bytes, 0u);
    EXPECT_EQ(fake_page::state().outside_pages, 0u);
  }
};
using VmallocDeathTest = VmallocTest;

TEST_F(VmallocTest, ABlockIsZeroAlignedAndAsLargeAsItSays) {
  for (std::size_t alignment = 16; alignment <= 64_MiB; alignment *= 4) {
    for (const std::size_t bytes : {std::size_t{1}, std::size_t{4096}, 100001 + alignment % 7, 1_MiB}) {
      void* const p = alloc(bytes, alignment);
      ASSERT_NE(p, nullptr);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p) % alignment, 0u);
      EXPECT_EQ(bytes_of(p), round_up(bytes, os::page_bytes()));
      for (std::size_t i = 0; i < bytes; i += 512) ASSERT_EQ(*at(p, i), 0);
      *at(p, bytes_of(p) - 1) = 1;
      EXPECT_FALSE(os::readable(at(p, bytes_of(p)), 1)) << "no guard behind it";
      EXPECT_TRUE(free(p));
      EXPECT_FALSE(os::readable(p, 1)) << "it is still mapped";
    }
  }
}

TEST_F(VmallocDeathTest, WritingBehindABlockFaults) {
  void* const p = alloc(1_MiB, 16);
  EXPECT_EXIT(
      *at(p, 1_MiB) = 1, [](int status) { return !WIFEXITED(status) || WEXITSTATUS(status) != 0; }, "");
  void* const q = alloc(1_MiB, 8_MiB);
  EXPECT_EXIT(
      *at(q, 1_MiB) = 1, [](int status) { return !WIFEXITED(status) || WEXITSTATUS(status) != 0; }, "");
  free(p);
  free(q);
}

TEST_F(VmallocTest, ResizingKeepsTheContentsAndTheRestIsZero) {
  for (const std::size_t from : {std::size_t{8192}, 1_MiB, 3_MiB}) {
    for (const std::size_t to : {std::size_t{4096}, std::size_t{8192}, 1_MiB + 1, 5_MiB}) {
      void* const p = alloc(from, 16);
      for (std::size_t i = 0; i < from; i += 4096) *at(p, i) = static_cast<char>(i / 4096 + 1);
      void* const q = resize(p, to);
      ASSERT_NE(q, nullptr);
      EXPECT_EQ(bytes_of(q), round_up(to, os::page_bytes()));
      for (std::size_t i = 0; i < to; i += 4096)
        ASSERT_EQ(*at(q, i), i < from ? static_cast<char>(i / 4096 + 1) : 0) << i;
      EXPECT_FALSE(os::readable(at(q, bytes_of(q)), 1));
      if (q != p) {
        EXPECT_EQ(bytes_of(p), 0u);
      }
      EXPECT_EQ(counts().areas, 1u);
      EXPECT_EQ(fake_page::state().outside_pages, bytes_of(q) / kPageBytes);
      EXPECT_TRUE(free(q));
    }
  }
}

TEST_F(VmallocTest, OnlyABlocksStartIsABlockAndItIsFoundAround) {
  void* const p = alloc(1_MiB, 16);
  void* const q = alloc(1_MiB, 16);
  EXPECT_EQ(bytes_of(at(p, 4096)), 0u);
  EXPECT_FALSE(free(at(p, 4096)));
  EXPECT_EQ(resize(at(p, 4096), 1_MiB), nullptr);
  EXPECT_EQ(bytes_of(nullptr), 0u);
  EXPECT_FALSE(free(nullptr));
  for (const std::size_t offset : {std::size_t{0}, std::size_t{1}, 1_MiB / 2, 1_MiB - 1}) {
    const void* start = nullptr;
    std::size_t bytes = 0;
    ASSERT_TRUE(find_around(at(q, offset), start, bytes));
    EXPECT_EQ(start, q);
    EXPECT_EQ(bytes, 1_MiB);
  }
  EXPECT_TRUE(free(p));
  EXPECT_FALSE(free(p)) << "twice";
  const void* start = nullptr;
  std::size_t bytes = 0;
  EXPECT_FALSE(find_around(p, start, bytes));
  EXPECT_TRUE(free(q));
}

TEST_F(VmallocTest, CountsFollowAndRememberTheHighest) {
  void* const p = alloc(2_MiB, 16);
  void* const q = alloc(1_MiB, 16);
  EXPECT_EQ(counts().areas, 2u);
  EXPECT_EQ(counts().bytes, 3_MiB);
  EXPECT_EQ(fake_page::state().outside_pages, 3_MiB / kPageBytes);
  free(p);
  free(q);
  EXPECT_EQ(counts().max_areas, 2u);
  EXPECT_EQ(counts().max_bytes, 3_MiB);
}

TEST_F(VmallocTest, ThousandsOfBlocksAreFoundByThreads) {
  std::vector<std::thread> threads;
  std::atomic<unsigned> wrong{0};
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([t, &wrong] {
      std::mt19937 random(t);
      std::vector<std::pair<void*, std::size_t>> blocks;
      for (int step = 0; step < 1500; ++step) {
        if (blocks.size() < 300 && random() % 3 != 0) {
          const std::size_t bytes = (1 + random() % 8) * 65536;
          if (void* const p = alloc(bytes, 16)) {
            *static_cast<std::size_t*>(p) = bytes + t;
            blocks.emplace_back(p, bytes);
          }
        } else if (!blocks.empty()) {
          const std::size_t at = random() % blocks.size();
          auto& [p, bytes] = blocks[at];
          if (*static_cast<std::size_t*>(p) != bytes + t || bytes_of(p) != bytes) ++wrong;
          if (random() % 2 == 0) {
            bytes = (1 + random() % 8) * 65536;
            p = resize(p, bytes);
            if (*static_cast<std::size_t*>(p) % 65536 != t) ++wrong;
            *static_cast<std::size_t*>(p) = bytes + t;
          } else {
            if (!free(p)) ++wrong;
            blocks[at] = blocks.back();
            blocks.pop_back();
          }
        }
        if (validate()) ++wrong;
      }
      for (const auto& [p, bytes] : blocks) free(p);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0u);
}

TEST_F(VmallocTest, LocksForForkAreTakenAndReleased) {
  lock_for_fork();
  unlock_in_parent();
  lock_for_fork();
  reset_in_child();
  EXPECT_TRUE(free(alloc(1_MiB, 16)));
}

}  // namespace
}  // namespace ashlar::vmalloc
