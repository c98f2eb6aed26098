// Tests that the heap leaves a program what it needs for itself. A limit of address space that the program sets after
// its first malloc leaves space for its mappings and threads. Growing buffers leave it most of vm.max_map_count. A
// block that no machine can hold is refused. Fails in three cases: address space is reserved in proportion to the heap
// (256 MiB at once failed all of this here), blocks with mappings of their own are not bounded (4000 buffers took 8000
// mappings), or large blocks evade the kernel's overcommit check.
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "support/check.h"

namespace {
using namespace ashlar_test;

void* nothing(void* argument) { return argument; }

void buffers_that_grow() {
  constexpr size_t kBuffers = 4000, kTogether = 50, kStep = 80000, kSteps = 4;
  static char* buffers[kBuffers];
  const long before = map_count();
  for (size_t first = 0; first < kBuffers; first += kTogether) {
    for (size_t step = 1; step <= kSteps; ++step) {
      for (size_t i = first; i < first + kTogether; ++i) {
        buffers[i] = static_cast<char*>(realloc(buffers[i], step * kStep));
        CHECK(buffers[i] != nullptr);
        buffers[i][0] = 1;
      }
    }
  }
  const long maps = map_count() - before;
  printf("%zu buffers grown to %zu KiB: %ld mappings\n", kBuffers, kSteps * kStep >> 10, maps);
  CHECK(maps < 2000);
  for (char* p : buffers) free(p);
}

void a_limit_of_its_own() {
  free(malloc(100));
  const long used = status_kib("VmSize:");
  struct rlimit limit = {static_cast<size_t>(used + (100 << 10)) << 10, RLIM_INFINITY};
  printf("%ld MiB of address space after the first malloc\n", used >> 10);
  CHECK(used < 64 << 10);
  CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
  void* mapped = mmap(nullptr, 64 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(mapped != MAP_FAILED);
  pthread_t thread;
  CHECK(pthread_create(&thread, nullptr, nothing, nullptr) == 0);
  CHECK(pthread_join(thread, nullptr) == 0);
  munmap(mapped, 64 << 20);
  limit.rlim_cur = RLIM_INFINITY;
  CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
}

void a_block_that_no_machine_holds() {
  FILE* file = fopen("/proc/sys/vm/overcommit_memory", "re");
  const int mode = file != nullptr ? fgetc(file) : '1';
  if (file != nullptr) fclose(file);
  if (mode == '1') return;  // everything is granted
  errno = 0;
  CHECK(malloc(size_t{64} << 40) == nullptr && errno == ENOMEM);
  CHECK(calloc(1000000000000, 8) == nullptr);
}
}  // namespace

int main() {
  a_limit_of_its_own();
  a_block_that_no_machine_holds();
  buffers_that_grow();
  return 0;
}
