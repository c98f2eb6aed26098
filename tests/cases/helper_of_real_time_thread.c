// Shows: a program of a real-time policy starts the library's helper, which inherits that, and then keeps the processor
// from other programs while it returns memory. Right: the helper has the usual policy.
#include <sched.h>

#include "helper.h"

int main(void) {
  const struct sched_param lowest = {.sched_priority = 1};
  if (sched_setscheduler(0, SCHED_RR, &lowest) != 0) skip("no real-time policy may be set here");
  await_helper();
  int real_time = 0, usual = 0;
  DIR* folder = opendir("/proc/self/task");
  CHECK(folder != NULL);
  for (const struct dirent* entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
    if (entry->d_name[0] == '.') continue;
    const int policy = sched_getscheduler(atoi(entry->d_name));
    real_time += policy == SCHED_RR;
    usual += policy == SCHED_OTHER;
  }
  closedir(folder);
  CHECK(real_time == 2 && usual == 1);
  return 0;
}
