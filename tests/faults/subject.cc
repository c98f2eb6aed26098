// Is the program whose system calls fail (every_call.cc). It uses each interface and each size of the allocator once or
// twice and checks contents. A NULL must come with ENOMEM and is not a failure until the faults end. After that every
// request must succeed. It uses no heap except through the calls under test. Report::more_work adds phases.
#include <ashlar/ashlar.h>
#include <ashlar/cache.h>
#include <ashlar/pages.h>
#include <ashlar/vmalloc.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <atomic>

#include "faults/inject.h"
#include "support/payload.h"
#include "support/process.h"

extern "C" ashlar_test::Report* fault_report();

namespace {
using namespace ashlar_test;

Report* report;
bool must_succeed = false;
std::atomic<std::uint64_t> refusals{0};

// What was asked for is there, or the refusal is a proper one.
bool granted(const void* p) {
  if (p != nullptr) return true;
  CHECK(errno == ENOMEM);
  CHECK(!must_succeed);
  ++refusals;
  return false;
}

// The first and last bytes of a block, and some between: what is large is not touched as a whole.
std::uint64_t mark_of(const void* p, size_t at) { return reinterpret_cast<std::uintptr_t>(p) * 31 + at; }
size_t next_mark(size_t at, size_t size) {
  if (at + 16 >= size) return size;
  const size_t step = size > (1 << 20) ? size_t{256} << 10 : size > 8192 ? 4096 : 64;
  return at + step + 8 > size ? size - 8 : at + step;
}
void mark(void* p, size_t size, const void* seed) {
  memset(p, 0x5a, size < 8 ? size : 8);
  for (size_t at = 0; at + 8 <= size; at = next_mark(at, size)) {
    const std::uint64_t word = mark_of(seed, at);
    memcpy(static_cast<char*>(p) + at, &word, 8);
  }
}
void check_marks(const void* p, size_t size, size_t kept, const void* seed) {
  for (size_t at = 0; at + 8 <= size && at + 8 <= kept; at = next_mark(at, size)) {
    const std::uint64_t word = mark_of(seed, at);
    CHECK(memcmp(static_cast<const char*>(p) + at, &word, 8) == 0);
  }
}

void free_checked(void* p, size_t size) {
  if (p != nullptr) check_marks(p, size, size, p);
  errno = 4711;
  free(p);
  CHECK(errno == 4711);
}

const size_t kSizes[] = {1,     24,     48,     100,     128,     200,      320,      500,     800,   1100,
                         1700,  2500,   4000,   5000,    7000,    9000,     13000,    20000,   28000, 32768,
                         40000, 100000, 300000, 1 << 20, 5 << 20, 20 << 20, 33 << 20, 65 << 20};
constexpr size_t kCount = sizeof kSizes / sizeof kSizes[0];
constexpr size_t kEach = 3;

struct Blocks {
  void* p[kCount][kEach] = {};
};

void* obtain(size_t i, size_t n) {
  const size_t size = kSizes[i];
  void* p = nullptr;
  if (n == 0) {
    if (!granted(p = malloc(size))) return nullptr;
  } else if (n == 1) {
    if (!granted(p = calloc(1, size))) return nullptr;
    for (size_t at = 0; at<size; at += size> 65536 ? 4096 : 1) CHECK(static_cast<char*>(p)[at] == 0);
  } else {
    const size_t alignment = size_t{32} << (i % 18);  // up to 4 MiB
    const int kept = errno;
    const int result = posix_memalign(&p, alignment, size);
    CHECK(errno == (result == 0 ? kept : ENOMEM));
    errno = result;
    if (!granted(result == 0 ? p : nullptr)) return nullptr;
    CHECK(reinterpret_cast<std::uintptr_t>(p) % alignment == 0);
  }
  CHECK(malloc_usable_size(p) >= size);
  mark(p, size, p);
  return p;
}

void fill(Blocks& blocks, size_t last = kCount) {
  for (size_t i = 0; i < last; ++i) {
    for (size_t n = 0; n < kEach; ++n) {
      if (kSizes[i] > (1 << 20) && n != i % kEach) continue;  // some options write all of a block: one way each
      if (kSizes[i] > (5 << 20) && (report->more_work & kLight) != 0) continue;
      if (blocks.p[i][n] == nullptr) blocks.p[i][n] = obtain(i, n);
    }
  }
}

void empty(Blocks& blocks) {
  for (size_t i = 0; i < kCount; ++i) {
    for (void*& p : blocks.p[i]) {
      free_checked(p, kSizes[i]);
      p = nullptr;
    }
  }
}

// A block that grows and shrinks; a refused step leaves it as it is.
void grow(size_t first, size_t most, size_t factor) {
  void* p = malloc(first);
  if (!granted(p)) return;
  size_t size = first;
  mark(p, size, p);
  const auto step = [&](size_t to) {
    const void* const before = p;
    void* const q = realloc(p, to);
    if (!granted(q)) {
      check_marks(p, size, size, before);
      return;
    }
    check_marks(q, size, to < size ? to : size, before);
    p = q;
    size = to;
    mark(p, size, p);
  };
  for (size_t to = first * factor; to <= most; to = to * factor + 24) step(to);
  for (size_t to = size / 3; to >= 64; to /= 5) step(to);
  free_checked(p, size);
}

// More than a magazine and a slab of one class, freed in another order.
void many(size_t size, size_t count) {
  auto** blocks = static_cast<void**>(calloc(count, sizeof(void*)));
  if (!granted(blocks)) return;
  for (size_t i = 0; i < count; ++i) {
    if (granted(blocks[i] = malloc(size))) mark(blocks[i], size, blocks[i]);
  }
  for (size_t i = 0; i < count; ++i) free_checked(blocks[i * 7 % count], size);
  free(blocks);
}

void kernel_interfaces() {
  ashlar_cache* const cache = ashlar_cache_create("subject", 136, 8, 0, nullptr);
  void* objects[100] = {};
  if (granted(cache)) {  // a refusal without memory once was ENOSPC
    for (void*& each : objects) {
      if (granted(each = ashlar_cache_alloc(cache))) memset(each, 1, 136);
    }
    for (void* each : objects) {
      if (each != nullptr) ashlar_cache_free(cache, each);
    }
    ashlar_cache_destroy(cache);
  }
  void* const pages = ashlar_alloc_pages_exact(50000, 0);
  if (granted(pages)) {
    memset(pages, 1, 50000);
    ashlar_free_pages_exact(pages, 50000);
  }
  void* const area = ashlar_vmalloc(300000);
  if (granted(area)) {
    memset(area, 1, 300000);
    ashlar_vfree(area);
  }
}

std::atomic<void*> shelf[16];

void* exchange(void* seed) {
  Random random(reinterpret_cast<size_t>(seed));
  for (int i = 0; i < 400; ++i) {
    void* const p = malloc(i % 50 == 0 ? 100000 : 16 + random.below(3000));
    if (granted(p)) memset(p, 1, 16);
    free(shelf[random.below(16)].exchange(p));
  }
  return nullptr;
}

void threads() {
  pthread_t started[3];
  bool is_running[3];
  for (size_t i = 0; i < 3; ++i) {
    const int result = pthread_create(&started[i], nullptr, exchange, reinterpret_cast<void*>(i + 1));
    CHECK(result == 0 || ((result == EAGAIN || result == ENOMEM) && !must_succeed));
    is_running[i] = result == 0;
  }
  exchange(reinterpret_cast<void*>(7));
  for (size_t i = 0; i < 3; ++i) CHECK(!is_running[i] || pthread_join(started[i], nullptr) == 0);
  for (auto& each : shelf) free(each.exchange(nullptr));
}

void fork_and_allocate() {
  const pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    Blocks blocks;
    fill(blocks, kCount - 4);
    empty(blocks);
    exit(19);
  }
  CHECK(exited_with(wait_for(pid, 20000), 19));
}

void work() {
  static Blocks blocks;
  fill(blocks);
  grow(16, 3 << 20, 2);
  grow(70000, (report->more_work & kLight) != 0 ? 8 << 20 : 80 << 20, 3);
  many(48, 3000);
  many(3000, 400);
  many(60000, 60);
  kernel_interfaces();
  threads();
  if ((report->more_work & kFork) != 0) fork_and_allocate();
  if ((report->more_work & kIdle) != 0) sleep_ms(120);
  malloc_trim(0);
  fill(blocks);  // what was refused may be there now
  empty(blocks);
  malloc_trim(0);
}
}  // namespace

int main() {
  report = fault_report();
  CHECK(report != nullptr);
  work();
  CHECK(ashlar_validate() == 0);
  report->refusals = refusals;
  report->first = 0;  // the faults end
  must_succeed = true;
  work();
  CHECK(ashlar_validate() == 0);
  malloc_trim(0);
  report->address_space_kib = static_cast<std::uint64_t>(status_kib("VmSize:"));
  report->resident_kib = static_cast<std::uint64_t>(rss_kib());
  return 0;
}
