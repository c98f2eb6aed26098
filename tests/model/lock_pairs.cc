// Runs all layers on several threads, with forks, and prints which ranks of locks were taken while which ranks were
// held. Each line is "HELD TAKEN", by number. Debug builds record them. tests/model/lock_pairs.py runs this program
// under several options.
#include <ashlar/ashlar.h>
#include <ashlar/cache.h>
#include <ashlar/heap.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>
#include <vector>

#include "os/lock.h"

namespace {

constexpr int kThreads = 4, kRounds = 3000, kSlots = 256;

std::mutex mutex;
void* slots[kSlots];  // what one thread allocates, another frees

void* exchange(unsigned at, void* p) {
  const std::lock_guard guard(mutex);
  std::swap(slots[at % kSlots], p);
  return p;
}

std::size_t size_for(unsigned random) {
  switch (random >> 8 & 15) {
    case 0: return std::size_t{40000} + (random >> 12) % 400000;
    case 1: return (random >> 12) % 32768;
    case 2: return std::size_t{33} << 20;  // a mapping of its own
    default: return (random >> 12) % 600;
  }
}

void churn(unsigned seed) {
  unsigned random = seed;
  for (int i = 0; i < kRounds; ++i) {
    random = random * 1664525u + 1013904223u;
    void* p = ashlar_malloc(size_for(random));
    if (i % 7 == 0) p = ashlar_realloc(p, size_for(random * 3u) + 1);
    if (i % 11 == 0) {
      ashlar_free(p);
      p = ashlar_aligned_alloc(256, 512);
    }
    ashlar_free(exchange(random >> 20, p));
    if (i % 500 == 0) ashlar_malloc_trim(0);
    if (i % 1000 == 0) ashlar_validate();
  }
}

void use_cache(const char* name) {
  ashlar_cache* const cache = ashlar_cache_create(name, 200, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  if (cache == nullptr) return;
  std::vector<void*> objects;
  for (int i = 0; i < 5000; ++i) objects.push_back(ashlar_cache_alloc(cache));
  for (void* const p : objects) ashlar_cache_free(cache, p);
  ashlar_cache_shrink(cache);
  ashlar_cache_destroy(cache);
}

void use_heaps() {
  for (unsigned round = 0; round < 20; ++round) {
    ashlar_heap* const heap = ashlar_heap_create("lock pairs", 0);
    if (heap == nullptr) return;
    std::vector<void*> blocks;
    for (unsigned i = 0; i < 500; ++i) blocks.push_back(ashlar_heap_malloc(heap, size_for(i * 7919u)));
    for (void* const p : blocks) ashlar_free(p);
    ashlar_validate();
    round % 2 == 0 ? ashlar_heap_delete(heap) : ashlar_heap_destroy(heap);
  }
}

// Destroys a cache of which an object is in use: the message looks for it in the heaps of threads and in all slabs.
bool destroy_busy() {
  ashlar_cache* const cache = ashlar_cache_create("busy", 200, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  if (cache == nullptr) return false;
  void* const object = ashlar_cache_alloc(cache);
  const bool refused = ashlar_cache_destroy(cache) != 0;
  ashlar_cache_free(cache, object);
  return refused && ashlar_cache_destroy(cache) == 0;
}

// Destroys a cache while a thread has all of its free objects in a magazine. They come back when the thread ends, and
// the next cache takes the number over, so its creation gives the slabs back to the zone.
bool create_in_place_of_destroyed() {
  ashlar_cache* const cache = ashlar_cache_create("destroyed", 65536, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  if (cache == nullptr) return false;
  std::mutex until_freed, until_destroyed;
  until_freed.lock();
  until_destroyed.lock();
  std::thread user([&] {
    void* objects[4];
    for (void*& object : objects) object = ashlar_cache_alloc(cache);
    for (void* const object : objects) ashlar_cache_free(cache, object);
    until_freed.unlock();
    until_destroyed.lock();
  });
  until_freed.lock();
  const bool destroyed = ashlar_cache_destroy(cache) == 0;
  until_destroyed.unlock();
  user.join();
  ashlar_cache* const next = ashlar_cache_create("next", 400, 0, ASHLAR_CACHE_NO_MERGE, nullptr);
  return destroyed && next != nullptr && ashlar_cache_destroy(next) == 0;
}

bool fork_once() {
  const pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 200; ++i) ashlar_free(ashlar_malloc(static_cast<std::size_t>(i) * 50));
    _exit(0);
  }
  int status = 0;
  return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

}  // namespace

int main() {
  static_assert(ashlar::kDebug, "this program is compiled with the checks on");
  if (!destroy_busy() || !create_in_place_of_destroyed()) return 1;
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < kThreads; ++t) threads.emplace_back(churn, 7 * t + 1);
  threads.emplace_back(use_cache, "first");
  threads.emplace_back(use_cache, "second");
  threads.emplace_back(use_heaps);
  for (int i = 0; i < 5; ++i) {
    if (!fork_once()) return 1;
  }
  for (std::thread& thread : threads) thread.join();
  for (unsigned held = 0; held < ashlar::kLockRanks; ++held) {
    const std::uint32_t taken = ashlar::taken_while_held(static_cast<ashlar::LockRank>(held));
    for (unsigned rank = 0; rank < ashlar::kLockRanks; ++rank) {
      if ((taken >> rank & 1u) != 0) std::printf("%u %u\n", held, rank);
    }
  }
}
