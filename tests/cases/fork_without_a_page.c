// Shows: another thread holds free objects on a page that fork leaves out (MADV_DONTFORK, as ibv_fork_init does with
// registered buffers). The child calls nothing but _exit.
// Right: the child ends with status 0.
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "case.h"

enum { kBlocks = 8 };
static void* one_of_them;
static pthread_barrier_t freed;

static void* work(void* unused) {
  void* blocks[kBlocks];
  for (int i = 0; i < kBlocks; ++i) blocks[i] = malloc(700);
  one_of_them = blocks[3];
  for (int i = 0; i < kBlocks; ++i) free(blocks[i]);
  pthread_barrier_wait(&freed);
  pause();
  return unused;
}

int main(void) {
  pthread_t thread;
  pthread_barrier_init(&freed, NULL, 2);
  CHECK(pthread_create(&thread, NULL, work, NULL) == 0);
  pthread_barrier_wait(&freed);
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  CHECK(madvise((void*)((uintptr_t)one_of_them & ~(page - 1)), page, MADV_DONTFORK) == 0);
  const pid_t pid = fork();
  if (pid == 0) _exit(0);
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  _exit(0);
}
