// Is a correct program under ThreadSanitizer, beside a library that is not instrumented. Memory that one thread frees
// and another thread gets is no data race.
#include <atomic>
#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

#include "ashlar/cache.h"
#include "ashlar/heap.h"
#include "ashlar/mempool.h"

namespace {

constexpr int kObjects = 3000, kRounds = 4;

// Threads one after another: each gets what the ones before freed. No order between them but the allocator's.
template <class Alloc, class Free>
void in_turn(std::size_t size, Alloc alloc, Free free) {
  std::atomic<int> turn{0};  // relaxed: tells nothing of what was written
  std::vector<std::thread> threads;
  for (int i = 0; i < kRounds; ++i) {
    threads.emplace_back([&, i] {
      while (turn.load(std::memory_order_relaxed) != i) std::this_thread::yield();
      std::vector<void*> blocks(size > 10000 ? 20 : kObjects);
      for (void*& block : blocks) {
        block = alloc();
        std::memset(block, i, size);
      }
      for (void* const block : blocks) free(block);
      turn.store(i + 1, std::memory_order_relaxed);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// The same where each thread resets the heap instead, and ends one of its own: their pages are the next one's.
void in_turn_of_heaps(ashlar_heap* heap, std::size_t size) {
  std::atomic<int> turn{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kRounds; ++i) {
    threads.emplace_back([&, i] {
      while (turn.load(std::memory_order_relaxed) != i) std::this_thread::yield();
      ashlar_heap* const own = ashlar_heap_create("own", 0);
      ashlar_heap_adopt(heap);
      for (int n = 0; n < 20; ++n) {
        std::memset(ashlar_heap_malloc(heap, size), i, size);
        std::memset(ashlar_heap_malloc(own, size), i, size);
      }
      ashlar_heap_destroy(own);
      ashlar_heap_reset(heap);
      turn.store(i + 1, std::memory_order_relaxed);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

int main() {
  ashlar_cache* const cache = ashlar_cache_create("handed_on", 200, 0, 0, nullptr);
  if (cache == nullptr) return 2;
  in_turn(
      200, [=] { return ashlar_cache_alloc(cache); }, [=](void* p) { ashlar_cache_free(cache, p); });
  for (const std::size_t size : {64, 3000, 30000, 100000}) {
    in_turn(
        size, [=] { return ashlar_malloc(size); }, [](void* p) { ashlar_free(p); });
  }
  ashlar_mempool* const pool = ashlar_mempool_create_kmalloc_pool(100, 100);
  in_turn(
      100, [=] { return ashlar_mempool_alloc(pool, 0); }, [=](void* p) { ashlar_mempool_free(p, pool); });
  ashlar_mempool_destroy(pool);
  // blocks in chunks, spans in them, and runs: of the heap's owner, which is the first thread, and of others
  ashlar_heap* const heap = ashlar_heap_create("handed_on", 0);
  for (const std::size_t size : {64, 3000, 20000, 100000}) {
    in_turn(
        size, [=] { return ashlar_heap_malloc(heap, size); }, [=](void* p) { ashlar_heap_free(heap, p); });
    in_turn(
        size, [=] { return ashlar_heap_malloc(heap, size); }, [](void* p) { ashlar_free(p); });
  }
  for (const std::size_t size : {64, 20000, 100000}) in_turn_of_heaps(heap, size);
  // malloc in a scope, and free by the thread that comes next
  in_turn(
      64,
      [=] {
        ashlar_heap_push(heap);
        void* const p = ashlar_malloc(64);
        ashlar_heap_pop();
        return p;
      },
      [](void* p) { ashlar_free(p); });
  ashlar_heap_destroy(heap);
  return ashlar_cache_destroy(cache);
}
