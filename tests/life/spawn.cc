// Tests vfork, posix_spawn, _Fork and clone while other threads allocate, each in the way programs use them. Fails
// unless a vfork child can use the heap in its parent's memory (it has the same thread pointer, so it has the same
// heap), and unless no state depends on fork handlers, which none of these calls run.
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include <atomic>

#include "support/process.h"

namespace {
using namespace ashlar_test;
std::atomic<bool> stop{false};

void churn(unsigned long seed, int rounds) {
  Random random(seed);
  void* blocks[50] = {};
  for (int i = 0; i < rounds; ++i) {
    void*& p = blocks[random.below(50)];
    free(p);
    const size_t size = usual_size(random);
    p = malloc(size);
    CHECK(p != nullptr);
    memset(p, 1, size < 64 ? size : 64);
  }
  for (void* p : blocks) free(p);
}

void* busy(void* argument) {
  for (unsigned long i = reinterpret_cast<size_t>(argument); !stop.load(std::memory_order_relaxed); i += 100)
    churn(i, 200);
  return nullptr;
}

void spawn_true() {
  pid_t pid = 0;
  char path[] = "/bin/true";
  char* argv[] = {path, nullptr};
  CHECK(posix_spawn(&pid, path, nullptr, nullptr, argv, environ) == 0);
  CHECK(exited_with(wait_for(pid, 20000), 0));
}

// A shell's way: the child prepares its arguments on the parent's heap, then executes or gives up.
void vfork_with_allocations() {
  void* volatile from_child = nullptr;
  const pid_t pid = vfork();
  CHECK(pid >= 0);
  if (pid == 0) {
    for (int i = 0; i < 300; ++i) free(malloc(static_cast<size_t>(i) * 37));
    from_child = malloc(5000);
    _exit(from_child != nullptr ? 5 : 1);
  }
  CHECK(exited_with(wait_for(pid, 20000), 5));
  memset(from_child, 1, 5000);
  free(from_child);
  churn(7, 500);
}

int clone_body(void* out) {
  for (int i = 0; i < 300; ++i) free(malloc(static_cast<size_t>(i) * 41));
  *static_cast<void**>(out) = malloc(100);
  return 9;
}

// CLONE_VM | CLONE_VFORK on a stack of its own: what posix_spawn and some runtimes do.
void clone_sharing_memory() {
  static char stack[256 << 10];
  void* block = nullptr;
  const int pid = clone(clone_body, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &block);
  CHECK(pid > 0);
  CHECK(exited_with(wait_for(pid, 20000), 9));
  CHECK(block != nullptr);
  free(block);
}

// No fork handler runs here. POSIX lets such a child of a threaded process do nothing much, so this is for a process
// without threads.
void fork_without_handlers(bool raw) {
  const pid_t pid = raw ? static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr)) : _Fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    churn(3, 2000);
    _exit(6);
  }
  CHECK(exited_with(wait_for(pid, 20000), 6));
}
}  // namespace

int main() {
  churn(1, 1000);
  for (int i = 0; i < 50; ++i) fork_without_handlers(i % 2 == 0);
  pthread_t threads[8];
  for (size_t i = 0; i < 8; ++i) CHECK(pthread_create(&threads[i], nullptr, busy, reinterpret_cast<void*>(i + 1)) == 0);
  for (int i = 0; i < 100; ++i) {
    spawn_true();
    vfork_with_allocations();
    clone_sharing_memory();
    FILE* pipe = popen("echo spoken", "re");
    char word[16] = "";
    CHECK(pipe != nullptr && fgets(word, sizeof word, pipe) != nullptr && strcmp(word, "spoken\n") == 0);
    CHECK(pclose(pipe) == 0);
  }
  stop = true;
  for (pthread_t thread : threads) CHECK(pthread_join(thread, nullptr) == 0);
  return 0;
}
