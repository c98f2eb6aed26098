// A fork beside other threads waits for them by membarrier(2), for which a process must be registered. It is, though
// its first allocation is that of pthread_create. Run with the library preloaded; skipped where the kernel has no such
// call.
#include <errno.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// In C, since libstdc++ allocates when it is loaded, and without standard streams before the thread.
static void* fence(void* failed) {
  *(int*)failed = syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0 ? 0 : errno;
  return NULL;
}

int main(void) {
  const long known = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
  pthread_t thread;
  int failed = -1;
  if (pthread_create(&thread, NULL, fence, &failed) != 0 || pthread_join(thread, NULL) != 0) return 1;
  if (known < 0 || (known & MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0) {
    puts("skipped: the kernel has no membarrier");
    return 77;
  }
  printf("membarrier: %s\n", strerror(failed));
  return failed == 0 ? 0 : 1;
}
