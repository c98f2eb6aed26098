// Checks a budget: a program allocates 1 GiB in objects of 1 to 64 KiB, frees all of them and sleeps. After 2 seconds
// its memory is at most 16 MiB above that of its start, without a further call of the allocator. Run with the library
// preloaded.
//
//   give_back in-order | random | threads       threads: four threads with a quarter each, which wait afterwards
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "figures.h"

namespace {

constexpr size_t kTotal = size_t{1} << 30;
constexpr size_t kSmallest = 1 << 10, kLargest = 64 << 10;
constexpr unsigned kThreads = 4;
constexpr long kBudgetKib = 16 << 10;

// Room for the pointers, which must not come from the allocator that is measured.
void* objects[kThreads][kTotal / kSmallest / kThreads];

void allocate_and_free(size_t total, bool shuffled, void** blocks, unsigned seed) {
  std::minstd_rand random(seed);
  std::uniform_int_distribution<size_t> sizes(kSmallest, kLargest);
  size_t count = 0;
  for (size_t allocated = 0; allocated < total;) {
    const size_t size = sizes(random);
    void* block = malloc(size);
    if (!block) {
      fprintf(stderr, "malloc failed after %zu bytes\n", allocated);
      _exit(1);
    }
    memset(block, 1, size);
    blocks[count++] = block;
    allocated += size;
  }
  if (shuffled) std::shuffle(blocks, blocks + count, random);
  for (size_t i = 0; i < count; ++i) {
    free(blocks[i]);
  }
}

void run_threads() {
  static pthread_barrier_t done;
  pthread_barrier_init(&done, nullptr, kThreads + 1);
  for (unsigned i = 0; i < kThreads; ++i) {
    std::thread([i] {
      allocate_and_free(kTotal / kThreads, true, objects[i], i + 1);
      pthread_barrier_wait(&done);
      for (;;) {
        pause();
      }
    }).detach();
  }
  pthread_barrier_wait(&done);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc == 2 ? argv[1] : "";
  if (mode != "in-order" && mode != "random" && mode != "threads") return 2;
  budget::require_ashlar();
  budget::ask_for_steady_figures();
  // The array is no cost of the allocator: it is resident before the start is taken.
  memset(static_cast<void*>(objects), 1, sizeof objects);
  const long start = budget::private_kib();
  if (mode == "threads") {
    run_threads();
  } else {
    allocate_and_free(kTotal, mode == "random", objects[0], 1);
  }
  const long freed = budget::private_kib();
  sleep(2);
  const long after = budget::private_kib();
  printf("private pages at start %ld KiB, when all is freed %ld KiB, 2 s later %ld KiB\n", start, freed, after);
  const bool good = budget::within("1 GiB freed, " + mode + ", kept after 2 s", static_cast<double>(after - start),
                                   kBudgetKib, "KiB");
  fflush(stdout);
  _exit(good ? 0 : 1);
}
