// Calls exit() from a signal handler that interrupted malloc or free. glibc's exit runs the allocator's exit paths (its
// report, its flushing). They must not wait for a lock that the interrupted call holds. Fails unless the exit paths
// only try locks and continue without them. Half of the runs set ASHLAR_OPTIONS=stats, so that the report runs.
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "support/process.h"

namespace {
using namespace ashlar_test;

void on_alarm(int) { exit(4); }

[[noreturn]] void child(unsigned long seed) {
  struct sigaction action = {};
  action.sa_handler = on_alarm;
  CHECK(sigaction(SIGALRM, &action, nullptr) == 0);
  Random random(seed);
  void* blocks[2000] = {};
  const long delay = 300 + static_cast<long>(random.below(3000));
  struct itimerval timer = {{0, 0}, {0, delay}};
  CHECK(setitimer(ITIMER_REAL, &timer, nullptr) == 0);
  for (;;) {  // mostly refills and flushes: the parts with locks
    for (size_t i = 0; i < 2000; ++i) blocks[i] = malloc(16 + random.below(8) * random.below(1000));
    blocks[0] = realloc(blocks[0], 3 << 20);
    for (void* p : blocks) free(p);
  }
}
}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) child(strtoul(argv[1], nullptr, 10));
  // The report goes to stderr and is not wanted here.
  CHECK(freopen("/dev/null", "w", stderr) != nullptr);
  for (int i = 0; i < 600; ++i) {
    if (i == 300) setenv("ASHLAR_OPTIONS", "stats", 1);
    char seed[16];
    snprintf(seed, sizeof seed, "%d", i);
    const int status = wait_for(start_self(seed), 10000);
    if (!exited_with(status, 4)) printf("run %d: status %#x%s\n", i, status, status == -1 ? ", dead-locked" : "");
    if (!exited_with(status, 4)) return 1;
  }
  return 0;
}
