// heap: tests the bins of named caches.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "heap/bins.h"
#include "heap/heap_fixture.h"
#include "heap/named_bins.h"
#include "support/emulated.h"

namespace ashlar::heap {
namespace {

void* get(const slab::Handle& cache) {
  void* const p = pop(cache);
  return p != nullptr ? p : allocate(*cache.named);
}

// A thread was just moving objects about when another one forked: what it holds is lost in the child.
TEST(NamedBins, AChildDoesNotUseTheBinsOfAThreadThatWasInASlowPath) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer lets no child of a process with threads start one";
#endif
  if (kEmulated) GTEST_SKIP() << "the emulator lets no child of a process with threads start one";
  slab::Made made;
  slab::Handle* const cache = slab::create({"half_moved", 64, 0, nullptr, false, false}, made);
  ASSERT_NE(cache, nullptr);
  std::atomic<void*> half_moved{nullptr};
  std::atomic<bool> done{false};
  std::thread mover([&] {
    void* const p = get(*cache);
    release(*cache->named, p, "test");
    const Busy busy(*current);
    half_moved = p;
    while (!done) usleep(1000);
  });
  while (half_moved == nullptr) usleep(1000);
  const pid_t child = fork();
  if (child == 0) {
    void* got = nullptr;
    std::thread([&] { got = get(*cache); }).join();
    _exit(got != nullptr && got != half_moved ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0) << "the child's thread got the object from the other thread's magazine";
  done = true;
  mover.join();
}

}  // namespace
}  // namespace ashlar::heap
