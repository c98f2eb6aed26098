// Tests what a forked child costs and survives. Each mode is a process of its own.
//
//   cost         200 threads hold free blocks: a child that only exits touches none of these, and a child that
//                allocates gets their memory
//   dontfork     a free block of another thread, and one of its own, lie on pages that the child does not have
//   wipeonfork   the same, on pages that read as zero in the child
//   exit         the child of _Fork(3), for which no handlers run, can exit although threads were within the allocator
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string_view>

namespace {

constexpr size_t kThreads = 200;
pthread_barrier_t filled;

void require(bool condition, const char* what) {
  if (condition) return;
  fprintf(stderr, "%s\n", what);
  abort();
}

struct Ended {
  int status;
  long faults;
};

template <class Child>
Ended run_child(pid_t (*make)(), Child child) {
  fflush(nullptr);
  const pid_t pid = make();
  require(pid >= 0, "no child");
  if (pid == 0) {
    alarm(20);
    child();
  }
  Ended ended{};
  struct rusage usage = {};
  require(wait4(pid, &ended.status, 0, &usage) == pid, "no child to wait for");
  ended.faults = usage.ru_minflt;
  return ended;
}

void* fill(void* seed) {
  auto x = static_cast<unsigned>(reinterpret_cast<size_t>(seed));
  static thread_local void* blocks[1000];
  for (int round = 0; round < 10; ++round) {
    for (void*& block : blocks) block = malloc(16 + (x = x * 1664525 + 1013904223) / 65536 % 1000);
    for (void*& block : blocks) {
      void*& other = blocks[(x = x * 1664525 + 1013904223) / 65536 % 1000];
      void* const p = block;
      block = other;
      other = p;
    }
    for (void* block : blocks) free(block);
  }
  pthread_barrier_wait(&filled);
  pause();
  return nullptr;
}

int cost() {
  pthread_barrier_init(&filled, nullptr, kThreads + 1);
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 128 << 10);
  for (size_t i = 0; i < kThreads; ++i) {
    pthread_t thread;
    require(pthread_create(&thread, &small, fill, reinterpret_cast<void*>(i)) == 0, "no thread");
  }
  pthread_barrier_wait(&filled);
  const Ended idle = run_child(fork, [] { _exit(0); });
  const Ended busy = run_child(fork, [] {
    for (int i = 0; i < 100000; ++i) {
      void* const p = malloc(16 + i * 7 % 1000);
      require(p != nullptr, "no memory");
      memset(p, 1, 16);
      if (i % 3 != 0) free(p);
    }
    _exit(0);
  });
  printf("page faults of a child that ends: %ld, of one that allocates: %ld, threads: %zu\n", idle.faults, busy.faults,
         kThreads);
  // glibc's own: one a thread, in its list of stacks, and some 50
  return idle.status == 0 && busy.status == 0 && idle.faults < static_cast<long>(kThreads * 3 / 2 + 100) ? 0 : 1;
}

void* volatile own[8];
void* volatile others[8];

void get_and_free(void* volatile* blocks) {
  for (int i = 0; i < 8; ++i) blocks[i] = malloc(700);
  for (int i = 0; i < 8; ++i) free(blocks[i]);
}

void* get_and_pause(void*) {
  get_and_free(others);
  pthread_barrier_wait(&filled);
  pause();
  return nullptr;
}

int child_without_pages(int advice, bool threaded) {
  pthread_barrier_init(&filled, nullptr, 2);
  pthread_t thread;
  if (threaded) {
    pthread_create(&thread, nullptr, get_and_pause, nullptr);
    pthread_barrier_wait(&filled);
  }
  get_and_free(own);
  for (void* p : {others[3], own[3]}) {
    void* const page = reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(p) & ~uintptr_t{4095});
    if (p != nullptr) require(madvise(page, 4096, advice) == 0, "madvise failed");
  }
  const Ended ends = run_child(fork, [] { exit(0); });
  const Ended allocates = run_child(fork, [] {
    for (int i = 0; i < 5000; ++i) free(malloc(2000 + i % 20000));  // other sizes: their pages are there
    exit(0);
  });
  printf("statuses: %x %x\n", ends.status, allocates.status);
  return ends.status == 0 && allocates.status == 0 ? 0 : 1;
}

void* allocate_for_ever(void*) {
  for (;;) {
    void* volatile p = malloc(50000);
    free(p);
  }
}

int exit_without_handlers() {
  pthread_t thread;
  pthread_create(&thread, nullptr, allocate_for_ever, nullptr);
  for (int i = 0; i < 200; ++i) {
    if (run_child(_Fork, [] { exit(0); }).status == 0) continue;
    fprintf(stderr, "child %d did not end\n", i);
    return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  alarm(50);
  const std::string_view mode = argc > 1 ? argv[1] : "";
  const int status = mode == "cost"         ? cost()
                     : mode == "dontfork"   ? child_without_pages(MADV_DONTFORK, argc > 2)
                     : mode == "wipeonfork" ? child_without_pages(MADV_WIPEONFORK, argc > 2)
                     : mode == "exit"       ? exit_without_handlers()
                                            : 2;
  fflush(nullptr);
  _exit(status);
}
