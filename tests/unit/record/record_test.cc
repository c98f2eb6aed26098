// record: records calls of several threads and reads them back from the file.
#include "record/record.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "api/recorded.h"

namespace ashlar {
namespace {

using record::ChunkHeader;
using record::FileHeader;
using record::Op;

struct Found {
  std::map<Op, unsigned> calls;
  std::vector<std::uint64_t> numbers;  // of all calls; a realloc has two
  std::map<std::uint64_t, unsigned> sizes;
  std::vector<std::uint64_t> touched;  // of what was not used in full, in the order of their ends
};

class File {
 public:
  explicit File(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(in), {});
  }

  Found read() {
    Found found;
    for (std::size_t offset = header().header_bytes; offset < bytes_.size();) {
      ChunkHeader chunk;
      std::memcpy(&chunk, bytes_.data() + offset, sizeof chunk);
      EXPECT_EQ(chunk.magic, record::kChunkMagic) << offset;
      if (chunk.magic != record::kChunkMagic) break;
      read_chunk(chunk, offset, found);
      offset += chunk.bytes;
    }
    return found;
  }

  FileHeader header() const {
    FileHeader header = {};
    if (bytes_.size() >= sizeof header) std::memcpy(&header, bytes_.data(), sizeof header);
    return header;
  }

 private:
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes_[at_++]);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
  }

  void read_chunk(const ChunkHeader& chunk, std::size_t offset, Found& found) {
    std::uint64_t sequence = chunk.sequence;
    for (at_ = offset + sizeof chunk; at_ < offset + chunk.bytes && bytes_[at_] != 0;) {
      const auto byte = static_cast<unsigned char>(bytes_[at_++]);
      const auto op = static_cast<Op>(byte & record::kOpMask);
      if (op == Op::kTime || op == Op::kThread) {
        number();
        if (op == Op::kTime) number();
        continue;
      }
      found.numbers.push_back(sequence += 1 + ((byte & record::kGap) != 0 ? number() : 0));
      ++found.calls[op];
      const bool frees = op == Op::kFree || op == Op::kDelete || op == Op::kDeleteArray || op == Op::kLeft;
      if (frees || op == Op::kRealloc) number();
      if (!frees) ++found.sizes[number()];
      if (frees && (byte & record::kTouched) != 0) found.touched.push_back(number() * record::kTouchUnit);
      if ((byte & record::kAligned) != 0 && !frees && op != Op::kRealloc) number();
      if (op == Op::kRealloc) found.numbers.push_back(sequence += 1 + ((byte & record::kAligned) != 0 ? number() : 0));
      if (!frees && (byte & record::kFailed) == 0) number();
    }
  }

  std::vector<char> bytes_;
  std::size_t at_ = 0;
};

class RecordTest : public testing::Test {
 protected:
  void SetUp() override {
    record::start(path_.c_str());
    ASSERT_TRUE(record::on);
    api::lead_off(true);
  }
  void TearDown() override { std::filesystem::remove(path_); }

  const std::string path_ = testing::TempDir() + "record_test." + std::to_string(getpid());
};

TEST_F(RecordTest, EachKindOfCallIsWritten) {
  void* p = api::malloc(100);
  p = api::realloc(p, 5000);
  api::free(p);
  api::free(api::calloc(3, 7));
  api::free(api::memalign(256, 100));
  api::free_as(api::allocate_as(10, 16, api::Form::kNew), api::Form::kNew, 10);
  api::free_as(api::allocate_as(10, 64, api::Form::kNewArray), api::Form::kNewArray, 10);
  EXPECT_EQ(api::malloc(SIZE_MAX / 2), nullptr);
  EXPECT_EQ(api::malloc_usable_size(nullptr), 0u);
  File file(path_);
  const std::map<Op, unsigned> wanted = {{Op::kMalloc, 2},   {Op::kRealloc, 1}, {Op::kFree, 3},
                                         {Op::kCalloc, 1},   {Op::kAligned, 1}, {Op::kNew, 1},
                                         {Op::kNewArray, 1}, {Op::kDelete, 1},  {Op::kDeleteArray, 1}};
  const Found found = file.read();
  EXPECT_EQ(found.calls, wanted);
  for (std::size_t i = 0; i < found.numbers.size(); ++i) EXPECT_EQ(found.numbers[i], i + 1);
  EXPECT_EQ(file.header().process, static_cast<std::uint32_t>(getpid()));
  EXPECT_EQ(file.header().ended, 0u);
}

TEST_F(RecordTest, OfLargeBlocksItIsWrittenHowMuchWasUsed) {
  constexpr std::size_t kMiB = std::size_t{1} << 20;
  const auto used = [](void* p, std::size_t bytes) { return std::memset(p, 1, bytes); };
  api::free(used(api::malloc(9 * kMiB), 2 * kMiB));
  api::free(used(api::malloc(9 * kMiB), 9 * kMiB));
  api::free(used(api::malloc(100), 50));
  void* const small = api::malloc(1000);
  void* const full = used(api::malloc(7 * kMiB), 7 * kMiB);
  void* const left = used(api::realloc(api::malloc(kMiB), 20 * kMiB), 3 * kMiB);
  void* const none = api::calloc(1, 5 * kMiB);
  api::end_records();
  Found found = File(path_).read();
  EXPECT_EQ(found.calls[Op::kLeft], 2u);
  ASSERT_EQ(found.touched.size(), 3u);
  EXPECT_EQ(found.touched[0], 2 * kMiB);
  std::sort(found.touched.begin() + 1, found.touched.end());
  EXPECT_LE(found.touched[1], 64u << 10);  // pages that another block had used
  EXPECT_EQ(found.touched[2], 3 * kMiB);
  for (void* const p : {small, full, left, none}) api::free(p);
}

TEST_F(RecordTest, NoCallOfThreadsIsMissingAndNoneHasTheNumberOfAnother) {
  constexpr unsigned kThreads = 4, kCalls = 3000;
  for (unsigned round = 0; round < 2; ++round) {  // the second one's threads go on where those of the first ended
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < kThreads; ++t) {
      threads.emplace_back([] {
        void* kept[16] = {};
        for (unsigned i = 0; i < kCalls; ++i) {
          api::free(kept[i % 16]);
          kept[i % 16] = api::malloc(i % 3000 + 1);
        }
        for (void* p : kept) api::free(p);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  Found found = File(path_).read();
  EXPECT_EQ(found.calls[Op::kMalloc], 2 * kThreads * kCalls);
  EXPECT_EQ(found.calls[Op::kFree], 2 * kThreads * kCalls);
  std::sort(found.numbers.begin(), found.numbers.end());
  for (std::size_t i = 0; i < found.numbers.size(); ++i) ASSERT_EQ(found.numbers[i], i + 1);
}

TEST_F(RecordTest, CallsWithinARecordedCallAreNotSeen) {
  record::Thread* const thread = record::begin();
  ASSERT_NE(thread, nullptr);
  {
    const record::Call call(*thread);
    EXPECT_EQ(record::begin(), nullptr);
    api::free(api::malloc(10));
  }
  EXPECT_NE(record::begin(), nullptr);
  EXPECT_TRUE(File(path_).read().calls.empty());
}

// Threads that allocate when it begins are seen from their next call on, and none after the end; again and again.
TEST(RecordLive, ThreadsAreSeenFromTheirNextCallToTheEnd) {
  constexpr unsigned kThreads = 3, kRounds = 5, kCalls = 50;
  const std::string path = testing::TempDir() + "record_live." + std::to_string(getpid());
  std::atomic<unsigned> round{0}, done{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      std::vector<void*> before(kRounds);
      for (void*& p : before) p = api::malloc(200);
      for (unsigned now = 0; now < 2 * kRounds; ++now) {
        done.fetch_add(1);
        while (round.load() <= now) std::this_thread::yield();
        const std::size_t size = now % 2 == 0 ? 777 : 999;  // recorded, not recorded
        for (unsigned i = 0; i < kCalls; ++i) api::free(api::malloc(size));
        if (now % 2 == 0) before[now / 2] = api::realloc(before[now / 2], 3000);
      }
      for (void* p : before) api::free(p);
      done.fetch_add(1);
    });
  }
  const auto await = [&](unsigned rounds) {
    while (done.load() < kThreads * (rounds + 1)) std::this_thread::yield();
  };
  for (unsigned i = 0; i < kRounds; ++i) {
    await(2 * i);
    ASSERT_TRUE(api::begin_recording(path, [](std::string_view why) { ADD_FAILURE() << why; }));
    EXPECT_FALSE(api::begin_recording(path, [](std::string_view) {}));
    round.store(2 * i + 1);
    await(2 * i + 1);
    ASSERT_TRUE(api::end_recording([](std::string_view why) { ADD_FAILURE() << why; }));
    EXPECT_FALSE(api::end_recording([](std::string_view) {}));
    round.store(2 * i + 2);
    Found found = File(path).read();
    EXPECT_EQ(found.sizes[777], kThreads * kCalls);
    EXPECT_EQ(found.sizes[999], 0u);
    EXPECT_EQ(found.calls[Op::kRealloc], kThreads);
    std::sort(found.numbers.begin(), found.numbers.end());
    EXPECT_EQ(std::adjacent_find(found.numbers.begin(), found.numbers.end()), found.numbers.end());
    EXPECT_EQ(File(path).header().live, 1u);
    std::filesystem::remove(path);
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace ashlar
