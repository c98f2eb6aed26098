// Forks 300 times from a process with 16 threads that allocate all the time. The child allocates every class, starts a
// thread, forks again, and exits normally. Fails without fork handlers that take every lock in order and release them
// in both processes. The child then waits for a lock whose holder does not exist there, or finds an incomplete list.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <atomic>

#include "support/process.h"

namespace {
using namespace ashlar_test;
std::atomic<bool> stop{false};
std::atomic<void*> shelf[64];

void churn(Random& random, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    const size_t size = usual_size(random);
    auto* p = static_cast<unsigned char*>(malloc(size));
    CHECK(p != nullptr);
    p[0] = p[size - 1] = 0x6d;
    // Handed over the shelf, so that other threads free it.
    free(shelf[random.below(64)].exchange(p));
  }
}

void* busy(void* argument) {
  // Always running, but behind the forking thread: with 16 equals on few processors it would wait most of the time.
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 10);
  Random random(reinterpret_cast<size_t>(argument));
  while (!stop.load(std::memory_order_relaxed)) churn(random, 100);
  return nullptr;
}

void* allocate_once(void* seed) {
  Random random(reinterpret_cast<size_t>(seed));
  churn(random, 200);
  return nullptr;
}

[[noreturn]] void child(size_t iteration) {
  Random random(iteration + 1000);
  void* blocks[300];
  for (size_t i = 0; i < 300; ++i) {
    const size_t size = i < 100 ? i * 16 : i < 290 ? random.below(2048) : usual_size(random);
    blocks[i] = calloc(1, size);
    CHECK(blocks[i] != nullptr);
    for (size_t at = 0; at < size; at += 61) CHECK(static_cast<char*>(blocks[i])[at] == 0);
  }
  for (void* p : blocks) free(p);
  churn(random, 50);
  if (iteration % 10 == 0) {
    pthread_t thread;
    CHECK(pthread_create(&thread, nullptr, allocate_once, reinterpret_cast<void*>(iteration)) == 0);
    if (iteration % 20 == 0) {  // nested: fork while the child's own thread allocates
      const pid_t pid = fork();
      CHECK(pid >= 0);
      if (pid == 0) {
        churn(random, 200);
        exit(23);
      }
      CHECK(exited_with(wait_for(pid, 20000), 23));
    }
    CHECK(pthread_join(thread, nullptr) == 0);
  }
  exit(17);  // normally: with atexit handlers, destructors and the allocator's own last words
}
}  // namespace

int main(int argc, char** argv) {
  const size_t forks = argc > 1 ? static_cast<size_t>(atoi(argv[1])) : 1000;
  pthread_t threads[16];
  for (size_t i = 0; i < 16; ++i)
    CHECK(pthread_create(&threads[i], nullptr, busy, reinterpret_cast<void*>(i + 1)) == 0);
  for (size_t i = 0; i < forks; ++i) {
    const pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) child(i);
    const int status = wait_for(pid, 30000);
    if (!exited_with(status, 17))
      dprintf(2, "fork %zu: status %#x%s\n", i, status, status == -1 ? ": dead-locked" : "");
    CHECK(exited_with(status, 17));
  }
  stop = true;
  for (pthread_t thread : threads) CHECK(pthread_join(thread, nullptr) == 0);
  return 0;
}
