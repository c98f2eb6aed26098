// Tests on which processors the helper thread may run that a pinned thread started: on those of the first thread, after
// the pinned one has ended as well. With the argument "filter" a seccomp filter kills the process at
// sched_setaffinity(2): the helper is then left where it is, and the program runs on.
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace {

constexpr size_t kBlocks = 2000, kBytes = 20000;  // 40 MB, which is worth a helper
constexpr int kSkipped = 77, kWaits = 300;

bool filtered = false;

void fill_heap() {
  static void* blocks[kBlocks];
  for (int round = 0; round < 3; ++round) {
    for (void*& block : blocks) block = memset(malloc(kBytes), 1, kBytes);
    for (void* block : blocks) free(block);
  }
}

bool kill_at_sched_setaffinity() {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sched_setaffinity, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program = {sizeof code / sizeof code[0], code};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// The number of the helper thread, or 0.
pid_t helper() {
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::string name;
    std::getline(std::ifstream(task.path() / "comm"), name);
    if (name == "ashlar-kswapd") return static_cast<pid_t>(atoi(task.path().filename().c_str()));
  }
  return 0;
}

void* work_pinned(void* processor) {
  const auto* const only = static_cast<cpu_set_t*>(processor);
  if (sched_setaffinity(0, sizeof *only, only) != 0) return processor;
  if (filtered && !kill_at_sched_setaffinity()) return processor;
  fill_heap();
  for (int i = 0; i < kWaits && helper() == 0; ++i) {
    usleep(10000);
    fill_heap();
  }
  return nullptr;
}

void* stay(void*) {
  void* volatile block = malloc(1);  // threads are counted by their heaps
  free(block);
  sleep(60);
  return nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  filtered = argc > 1 && strcmp(argv[1], "filter") == 0;
  cpu_set_t all;
  if (sched_getaffinity(0, sizeof all, &all) != 0 || CPU_COUNT(&all) < 2) return kSkipped;
  cpu_set_t only;
  CPU_ZERO(&only);
  for (size_t i = 0; CPU_COUNT(&only) == 0; ++i) {
    if (CPU_ISSET(i, &all)) CPU_SET(i, &only);
  }
  pthread_t threads[2];
  void* result = nullptr;
  pthread_create(&threads[0], nullptr, stay, nullptr);  // while it is there, the helper stays
  pthread_create(&threads[1], nullptr, work_pinned, &only);
  pthread_join(threads[1], &result);
  if (result != nullptr) return kSkipped;
  const pid_t number = helper();
  if (number == 0) return puts("there is no helper thread"), 1;
  cpu_set_t of_helper;
  for (int i = 0; i < kWaits; ++i) {  // it has its name before it runs, or not
    if (sched_getaffinity(number, sizeof of_helper, &of_helper) != 0) return perror("sched_getaffinity"), 1;
    if (CPU_EQUAL(&of_helper, filtered ? &only : &all)) return 0;
    usleep(10000);
  }
  printf("the helper may run on %d of %d processors\n", CPU_COUNT(&of_helper), CPU_COUNT(&all));
  return 1;
}
