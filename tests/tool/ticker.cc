// A program that does one thing until its input ends, for the tests of requests: "misses" allocates so that malloc
// misses, "recycles" frees and takes one block again, "threads" does that in three threads, "silent" does nothing,
// "pauses" misses until its first line, "forks" does nothing and its children miss, "grows" keeps a block and frees one
// that it had at first. On a line of input it prints what
// mallinfo2 says of its size, and its number of threads, but "pauses" at the first line 0 and 0, and "forks" the number
// of a new child and 0.
#include <dirent.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

void* volatile last;
void* volatile kept[400];

[[gnu::noinline]] void recycle() {
  for (int i = 0; i < 20; ++i) {
    last = std::malloc(100);
    std::free(last);
  }
  asm volatile("");
}

[[gnu::noinline]] void miss() {
  for (auto& p : kept) p = std::malloc(5000);
  for (auto& p : kept) std::free(p);
  asm volatile("");
}

constexpr int kStock = 20000;
void* volatile stock[kStock];

[[gnu::noinline]] void fill_stock() {
  for (auto& p : stock) p = std::malloc(300);
  asm volatile("");
}

[[gnu::noinline]] void grow() {
  static int round = 0;
  last = std::malloc(700);
  if (round < kStock) std::free(stock[round++]);
  asm volatile("");
}

void* forever(void*) {
  for (;;) {
    recycle();
    usleep(1000);
  }
}

int count_threads() {
  DIR* const tasks = opendir("/proc/self/task");
  int n = 0;
  while (const dirent* const entry = readdir(tasks)) n += entry->d_name[0] != '.';
  closedir(tasks);
  return n;
}

bool waits(const char* what) { return std::strcmp(what, "silent") == 0 || std::strcmp(what, "forks") == 0; }

}  // namespace

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "silent";
  static char buffer[4096];
  setvbuf(stdout, buffer, _IOLBF, sizeof buffer);
  for (int i = 0; i < 50; ++i) recycle();
  if (std::strcmp(what, "grows") == 0) fill_stock();
  if (std::strcmp(what, "threads") == 0) {
    for (int i = 0; i < 3; ++i) {
      pthread_t thread;
      if (pthread_create(&thread, nullptr, forever, nullptr) != 0) return 1;
    }
  }
  std::puts("ready");
  for (;;) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (poll(&input, 1, waits(what) ? -1 : 1) == 1) {
      char line[100];
      if (read(STDIN_FILENO, line, sizeof line) <= 0) return 0;
      if (std::strcmp(what, "pauses") == 0) {
        std::puts("0 0");
        what = "silent";
      } else if (std::strcmp(what, "forks") == 0) {
        const pid_t child = fork();
        if (child == 0) what = "misses";
        else std::printf("%d 0\n", child);
      } else {
        std::printf("%zu %d\n", mallinfo2().arena, count_threads());
      }
    }
    if (std::strcmp(what, "grows") == 0) grow();
    if (std::strcmp(what, "misses") == 0 || std::strcmp(what, "pauses") == 0) miss();
    else if (!waits(what)) recycle();
  }
}
