// Is a program with known places of allocation, for the estimates of `ashlar profile`. It prints a line for each place:
// its function's name, the bytes that it allocates, and how many of these it still holds at the end.
#include <pthread.h>

#include <cstdio>
#include <cstdlib>
#include <initializer_list>

#include "ashlar/cache.h"
#include "ashlar/heap.h"
#include "ashlar/kmalloc.h"
#include "ashlar/mempool.h"
#include "ashlar/pages.h"
#include "ashlar/vmalloc.h"

// Ashlar is preloaded.
#pragma weak ashlar_cache_alloc
#pragma weak ashlar_cache_alloc_bulk
#pragma weak ashlar_cache_alloc_node
#pragma weak ashlar_cache_create
#pragma weak ashlar_cache_free
#pragma weak ashlar_cache_free_bulk
#pragma weak ashlar_cache_zalloc
#pragma weak ashlar_mempool_alloc
#pragma weak ashlar_mempool_create_slab_pool
#pragma weak ashlar_mempool_free
#pragma weak ashlar_heap_create
#pragma weak ashlar_heap_destroy
#pragma weak ashlar_heap_free
#pragma weak ashlar_heap_malloc
#pragma weak ashlar_heap_memalign
#pragma weak ashlar_heap_pop
#pragma weak ashlar_heap_push
#pragma weak ashlar_heap_realloc
#pragma weak ashlar_heap_reset
#pragma weak ashlar_heap_zalloc
#pragma weak ashlar_free_pages_at
#pragma weak ashlar_get_free_pages
#pragma weak ashlar_kmalloc
#pragma weak ashlar_kfree
#pragma weak ashlar_vfree
#pragma weak ashlar_vmalloc

namespace {

constexpr std::size_t kEach = std::size_t{48} << 20;  // about as much as each place allocates

void* volatile sink;
void* kept[1 << 21];
std::size_t kept_count = 0;

void keep(void* p) {
  if (p == nullptr || kept_count == 1 << 21) std::abort();
  kept[kept_count++] = p;
}

void tell(const char* name, std::size_t allocated, std::size_t held) {
  std::printf("%s %zu %zu\n", name, allocated, held);
}

// A place whose blocks are freed at once. They come from the same magazine, or are large blocks.
#define PASSING(name, size)                            \
  extern "C" [[gnu::noinline]] void name() {           \
    for (std::size_t n = 0; n < kEach / (size); ++n) { \
      sink = std::malloc(size);                        \
      std::free(sink);                                 \
    }                                                  \
    tell(#name, kEach / (size) * (size), 0);           \
  }

// One place that keeps all its blocks, and one that keeps every fourth.
#define KEEPING(name, size)                                                   \
  extern "C" [[gnu::noinline]] void name() {                                  \
    for (std::size_t n = 0; n < kEach / (size); ++n) keep(std::malloc(size)); \
    tell(#name, kEach / (size) * (size), kEach / (size) * (size));            \
  }

PASSING(passing_8, 8)
PASSING(passing_100, 100)
PASSING(passing_30000, 30000)
PASSING(passing_300000, 300000)
PASSING(passing_8m, std::size_t{8} << 20)
KEEPING(keeping_200, 200)
KEEPING(keeping_3000, 3000)
KEEPING(keeping_8m, std::size_t{8} << 20)

// A window of live blocks, of which the one that was allocated last is not the one that is freed.
extern "C" [[gnu::noinline]] void recycled_64() {
  static void* window[4096];
  std::size_t held = 0;
  for (std::size_t n = 0; n < kEach / 64; ++n) {
    void*& at = window[n * 7 % 4096];
    held += at == nullptr ? 64 : 0;
    std::free(at);
    at = std::malloc(64);
  }
  tell("recycled_64", kEach / 64 * 64, held);
}

// Each step is an allocation of the block's new size. The last block of a round is kept.
template <std::size_t n>
void grow(const char* name, const std::size_t (&steps)[n]) {
  std::size_t allocated = 0;
  void* p = nullptr;
  while (allocated < kEach) {
    std::free(p);
    p = nullptr;
    for (const std::size_t size : steps) {
      sink = p = std::realloc(p, size);
      allocated += size;
    }
  }
  keep(p);
  tell(name, allocated, steps[n - 1]);
}

extern "C" [[gnu::noinline]] void grown_by_realloc() { grow("grown_by_realloc", {100, 1000, 10000, 100000}); }

extern "C" [[gnu::noinline]] void grown_to_8m() {
  grow("grown_to_8m", {std::size_t{1} << 20, std::size_t{3} << 20, std::size_t{8} << 20});
}

extern "C" [[gnu::noinline]] void aligned_1000() {
  for (std::size_t n = 0; n < kEach / 1000; ++n) {
    void* p = nullptr;
    if (posix_memalign(&p, 256, 1000) != 0) std::abort();
    if (n % 4 == 0) keep(p);
    else std::free(p);
  }
  tell("aligned_1000", kEach / 1000 * 1000, (kEach / 1000 + 3) / 4 * 1000);
}

extern "C" [[gnu::noinline]] void aligned_2m() {
  constexpr std::size_t kSize = std::size_t{2} << 20;
  for (std::size_t n = 0; n < kEach / kSize; ++n) {
    void* p = nullptr;
    if (posix_memalign(&p, 65536, kSize) != 0) std::abort();
    if (n % 4 == 0) keep(p);
    else std::free(p);
  }
  tell("aligned_2m", kEach / kSize * kSize, (kEach / kSize + 3) / 4 * kSize);
}

extern "C" [[gnu::noinline]] void zeroed_480() {
  for (std::size_t n = 0; n < kEach / 480; ++n) {
    sink = std::calloc(10, 48);
    std::free(sink);
  }
  tell("zeroed_480", kEach / 480 * 480, 0);
}

extern "C" [[gnu::noinline]] void made_by_new_700() {
  for (std::size_t n = 0; n < kEach / 700; ++n) {
    char* const p = new char[700];
    sink = p;
    delete[] p;
  }
  tell("made_by_new_700", kEach / 700 * 700, 0);
}

extern "C" [[gnu::noinline]] void kept_by_new_5000() {
  for (std::size_t n = 0; n < kEach / 5000; ++n) keep(new char[5000]);
  tell("kept_by_new_5000", kEach / 5000 * 5000, kEach / 5000 * 5000);
}

// A thread frees what another thread allocated.
constexpr std::size_t kBatch = 1000;
struct Batch {
  void* blocks[kBatch];
};

void* free_batch(void* batch) {
  for (void* const p : static_cast<Batch*>(batch)->blocks) std::free(p);
  return nullptr;
}

extern "C" [[gnu::noinline]] void freed_elsewhere_500() {
  static Batch batch;
  constexpr std::size_t kBatches = kEach / 500 / kBatch;
  for (std::size_t n = 0; n < kBatches; ++n) {
    for (void*& p : batch.blocks) p = std::malloc(500);
    pthread_t thread;
    if (pthread_create(&thread, nullptr, free_batch, &batch) != 0) std::abort();
    pthread_join(thread, nullptr);
  }
  tell("freed_elsewhere_500", kBatches * kBatch * 500, 0);
}

// --- Heaps that the program makes

ashlar_heap* heap() {
  static ashlar_heap* const made = ashlar_heap_create("sites", 0);
  if (made == nullptr) std::abort();
  return made;
}

// The same for a heap.
#define PASSING_IN_HEAP(name, size)                    \
  extern "C" [[gnu::noinline]] void name() {           \
    for (std::size_t n = 0; n < kEach / (size); ++n) { \
      sink = ashlar_heap_malloc(heap(), size);         \
      ashlar_heap_free(heap(), sink);                  \
    }                                                  \
    tell(#name, kEach / (size) * (size), 0);           \
  }
#define KEEPING_IN_HEAP(name, size)                                                          \
  extern "C" [[gnu::noinline]] void name() {                                                 \
    for (std::size_t n = 0; n < kEach / (size); ++n) keep(ashlar_heap_malloc(heap(), size)); \
    tell(#name, kEach / (size) * (size), kEach / (size) * (size));                           \
  }

PASSING_IN_HEAP(heap_passing_48, 48)
PASSING_IN_HEAP(heap_passing_20000, 20000)
PASSING_IN_HEAP(heap_passing_200000, 200000)
PASSING_IN_HEAP(heap_passing_40m, std::size_t{40} << 20)
KEEPING_IN_HEAP(heap_keeping_100, 100)
KEEPING_IN_HEAP(heap_keeping_9000, 9000)
KEEPING_IN_HEAP(heap_keeping_1m, std::size_t{1} << 20)

// Many are loaded at once, and freed in another order.
extern "C" [[gnu::noinline]] void heap_recycled_64() {
  static void* window[4096];
  std::size_t held = 0;
  for (std::size_t n = 0; n < kEach / 64; ++n) {
    void*& at = window[n * 7 % 4096];
    held += at == nullptr ? 64 : 0;
    ashlar_heap_free(heap(), at);
    at = n % 2 == 0 ? ashlar_heap_malloc(heap(), 64) : ashlar_heap_zalloc(heap(), 64);
  }
  tell("heap_recycled_64", kEach / 64 * 64, held);
}

// Its blocks end with the heap: all blocks, or those that it has at the time.
extern "C" [[gnu::noinline]] void heap_ended_300() {
  for (std::size_t n = 0; n < kEach / 300;) {
    ashlar_heap* const own = ashlar_heap_create("ended", 0);
    for (std::size_t i = 0; i < 10000 && n < kEach / 300; ++i, ++n) sink = ashlar_heap_malloc(own, 300);
    if (ashlar_heap_destroy(own) != 0) std::abort();
  }
  tell("heap_ended_300", kEach / 300 * 300, 0);
}

extern "C" [[gnu::noinline]] void heap_reset_of_all_sizes() {
  ashlar_heap* const own = ashlar_heap_create("reset", 0);
  constexpr std::size_t kSizes[] = {24, 2000, 12000, 90000, std::size_t{36} << 20};
  std::size_t allocated = 0;
  while (allocated < kEach) {
    for (const std::size_t size : kSizes) {
      const std::size_t blocks = size < 100000 ? 100 : 1;
      for (std::size_t i = 0; i < blocks; ++i) sink = ashlar_heap_malloc(own, size);
      allocated += blocks * size;
    }
    if (ashlar_heap_reset(own) != 0) std::abort();
  }
  tell("heap_reset_of_all_sizes", allocated, 0);
}

// Takes blocks by malloc from the heap that the thread pushed, and frees them into it.
extern "C" [[gnu::noinline]] void pushed_150() {
  if (ashlar_heap_push(heap()) != 0) std::abort();
  for (std::size_t n = 0; n < kEach / 150; ++n) {
    void* const p = std::malloc(150);
    if (n % 4 == 0) keep(p);
    else std::free(p);
  }
  ashlar_heap_pop();
  tell("pushed_150", kEach / 150 * 150, (kEach / 150 + 3) / 4 * 150);
}

extern "C" [[gnu::noinline]] void heap_grown_by_realloc() {
  constexpr std::size_t kSteps[] = {100, 1000, 10000, 100000};
  std::size_t allocated = 0;
  void* p = nullptr;
  while (allocated < kEach) {
    ashlar_heap_free(heap(), p);
    p = nullptr;
    for (const std::size_t size : kSteps) {
      sink = p = ashlar_heap_realloc(heap(), p, size);
      allocated += size;
    }
  }
  keep(p);
  tell("heap_grown_by_realloc", allocated, kSteps[3]);
}

extern "C" [[gnu::noinline]] void heap_aligned_1000() {
  for (std::size_t n = 0; n < kEach / 1000; ++n) {
    void* const p = ashlar_heap_memalign(heap(), 256, 1000);
    if (n % 4 == 0) keep(p);
    else ashlar_heap_free(heap(), p);
  }
  tell("heap_aligned_1000", kEach / 1000 * 1000, (kEach / 1000 + 3) / 4 * 1000);
}

// Two threads allocate from one heap. One of them has the bins.
extern "C" [[gnu::noinline]] void* heap_of_two_threads_500(void*) {
  for (std::size_t n = 0; n < kEach / 2 / 500; ++n) {
    void* const p = ashlar_heap_malloc(heap(), 500);
    ashlar_heap_free(heap(), p);
    asm volatile("" ::"r"(p) : "memory");
  }
  return nullptr;
}

void run_two_threads() {
  pthread_t threads[2];
  for (pthread_t& thread : threads) {
    if (pthread_create(&thread, nullptr, heap_of_two_threads_500, nullptr) != 0) std::abort();
  }
  for (const pthread_t thread : threads) pthread_join(thread, nullptr);
  tell("heap_of_two_threads_500", kEach / 2 / 500 * 2 * 500, 0);
}

// --- The kernel's names

extern "C" [[gnu::noinline]] void kmalloc_keeping_250() {
  for (std::size_t n = 0; n < kEach / 250; ++n) {
    void* const p = ashlar_kmalloc(250, 0);
    if (n % 4 == 0) keep(p);
    else ashlar_kfree(p);
  }
  tell("kmalloc_keeping_250", kEach / 250 * 250, (kEach / 250 + 3) / 4 * 250);
}

extern "C" [[gnu::noinline]] void pages_of_order_2() {
  constexpr std::size_t kSize = std::size_t{4096} << 2;
  for (std::size_t n = 0; n < kEach / kSize; ++n) {
    void* const p = ashlar_get_free_pages(0, 2);
    if (n % 2 == 0) keep(p);
    else ashlar_free_pages_at(p, 2);
  }
  tell("pages_of_order_2", kEach / kSize * kSize, (kEach / kSize + 1) / 2 * kSize);
}

extern "C" [[gnu::noinline]] void areas_of_64k() {
  constexpr std::size_t kSize = 65536;
  for (std::size_t n = 0; n < kEach / kSize; ++n) {
    void* const p = ashlar_vmalloc(kSize);
    if (n % 2 == 0) keep(p);
    else ashlar_vfree(p);
  }
  tell("areas_of_64k", kEach / kSize * kSize, (kEach / kSize + 1) / 2 * kSize);
}

// --- Named caches

void construct(void* object) { *static_cast<long*>(object) = 1; }

ashlar_cache* cache_of(const char* name, std::size_t size, void (*constructor)(void*) = nullptr) {
  ashlar_cache* const made = ashlar_cache_create(name, size, 0, ASHLAR_CACHE_NO_MERGE, constructor);
  if (made == nullptr) std::abort();
  return made;
}

#define PASSING_IN_CACHE(name, size)                   \
  extern "C" [[gnu::noinline]] void name() {           \
    ashlar_cache* const cache = cache_of(#name, size); \
    for (std::size_t n = 0; n < kEach / (size); ++n) { \
      sink = ashlar_cache_alloc(cache);                \
      ashlar_cache_free(cache, sink);                  \
    }                                                  \
    tell(#name, kEach / (size) * (size), 0);           \
  }
#define KEEPING_IN_CACHE(name, size, constructor)                                     \
  extern "C" [[gnu::noinline]] void name() {                                          \
    ashlar_cache* const cache = cache_of(#name, size, constructor);                   \
    for (std::size_t n = 0; n < kEach / (size); ++n) keep(ashlar_cache_alloc(cache)); \
    tell(#name, kEach / (size) * (size), kEach / (size) * (size));                    \
  }

PASSING_IN_CACHE(cache_passing_40, 40)
PASSING_IN_CACHE(cache_passing_100k, 100000)
KEEPING_IN_CACHE(cache_keeping_120, 120, nullptr)
KEEPING_IN_CACHE(cache_keeping_constructed_3000, 3000, construct)

// Two handles share a cache. Some of its objects are freed by free.
extern "C" [[gnu::noinline]] void cache_merged_96() {
  ashlar_cache* const one = ashlar_cache_create("one", 96, 0, 0, nullptr);
  ashlar_cache* const other = ashlar_cache_create("other", 96, 0, 0, nullptr);
  static void* window[4096];
  std::size_t held = 0;
  for (std::size_t n = 0; n < kEach / 96; ++n) {
    void*& at = window[n * 7 % 4096];
    held += at == nullptr ? 96 : 0;
    if (n % 3 == 0) std::free(at);
    else ashlar_cache_free(n % 2 == 0 ? one : other, at);
    at = n % 2 == 0 ? ashlar_cache_alloc(one) : ashlar_cache_zalloc(other);
  }
  tell("cache_merged_96", kEach / 96 * 96, held);
}

extern "C" [[gnu::noinline]] void cache_bulk_of_node_200() {
  ashlar_cache* const cache = cache_of("bulk", 200);
  constexpr std::size_t kBulk = 30;
  std::size_t allocated = 0;
  while (allocated < kEach) {
    void* objects[kBulk];
    if (ashlar_cache_alloc_bulk(cache, kBulk, objects) != kBulk) std::abort();
    sink = ashlar_cache_alloc_node(cache, 0);
    ashlar_cache_free(cache, sink);
    ashlar_cache_free_bulk(cache, kBulk, objects);
    allocated += (kBulk + 1) * 200;
  }
  tell("cache_bulk_of_node_200", allocated, 0);
}

extern "C" [[gnu::noinline]] void pool_of_cache_600() {
  ashlar_mempool* const pool = ashlar_mempool_create_slab_pool(1, cache_of("pooled", 600));
  for (std::size_t n = 0; n < kEach / 600; ++n) {
    void* const element = ashlar_mempool_alloc(pool, 0);
    if (n % 4 == 0) keep(element);
    else ashlar_mempool_free(element, pool);
  }
  tell("pool_of_cache_600", kEach / 600 * 600, (kEach / 600 + 3) / 4 * 600);
}

// One thread allocates, and another frees.
constexpr std::size_t kObjects = 1000;

ashlar_cache* passed_cache;
void* passed_objects[kObjects];

void* free_objects(void*) {
  for (void* const object : passed_objects) ashlar_cache_free(passed_cache, object);
  return nullptr;
}

extern "C" [[gnu::noinline]] void cache_freed_elsewhere_400() {
  passed_cache = cache_of("passed", 400);
  constexpr std::size_t kRounds = kEach / 400 / kObjects;
  for (std::size_t i = 0; i < kRounds; ++i) {
    for (void*& object : passed_objects) object = ashlar_cache_alloc(passed_cache);
    pthread_t other;
    if (pthread_create(&other, nullptr, free_objects, nullptr) != 0) std::abort();
    pthread_join(other, nullptr);
  }
  tell("cache_freed_elsewhere_400", kRounds * kObjects * 400, 0);
}

}  // namespace

int main() {
  static char buffer[4096];
  setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
  for (void (*const place)() : {passing_8,
                                passing_100,
                                passing_30000,
                                passing_300000,
                                passing_8m,
                                keeping_200,
                                keeping_3000,
                                keeping_8m,
                                recycled_64,
                                grown_by_realloc,
                                grown_to_8m,
                                aligned_1000,
                                aligned_2m,
                                zeroed_480,
                                made_by_new_700,
                                kept_by_new_5000,
                                freed_elsewhere_500,
                                heap_passing_48,
                                heap_passing_20000,
                                heap_passing_200000,
                                heap_passing_40m,
                                heap_keeping_100,
                                heap_keeping_9000,
                                heap_keeping_1m,
                                heap_recycled_64,
                                heap_ended_300,
                                heap_reset_of_all_sizes,
                                pushed_150,
                                heap_grown_by_realloc,
                                heap_aligned_1000,
                                run_two_threads,
                                kmalloc_keeping_250,
                                pages_of_order_2,
                                areas_of_64k,
                                cache_passing_40,
                                cache_passing_100k,
                                cache_keeping_120,
                                cache_keeping_constructed_3000,
                                cache_merged_96,
                                cache_bulk_of_node_200,
                                pool_of_cache_600,
                                cache_freed_elsewhere_400}) {
    place();
  }
  return 0;
}
