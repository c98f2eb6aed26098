// Is a C program that sets M_PERTURB before it allocates anything, so that no thread ever gets a heap. It forks 300
// times beside a thread that allocates. Fails unless mallopt registers the fork handlers, since no first heap does.
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int stop;

static void* busy(void* unused) {
  while (!stop) {
    for (size_t size = 16; size < 100000; size *= 3) free(malloc(size));
  }
  return unused;
}

int main(void) {
  if (mallopt(M_PERTURB, 0x5a) != 1) return 2;
  pthread_t thread;
  if (pthread_create(&thread, NULL, busy, NULL) != 0) return 2;
  for (int i = 0; i < 300; ++i) {
    const pid_t child = fork();
    if (child < 0) return 2;
    if (child == 0) {
      alarm(10);  // a lock that nobody releases
      for (size_t size = 16; size < 100000; size *= 3) {
        unsigned char* const p = malloc(size);
        if (p == NULL || p[size - 1] != 0xa5) _exit(1);
        free(p);
      }
      _exit(0);
    }
    int status;
    if (waitpid(child, &status, 0) != child || status != 0) return 1;
  }
  stop = 1;
  return pthread_join(thread, NULL);
}
