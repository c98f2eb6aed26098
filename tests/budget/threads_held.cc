// Checks a budget: of 64 threads that each used 20 size classes and now wait, each holds at most 128 KiB. Run with the
// library preloaded.
//
//   threads_held small | wide       the 20 classes up to 1 KiB; or 20 sizes from 16 bytes to 32 KiB
#include <malloc.h>
#include <pthread.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "figures.h"

namespace {

constexpr int kThreads = 64;
constexpr size_t kClasses = 20;
constexpr size_t kBytesOfEach = 64 << 10;  // allocated of each size, then freed
constexpr double kBudgetKib = 128;

using Sizes = std::array<size_t, kClasses>;
constexpr Sizes kSmall = {16,  32,  48,  64,  80,  96,  112, 128, 160, 192,
                          224, 256, 320, 384, 448, 512, 640, 768, 896, 1024};
constexpr Sizes kWide = {16,   32,   64,   96,   128,  192,  256,  384,   512,   768,
                         1024, 1536, 2048, 3072, 4096, 6144, 8192, 12288, 16384, 32768};

const Sizes* used;
pthread_barrier_t started, go, done;

void use_classes() {
  static thread_local void* first;
  for (size_t size : *used) {
    void** last = &first;
    for (size_t bytes = 0; bytes < kBytesOfEach; bytes += size) {
      void* block = malloc(size);
      if (!block) abort();
      memset(block, 1, size);
      *last = block;
      last = static_cast<void**>(block);
    }
    *last = nullptr;
    while (first) {
      void* next;
      memcpy(&next, first, sizeof next);
      free(first);
      first = next;
    }
  }
}

void* run_thread(void*) {
  // The stack that use_classes and the allocator stand on is no cost of the allocator.
  volatile char stack[16 << 10];
  for (volatile char& byte : stack) {
    byte = 1;
  }
  pthread_barrier_wait(&started);
  pthread_barrier_wait(&go);
  use_classes();
  pthread_barrier_wait(&done);
  for (;;) {
    pause();
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc == 2 ? argv[1] : "";
  if (mode != "small" && mode != "wide") return 2;
  budget::require_ashlar();
  budget::ask_for_steady_figures();
  used = mode == "small" ? &kSmall : &kWide;
  for (pthread_barrier_t* barrier : {&started, &go, &done}) {
    pthread_barrier_init(barrier, nullptr, kThreads + 1);
  }
  for (int i = 0; i < kThreads; ++i) {
    pthread_t thread;
    if (pthread_create(&thread, nullptr, run_thread, nullptr) != 0) return 1;
  }
  pthread_barrier_wait(&started);
  const long before = budget::private_kib();
  pthread_barrier_wait(&go);
  pthread_barrier_wait(&done);
  sleep(2);
  const long after = budget::private_kib();
  const struct mallinfo2 info = mallinfo2();
  printf("private pages, %d threads waiting: before %ld KiB, after %ld KiB; mallinfo2: in use %zu KiB, free %zu KiB\n",
         kThreads, before, after, info.uordblks >> 10, info.fordblks >> 10);
  const bool good = budget::within("held per waiting thread, " + mode + " sizes",
                                   static_cast<double>(after - before) / kThreads, kBudgetKib, "KiB");
  fflush(stdout);
  _exit(good ? 0 : 1);
}
