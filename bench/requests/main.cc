// Measures a heap for each request: a few hundred blocks of mixed sizes are taken and written to, and all are freed at
// once.
//
//   requests WAY LIBRARY [REQUESTS]     prints nanoseconds per request, the best of 9 rounds
//
//   WAY        LIBRARY        what ends a request
//   destroy    libashlar.so   ashlar_heap_destroy; a heap for each request
//   reset      libashlar.so   ashlar_heap_reset; one heap for all
//   mimalloc   libmimalloc.so mi_heap_destroy; a heap for each request
//   jemalloc   libjemalloc.so arena.i.reset; one arena for all, and no thread cache, which a reset may not leave behind
//   monotonic  -              std::pmr::monotonic_buffer_resource over malloc, which keeps no block that is freed
//   malloc     -              free, block by block
//
// Libraries are loaded at run time, so the build needs none of them. jemalloc has to be preloaded too, as its
// thread-local storage is static. The preloaded allocator serves the last two ways. The instructions of a request
// follow from two runs of `valgrind --tool=callgrind` with different REQUESTS: they are the difference of the totals,
// divided by the difference of REQUESTS and by the 9 rounds.
#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory_resource>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr int kRounds = 9;
constexpr std::size_t kBlocks = 300;  // of a request

// Returns sizes as in a web request: most blocks are strings and nodes, some are buffers.
std::vector<std::size_t> sizes_of_request() {
  std::vector<std::size_t> sizes;
  std::uint32_t random = 17;
  for (std::size_t i = 0; i < kBlocks; ++i) {
    random = random * 1664525 + 1013904223;
    const std::uint32_t kind = random >> 24, part = random >> 8 & 0xffff;
    sizes.push_back(kind < 200   ? 16 + part % 240
                    : kind < 245 ? 256 + part % 1792
                    : kind < 254 ? 2048 + part % 6144
                                 : 32768);
  }
  return sizes;
}

class Library {
 public:
  explicit Library(const char* path) : handle_(dlopen(path, RTLD_NOW)) {
    if (handle_ == nullptr) throw std::runtime_error(dlerror());
  }
  template <class Function>
  Function* get(const char* name) const {
    void* const symbol = dlsym(handle_, name);
    if (symbol == nullptr) throw std::runtime_error(std::string(name) + " is missing in the library");
    return reinterpret_cast<Function*>(symbol);
  }

 private:
  void* handle_;
};

// Takes the blocks of a request by `take`, which is inlined, and writes to each.
template <class Take>
void fill(const std::vector<std::size_t>& sizes, Take take) {
  for (const std::size_t size : sizes) {
    auto* const p = static_cast<volatile char*>(take(size));
    if (p == nullptr) throw std::runtime_error("no memory");
    p[0] = 1;
    p[size - 1] = 1;
  }
}

using Sizes = std::vector<std::size_t>;
using Requests = std::function<void(const Sizes& sizes, std::size_t requests)>;

Requests ashlar_requests(const Library& library, bool reset) {
  auto* const create = library.get<void*(const char*, unsigned)>("ashlar_heap_create");
  auto* const take = library.get<void*(void*, std::size_t)>("ashlar_heap_malloc");
  auto* const end = library.get<int(void*)>(reset ? "ashlar_heap_reset" : "ashlar_heap_destroy");
  return [=](const Sizes& sizes, std::size_t requests) {
    static void* const shared = reset ? create("requests", 0) : nullptr;
    for (std::size_t i = 0; i < requests; ++i) {
      void* const heap = reset ? shared : create("request", 0);
      fill(sizes, [&](std::size_t size) { return take(heap, size); });
      end(heap);
    }
  };
}

Requests mimalloc_requests(const Library& library) {
  auto* const create = library.get<void*()>("mi_heap_new");
  auto* const take = library.get<void*(void*, std::size_t)>("mi_heap_malloc");
  auto* const end = library.get<void(void*)>("mi_heap_destroy");
  return [=](const Sizes& sizes, std::size_t requests) {
    for (std::size_t i = 0; i < requests; ++i) {
      void* const heap = create();
      fill(sizes, [&](std::size_t size) { return take(heap, size); });
      end(heap);
    }
  };
}

Requests jemalloc_requests(const Library& library) {
  constexpr int kNoThreadCache = 1 << 8;  // MALLOCX_TCACHE_NONE
  auto* const control = library.get<int(const char*, void*, std::size_t*, void*, std::size_t)>("mallctl");
  auto* const take = library.get<void*(std::size_t, int)>("mallocx");
  unsigned arena = 0;
  std::size_t bytes = sizeof arena;
  if (control("arenas.create", &arena, &bytes, nullptr, 0) != 0) throw std::runtime_error("arenas.create failed");
  const std::string reset = "arena." + std::to_string(arena) + ".reset";
  const int flags = static_cast<int>((arena + 1) << 20) | kNoThreadCache;  // MALLOCX_ARENA
  return [=](const Sizes& sizes, std::size_t requests) {
    for (std::size_t i = 0; i < requests; ++i) {
      fill(sizes, [&](std::size_t size) { return take(size, flags); });
      if (control(reset.c_str(), nullptr, nullptr, nullptr, 0) != 0) throw std::runtime_error("arena.i.reset failed");
    }
  };
}

void monotonic_requests(const Sizes& sizes, std::size_t requests) {
  for (std::size_t i = 0; i < requests; ++i) {
    std::pmr::monotonic_buffer_resource buffer(1024, std::pmr::new_delete_resource());
    fill(sizes, [&](std::size_t size) { return buffer.allocate(size, 16); });
  }
}

void malloc_requests(const Sizes& sizes, std::size_t requests) {
  void* blocks[kBlocks];
  for (std::size_t i = 0; i < requests; ++i) {
    std::size_t n = 0;
    fill(sizes, [&](std::size_t size) { return blocks[n++] = malloc(size); });
    for (std::size_t block = 0; block < n; ++block) free(blocks[block]);
  }
}

Requests requests_by(std::string_view way, const char* path) {
  if (way == "monotonic") return monotonic_requests;
  if (way == "malloc") return malloc_requests;
  const Library library(path);
  if (way == "destroy" || way == "reset") return ashlar_requests(library, way == "reset");
  if (way == "mimalloc") return mimalloc_requests(library);
  if (way == "jemalloc") return jemalloc_requests(library);
  throw std::runtime_error(std::string(way) + " is no way: destroy, reset, mimalloc, jemalloc, monotonic, malloc");
}

double nanoseconds(const Requests& run, const Sizes& sizes, std::size_t requests) {
  const auto start = std::chrono::steady_clock::now();
  run(sizes, requests);
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - start;
  return taken.count() / static_cast<double>(requests);
}

int run(int argc, char** argv) {
  if (argc < 3) throw std::runtime_error("usage: requests WAY LIBRARY [REQUESTS]");
  const std::size_t requests = argc > 3 ? std::max(strtoul(argv[3], nullptr, 10), 1UL) : 2000;
  const Sizes sizes = sizes_of_request();
  const Requests by = requests_by(argv[1], argv[2]);
  double best = nanoseconds(by, sizes, requests);
  for (int round = 1; round < kRounds; ++round) best = std::min(best, nanoseconds(by, sizes, requests));
  printf("%-10s %8.0f ns a request, %5.1f ns a block\n", argv[1], best, best / static_cast<double>(kBlocks));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fprintf(stderr, "requests: %s\n", error.what());
    return 2;
  }
}
