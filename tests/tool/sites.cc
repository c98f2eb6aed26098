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

// Each step is an allocation of what the block then has. The last block of a round is kept.
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
  for (void (*const place)() : {passing_8, passing_100, passing_30000, passing_300000, passing_8m, keeping_200,
                                keeping_3000, keeping_8m, recycled_64, grown_by_realloc, grown_to_8m, aligned_1000,
                                aligned_2m, zeroed_480, made_by_new_700, kept_by_new_5000, freed_elsewhere_500}) {
    place();
  }
  return 0;
}
