// Shows: a service whose filter of system calls kills for a change of priorities, of the scheduler's policy or of the
// processors to run on, as SystemCallFilter=~@resources of systemd does. Threads work there. Right: the library's
// helper starts too.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "helper.h"

int main(void) {
  enum { kCalls = 6 };
  static const int calls[kCalls] = {SYS_sched_setscheduler, SYS_sched_setparam, SYS_sched_setattr,
                                    SYS_sched_setaffinity,  SYS_setpriority,    SYS_ioprio_set};
  struct sock_filter program[kCalls + 3];
  program[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  for (int i = 0; i < kCalls; ++i)
    program[1 + i] =
        (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)calls[i], (unsigned char)(kCalls - i), 0);
  program[kCalls + 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  program[kCalls + 2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
  struct sock_fprog filter = {kCalls + 3, program};
  CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) skip("no seccomp filters here");
  await_helper();
  await_purge();
  return 0;
}
