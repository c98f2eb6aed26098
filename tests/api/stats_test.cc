// Tests mallinfo, mallinfo2, malloc_info, malloc_stats and malloc_trim. Their figures are compared with what the test
// allocated itself.
#include <errno.h>
#include <gtest/gtest.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <regex>
#include <string>
#include <vector>

#include "api.h"
#include "support/check.h"

namespace ashlar_test {
namespace {

constexpr size_t kMiB = size_t{1} << 20;
// What may sit in caches that a report counts as either used or free.
constexpr size_t kSlack = kMiB / 2;

std::vector<void*> allocate(size_t count, size_t size) {
  std::vector<void*> blocks(count);
  for (void*& p : blocks) {
    p = api.malloc(size);
    if (p == nullptr) abort();
    memset(p, 1, size);
  }
  return blocks;
}
void release(std::vector<void*>& blocks) {
  for (void* p : blocks) api.free(p);
  blocks.clear();
}

std::string read_back(FILE* file) {
  std::string text;
  fflush(file);
  rewind(file);
  for (int c; (c = fgetc(file)) != EOF;) text.push_back(static_cast<char>(c));
  return text;
}

std::string malloc_info_text() {
  FILE* file = tmpfile();
  EXPECT_EQ(api.malloc_info(0, file), 0);
  std::string text = read_back(file);
  fclose(file);
  return text;
}

std::string malloc_stats_text() {
  FILE* file = tmpfile();
  const int old = dup(2);
  fflush(stderr);
  dup2(fileno(file), 2);
  api.malloc_stats();
  fflush(stderr);
  dup2(old, 2);
  close(old);
  std::string text = read_back(file);
  fclose(file);
  return text;
}

// The number after the last match of a regular expression with one group; SIZE_MAX where there is none.
size_t last_number(const std::string& text, const char* pattern) {
  size_t value = SIZE_MAX;
  const std::regex expression(pattern);
  for (std::sregex_iterator it(text.begin(), text.end(), expression), end; it != end; ++it)
    value = std::stoull((*it)[1]);
  return value;
}

TEST(Mallinfo2, CountsSmallBlocksInUse) {
  const size_t before = bytes_in_use();
  auto blocks = allocate(16384, 1000);
  const size_t during = bytes_in_use();
  release(blocks);
  const size_t after = bytes_in_use();
  EXPECT_GE(during - before, 16384u * 1000);
  EXPECT_LE(during - before, 16384u * 1000 * 5 / 4 + kSlack);
  EXPECT_LE(after, before + kSlack) << "freed blocks still count as used";
}

TEST(Mallinfo2, CountsLargeBlocksAsMapped) {
  const struct mallinfo2 before = api.mallinfo2();
  auto blocks = allocate(3, 40 * kMiB);
  const struct mallinfo2 during = api.mallinfo2();
  release(blocks);
  const struct mallinfo2 after = api.mallinfo2();
  EXPECT_EQ(during.hblks, before.hblks + 3);
  EXPECT_GE(during.hblkhd, before.hblkhd + 120 * kMiB);
  EXPECT_LE(during.hblkhd, before.hblkhd + 130 * kMiB);
  EXPECT_EQ(after.hblks, before.hblks);
  EXPECT_EQ(after.hblkhd, before.hblkhd);
  // uordblks is of the heap proper; counting the mapped blocks twice would not be the truth.
  EXPECT_LE(during.uordblks, before.uordblks + kSlack);
}

TEST(Mallinfo2, FreeAndUsedAddUpToTheArena) {
  auto blocks = allocate(8192, 2000);
  for (size_t i = 0; i < blocks.size(); i += 2) {
    api.free(blocks[i]);
    blocks[i] = nullptr;
  }
  const struct mallinfo2 info = api.mallinfo2();
  EXPECT_EQ(info.uordblks + info.fordblks, info.arena);
  EXPECT_GE(info.uordblks, 4096u * 2000);
  release(blocks);
}

TEST(Mallinfo, IsMallinfo2InInts) {
  auto blocks = allocate(100, 5000);
  const struct mallinfo2 wide = api.mallinfo2();
  const struct mallinfo narrow = api.mallinfo();
  EXPECT_EQ(narrow.arena, static_cast<int>(wide.arena));
  EXPECT_EQ(narrow.uordblks, static_cast<int>(wide.uordblks));
  EXPECT_EQ(narrow.fordblks, static_cast<int>(wide.fordblks));
  EXPECT_EQ(narrow.hblks, static_cast<int>(wide.hblks));
  EXPECT_EQ(narrow.hblkhd, static_cast<int>(wide.hblkhd));
  release(blocks);
}

// Enough of a parser to tell well-formed XML from broken: tags nest, attributes are quoted, one root.
void expect_well_formed(const std::string& xml) {
  std::vector<std::string> open;
  const std::regex tag(R"re(<(/?)([a-z_]+)((?: [a-z_]+="[^"<>&]*")*)\s*(/?)>)re");
  size_t at = 0;
  int roots = 0;
  for (std::sregex_iterator it(xml.begin(), xml.end(), tag), end; it != end; ++it) {
    const std::string between = xml.substr(at, static_cast<size_t>(it->position()) - at);
    ASSERT_EQ(between.find_first_of("<>"), std::string::npos) << between;
    at = static_cast<size_t>(it->position() + it->length());
    if ((*it)[1] == "/") {
      ASSERT_FALSE(open.empty());
      ASSERT_EQ(open.back(), (*it)[2].str());
      open.pop_back();
    } else {
      roots += open.empty();
      if ((*it)[4] != "/") open.push_back((*it)[2]);
    }
  }
  EXPECT_TRUE(open.empty());
  EXPECT_EQ(roots, 1);
  EXPECT_EQ(xml.find_first_not_of("\n", at), std::string::npos) << "text after the root";
}

TEST(MallocInfo, IsWellFormedXmlOfVersion1) {
  auto blocks = allocate(1000, 300);
  const std::string xml = malloc_info_text();
  release(blocks);
  EXPECT_EQ(xml.rfind("<malloc version=\"1\">", 0), 0u) << xml.substr(0, 80);
  EXPECT_NE(xml.find("</malloc>"), std::string::npos);
  EXPECT_NE(xml.find("<heap nr=\"0\">"), std::string::npos);
  expect_well_formed(xml);
}

TEST(MallocInfo, CountsWhatIsAllocated) {
  const char* mapped = R"re(<total type="mmap" count="\d+" size="(\d+)"/>)re";
  const char* system = R"re(<system type="current" size="(\d+)"/>)re";
  const std::string before = malloc_info_text();
  ASSERT_NE(last_number(before, mapped), SIZE_MAX) << before;
  ASSERT_NE(last_number(before, system), SIZE_MAX) << before;
  auto large = allocate(2, 40 * kMiB);
  auto small = allocate(60000, 1000);
  const std::string during = malloc_info_text();
  release(large);
  EXPECT_GE(last_number(during, mapped), last_number(before, mapped) + 80 * kMiB);
  EXPECT_LE(last_number(during, mapped), last_number(before, mapped) + 90 * kMiB);
  EXPECT_GE(last_number(during, system), 60000u * 1000);
  release(small);
  EXPECT_EQ(last_number(malloc_info_text(), mapped), last_number(before, mapped));
}

TEST(MallocInfo, RefusesOptionsThatItDoesNotKnow) {
  FILE* file = tmpfile();
  EXPECT_EQ(api.malloc_info(1, file), EINVAL);
  EXPECT_EQ(ftell(file), 0);
  fclose(file);
}

TEST(MallocStats, PrintsWhatIsInUseOnStandardError) {
  // glibc leaves the form open. Ours is the report of the option stats.
  const char* in_use = R"(live\s+(\d+) KiB)";
  const std::string before = malloc_stats_text();
  ASSERT_NE(last_number(before, in_use), SIZE_MAX) << "no line \"live N KiB\" in:\n" << before;
  auto blocks = allocate(16384, 1000);
  auto large = allocate(1, 40 * kMiB);
  const std::string during = malloc_stats_text();
  release(blocks);
  release(large);
  const size_t allocated = (16384u * 1000 + 40 * kMiB) / 1024;
  EXPECT_GE(last_number(during, in_use) + 1, last_number(before, in_use) + allocated);
  EXPECT_LE(last_number(during, in_use), last_number(before, in_use) + allocated * 5 / 4);
  EXPECT_LE(last_number(malloc_stats_text(), in_use), last_number(before, in_use) + kSlack / 1024);
}

// One object of each 128 KiB lives on: the pages between can only go back one by one, not as a whole tail of the heap.
TEST(MallocTrim, GivesFreePagesBackAndSaysSo) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer's shadow memory dominates the RSS";
#endif
  auto blocks = allocate(65536, 1024);
  const long full = rss_kib();
  std::vector<void*> kept;
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (i % 128 == 0) {
      kept.push_back(blocks[i]);
    } else {
      api.free(blocks[i]);
    }
  }
  EXPECT_EQ(api.malloc_trim(0), 1);
  const long trimmed = rss_kib();
  // 64 MiB were in use and 512 KiB are; each survivor may hold its slab of up to 64 KiB.
  EXPECT_LT(trimmed, full - 28 * 1024) << "full " << full << " KiB, trimmed " << trimmed << " KiB";
  for (void* p : kept) EXPECT_EQ(static_cast<char*>(p)[1023], 1);
  release(kept);
}

TEST(MallocTrim, OfEverythingFreedReturnsToTheStart) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer's shadow memory dominates the RSS";
#endif
  api.malloc_trim(0);
  const long before = rss_kib();
  for (size_t size : {size_t{24}, size_t{300}, size_t{3000}, size_t{30000}, size_t{300000}, 3 * kMiB}) {
    // Each block has the address of the one before it, since libc's malloc keeps the memory of a vector of a million
    // pointers once it has seen one.
    void* last = nullptr;
    for (size_t i = 0; i < 24 * kMiB / size; ++i) {
      void* const p = api.malloc(size);
      ASSERT_NE(p, nullptr);
      memset(p, 1, size);
      memcpy(p, &last, sizeof last);
      last = p;
    }
    while (last != nullptr) {
      void* const p = last;
      memcpy(&last, p, sizeof last);
      api.free(p);
    }
  }
  api.malloc_trim(0);
  EXPECT_LT(rss_kib(), before + 3 * 1024);
}

}  // namespace
}  // namespace ashlar_test
