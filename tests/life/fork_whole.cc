// Tests fork beside threads that move objects in and out of their caches all the time. Objects in transit at that
// moment must not be lost in the child. The child compares what is in use with what its parent's threads held.
//   caches   the objects are of a named cache
//   pages    the objects are malloc's, and other threads allocate blocks of pages
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <string_view>

#include "ashlar/ashlar.h"
#include "ashlar/cache.h"
#include "ashlar/pages.h"

namespace {

constexpr int kForks = 60;
constexpr size_t kThreads = 3, kHeld = 400, kObject = 512, kBlock = 64;

std::string_view mode;
std::atomic<bool> stop{false};
std::atomic<void*> held[kThreads][kHeld];
ashlar_cache* cache = nullptr;

void* get() { return mode == "caches" ? ashlar_cache_alloc(cache) : malloc(kBlock); }
void put(void* p) { mode == "caches" ? ashlar_cache_free(cache, p) : free(p); }

void call_between() {
  constexpr size_t kBytes = size_t{40} << 10;
  for (int i = 0; mode == "pages" && i < 50; ++i) ashlar_free_pages_exact(ashlar_alloc_pages_exact(kBytes, 0), kBytes);
}

void* move_about(void* own) {
  auto* const places = static_cast<std::atomic<void*>*>(own);
  while (!stop) {
    for (size_t i = 0; i < kHeld; ++i) places[i] = get();
    for (size_t i = 0; i < kHeld; ++i) put(places[i].exchange(nullptr));
    call_between();
  }
  return nullptr;
}

size_t in_use() {
  if (mode == "caches") {
    struct ashlar_cache_stats stats {};
    ashlar_cache_snapshot(cache, &stats);
    return stats.live;
  }
  struct ashlar_stats stats {};
  ashlar_stats_snapshot(&stats, sizeof stats);
  return stats.live_slab / kBlock;
}

// In the child: objects that nobody has. Threads may have one each in their hands.
size_t lost(size_t before) {
  malloc_trim(0);
  size_t n = before + 2 * kThreads;
  for (auto& places : held) {
    for (const auto& place : places) n += place != nullptr ? 1 : 0;
  }
  const size_t found = in_use();
  return found > n ? found - n : 0;
}

}  // namespace

int main(int argc, char** argv) {
  alarm(100);
  mode = argc > 1 ? argv[1] : "";
  cache = ashlar_cache_create("fork_whole", kObject, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  if (cache == nullptr) return 2;
  constexpr size_t kOfLibc = 100;  // what it needs for the threads
  const size_t before = mode == "caches" ? 0 : in_use() + kOfLibc;
  pthread_t threads[kThreads];
  for (size_t i = 0; i < kThreads; ++i) pthread_create(&threads[i], nullptr, move_about, held[i]);
  int with_losses = 0;
  size_t most = 0;
  for (int i = 0; i < kForks; ++i) {
    usleep(500);
    int ends[2];
    if (pipe(ends) != 0) return 2;
    const pid_t child = fork();
    if (child == 0) {
      const size_t n = lost(before);
      (void)!write(ends[1], &n, sizeof n);
      _exit(0);
    }
    close(ends[1]);
    size_t n = SIZE_MAX;
    if (read(ends[0], &n, sizeof n) != sizeof n) fprintf(stderr, "child %d ended early\n", i);
    close(ends[0]);
    waitpid(child, nullptr, 0);
    if (n > 0) ++with_losses;
    if (n > most) most = n;
  }
  stop = true;
  for (pthread_t thread : threads) pthread_join(thread, nullptr);
  printf("%d of %d children lost objects, at most %zu\n", with_losses, kForks, most);
  // a fork goes on without a thread that gets no processor for 30 ms
  return with_losses > kForks / 6 ? 1 : 0;
}
