// api: tests who is notified of failures and of pressure, what the notice says, and when there is none.
#include "api/notices.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <ostream>
#include <thread>
#include <vector>

#include "ashlar/kmalloc.h"
#include "ashlar/mempool.h"
#include "ashlar/vmalloc.h"
#include "check/check.h"
#include "page/page.h"

namespace ashlar::api {
namespace {

// Volatile: compilers warn of sizes that they know to be too large.
constexpr std::size_t kNoSuchSize = std::size_t{1} << 62, kMost = SIZE_MAX;
const volatile std::size_t no_such_size = kNoSuchSize, most = kMost;

struct Failure {
  std::size_t size, alignment;
  bool operator==(const Failure& other) const { return size == other.size && alignment == other.alignment; }
};
std::ostream& operator<<(std::ostream& out, const Failure& failure) {
  return out << failure.size << " at " << failure.alignment;
}

struct Failures {
  std::vector<Failure> seen;
  static void note(std::size_t size, std::size_t alignment, void* to) {
    static_cast<Failures*>(to)->seen.push_back({size, alignment});
    errno = EXDEV;
  }
  Failures() { EXPECT_EQ(ashlar_on_failure(note, this), 0); }
  ~Failures() { EXPECT_EQ(ashlar_off_failure(note, this), 0); }
  Failures(const Failures&) = delete;
  Failures& operator=(const Failures&) = delete;
};

TEST(Notices, ToldEachFailureOnceWithWhatWasAskedFor) {
  const Failures failures;
  void* const p = ashlar_malloc(100);
  void* const large = ashlar_malloc(1 << 20);
  errno = 0;
  EXPECT_EQ(ashlar_malloc(no_such_size), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  EXPECT_EQ(ashlar_malloc(most), nullptr);
  EXPECT_EQ(ashlar_calloc(2, no_such_size / 2), nullptr);
  EXPECT_EQ(ashlar_calloc(most, 2), nullptr);
  EXPECT_EQ(ashlar_realloc(p, no_such_size), nullptr);
  EXPECT_EQ(ashlar_realloc(large, no_such_size), nullptr);
  EXPECT_EQ(ashlar_reallocarray(p, most, 2), nullptr);
  EXPECT_EQ(ashlar_aligned_alloc(4096, no_such_size), nullptr);
  EXPECT_EQ(ashlar_vmalloc(no_such_size), nullptr);
  const std::vector<Failure> expected = {{kNoSuchSize, 16}, {kMost, 16},         {kNoSuchSize, 16},
                                         {kMost, 16},       {kNoSuchSize, 16},   {kNoSuchSize, 16},
                                         {kMost, 16},       {kNoSuchSize, 4096}, {kNoSuchSize, 4096}};
  EXPECT_EQ(failures.seen, expected);
  ashlar_free(p);
  ashlar_free(large);
}

TEST(Notices, WhatAPoolsReserveServesTellsNothing) {
  static bool fails = false;
  const auto make = [](void*) { return ashlar_malloc(fails ? no_such_size : 64); };
  const auto end = [](void* element, void*) { ashlar_free(element); };
  ashlar_mempool* const pool = ashlar_mempool_create(1, make, end, nullptr);
  ASSERT_NE(pool, nullptr);
  const Failures failures;
  fails = true;
  void* const last = ashlar_mempool_alloc(pool, 0);
  EXPECT_NE(last, nullptr);
  EXPECT_TRUE(failures.seen.empty());
  EXPECT_EQ(ashlar_mempool_alloc(pool, 0), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  EXPECT_EQ(failures.seen, (std::vector<Failure>{{kNoSuchSize, 16}})) << "the reserve is empty";
  EXPECT_EQ(ashlar_malloc(no_such_size), nullptr);
  EXPECT_EQ(failures.seen.size(), 2U);
  ashlar_mempool_free(last, pool);
  ashlar_mempool_destroy(pool);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which serve malloc's calls themselves
TEST(Notices, WhatAnAreaServesTellsNothing) {
  const Failures failures;
  check::control.active = true;
  options.failslab = 100;
  EXPECT_EQ(ashlar_malloc(100000), nullptr);
  EXPECT_EQ(failures.seen.size(), 1U) << "blocks fail";
  void* const area = ashlar_kvmalloc(100000, 0);
  options.failslab = 0;
  check::control.active = false;
  EXPECT_NE(area, nullptr) << "areas do not";
  EXPECT_EQ(failures.seen.size(), 1U);
  ashlar_kvfree(area);
  EXPECT_EQ(ashlar_kvmalloc(no_such_size, 0), nullptr);
  EXPECT_EQ(ashlar_kvmalloc(most, 0), nullptr);
  EXPECT_EQ(failures.seen.size(), 3U);
  EXPECT_EQ(failures.seen.back(), (Failure{kMost, 16}));
}

TEST(Notices, ABlockThatStaysForWantOfMemoryTellsNothing) {
  const Failures failures;
  void* const block = ashlar_malloc(8000);
  check::control.active = true;
  options.failslab = 100;
  void* const same = ashlar_realloc(block, 2500);
  options.failslab = 0;
  check::control.active = false;
  EXPECT_EQ(same, block);
  EXPECT_TRUE(failures.seen.empty());
  ashlar_free(same);
}
#endif

TEST(Notices, WhatTheFunctionsAllocateTellsNothing) {
  static int calls = 0;
  const auto allocates = [](std::size_t, std::size_t, void* sum) {
    ++calls;
    EXPECT_EQ(ashlar_malloc(no_such_size), nullptr);
    for (std::size_t size = 16; size < 1 << 20; size *= 2) {
      void* const p = ashlar_malloc(size);
      *static_cast<std::size_t*>(sum) += ashlar_malloc_usable_size(p) >= size ? 1 : 0;
      ashlar_free(p);
    }
  };
  std::size_t sum = 0;
  ASSERT_EQ(ashlar_on_failure(allocates, &sum), 0);
  EXPECT_EQ(ashlar_malloc(no_such_size), nullptr);
  EXPECT_EQ(ashlar_off_failure(allocates, &sum), 0);
  EXPECT_EQ(ashlar_malloc(no_such_size), nullptr);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(sum, 16u);
}

TEST(Notices, AFunctionMayEndItsOwnCalls) {
  static int calls = 0;
  const auto once = [](std::size_t, std::size_t, void* self) {
    ++calls;
    EXPECT_EQ(ashlar_off_failure(*static_cast<ashlar_failure_function**>(self), self), 0);
  };
  ashlar_failure_function* function = once;
  ASSERT_EQ(ashlar_on_failure(function, &function), 0);
  EXPECT_EQ(ashlar_malloc(no_such_size), nullptr);
  EXPECT_EQ(ashlar_malloc(no_such_size), nullptr);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(ashlar_off_failure(function, &function), ENOENT);
}

TEST(Notices, WrongRequests) {
  ashlar_pressure_function* const nothing = [](std::uint32_t, void*) {};
  EXPECT_EQ(ashlar_on_failure(nullptr, nullptr), EINVAL);
  EXPECT_EQ(ashlar_on_pressure(nullptr, nullptr), EINVAL);
  EXPECT_EQ(ashlar_off_pressure(nothing, nullptr), ENOENT);
  char places[9];
  for (int i = 0; i < 8; ++i) EXPECT_EQ(ashlar_on_pressure(nothing, &places[i]), 0);
  EXPECT_EQ(ashlar_on_pressure(nothing, &places[8]), ENOSPC);
  for (int i = 0; i < 8; ++i) EXPECT_EQ(ashlar_off_pressure(nothing, &places[i]), 0);
  EXPECT_EQ(ashlar_off_pressure(nothing, &places[0]), ENOENT);
}

TEST(Notices, TheEndWaitsForThreadsThatAreInIt) {
  struct State {
    std::atomic<bool> in{false}, go{false}, out{false};
  } state;
  const auto waits = [](std::size_t, std::size_t, void* to) {
    auto& s = *static_cast<State*>(to);
    s.in = true;
    while (!s.go) std::this_thread::yield();
    s.out = true;
  };
  ASSERT_EQ(ashlar_on_failure(waits, &state), 0);
  std::thread fails([] { EXPECT_EQ(ashlar_malloc(no_such_size), nullptr); });
  while (!state.in) std::this_thread::yield();
  std::thread lets_go([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    state.go = true;
  });
  EXPECT_EQ(ashlar_off_failure(waits, &state), 0);
  EXPECT_TRUE(state.out);
  fails.join();
  lets_go.join();
}

// Misses enough for a look.
void allocate_some() {
  std::vector<void*> blocks(3000);
  for (void*& p : blocks) p = ashlar_malloc(2000);
  for (void* const p : blocks) ashlar_free(p);
}

TEST(Notices, ToldOfEachChangeOfPressureOnce) {
  static std::vector<std::uint32_t> told;
  options.memcg = 0;  // what the system says does not count
  ashlar_pressure_function* const note = [](std::uint32_t pressure, void*) { told.push_back(pressure); };
  ASSERT_EQ(ashlar_on_pressure(note, nullptr), 0);
  for (const os::Pressure now : {os::Pressure::kNone, os::Pressure::kHigh, os::Pressure::kSome, os::Pressure::kNone}) {
    page::signals.pressure = now;
    allocate_some();
    allocate_some();
  }
  EXPECT_EQ(told, (std::vector<std::uint32_t>{2, 1, 0}));
  EXPECT_EQ(ashlar_off_pressure(note, nullptr), 0);
  page::signals.pressure = os::Pressure::kHigh;
  allocate_some();
  EXPECT_EQ(told.size(), 3u);
}

}  // namespace
}  // namespace ashlar::api
