// api: tests which addresses look like blocks of glibc's. The test writes the headers of the blocks itself.
#include "api/foreign.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstdint>
#include <string_view>

#include "os/os.h"

namespace {

void* passed_on = nullptr;
void note_free(void* p) { passed_on = p; }

}  // namespace

// The C library behind this one: its free notes what it gets.
extern "C" void* ashlar_libc_symbol(const char* name) {
  return std::string_view(name) == "__libc_free" ? reinterpret_cast<void*>(note_free) : nullptr;
}

namespace ashlar::api::foreign {
namespace {

constexpr std::size_t kInUse = 1, kMapped = 2, kOtherArena = 4;
constexpr std::size_t kHeapBytes = 64_MiB;  // HEAP_MAX_SIZE

class ForeignTest : public testing::Test {
 protected:
  // Pages at a multiple of a heap's size, between others without access.
  ForeignTest() {
    void* const p = mmap(nullptr, 2 * kHeapBytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    start_ = (reinterpret_cast<std::uintptr_t>(p) + kHeapBytes) / kHeapBytes * kHeapBytes;
    EXPECT_EQ(mprotect(reinterpret_cast<void*>(start_), 4 * kPageBytes, PROT_READ | PROT_WRITE), 0);
    passed_on = nullptr;
  }

  std::size_t& word(std::size_t offset) const { return *reinterpret_cast<std::size_t*>(start_ + offset); }
  // Writes the two words before a block, and returns it.
  [[nodiscard]] void* chunk(std::size_t offset, std::size_t before, std::size_t size_and_flags) const {
    word(offset - 16) = before;
    word(offset - 8) = size_and_flags;
    return reinterpret_cast<void*>(start_ + offset);
  }

  std::uintptr_t start_ = 0;
};

using ForeignDeathTest = ForeignTest;

TEST_F(ForeignTest, AMappedChunkEndsWithItsMapping) {
  void* const p = chunk(16, 0, (2 * kPageBytes) | kMapped);
  EXPECT_EQ(usable_bytes(p, "test"), 2 * kPageBytes - 16);
  free(p, "test");
  EXPECT_EQ(passed_on, p);
}

TEST_F(ForeignTest, AMappedChunkMayEndAHeaderBeforeItsMappingDoes) {
  EXPECT_EQ(usable_bytes(chunk(16, 0, (2 * kPageBytes - 16) | kMapped), "test"), 2 * kPageBytes - 24);
}

TEST_F(ForeignTest, AnAlignedMappedChunkTellsWhereItsMappingStarts) {
  const std::size_t before = kPageBytes - 16;
  EXPECT_EQ(usable_bytes(chunk(kPageBytes, before, (kPageBytes + 16) | kMapped), "test"), kPageBytes);
}

TEST_F(ForeignTest, AChunkOfAnotherArenaLiesInAHeapWithAHead) {
  word(0) = start_ + 64;  // the arena
  word(16) = 4 * kPageBytes;
  EXPECT_EQ(usable_bytes(chunk(2048, 0, 256 | kOtherArena | kInUse), "test"), 248u);
}

TEST_F(ForeignTest, AChunkOfAnotherGlibcIsKeptAndFreedByNobody) {
  void* const p = chunk(2048, 0, 256 | kInUse);
  word(2048 - 16 + 256 + 8) = 64 | kInUse;  // the next chunk says that this one is in use
  EXPECT_EQ(usable_bytes(p, "test"), 248u);
  free(p, "test");
  EXPECT_EQ(passed_on, nullptr);
}

TEST_F(ForeignDeathTest, WhatLooksLikeNoChunkEndsTheProcess) {
  const char* const kLine = "test: invalid pointer 0x[0-9a-f]+: not the start of a block";
  const auto dies = [&](void* p) { EXPECT_DEATH(free(p, "test"), kLine); };
  dies(chunk(16, 0, (2 * kPageBytes + 16) | kMapped));          // ends in the middle of a page
  dies(chunk(2048, 0, 16 | kInUse));                            // shorter than the shortest
  dies(chunk(2048, 0, 264 | kOtherArena | kInUse));             // no multiple of 16
  dies(chunk(2048, 0, 256 | kOtherArena | kInUse));             // in no heap
  dies(chunk(2048, 0, 256 | kInUse));                           // what follows it does not know it
  dies(reinterpret_cast<void*>(start_ + 2056));                 // at no multiple of 16
  dies(reinterpret_cast<void*>(start_ + 4 * kPageBytes + 64));  // not readable
  dies(reinterpret_cast<void*>(std::uintptr_t{64}));
}

TEST_F(ForeignDeathTest, AHeadThatNamesNoArenaOrALongerHeapIsNone) {
  word(0) = start_ + 64;
  word(16) = kPageBytes + 8;
  EXPECT_DEATH(free(chunk(2048, 0, 256 | kOtherArena | kInUse), "test"), "invalid pointer");
  word(16) = 4 * kPageBytes;
  EXPECT_DEATH(free(chunk(2048, 0, (4 * kPageBytes) | kOtherArena | kInUse), "test"), "invalid pointer");
  word(0) = 0;
  EXPECT_DEATH(free(chunk(2048, 0, 256 | kOtherArena | kInUse), "test"), "invalid pointer");
}

// Two words before an address are easily written by who attacks a program.
TEST_F(ForeignDeathTest, UnderHardenNothingIsGlibcsWhereThisLibraryComesFirst) {
  if (!os::comes_before_libc()) GTEST_SKIP() << "the C library comes first here";
  options.harden = 1;
  EXPECT_DEATH(free(chunk(16, 0, (2 * kPageBytes) | kMapped), "test"), "invalid pointer");
  options.harden = 0;
}

}  // namespace
}  // namespace ashlar::api::foreign
