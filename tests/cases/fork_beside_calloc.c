// Shows: a thread allocates while a fork is under way for longer than a lock should be waited for, as a handler of a
// library's takes its time (fork_slowly.c). An allocator may serve it from memory set apart, which was used before.
// Right: what calloc returns is zero, in the parent and in the child.
#include <pthread.h>
#include <sys/wait.h>

#include "case.h"

enum { kForks = 4, kHeld = 20 };
static volatile int stop;

static void dirty_and_look(void) {
  unsigned char* blocks[kHeld];
  for (size_t i = 0; i < kHeld; ++i) {
    const size_t size = 24 + i * 700;
    blocks[i] = calloc(1, size);
    CHECK(blocks[i] != NULL);
    for (size_t at = 0; at < size; ++at) CHECK(blocks[i][at] == 0);
    memset(blocks[i], 0xee, size);
  }
  for (int i = 0; i < kHeld; ++i) free(blocks[i]);
}

static void* work(void* unused) {
  while (!stop) dirty_and_look();
  return unused;
}

int main(void) {
  alarm(20);
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, work, NULL) == 0);
  for (int i = 0; i < kForks; ++i) {
    const pid_t pid = fork();
    if (pid == 0) {
      dirty_and_look();
      _exit(0);
    }
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
  }
  stop = 1;
  pthread_join(thread, NULL);
  return 0;
}
