#include "patterns.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "counter.h"

namespace golden {
namespace {

constexpr int kLive = 1000;
constexpr int kPings = 200;
constexpr size_t kAlignment = 64;

constexpr Case kCases[] = {
    {"malloc", "free"},
    {"calloc", "free"},
    {"operator new", "operator delete"},
    {"operator new", "sized delete"},
    {"aligned_alloc", "free"},
    {"malloc", "free_sized"},
    {"ashlar_cache_alloc", "ashlar_cache_free"},
    {"ashlar_kmalloc", "ashlar_kfree"},
    {"ashlar_mallocx", "ashlar_dallocx"},
    {"ashlar_heap_malloc", "ashlar_heap_free"},
    {"realloc same size", ""},
    {"realloc to and fro", ""},
    {"malloc_usable_size", ""},
    {"", "free(NULL)"},
};

// How to call an entry point: its symbol, and its arguments for a block and a size.
struct Entry {
  std::string_view name;
  const char* symbol;
  enum {
    kSize,
    kOneAndSize,
    kAlignmentAndSize,
    kBlock,
    kBlockAndSize,
    kBlockAndTurn,  // the size and twice the size in turns, so that each call moves the block
    kNull,
    kCache,
    kCacheAndBlock,
    kHeap,
    kHeapAndBlock
  } arguments;
};

constexpr Entry kEntries[] = {
    {"malloc", "malloc", Entry::kSize},
    {"calloc", "calloc", Entry::kOneAndSize},
    {"operator new", "_Znwm", Entry::kSize},
    {"aligned_alloc", "aligned_alloc", Entry::kAlignmentAndSize},
    {"free", "free", Entry::kBlock},
    {"free_sized", "free_sized", Entry::kBlockAndSize},
    {"operator delete", "_ZdlPv", Entry::kBlock},
    {"sized delete", "_ZdlPvm", Entry::kBlockAndSize},
    {"realloc same size", "realloc", Entry::kBlockAndSize},
    {"realloc to and fro", "realloc", Entry::kBlockAndTurn},
    {"malloc_usable_size", "malloc_usable_size", Entry::kBlock},
    {"free(NULL)", "free", Entry::kNull},
    {"ashlar_cache_alloc", "ashlar_cache_alloc", Entry::kCache},
    {"ashlar_cache_free", "ashlar_cache_free", Entry::kCacheAndBlock},
    {"ashlar_kmalloc", "ashlar_kmalloc", Entry::kSize},
    {"ashlar_kfree", "ashlar_kfree", Entry::kBlock},
    {"ashlar_mallocx", "ashlar_mallocx", Entry::kSize},
    {"ashlar_dallocx", "ashlar_dallocx", Entry::kBlock},
    {"ashlar_heap_malloc", "ashlar_heap_malloc", Entry::kHeap},
    {"ashlar_heap_free", "ashlar_heap_free", Entry::kHeapAndBlock},
};

[[noreturn]] void fail(const char* what, const char* name) {
  fprintf(stderr, "%s: %s\n", name, what);
  _exit(3);
}

// The named cache that is counted. Each process has one, of one size.
void* cache_of(size_t size) {
  using Create = void* (*)(const char*, size_t, size_t, unsigned, void (*)(void*));
  static void* const cache =
      reinterpret_cast<Create>(dlsym(RTLD_DEFAULT, "ashlar_cache_create"))("counted", size, 0, 0, nullptr);
  return cache;
}

void* heap() {
  using Create = void* (*)(const char*, unsigned);
  static void* const heap = reinterpret_cast<Create>(dlsym(RTLD_DEFAULT, "ashlar_heap_create"))("counted", 0);
  return heap;
}

// An entry point of the preloaded library, which can be called with or without being counted.
class Caller {
 public:
  Caller(std::string_view name, const char* library, size_t size) : size_(size) {
    for (const Entry& entry : kEntries) {
      if (entry.name == name) entry_ = entry;
    }
    if (!entry_.symbol) return;
    function_ = dlsym(RTLD_DEFAULT, entry_.symbol);
    Dl_info info;
    std::array<char, 4096> wanted, found;
    if (!function_ || !dladdr(function_, &info)) fail("is not defined", entry_.symbol);
    if (!realpath(library, wanted.data()) || !realpath(info.dli_fname, found.data()) ||
        strcmp(wanted.data(), found.data()) != 0) {
      fail("is not the library's own", entry_.symbol);
    }
    if (entry_.arguments == Entry::kCache || entry_.arguments == Entry::kCacheAndBlock) {
      cache_ = reinterpret_cast<size_t>(cache_of(size));
    }
    if (entry_.arguments == Entry::kHeap || entry_.arguments == Entry::kHeapAndBlock) {
      cache_ = reinterpret_cast<size_t>(heap());
    }
    start_counting(function_);
  }

  void* count(Role role, void* block) const {
    auto [a, b] = arguments(block);
    return counted_call(role, function_, a, b);
  }

  void* call(void* block) const {
    auto [a, b] = arguments(block);
    return reinterpret_cast<void* (*)(size_t, size_t)>(function_)(a, b);
  }

  [[nodiscard]] bool moves() const { return entry_.arguments == Entry::kBlockAndTurn; }

 private:
  std::array<size_t, 2> arguments(void* block) const {
    size_t address = reinterpret_cast<size_t>(block);
    switch (entry_.arguments) {
      case Entry::kSize: return {size_, 0};
      case Entry::kOneAndSize: return {1, size_};
      case Entry::kAlignmentAndSize: return {kAlignment, size_};
      case Entry::kBlock: return {address, 0};
      case Entry::kBlockAndSize: return {address, size_};
      case Entry::kBlockAndTurn: return {address, (turn_ = !turn_) ? 2 * size_ : size_};
      case Entry::kNull: return {0, 0};
      case Entry::kHeap: return {cache_, size_};
      case Entry::kHeapAndBlock: return {cache_, address};
      case Entry::kCache: return {cache_, 0};
      case Entry::kCacheAndBlock: return {cache_, address};
    }
    abort();
  }

  size_t size_;
  mutable bool turn_ = false;
  size_t cache_ = 0;
  Entry entry_{};
  void* function_ = nullptr;
};

void touch(void* block) { *static_cast<volatile char*>(block) = 1; }

void* live[kLive];

void warm_up(const Caller& acquire, const Caller& release, size_t size) {
  for (int round = 0; round < 20; ++round) {
    for (void*& block : live) {
      memset(block = acquire.call(nullptr), 1, size);
    }
    for (void* block : live) {
      release.call(block);
    }
  }
  for (int i = 0; i < 2 * kLive; ++i) {
    void* block = acquire.call(nullptr);
    touch(block);
    release.call(block);
  }
}

void ping_pong(const Caller& acquire, const Caller& release) {
  for (int i = 0; i < kPings; ++i) {
    void* block = acquire.count(Role::kAcquire, nullptr);
    touch(block);
    release.count(Role::kRelease, block);
  }
}

void batch(const Caller& acquire, const Caller& release) {
  for (void*& block : live) {
    block = acquire.count(Role::kAcquire, nullptr);
  }
  for (void* block : live) {
    release.count(Role::kRelease, block);
  }
}

void random_replacement(const Caller& acquire, const Caller& release) {
  for (void*& block : live) {
    block = acquire.call(nullptr);
  }
  unsigned state = 12345;
  for (int i = 0; i < 2 * kLive; ++i) {
    state = state * 1664525U + 1013904223U;
    void*& block = live[(state >> 8) % kLive];
    if (i < kLive) {  // scatters the live set first
      release.call(block);
      block = acquire.call(nullptr);
    } else {
      release.count(Role::kRelease, block);
      block = acquire.count(Role::kAcquire, nullptr);
    }
  }
}

void repeat(const Caller& caller, Role role, size_t size, const char* library) {
  void* block = Caller("malloc", library, size).call(nullptr);
  for (int i = 0; i < kPings + 20; ++i) {
    void* const result = i < 20 ? caller.call(block) : caller.count(role, block);
    if (caller.moves()) block = result;
  }
}

}  // namespace

std::span<const Case> cases() { return kCases; }

void run_case(const Case& which, Pattern pattern, size_t size, const char* library) {
  Caller acquire(which.acquire, library, size);
  Caller release(which.release, library, size);
  if (pattern == Pattern::kRepeat) {
    bool acquires = !which.acquire.empty();
    repeat(acquires ? acquire : release, acquires ? Role::kAcquire : Role::kRelease, size, library);
  } else {
    warm_up(acquire, release, size);
  }
  if (pattern == Pattern::kPingPong) ping_pong(acquire, release);
  if (pattern == Pattern::kBatch) batch(acquire, release);
  if (pattern == Pattern::kRandom) random_replacement(acquire, release);
  _exit(write_counts(STDOUT_FILENO) ? 0 : 1);
}

}  // namespace golden
