// heap: tests what ASHLAR_GFP_THISNODE and ASHLAR_GFP_NORETRY change when memory is short: on a (fake) node that gets
// no memory, and when only caches still have memory.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "ashlar/cache.h"
#include "ashlar/nodes.h"
#include "ashlar/pages.h"
#include "base/options.h"
#include "support/address_space.h"

namespace ashlar::heap {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;  // which has no address space to spare
#else
constexpr bool kSanitized = false;
#endif

// From here on the process maps nothing more.
bool stop_growth() {
  const unsigned long pages = ashlar_test::address_space_pages();
  if (pages == 0) return false;
  const rlim_t bytes = pages * 4096;
  const rlimit limit{bytes, bytes};
  return setrlimit(RLIMIT_AS, &limit) == 0;
}

// Runs `body` in a child. It returns what did not hold, or null.
template <class Body>
std::string in_child(Body body) {
  int ends[2];
  if (pipe(ends) != 0) return "no pipe";
  const pid_t child = fork();
  if (child == 0) {
    const char* const failed = body();
    const std::string_view word = failed != nullptr ? failed : "";
    _exit(write(ends[1], word.data(), word.size()) == static_cast<ssize_t>(word.size()) ? 0 : 1);
  }
  close(ends[1]);
  char word[200] = {};
  ssize_t n = read(ends[0], word, sizeof word);
  close(ends[0]);
  int status = -1;
  waitpid(child, &status, 0);
  if (status != 0) return "the child failed with status " + std::to_string(status);
  return {word, static_cast<std::size_t>(n > 0 ? n : 0)};
}

const char* on_a_node_without_memory() {
  options.numa_fake = 2;
  ashlar_cache* const cache = ashlar_cache_create("nodes", 64, 0, 0, nullptr);
  if (ashlar_cache_alloc_node(cache, 0) == nullptr || ashlar_node_count() != 2) return "no two nodes";
  ashlar_page* const first = ashlar_alloc_pages_node(0, 0, 0);
  if (!stop_growth()) return "no limit";
  if (ashlar_cache_alloc_node_flags(cache, 1, ASHLAR_GFP_THISNODE) != nullptr) return "THISNODE: an object";
  void* const object = ashlar_cache_alloc_node_flags(cache, 1, 0);
  if (object == nullptr || ashlar_node_of(object) != 0) return "an object of the other node";
  if (ashlar_cache_alloc_node_flags(cache, 0, ASHLAR_GFP_THISNODE) == nullptr) return "THISNODE: the node with memory";
  if (ashlar_alloc_pages_node(1, 0, ASHLAR_GFP_THISNODE) != nullptr) return "THISNODE: a page";
  ashlar_page* const page = ashlar_alloc_pages_node(1, 0, 0);
  if (page == nullptr || ashlar_node_of(ashlar_page_address(page)) != 0) return "a page of the other node";
  return first != nullptr ? nullptr : "a page";
}

TEST(ShortOfMemory, ThisnodeFailsWhereThePlainCallTakesFromAnotherNode) {
  if (kSanitized) GTEST_SKIP() << "no address space to spare";
  EXPECT_EQ(in_child(on_a_node_without_memory), "");
}

void construct(void* object) { *static_cast<char*>(object) = 1; }

// Leaves memory in a cache's free slabs alone, which it keeps as their objects are constructed.
const char* with_memory_in_caches_alone() {
  constexpr unsigned kObjects = 200;
  static void* objects[kObjects];
  ashlar_cache* const spare = ashlar_cache_create("spare", 4096, 0, 0, construct);
  for (void*& object : objects) object = ashlar_cache_alloc(spare);
  for (void* const object : objects) ashlar_cache_free(spare, object);
  if (!stop_growth()) return "no limit";
  while (ashlar_alloc_pages(0, ASHLAR_GFP_NORETRY) != nullptr) {
  }
  return nullptr;
}

const char* pages_without_retry() {
  if (const char* const failed = with_memory_in_caches_alone()) return failed;
  if (ashlar_alloc_pages(0, ASHLAR_GFP_NORETRY) != nullptr) return "NORETRY: a page";
  return ashlar_alloc_pages(0, 0) != nullptr ? nullptr : "a page";
}

const char* objects_without_retry() {
  ashlar_cache* const cache = ashlar_cache_create("wanting", 4096, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  if (const char* const failed = with_memory_in_caches_alone()) return failed;
  if (ashlar_cache_alloc_flags(cache, ASHLAR_GFP_NORETRY) != nullptr) return "NORETRY: an object";
  return ashlar_cache_alloc_flags(cache, 0) != nullptr ? nullptr : "an object";
}

TEST(ShortOfMemory, NoretryFailsWhereThePlainCallEmptiesCaches) {
  if (kSanitized) GTEST_SKIP() << "no address space to spare";
  EXPECT_EQ(in_child(pages_without_retry), "");
  EXPECT_EQ(in_child(objects_without_retry), "");
}

}  // namespace
}  // namespace ashlar::heap
