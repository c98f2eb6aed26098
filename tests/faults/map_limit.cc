// Tests a process that has as many mappings as the kernel allows (vm.max_map_count). It reaches this limit by
// protecting every other page of a region. Blocks of all sizes from several threads are then allocated or refused with
// ENOMEM, contents stay right, and frees and malloc_trim work. When the mappings are gone, all blocks can be allocated
// again, so nothing was lost. Fails unless refusals of mprotect, munmap and mremap are handled where they would split a
// mapping.
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <atomic>

#include "support/payload.h"
#include "support/process.h"

namespace {
using namespace ashlar_test;

std::atomic<unsigned long> granted{0}, refused{0};
std::atomic<bool> must_succeed{false};

size_t size_of(Random& random) {
  switch (random.below(40)) {
    case 0: return (size_t{33} << 20) + random.below(1 << 20);  // a mapping of its own
    case 1: return random.below(8 << 20);
    default: return usual_size(random);
  }
}

bool refuse(const void* p) {
  if (p != nullptr) {
    ++granted;
    return false;
  }
  CHECK(errno == ENOMEM);
  CHECK(!must_succeed);
  ++refused;
  return true;
}

void end(Block& block) {
  if (block.p == nullptr) return;
  if (block.size < 200000) CHECK(payload_intact(block));
  errno = 4711;
  free(block.p);
  CHECK(errno == 4711);
  block = {};
}

void begin(Block& block, Random& random) {
  const size_t size = size_of(random);
  void* const p = random.below(6) == 0 ? aligned_alloc(4096, size) : malloc(size);
  if (refuse(p)) return;
  block = {static_cast<unsigned char*>(p), size, random.next()};
  if (size < 200000) fill_payload(block);
}

void resize(Block& block, Random& random) {
  const size_t size = random.below(3) == 0 ? block.size * 2 : block.size / 2 + 1;
  void* const p = realloc(block.p, size);
  const size_t common = size < block.size ? size : block.size;
  if (refuse(p)) {
    if (block.size < 200000) CHECK(payload_intact(block));
    return;
  }
  const Block kept = {static_cast<unsigned char*>(p), block.size, block.seed};
  if (block.size < 200000) CHECK(check_payload(kept, common) == block.size);
  block = {static_cast<unsigned char*>(p), size, block.seed};
  if (size < 200000) fill_payload(block);
}

void* churn(void* seed) {
  Random random(reinterpret_cast<size_t>(seed));
  Block blocks[100];
  for (int i = 0; i < 3000; ++i) {
    Block& block = blocks[random.below(100)];
    if (block.p == nullptr) begin(block, random);
    else if (random.below(4) == 0 && block.size < (64 << 20)) resize(block, random);
    else end(block);
    if (i % 500 == 0) malloc_trim(0);
  }
  for (Block& block : blocks) end(block);
  return nullptr;
}

void churn_together() {
  pthread_t threads[3];
  bool runs[3];
  for (size_t i = 0; i < 3; ++i) {
    const int result = pthread_create(&threads[i], nullptr, churn, reinterpret_cast<void*>(i + 1));
    runs[i] = result == 0;
    CHECK(runs[i] || (!must_succeed && (result == EAGAIN || result == ENOMEM)));
  }
  churn(reinterpret_cast<void*>(4));
  for (size_t i = 0; i < 3; ++i) CHECK(!runs[i] || pthread_join(threads[i], nullptr) == 0);
}

// Mappings up to the limit, less `spare`; the region.
constexpr size_t kRegion = size_t{1} << 30, kPage = 4096;
char* use_up_mappings() {
  void* const region = mmap(nullptr, kRegion, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(region != MAP_FAILED);
  auto* const start = static_cast<char*>(region);
  size_t at = kPage;
  for (; at + kPage < kRegion; at += 2 * kPage) {
    if (mprotect(start + at, kPage, PROT_READ) != 0) break;
  }
  CHECK(errno == ENOMEM);
  // and where one more mapping fits, but not two
  if (at + 3 * kPage < kRegion)
    (void)mmap(start + at, kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  return start;
}
}  // namespace

int main() {
  churn_together();
  CHECK(refused == 0);
  malloc_trim(0);
  const long rss = rss_kib();
  for (int round = 0; round < 2; ++round) {
    char* const region = use_up_mappings();
    granted = refused = 0;
    churn_together();
    printf("at the limit: %lu granted, %lu refused\n", granted.load(), refused.load());
    CHECK(granted > 3000);  // what the heap has serves on
    CHECK(munmap(region, kRegion) == 0);
    must_succeed = true;
    churn_together();
    must_succeed = false;
    malloc_trim(0);
    printf("resident %ld KiB, %ld before\n", rss_kib(), rss);
    CHECK(rss_kib() < rss + 4096);
  }
  return 0;
}
