// Shows: a program that has joined all its threads has one thread again, and may call unshare(CLONE_NEWUSER). A
// helper thread of the allocator that is still there makes it fail with EINVAL.
// Right: it works right after the join and at any time later.
// Reports: https://github.com/jemalloc/jemalloc/issues/1884, https://github.com/NixOS/nixpkgs/issues/19047
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>

#include "case.h"

enum { kBlocks = 2000 };

static void* work(void* unused) {
  static __thread void* blocks[kBlocks];
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < kBlocks; ++i) blocks[i] = filled(20000);
    for (int i = 0; i < kBlocks; ++i) free(blocks[i]);
  }
  return unused;
}

static void child(int delay_ms) {
  pthread_t threads[2];
  for (int i = 0; i < 2; ++i) CHECK(pthread_create(&threads[i], NULL, work, NULL) == 0);
  for (int i = 0; i < 2; ++i) pthread_join(threads[i], NULL);
  usleep((useconds_t)delay_ms * 1000);
  const int failed = unshare(CLONE_NEWUSER);
  if (failed) fprintf(stderr, "%d ms after the join: unshare: %s\n", delay_ms, strerror(errno));
  _exit(failed != 0);
}

int main(void) {
  static const int kDelays[] = {0, 10, 100, 500, 900, 1500};
  if (fork() == 0) _exit(unshare(CLONE_NEWUSER) != 0);
  int status, wrong = 0;
  CHECK(wait(&status) > 0);
  if (status != 0) skip("user namespaces are not to be had here");
  for (size_t i = 0; i < sizeof kDelays / sizeof *kDelays; ++i) {
    if (fork() == 0) child(kDelays[i]);
    CHECK(wait(&status) > 0);
    wrong += status != 0;
  }
  return wrong != 0;
}
