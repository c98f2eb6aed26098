// profile: tests the estimates for blocks that the test itself allocates, by class, and how samples behave as blocks.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

#include "ashlar/ashlar.h"
#include "ashlar/cache.h"
#include "fresh.h"
#include "profile/slots.h"
#include "profile/tables.h"

namespace ashlar::profile {
namespace {

constexpr std::uint64_t kRate = 8 << 10;
constexpr std::size_t kBytes = std::size_t{24} << 20;  // of each class: some 3000 samples, deviating by 1.8 %

Sums sums_of(std::size_t size, Sums Bucket::*which) {
  const std::uint32_t c = size <= slab::kMaxSmall ? slab::class_for(size).raw : 0u;
  Sums all;
  for (std::uint32_t i = 1; i < state->buckets.used; ++i) {
    const Bucket& bucket = state->buckets[i];
    if (bucket.size_class != c) continue;
    all.blocks += (bucket.*which).blocks;
    all.requested += (bucket.*which).requested;
    all.usable += (bucket.*which).usable;
    all.samples += (bucket.*which).samples;
  }
  return all;
}

void expect_estimated(std::size_t size, std::size_t blocks, Sums Bucket::*which) {
  const Sums sums = sums_of(size, which);
  const auto want = static_cast<double>(size * blocks);
  EXPECT_NEAR(sums.requested / want, 1, 0.09) << size << " bytes, " << sums.samples << " samples";
  EXPECT_NEAR(sums.blocks / static_cast<double>(blocks), 1, 0.09) << size << " bytes, " << sums.samples << " samples";
}

TEST(Samples, OfBlocksThatComeAndGoWithinAMagazineAreCounted) {
  ASSERT_TRUE(start(kRate));
  for (const std::size_t size : {8, 60, 1000, 30000}) {
    for (std::size_t n = 0; n < kBytes / size; ++n) ashlar_free(ashlar_malloc(size));
    expect_estimated(size, kBytes / size, &Bucket::allocated);
    expect_estimated(size, kBytes / size, &Bucket::freed);
  }
}

TEST(Samples, OfFewBlocksThatAreUsedAgainMissSeldom) {
  constexpr unsigned kRounds = 20000;
  ASSERT_TRUE(start(kUsualRate));
  for (const std::size_t size : {24, 200, 1000}) {
    const std::uint32_t before = heap::current->misses;
    for (unsigned n = 0; n < kRounds; ++n) {
      void* const p = ashlar_malloc(size);
      void* const q = ashlar_malloc(size);
      ashlar_free(p);
      ashlar_free(q);
    }
    EXPECT_LT(heap::current->misses - before, kRounds / 5) << size << " bytes";
  }
}

TEST(Samples, OfObjectsOfACacheThatAreUsedAgainMissSeldom) {
  constexpr unsigned kRounds = 20000;
  ashlar_cache* const cache = ashlar_cache_create("seldom", 200, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  ASSERT_TRUE(start(kUsualRate));
  const std::uint32_t before = heap::current->misses;
  for (unsigned n = 0; n < kRounds; ++n) ashlar_cache_free(cache, ashlar_cache_alloc(cache));
  EXPECT_LT(heap::current->misses - before, kRounds / 100);
}

// The bin's list then has a loop, which joining it with others has to notice.
TEST(Samples, ABlockFreedTwiceIsReportedWhileTheyAreTaken) {
  ASSERT_TRUE(start(kUsualRate));
  const auto free_twice_and_go_on = [] {
    void* const p = ashlar_malloc(48);
    void* const q = ashlar_malloc(48);
    ashlar_free(p);
    ashlar_free(q);
    ashlar_free(p);
    for (unsigned n = 0; n < 10000; ++n) {
      if (ashlar_malloc(48) == nullptr) break;
    }
  };
  EXPECT_DEATH(free_twice_and_go_on(), "freed twice|double free");
}

TEST(Samples, OfBlocksThatStayAreLive) {
  ASSERT_TRUE(start(kRate));
  std::vector<void*> kept;
  for (const std::size_t size : {100, 3000, 100000}) {
    for (std::size_t n = 0; n < kBytes / size; ++n) kept.push_back(ashlar_malloc(size));
    expect_estimated(size, kBytes / size, &Bucket::allocated);
    EXPECT_EQ(sums_of(size, &Bucket::freed).samples, 0u);
  }
  std::thread([&] {
    for (void* const p : kept) ashlar_free(p);
  }).join();
  for (const std::size_t size : {100, 3000, 100000}) expect_estimated(size, kBytes / size, &Bucket::freed);
}

TEST(Samples, OfThreadsThatAllocateAtOnceAddUp) {
  ASSERT_TRUE(start(kRate));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (std::size_t n = 0; n < kBytes / 4 / 200; ++n) ashlar_free(ashlar_malloc(200));
    });
  }
  for (std::thread& thread : threads) thread.join();
  expect_estimated(200, kBytes / 200, &Bucket::allocated);
  expect_estimated(200, kBytes / 200, &Bucket::freed);
}

TEST(Samples, OfAThreadThatNeverMissedBeforeAreCountedFromThenOn) {
  for (unsigned n = 0; n < 1000; ++n) ashlar_free(ashlar_malloc(48));
  ASSERT_TRUE(start(kRate));
  for (std::size_t n = 0; n < kBytes / 48; ++n) ashlar_free(ashlar_malloc(48));
  expect_estimated(48, kBytes / 48, &Bucket::allocated);
  stop();
  const std::uint64_t before = sums_of(48, &Bucket::allocated).samples;
  for (std::size_t n = 0; n < kBytes / 48; ++n) ashlar_free(ashlar_malloc(48));
  EXPECT_EQ(sums_of(48, &Bucket::allocated).samples, before);
}

TEST(Samples, FollowANewRateAtOnce) {
  ASSERT_TRUE(start(std::uint64_t{1} << 40));
  for (unsigned n = 0; n < 1000; ++n) ashlar_free(ashlar_malloc(48));
  EXPECT_EQ(sums_of(48, &Bucket::allocated).samples, 0u);
  ASSERT_TRUE(start(kRate));
  for (std::size_t n = 0; n < kBytes / 48; ++n) ashlar_free(ashlar_malloc(48));
  expect_estimated(48, kBytes / 48, &Bucket::allocated);
}

TEST(Samples, HaveRoomAfterAProfileThatTookAllOfIt) {
  ASSERT_TRUE(start(1));
  for (unsigned n = 0; n < 40000; ++n) ASSERT_NE(ashlar_malloc(16), nullptr);
  stop();
  const std::uint64_t dropped = state->dropped, live = sums_of(60000, &Bucket::allocated).samples;
  ASSERT_TRUE(start(std::uint64_t{64} << 10));
  for (unsigned n = 0; n < 2000; ++n) ASSERT_NE(ashlar_malloc(60000), nullptr);
  EXPECT_EQ(state->dropped, dropped);
  EXPECT_GT(sums_of(60000, &Bucket::allocated).samples, live + 500);
}

TEST(Samples, AreNoneAtARateThatNoProgramReaches) {
  ASSERT_EQ(ashlar_profile_start(SIZE_MAX), 0);
  for (std::size_t size = 1; size <= 50000; size += 97) ashlar_free(ashlar_malloc(size));
  EXPECT_EQ(state->buckets.used, 1u);
}

TEST(Samples, AreWrittenToNoPathThatIsCutOff) {
  ASSERT_TRUE(start(1));
  std::string pattern(255, 'x');
  for (std::size_t i = 0; i < 240; i += 2) pattern.replace(i, 2, "%p");
  testing::internal::CaptureStderr();
  for (unsigned n = 0; n < 2; ++n) dump_by_pattern(pattern);
  const std::string told = testing::internal::GetCapturedStderr();
  const std::string end = ": " + std::string(os::text_of(ENAMETOOLONG)) + "\n";
  EXPECT_NE(told.find(end), std::string::npos) << told;
}

TEST(Samples, OfAlignedBlocksAreAligned) {
  ASSERT_TRUE(start(1));
  for (std::size_t alignment = 32; alignment <= 65536; alignment *= 2) {
    for (const std::size_t size : {1, 100, 5000, 40000}) {
      void* const p = ashlar_memalign(alignment, size);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p) % alignment, 0u) << alignment << " " << size;
      std::memset(p, 1, size);
      ashlar_free(p);
    }
  }
}

TEST(Samples, EachBlockIsOneAtARateOfOne) {
  ASSERT_TRUE(start(1));
  std::vector<void*> kept;
  for (std::size_t size = 1; size <= 50000; size += 97) kept.push_back(ashlar_malloc(size));
  double blocks = 0, requested = 0;
  for (std::uint32_t i = 1; i < state->buckets.used; ++i) blocks += state->buckets[i].allocated.blocks;
  for (std::uint32_t i = 1; i < state->buckets.used; ++i) requested += state->buckets[i].allocated.requested;
  double want = 0;
  for (std::size_t size = 1; size <= 50000; size += 97) want += static_cast<double>(size);
  EXPECT_EQ(blocks, static_cast<double>(kept.size()));
  EXPECT_EQ(requested, want);
  for (void* const p : kept) ashlar_free(p);
  EXPECT_EQ(state->live, 0u);
}

TEST(Samples, GrowAndShrinkByReallocWithTheirContents) {
  ASSERT_TRUE(start(1));
  char* p = nullptr;
  std::size_t old = 0;
  for (const std::size_t size : {10, 16, 17, 100, 90, 3000, 40000, 41000, 600000, 2000000, 300000, 50, 20}) {
    p = static_cast<char*>(ashlar_realloc(p, size));
    ASSERT_NE(p, nullptr);
    for (std::size_t i = 0; i < std::min<std::size_t>(old, size); ++i) ASSERT_EQ(p[i], static_cast<char>(i)) << size;
    for (std::size_t i = 0; i < size; ++i) p[i] = static_cast<char>(i);
    EXPECT_GE(ashlar_malloc_usable_size(p), size);
    EXPECT_EQ(state->live, 1u) << size;
    old = size;
  }
  ashlar_free(p);
  EXPECT_EQ(state->live, 0u);
}

TEST(Samples, OfCallocAreZero) {
  ASSERT_TRUE(start(1));
  for (int round = 0; round < 3; ++round) {
    char* const p = static_cast<char*>(ashlar_calloc(1, 100));
    for (int i = 0; i < 100; ++i) ASSERT_EQ(p[i], 0);
    std::memset(p, 1, 100);
    ashlar_free(p);
  }
}

TEST(SamplesDeath, FreedTwiceAreTold) {
  ASSERT_TRUE(start(1));
  void* const other = ashlar_malloc(40);
  void* const p = ashlar_malloc(40);
  ashlar_free(p);
  EXPECT_DEATH(ashlar_free(p), "double free of 0x[0-9a-f]+: the block is already free");
  ashlar_free(other);
}

TEST(Samples, AreKeptInAForkedChild) {
  ASSERT_TRUE(start(1));
  void* const p = ashlar_malloc(40);
  std::thread([] { ashlar_free(ashlar_malloc(10)); }).join();
  const pid_t child = fork();
  if (child == 0) {
    ashlar_free(p);
    ashlar_free(ashlar_malloc(4000));
    _exit(state->live == 0 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(state->live, 1u);
  ashlar_free(p);
}

TEST(Samples, TakeLittleMemoryAtTheUsualRate) {
  ASSERT_TRUE(start(kUsualRate));
  std::vector<void*> kept;
  for (std::size_t n = 0; n < std::size_t{256} << 20; n += 256) kept.push_back(ashlar_malloc(250));
  EXPECT_GT(state->live, 300u);
  EXPECT_LT(state->metadata + state->slot_bytes, std::uint64_t{1} << 20);
  for (void* const p : kept) ashlar_free(p);
}

TEST(Samples, OfAProfileMadeAnewKnowNothingOfTheOneBefore) {
  ASSERT_TRUE(start(1));
  ashlar_free(ashlar_malloc(40));
  stop();
  EXPECT_GT(state->buckets.used, 1u);
  EXPECT_NE(state->slot_bytes, 0u) << "a run is kept for the class";
  ashlar_test::make_fresh(control);
  ashlar_test::make_fresh(writing);
  state = nullptr;
  EXPECT_FALSE(active());
  ASSERT_TRUE(start(1));
  EXPECT_EQ(state->buckets.used, 1u);
  void* const p = ashlar_malloc(40);
  EXPECT_EQ(state->live, 1u);
  EXPECT_EQ(state->slot_bytes, kSlotsRunBytes) << "of a run of its own";
  ashlar_free(p);
}

TEST(Samples, AreWrittenToAFile) {
  EXPECT_EQ(ashlar_profile_dump("/dev/null"), ENODATA);
  ASSERT_EQ(ashlar_profile_start(1), 0);
  void* const p = ashlar_malloc(77);
  const std::string path = testing::TempDir() + "profile." + std::to_string(getpid());
  ASSERT_EQ(ashlar_profile_dump(path.c_str()), 0);
  ashlar_profile_stop();
  ashlar_free(p);
  std::FILE* const file = std::fopen(path.c_str(), "r");
  ASSERT_NE(file, nullptr);
  std::string text(1 << 20, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  unlink(path.c_str());
  EXPECT_TRUE(text.starts_with("ashlar profile 1\nrate 1\n"));
  EXPECT_NE(text.find(" 80 1 77 80 1 0 0 0 0 0x"), std::string::npos) << text;
  EXPECT_NE(text.find("\nmappings\n"), std::string::npos);
  EXPECT_EQ(ashlar_profile_dump("/nowhere/at/all"), ENOENT);
  EXPECT_EQ(ashlar_profile_dump(nullptr), EINVAL);
}

}  // namespace
}  // namespace ashlar::profile
