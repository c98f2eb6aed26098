// A program whose places of allocation are known: it prints a line for each, its function's name, the bytes that it
// allocates and those of them that it still holds at the end. For the estimates of `ashlar profile`.
#include <pthread.h>

#include <cstdio>
#include <cstdlib>
#include <initializer_list>

namespace {

constexpr std::size_t kEach = std::size_t{48} << 20;  // what a place allocates, about

void* volatile sink;
void* kept[1 << 20];
std::size_t kept_count = 0;

void keep(void* p) {
  if (p == nullptr || kept_count == 1 << 20) std::abort();
  kept[kept_count++] = p;
}

void tell(const char* name, std::size_t allocated, std::size_t held) {
  std::printf("%s %zu %zu\n", name, allocated, held);
}

// A place whose blocks are freed at once: from the same magazine, or from where large blocks are.
#define PASSING(name, size)                            \
  extern "C" [[gnu::noinline]] void name() {           \
    for (std::size_t n = 0; n < kEach / (size); ++n) { \
      sink = std::malloc(size);                        \
      std::free(sink);                                 \
    }                                                  \
    tell(#name, kEach / (size) * (size), 0);           \
  }

// One that keeps all of them, and one that keeps every fourth.
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

// A window of live blocks: what is freed is not what was allocated last.
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

// Each step is an allocation of what the block then has.
extern "C" [[gnu::noinline]] void grown_by_realloc() {
  constexpr std::size_t kSteps[] = {100, 1000, 10000, 100000};
  constexpr std::size_t kAll = 111100;
  for (std::size_t n = 0; n < kEach / kAll; ++n) {
    void* p = nullptr;
    for (const std::size_t size : kSteps) sink = p = std::realloc(p, size);
    std::free(p);
  }
  tell("grown_by_realloc", kEach / kAll * kAll, 0);
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

// A thread frees what another one allocated.
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

}  // namespace

int main() {
  static char buffer[4096];
  setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
  for (void (*const place)() :
       {passing_8, passing_100, passing_30000, passing_300000, passing_8m, keeping_200, keeping_3000, keeping_8m,
        recycled_64, grown_by_realloc, aligned_1000, zeroed_480, made_by_new_700, freed_elsewhere_500}) {
    place();
  }
  return 0;
}
