// Tests a child that shares its parent's memory, by vfork(2) or by clone(2) with CLONE_VM, and allocates. The child
// must end when it is done. The parent must still have its helper afterwards, so that memory that threads free returns
// to the system.
//
//   shared_memory_child vfork | clone | thread       thread: vfork in a thread that allocated nothing before
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

namespace {

constexpr size_t kBytes = 4000, kFew = 3000, kMany = 20000;  // 12 MB is worth a helper, 80 MB come back
constexpr unsigned kSeconds = 10;

void* blocks[kMany];

void fill_and_free(size_t count) {
  for (size_t i = 0; i < count; ++i) {
    blocks[i] = malloc(kBytes);
    if (blocks[i] == nullptr) _exit(3);
    memset(blocks[i], 1, kBytes);
  }
  for (size_t i = 0; i < count; ++i) free(blocks[i]);
}

long resident_kib() {
  FILE* const file = fopen("/proc/self/statm", "r");
  long size = 0, resident = 0;
  if (file == nullptr || fscanf(file, "%ld %ld", &size, &resident) != 2) _exit(3);
  fclose(file);
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

void* wait_for_ever(void* fill) {
  free(malloc(kBytes));
  if (fill != nullptr) fill_and_free(kMany);
  for (;;) pause();
}

int child(void*) {
  fill_and_free(kFew);
  return 0;
}

// Returns when the child has ended.
bool run_child(bool by_vfork) {
  static char stack[256 << 10];
  pid_t pid = 0;
  if (by_vfork) {
    pid = vfork();
    if (pid == 0) {
      fill_and_free(kFew);
      execl("/bin/true", "true", static_cast<char*>(nullptr));
      _exit(1);
    }
  } else {
    pid = clone(child, stack + sizeof stack, CLONE_VM | SIGCHLD, nullptr);
  }
  int status = 0;
  return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

void* run_child_first(void* succeeded) {
  *static_cast<bool*>(succeeded) = run_child(true);
  for (;;) pause();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc == 2 ? argv[1] : "";
  if (mode != "vfork" && mode != "clone" && mode != "thread") return 2;
  pthread_t thread;
  static bool succeeded = false;
  if (mode == "thread") {
    free(malloc(kBytes));
    pthread_create(&thread, nullptr, run_child_first, &succeeded);
    usleep(1000000);
  } else {
    pthread_create(&thread, nullptr, wait_for_ever, nullptr);
    usleep(100000);  // it has a heap: the process has two
    succeeded = run_child(mode == "vfork");
  }
  if (!succeeded) {
    puts("the child failed");
    _exit(1);
  }
  const long start = resident_kib();
  pthread_create(&thread, nullptr, wait_for_ever, static_cast<void*>(blocks));
  usleep(500000);
  long now = resident_kib();
  const long filled = now;
  for (unsigned tenths = 0; tenths < 10 * kSeconds && now > start + (filled - start) / 4; ++tenths) {
    usleep(100000);
    now = resident_kib();
  }
  const long kept = now - start, limit = (filled - start) / 4;
  printf("resident over the start: %ld KiB when a thread had freed 80 MB, %ld KiB at last, at most %ld\n",
         filled - start, kept, limit);
  fflush(stdout);
  _exit(kept <= limit ? 0 : 1);
}
