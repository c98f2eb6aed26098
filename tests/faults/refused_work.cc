// Is a program that works although the kernel refuses a call (refuse.cc, check_refused.py). It has threads that
// exchange blocks, growth, zeroed and aligned blocks, purging, a fork, a locked heap, a swap area and foreign pointers.
// It checks contents. Only the purpose of the refused call may be missing. Arguments: a folder for files, and a library
// that has glibc's malloc; without the latter there are no foreign pointers. With "abort" a block is freed twice.
#include <ashlar/ashlar.h>
#include <ashlar/swap.h>
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <atomic>

#include "support/check.h"
#include "support/payload.h"

namespace {
using namespace ashlar_test;

Block make(size_t size, uint64_t seed) {
  const Block block = {static_cast<unsigned char*>(seed % 4 == 3 ? memalign(256, size) : malloc(size)), size, seed};
  CHECK(block.p != nullptr);
  fill_payload(block);
  return block;
}
void free_checked(const Block& block) {
  CHECK(check_payload(block, block.size) == block.size);
  errno = 4711;
  free(block.p);
  CHECK(errno == 4711);
}

constexpr size_t kShelves = 64;
std::atomic<Block*> shelf[kShelves];

void* exchange(void* seed) {
  uint64_t random = reinterpret_cast<uintptr_t>(seed);
  for (uint64_t i = 0; i < 1500; ++i) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    auto* const block = static_cast<Block*>(malloc(sizeof(Block)));
    *block = make(i % 40 == 0 ? 50000 + i * 100 : 8 + (random >> 33) % 3000, random);
    Block* const old = shelf[(random >> 20) % kShelves].exchange(block);
    if (old != nullptr) {
      free_checked(*old);
      free(old);
    }
  }
  return nullptr;
}

void threads() {
  pthread_t started[3];
  for (size_t i = 0; i < 3; ++i)
    CHECK(pthread_create(&started[i], nullptr, exchange, reinterpret_cast<void*>(i + 1)) == 0);
  for (pthread_t each : started) CHECK(pthread_join(each, nullptr) == 0);
}

void grow_and_shrink() {
  Block block = make(100, 7);
  for (size_t size = 300; size < (size_t{40} << 20); size *= 5) {
    block.p = static_cast<unsigned char*>(realloc(block.p, size));
    CHECK(block.p != nullptr && check_payload(block, block.size) == block.size);
    block.size = size;
    fill_payload(block);
  }
  block.p = static_cast<unsigned char*>(realloc(block.p, 1 << 20));
  CHECK(block.p != nullptr && check_payload(block, 1 << 20) == block.size);
  free(block.p);
  for (size_t size : {100, 5000, 40000, 3 << 20, 64 << 20}) {
    auto* const zeroed = static_cast<unsigned char*>(calloc(1, size));
    CHECK(zeroed != nullptr);
    for (size_t at = 0; at < size; at += 4096) CHECK(zeroed[at] == 0);
    memset(zeroed, 1, size);
    free(zeroed);
  }
  malloc_trim(0);
}

// A heap that is large enough for huge pages.
void many_megabytes() {
  Block blocks[1600];
  for (uint64_t i = 0; i < 1600; ++i) blocks[i] = make(30000, i * 4);
  for (const Block& each : blocks) free_checked(each);
}

void fork_once() {
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    free_checked(make(3000, 1));
    exchange(reinterpret_cast<void*>(9));
    _exit(0);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

// Purging of memory that is locked, where that is allowed.
void locked() {
  if (mlockall(MCL_CURRENT) != 0) return;
  grow_and_shrink();
  munlockall();
}

void swap(const char* folder) {
  if (ashlar_swapon(folder, size_t{64} << 20, ASHLAR_SWAP_ANY) != 0) return;
  Block block = {static_cast<unsigned char*>(ashlar_malloc_cold(5 << 20)), 5 << 20, 3};
  CHECK(block.p != nullptr);
  fill_payload(block);
  fork_once();
  // the option cold: the first is idle once a second one is given
  const Block second = {static_cast<unsigned char*>(ashlar_malloc_cold(5 << 20)), 5 << 20, 3};
  CHECK(second.p != nullptr);
  fill_payload(second);
  free_checked(second);
  free_checked(block);
  malloc_trim(0);
  CHECK(ashlar_swapoff(folder) == 0 || errno == EBUSY);
}

// A pointer of a library that has glibc's own malloc.
void foreign(const char* library) {
  void* const handle = dlmopen(LM_ID_NEWLM, library, RTLD_NOW);
  CHECK(handle != nullptr);
  auto* const make_foreign = reinterpret_cast<void* (*)(size_t)>(dlsym(handle, "foreign_malloc"));
  CHECK(make_foreign != nullptr);
  for (size_t size : {24, 5000, 1 << 20}) {
    void* const p = make_foreign(size);
    CHECK(p != nullptr && malloc_usable_size(p) >= size);
    memset(p, 1, size);
    free(p);
  }
}

}  // namespace

int main(int argc, char** argv) {
  CHECK(argc >= 2);
  if (strcmp(argv[1], "abort") == 0) {
    void* const volatile block = malloc(100);
    free(block);
    free(block);
    return 0;
  }
  grow_and_shrink();
  many_megabytes();
  threads();
  fork_once();
  swap(argv[1]);
  locked();
  threads();
  if (argc == 3) foreign(argv[2]);
  CHECK(ashlar_validate() == 0);
  CHECK(write(1, "done\n", 5) == 5);
  return 0;
}
