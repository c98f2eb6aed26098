// Shows: one thread forks, one calls fflush(NULL) (the list of streams, then each stream), two read lines (a stream,
// then malloc). An allocator that takes its locks in a handler before fork, and so before libc takes the list of
// streams, closes the circle: all wait for ever.
// Right: all go on for three seconds.
// Reports: https://sourceware.org/bugzilla/show_bug.cgi?id=19431, https://github.com/rust-lang/rust/issues/69165,
// https://github.com/gperftools/gperftools/issues/904
#include <pthread.h>
#include <sys/wait.h>

#include "case.h"

static volatile int stop;

static void* read_lines(void* unused) {
  FILE* file = tmpfile();
  CHECK(file != NULL);
  for (int i = 0; i < 400; ++i) {
    for (int k = i % 40 == 39 ? 200000 : i * 3; k > 0; --k) fputc('x', file);
    fputc('\n', file);
  }
  while (!stop) {
    char* line = NULL;
    size_t size = 0;
    rewind(file);
    while (!stop && getline(&line, &size, file) > 0) {
      free(line);
      line = NULL;
      size = 0;
    }
    free(line);
  }
  return unused;
}

static void* flush(void* unused) {
  while (!stop) fflush(NULL);
  return unused;
}

int main(void) {
  pthread_t threads[3];
  alarm(30);
  CHECK(pthread_create(&threads[0], NULL, read_lines, NULL) == 0);
  CHECK(pthread_create(&threads[1], NULL, flush, NULL) == 0);
  CHECK(pthread_create(&threads[2], NULL, read_lines, NULL) == 0);
  for (const double end = now_ms() + 3000; now_ms() < end;) {
    const pid_t pid = fork();
    if (pid == 0) _exit(0);
    CHECK(waitpid(pid, NULL, 0) == pid);
  }
  stop = 1;
  for (int i = 0; i < 3; ++i) pthread_join(threads[i], NULL);
  return 0;
}
