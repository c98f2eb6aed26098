// Shows: handlers of fork, registered before the allocator's own or after, allocate and free while other threads
// allocate. Handlers before fork run in the reverse order of registration. An allocator whose handler runs first has
// its locks by then, and the thread that forks waits for itself.
// Right: no deadlock in parent or child, with the library of handlers linked, preloaded before or behind the
// allocator.
// Reports: https://github.com/microsoft/snmalloc/pull/735, https://github.com/GrapheneOS/hardened_malloc/issues/319,
// https://github.com/OpenMathLib/OpenBLAS/issues/2270
#include <pthread.h>
#include <sys/wait.h>

#include "case.h"

enum { kThreads = 4, kForks = 40, kHeld = 50 };
static volatile int stop;

static void* allocate(void* seed) {
  unsigned random = (unsigned)(size_t)seed;
  void* blocks[kHeld] = {0};
  do {
    random = random * 1664525 + 1013904223;
    const unsigned at = (random >> 20) % kHeld;
    free(blocks[at]);
    blocks[at] = malloc((random >> 8) % 70000);
  } while (!stop);
  for (int i = 0; i < kHeld; ++i) free(blocks[i]);
  return NULL;
}

static void handler(void) {
  free(malloc(777));
  free(malloc(77777));
}

static void child(void) {
  alarm(10);
  for (size_t i = 0; i < 200; ++i) free(malloc(i * 331));
  pthread_t thread;
  stop = 1;
  CHECK(pthread_create(&thread, NULL, allocate, (void*)9) == 0);
  pthread_join(thread, NULL);
  _exit(0);
}

int main(int argc, char** argv) {
  const int threads = argc > 1 ? atoi(argv[1]) : kThreads;
  pthread_t thread[kThreads];
  alarm(20);
  pthread_atfork(handler, handler, handler);
  for (int i = 0; i < threads; ++i) CHECK(pthread_create(&thread[i], NULL, allocate, (void*)(size_t)(i + 1)) == 0);
  for (int i = 0; i < kForks; ++i) {
    const pid_t pid = fork();
    if (pid == 0) child();
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
  }
  stop = 1;
  for (int i = 0; i < threads; ++i) pthread_join(thread[i], NULL);
  return 0;
}
