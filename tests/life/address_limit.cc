// Tests ulimit -v. Allocation up to the limit ends in NULL and ENOMEM, and after frees it continues, up to the same
// amount. This is tested with large blocks, with small ones, from 4 threads at once, and under a limit that leaves
// little address space at the start. Fails unless every failing mmap is handled on every path, address space is taken
// in steps, and freed memory is found again when the kernel grants no more. With the argument "data" it tests
// RLIMIT_DATA, which counts the same as strict overcommit: private writable memory, touched or not. A test may not set
// vm.overcommit_memory.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <atomic>

#include "support/process.h"

namespace {
using namespace ashlar_test;
constexpr size_t kRoom = size_t{256} << 20;
bool only_data = false;

struct Link {
  Link* next;
};

// Allocates and touches until NULL; returns how many bytes that took, keeps the blocks in a list.
size_t allocate_all(size_t size, Link*& blocks) {
  size_t total = 0;
  for (;;) {
    errno = 0;
    auto* p = static_cast<Link*>(malloc(size));
    if (p == nullptr) break;
    memset(p, 1, size);
    p->next = blocks;
    blocks = p;
    total += size;
    CHECK(total < 8 * kRoom);
  }
  CHECK(errno == ENOMEM);
  errno = 0;
  void* zeroed = calloc(1, size_t{64} << 20);
  CHECK(zeroed == nullptr && errno == ENOMEM);
  errno = 0;
  void* aligned = nullptr;
  CHECK(posix_memalign(&aligned, 4096, size_t{64} << 20) == ENOMEM && errno == ENOMEM);
  return total;
}
void free_all(Link*& blocks) {
  while (blocks != nullptr) {
    Link* next = blocks->next;
    free(blocks);
    blocks = next;
  }
}

void limit_to(size_t more) {
  struct rlimit limit;
  const auto resource = only_data ? RLIMIT_DATA : RLIMIT_AS;
  CHECK(getrlimit(resource, &limit) == 0);
  limit.rlim_cur = static_cast<size_t>(status_kib(only_data ? "VmData:" : "VmSize:")) * 1024 + more;
  CHECK(setrlimit(resource, &limit) == 0);
}

void sizes_in_turn() {
  limit_to(kRoom);
  for (size_t size : {size_t{1} << 20, size_t{100}, size_t{3000}, size_t{40000}, size_t{9} << 20, size_t{16}}) {
    Link* blocks = nullptr;
    size_t first = 0;
    for (int round = 0; round < 3; ++round) {
      const size_t total = allocate_all(size, blocks);
      free_all(blocks);
      if (round == 0) first = total;
      printf("%zu bytes each, round %d: %zu MiB\n", size, round, total >> 20);
      // Rounding and metadata take their part, of 16 bytes more. Of large blocks the gaps between buddies cost most: of
      // 9 MiB one fits into 16, and none into the first arenas.
      CHECK(total >= kRoom * (size < 64 ? 40 : size > 32768 ? 45 : 60) / 100);
      CHECK(total >= first * 9 / 10);
    }
  }
}

void* thread_body(void* size) {
  for (int round = 0; round < 3; ++round) {
    Link* blocks = nullptr;
    for (size_t total = 0; total < kRoom; total += reinterpret_cast<size_t>(size)) {
      auto* p = static_cast<Link*>(malloc(reinterpret_cast<size_t>(size)));
      if (p == nullptr) {
        CHECK(errno == ENOMEM);
        break;
      }
      memset(p, 1, reinterpret_cast<size_t>(size));
      p->next = blocks;
      blocks = p;
    }
    free_all(blocks);
  }
  return nullptr;
}

void threads_together() {
  pthread_t threads[4];
  limit_to(kRoom + (64 << 20));  // glibc's thread stacks
  const size_t sizes[] = {100, 5000, 100000, 2 << 20};
  for (size_t i = 0; i < 4; ++i) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 256 << 10);
    CHECK(pthread_create(&threads[i], &attributes, thread_body, reinterpret_cast<void*>(sizes[i])) == 0);
  }
  for (pthread_t thread : threads) CHECK(pthread_join(thread, nullptr) == 0);
  Link* blocks = nullptr;
  const size_t total = allocate_all(1000, blocks);
  printf("after the threads: %zu MiB\n", total >> 20);
  CHECK(total >= kRoom / 2);
  free_all(blocks);
}

// Freed blocks whose addresses the debugging options keep must go when nothing else is left: they once counted until a
// newer block took their place, and malloc gave NULL with nothing in use.
int quarantined() {
  limit_to(kRoom);
  size_t first = 0;
  for (int round = 0; round < 3; ++round) {
    Link* blocks = nullptr;
    const size_t total = allocate_all(size_t{3} << 20, blocks);
    free_all(blocks);
    printf("round %d: %zu MiB\n", round, total >> 20);
    if (round == 0) first = total;
    CHECK(total >= kRoom / 2 && total >= first * 9 / 10);
  }
  return 0;
}

// What a shell with ulimit -v 40000 does: the limit holds when the allocator starts.
void started_small() {
  struct rlimit limit = {40000u << 10, 40000u << 10};
  const pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    CHECK(setrlimit(only_data ? RLIMIT_DATA : RLIMIT_AS, &limit) == 0);
    execl("/proc/self/exe", "address_limit", "small", nullptr);
    _exit(99);
  }
  CHECK(exited_with(wait_for(pid, 30000), 0));
}
int small_body() {
  Link* blocks = nullptr;
  size_t total = 0;
  for (; total < (size_t{8} << 20); total += 1000) {
    auto* p = static_cast<Link*>(malloc(1000));
    CHECK(p != nullptr);
    memset(p, 1, 1000);
    p->next = blocks;
    blocks = p;
  }
  free_all(blocks);
  errno = 0;
  CHECK(malloc(size_t{100} << 20) == nullptr && errno == ENOMEM);
  return 0;
}
}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && strcmp(argv[1], "small") == 0) return small_body();
  if (argc > 1 && strcmp(argv[1], "quarantined") == 0) return quarantined();
  only_data = argc > 1 && strcmp(argv[1], "data") == 0;
  started_small();
  const pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    sizes_in_turn();
    exit(0);
  }
  CHECK(exited_with(wait_for(pid, 150000), 0));
  threads_together();
  return 0;
}
