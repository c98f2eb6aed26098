// Is a program of four threads and a child. It is built with a sanitizer and run with libashlar.so preloaded. It is
// correct, unless an argument names the mistake that the sanitizer must find: race, use_after_free, leak or overflow.
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

void allocate(int seed) {
  std::vector<std::string> kept;
  for (int i = 0; i < 1500; ++i) {
    kept.emplace_back(static_cast<std::size_t>(i % 3000), static_cast<char>('a' + seed));
    if (kept.size() > 100) kept.clear();
  }
  void* aligned = nullptr;
  if (posix_memalign(&aligned, 64, 1000) != 0 || malloc_usable_size(aligned) < 1000) abort();
  free(aligned);
  auto* grown = static_cast<char*>(calloc(10, 100));
  if (grown[999] != 0) abort();
  grown = static_cast<char*>(realloc(grown, 400000));
  memset(grown, seed, 400000);
  free(grown);
}

// Blocks of one thread are another's right after it: no order between the two but the allocator's.
void in_turn() {
  std::atomic<int> turn{0};  // relaxed: tells nothing of what was written
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      while (turn.load(std::memory_order_relaxed) != i) std::this_thread::yield();
      allocate(i);
      turn.store(i + 1, std::memory_order_relaxed);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

int at_once = 0;
// One after the other, since ThreadSanitizer may miss accesses at the same instant; relaxed, so that none orders them.
void race() {
  std::atomic<bool> done{false};
  std::thread other([&done] {
    ++at_once;
    done.store(true, std::memory_order_relaxed);
  });
  while (!done.load(std::memory_order_relaxed)) std::this_thread::yield();
  ++at_once;
  other.join();
}

volatile int sink = 0;
void use_after_free() {
  volatile int* const p = new int[16];
  delete[] p;
  sink = p[3];
}

__attribute__((noinline)) void leak() {
  void* volatile lost = malloc(12345);
  lost = nullptr;
}

void overflow(int by) {
  int most = INT_MAX;
  sink = most + by;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mistake = argc > 1 ? argv[1] : "";
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(allocate, i);
  for (std::thread& thread : threads) thread.join();
  in_turn();
  const pid_t child = fork();
  if (child == 0) {
    allocate(5);
    _exit(0);
  }
  int status = -1;
  waitpid(child, &status, 0);
  if (mistake == "race") race();
  if (mistake == "use_after_free") use_after_free();
  if (mistake == "leak") leak();
  if (mistake == "overflow") overflow(argc);
  puts(status == 0 ? "right" : "the child failed");
  return status == 0 ? 0 : 1;
}
