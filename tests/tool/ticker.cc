// Is a program for the tests of requests that does one thing until its input ends. "misses" allocates so that malloc
// misses. "recycles" frees and takes one block again. "threads" does the same in three threads. "silent" does nothing.
// "pauses" misses until its first line. "forks" does nothing, and its children miss. "grows" keeps a block and frees
// one that it had at first. "wants" gets SIGUSR1 on a stack of its own; at each line a child misses before it misses
// itself. "climbs" holds one more MiB at each line, and then holds another MiB for a moment. At each line of
// input it prints the size that mallinfo2 reports and its number of threads. "pauses" prints 0 and 0 at the first line,
// and "forks" prints the number of a new child and 0.
#include <dirent.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace {

thread_local void* volatile last;  // threads that share it free each other's blocks twice
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

[[noreturn]] void miss_and_end() {
  for (int i = 0; i < 50; ++i) miss();
  _exit(0);
}

// A signal that the library catches, on a stack that is too small for writing a file, and a child.
void want_and_fork() {
  static char stack[8192];
  stack_t own{};
  own.ss_sp = stack;
  own.ss_size = sizeof stack;
  sigaltstack(&own, nullptr);
  raise(SIGUSR1);
  const pid_t child = fork();
  if (child == 0) miss_and_end();
  waitpid(child, nullptr, 0);
}

// Holds one more MiB, after it held another one for a moment.
void climb() {
  constexpr std::size_t kMiB = std::size_t{1} << 20;
  last = std::malloc(kMiB);
  void* volatile more = std::malloc(kMiB);
  std::free(more);
}

int count_threads() {
  DIR* const tasks = opendir("/proc/self/task");
  int n = 0;
  while (const dirent* const entry = readdir(tasks)) n += entry->d_name[0] != '.';
  closedir(tasks);
  return n;
}

bool waits(const char* what) {
  for (const char* const one : {"silent", "forks", "wants", "climbs"}) {
    if (std::strcmp(what, one) == 0) return true;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "silent";
  static char buffer[4096];
  setvbuf(stdout, buffer, _IOLBF, sizeof buffer);
  for (int i = 0; i < 50; ++i) recycle();
  if (std::strcmp(what, "grows") == 0) fill_stock();
  if (std::strcmp(what, "wants") == 0) want_and_fork();
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
      if (std::strcmp(what, "wants") == 0) miss();
      if (std::strcmp(what, "climbs") == 0) climb();
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
