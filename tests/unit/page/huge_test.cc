// page: huge pages for a large heap's slabs (hugepages=dense).
#include "page/page_fixture.h"

namespace ashlar::page {
namespace {

constexpr std::size_t kLarge = 8192;  // pages: 32 MiB

class HugeTest : public PageTest {
 public:
  HugeTest() { options.hugepages = HugePages::kDense; }
  ~HugeTest() override { options.hugepages = HugePages::kNever; }

  static void use(std::size_t pages) {
    for (std::size_t n = 0; n < pages; n += 1024) ASSERT_TRUE(alloc_run(local_node(), PageCount(1024), kPageBytes));
  }
};

TEST_F(HugeTest, ALargeHeapsSlabsComeFromAStretchThatIsMadeResidentAtOnce) {
  use(kLarge);
  Page* slab = nullptr;
  for (int i = 0; os_.populated.empty() && i < 128; ++i) slab = take(3);  // first what the arena's first pieces hold
  ASSERT_EQ(os_.populated.size(), 1u);
  EXPECT_EQ(os_.populated[0] % os::kHugeBytes, 0u);
  EXPECT_EQ(round_down(page_address(slab), os::kHugeBytes), os_.populated[0]);
  EXPECT_EQ(counts().dirty_free.raw, 512u - 8);
  for (int i = 1; i < 64; ++i) EXPECT_EQ(round_down(page_address(take(3)), os::kHugeBytes), os_.populated[0]) << i;
  EXPECT_EQ(os_.populated.size(), 1u) << "all of it is used first";
  take(3);
  EXPECT_EQ(os_.populated.size(), 2u);
  expect_sound_zone();
}

// The system writes to the stretch that it fills: a page of it that is watched was looked at before.
bool populated_before_the_look = false;
unsigned looks = 0;
constexpr Watcher kWatcher{[](PageId page) {
                             ++looks;
                             for (const std::uintptr_t stretch : fake_os::state().populated) {
                               populated_before_the_look |= page.address() - stretch < os::kHugeBytes;
                             }
                             return true;
                           },
                           [](PageId) {}};

TEST_F(HugeTest, AStretchIsWatchedNoMoreWhenItIsMadeResident) {
  use(kLarge);
  set_watcher(kWatcher);
  const Run run = alloc_run(local_node(), PageCount(1024), kPageBytes);
  ASSERT_EQ(free_watched_run(run.first, [](PageId) { return true; }), RunEnd::kDone);
  reclaim_all();  // it is clean then
  populated_before_the_look = false;
  looks = 0;
  const std::size_t stretches = kLarge / 512 + 16;
  for (std::size_t i = 0; i < stretches * 64; ++i) take(3);
  EXPECT_GT(os_.populated.size(), 1u);
  check_watched();
  EXPECT_GT(looks, 0u);
  EXPECT_FALSE(populated_before_the_look);
}

TEST_F(HugeTest, ASmallHeapHasNone) {
  use(kLarge / 2);
  for (int i = 0; i < 256; ++i) take(3);
  EXPECT_TRUE(os_.populated.empty());
}

TEST_F(HugeTest, WithoutTheOptionThereAreNone) {
  options.hugepages = HugePages::kNever;
  use(kLarge);
  for (int i = 0; i < 128; ++i) take(3);
  EXPECT_TRUE(os_.populated.empty());
}

TEST_F(HugeTest, WhereTheSystemRefusesItIsAskedEverMoreSeldom) {
  use(kLarge);
  os_.refuse_populate = true;
  for (int i = 0; i < 1024; ++i) ASSERT_NE(take(3), nullptr);
  EXPECT_GE(os_.populate_calls, 2u);
  EXPECT_LE(os_.populate_calls, 8u);
  expect_sound_zone();
}

}  // namespace
}  // namespace ashlar::page
