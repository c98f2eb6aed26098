// Shows: the program itself registers handlers of fork in a constructor, before anything in the process has
// allocated, and its handlers allocate.
// Right: the child ends, and the parent sees it.
#include <pthread.h>
#include <sys/wait.h>

#include "case.h"

enum { kBlocks = 3000 };

static void handler(void) {
  void* volatile blocks[kBlocks];
  for (int i = 0; i < kBlocks; ++i) blocks[i] = malloc(16 + (size_t)i);
  for (int i = 0; i < kBlocks; ++i) free(blocks[i]);
}

__attribute__((constructor)) static void start(void) { pthread_atfork(handler, NULL, handler); }

int main(void) {
  alarm(20);
  void* volatile block = malloc(10);
  free(block);
  const pid_t pid = fork();
  if (pid == 0) _exit(0);
  int status;
  CHECK(waitpid(pid, &status, 0) == pid && status == 0);
  return 0;
}
