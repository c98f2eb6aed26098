// Shows: _Fork, which runs no handlers, beside a thread that allocates. The child calls exit, and so may find any
// lock held.
// Right: each child ends.
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "case.h"

static void* allocate(void* unused) {
  for (;;) {
    void* volatile block = malloc(50000);
    free(block);
  }
  return unused;
}

int main(void) {
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, allocate, NULL) == 0);
  usleep(10000);
  for (int i = 0; i < 300; ++i) {
    const pid_t pid = _Fork();
    if (pid == 0) exit(0);
    int left = 10000;
    while (waitpid(pid, NULL, WNOHANG) == 0 && --left > 0) usleep(1000);
    if (left == 0) {
      fprintf(stderr, "child %d hangs in exit()\n", i);
      kill(pid, SIGKILL);
      _exit(1);
    }
  }
  _exit(0);
}
