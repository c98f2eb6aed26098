// Tests that a program that has joined its threads is single-threaded, right after the join and some time later.
// unshare(CLONE_NEWUSER) fails with EINVAL while the kernel counts another thread, and the allocator's helper would be
// one.
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <initializer_list>

namespace {

constexpr size_t kBlocks = 2000, kBytes = 20000;  // 40 MB, which is worth a helper

void* work(void*) {
  static thread_local void* blocks[kBlocks];
  for (int round = 0; round < 3; ++round) {
    for (void*& block : blocks) block = memset(malloc(kBytes), 1, kBytes);
    for (void* block : blocks) free(block);
  }
  return nullptr;
}

// 0, or the errno of unshare.
int unshare_after_join(unsigned us) {
  pthread_t threads[2];
  for (pthread_t& thread : threads) pthread_create(&thread, nullptr, work, nullptr);
  for (pthread_t thread : threads) pthread_join(thread, nullptr);
  usleep(us);
  return unshare(CLONE_NEWUSER) == 0 ? 0 : errno;
}

}  // namespace

int main() {
  int failed = 0;
  for (const unsigned us : {0u, 0u, 0u, 10000u, 60000u}) {
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) _exit(unshare_after_join(us));
    int status = 0;
    waitpid(child, &status, 0);
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    // other errors are the machine's: user namespaces may be forbidden
    const bool bad = code == EINVAL || code == -1;
    printf("unshare %u us after the join: %s\n", us, code == -1 ? "killed" : strerror(code));
    failed += bad ? 1 : 0;
  }
  return failed == 0 ? 0 : 1;
}
