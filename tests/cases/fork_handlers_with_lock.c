// Shows: the program registers handlers of fork that take a lock, as logging libraries do, before it has allocated
// anything. Another thread allocates under that lock while the first one forks.
//   fork_handlers_with_lock streams|large|mallinfo|trim   what the thread does under the lock
// Right: all forks end.
#include <malloc.h>
#include <pthread.h>
#include <sys/wait.h>

#include "case.h"

enum { kForks = 150 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char* what;

static void take(void) { pthread_mutex_lock(&lock); }
static void give(void) { pthread_mutex_unlock(&lock); }

static void work_with_streams(void) {
  FILE* const file = fopen("/dev/null", "w");
  CHECK(file != NULL && fputs("line\n", file) >= 0);
  fclose(file);
}

static void work_with_large_blocks(void) {
  char* block = malloc((size_t)40 << 20);
  CHECK(block != NULL);
  memset(block, 1, (size_t)40 << 20);
  block = realloc(block, (size_t)60 << 20);
  CHECK(block != NULL && block[12345] == 1);
  block = realloc(block, 100);
  CHECK(block != NULL && block[99] == 1);
  free(block);
}

static void* work(void* unused) {
  for (;;) {
    take();
    if (strcmp(what, "streams") == 0) work_with_streams();
    else if (strcmp(what, "large") == 0) work_with_large_blocks();
    else if (strcmp(what, "mallinfo") == 0) (void)mallinfo2();
    else malloc_trim(0);
    give();
    usleep(20);
  }
  return unused;
}

int main(int argc, char** argv) {
  pthread_atfork(take, give, give);
  alarm(120);
  CHECK(argc == 2);
  what = argv[1];
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, work, NULL) == 0);
  for (int i = 0; i < kForks; ++i) {
    const pid_t pid = fork();
    if (pid == 0) _exit(0);
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
  }
  return 0;
}
