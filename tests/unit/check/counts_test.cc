// check: tests what is read of records while other threads use them again. ThreadSanitizer judges the reads, and every
// build the figures.
#include <atomic>
#include <thread>

#include "check/check_fixture.h"

namespace ashlar::check {
namespace {

using CountsTest = CheckTest;

// A sampled block has no place: it is a mapping in every build.
std::uintptr_t make_mapping(std::size_t size, const Handle* owner = nullptr) {
  return reinterpret_cast<std::uintptr_t>(allocate_guarded(size, kMinAlign, Form::kMalloc, true, owner));
}

void free_mapping(std::uintptr_t address) {
  ASSERT_TRUE(release_guarded(*guarded_around(address), address, Form::kMalloc, kNoSize, "free()"));
}

// Each block is larger than a page and at most four, so that a figure of two blocks at once would show.
TEST_F(CountsTest, BlocksAreCountedWhileTheirRecordsAreUsedAgain) {
  constexpr int kRounds = 1000;
  std::atomic<bool> done{false};
  std::uint64_t looks = 0, wrong = 0;
  std::thread looker([&] {
    while (!done || looks == 0) {
      const BlockCounts counts = block_counts();
      wrong += counts.guards > os::page_bytes() || counts.freed_mapped > 4 * os::page_bytes() || counts.freed_runs != 0;
      ++looks;
    }
  });
  for (int i = 0; i < kRounds; ++i) {
    free_mapping(make_mapping((1 + i % 4) * os::page_bytes()));
    ASSERT_TRUE(empty_quarantine(0));
  }
  done = true;
  looker.join();
  EXPECT_EQ(wrong, 0u) << "of " << looks << " looks";
}

// A cache forgets blocks of its own alone, although the record of one may be in use for another owner's by then.
TEST_F(CountsTest, ACacheThatEndsLeavesTheOwnersOfOtherBlocks) {
  constexpr int kRounds = 1000;
  static Handle ending, other;
  Slots of, of_other;
  ending.checked = &of;
  other.checked = &of_other;
  std::atomic<bool> done{false};
  std::uint64_t ends = 0;
  std::thread ender([&] {
    for (; !done || ends == 0; ++ends) {
      free_mapping(make_mapping(os::page_bytes(), &ending));
      forget_owner(ending);
    }
  });
  int lost = 0;
  for (int i = 0; i < kRounds; ++i) {
    empty_quarantine(0);
    const std::uintptr_t address = make_mapping(os::page_bytes(), &other);
    lost += guarded_around(address)->cache() != &other;
    free_mapping(address);
  }
  done = true;
  ender.join();
  EXPECT_EQ(lost, 0) << "of " << kRounds << ", while " << ends << " caches ended";
}

}  // namespace
}  // namespace ashlar::check
