// api: tests that requests are answered while other threads allocate. ThreadSanitizer finds the races.
#include "api/answer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "ashlar/ashlar.h"
#include "base/options.h"
#include "check/check.h"
#include "stats/format.h"

namespace ashlar::api {
namespace {

using format::RequestKind;
using format::RequestResult;

struct Answer {
  RequestResult result;
  std::string text;
};

Answer ask(RequestKind kind, const std::string& text = "") {
  page::Request request;
  request.kind = static_cast<std::uint32_t>(kind);
  text.copy(request.text, sizeof request.text - 1);
  answer_request(request);
  return {static_cast<RequestResult>(request.result), request.answer};
}

Answer set(const std::string& item) { return ask(RequestKind::kSet, item); }

// What an option may be set to.
std::string other(const OptionInfo& info) {
  const std::string name(info.name);
  if (info.type == OptionInfo::Type::kText) return name + "=/nowhere/%p";
  return name + "=" +
         std::to_string(info.type == OptionInfo::Type::kFlag ? 0 : std::min<std::uint64_t>(info.max, 1 << 20));
}

void work(const std::atomic<bool>& ends, std::atomic<std::uint64_t>& calls) {
  std::vector<void*> blocks(64);
  for (std::size_t n = 0; !ends.load(std::memory_order_relaxed); ++n) {
    void*& p = blocks[n % blocks.size()];
    ashlar_free(p);
    p = ashlar_malloc(n % 101 == 0 ? 3 << 20 : n % 5000);
    calls.fetch_add(1, std::memory_order_relaxed);
    if (n % 7 == 0) p = ashlar_realloc(p, n % 9000 + 1);
  }
  for (void* const p : blocks) ashlar_free(p);
}

TEST(Answer, RecordsAgainAndAgainWhileThreadsAllocateAndEnd) {
  const std::string path = testing::TempDir() + "answer_test." + std::to_string(getpid());
  std::atomic<bool> ends{false};
  std::atomic<std::uint64_t> calls{0};
  std::vector<std::thread> threads;
  threads.reserve(3);
  for (int i = 0; i < 2; ++i) threads.emplace_back([&] { work(ends, calls); });
  threads.emplace_back([&] {
    while (!ends.load(std::memory_order_relaxed)) {
      std::atomic<bool> ended{true};
      std::thread([&] { work(ended, calls); }).join();
      std::thread([] { ashlar_free(ashlar_malloc(100)); }).join();
    }
  });
  for (int round = 0; round < 30; ++round) {
    ASSERT_EQ(ask(RequestKind::kRecord, path).result, RequestResult::kDone);
    const std::uint64_t before = calls.load();
    while (calls.load() < before + 2000) std::this_thread::yield();
    ASSERT_EQ(ask(RequestKind::kEndRecord).result, RequestResult::kDone);
    EXPECT_GT(std::filesystem::file_size(path), 4096u);
    std::filesystem::remove(path);
  }
  ends.store(true);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ask(RequestKind::kRecord, "/no/such/folder/x").text,
            "record: /no/such/folder/x: the folder does not exist, or not for this process");
  EXPECT_EQ(ask(RequestKind::kEndRecord).text, "record: it is not recorded");
}

TEST(Answer, ChangesEachOptionWhileThreadsAllocate) {
  options.guard_sample = 50;
  check::start();
  std::atomic<bool> ends{false};
  std::atomic<std::uint64_t> calls{0};
  std::vector<std::thread> threads;
  threads.reserve(3);
  for (int i = 0; i < 3; ++i) threads.emplace_back([&] { work(ends, calls); });
  for (int round = 0; round < 20; ++round) {
    for (const OptionInfo& info : option_table()) {
      if (info.changes != OptionInfo::Changes::kAtRunTime || info.type == OptionInfo::Type::kChoice) continue;
      const Answer answer = set(other(info));
      EXPECT_EQ(answer.result, RequestResult::kDone) << answer.text;
    }
    for (const char* const item : {"purge=free", "purge=dontneed", "hugepages=always", "hugepages=never", "perturb=7",
                                   "perturb=0", "decay_ms=0", "decay_ms=5", "guard_sample=0", "guard_sample=20",
                                   "profile=4k", "profile=0", "profile_file=none", "mmap_threshold=1m"}) {
      EXPECT_EQ(set(item).result, RequestResult::kDone) << item;
    }
    EXPECT_EQ(ask(RequestKind::kTrim).result, RequestResult::kDone);
    while (calls < (round + 1) * std::uint64_t{3000}) std::this_thread::yield();
  }
  ends = true;
  for (std::thread& thread : threads) thread.join();
  options.stats = StatsFormat::kNone;
}

TEST(Answer, APatternThatIsReadStaysWhatItIs) {
  ASSERT_EQ(set("profile_file=/first/%p").result, RequestResult::kDone);
  const char* const pattern = options.profile_pattern.acquire();
  ASSERT_EQ(set("profile_file=/the/second/one").result, RequestResult::kDone);
  EXPECT_STREQ(pattern, "/first/%p");
  EXPECT_STREQ(options.profile_pattern, "/the/second/one");
  ASSERT_EQ(set("profile_file=none").result, RequestResult::kDone);
  EXPECT_EQ(options.profile_file, 0u);
}

TEST(Answer, WhatCannotBeSaysWhy) {
  EXPECT_EQ(set("harden=1").result, RequestResult::kRefused);
  EXPECT_EQ(set("harden=1").text, "harden: it cannot change at run time; give it in ASHLAR_OPTIONS");
  EXPECT_EQ(set("no=1").text, "no: unknown option");
  EXPECT_EQ(ask(static_cast<RequestKind>(99)).text, "the Ashlar of the process does not know this request");
}

}  // namespace
}  // namespace ashlar::api
