// Child processes with a deadline, so that a deadlock fails the test instead of hanging it.
#pragma once

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>

#include "support/check.h"

namespace ashlar_test {

inline void sleep_ms(long ms) {
  struct timespec t = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&t, nullptr);
}

// Returns the wait status of the child, or -1 if it was killed after the deadline.
inline int wait_for(pid_t pid, long deadline_ms) {
  int status = 0;
  for (long waited = 0; waited < deadline_ms;) {
    const pid_t done = waitpid(pid, &status, WNOHANG);
    CHECK(done >= 0 || errno == EINTR);
    if (done == pid) return status;
    const long step = waited < 20 ? 1 : 10;
    sleep_ms(step);
    waited += step;
  }
  kill(pid, SIGKILL);
  waitpid(pid, &status, 0);
  return -1;
}

inline bool exited_with(int status, int code) {
  return status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == code;
}

// Starts this program again with one argument and the same environment.
inline pid_t start_self(const char* argument) {
  char path[] = "/proc/self/exe";
  char mode[64];
  snprintf(mode, sizeof mode, "%s", argument);
  char* argv[] = {path, mode, nullptr};
  pid_t pid = 0;
  CHECK(posix_spawn(&pid, path, nullptr, nullptr, argv, environ) == 0);
  return pid;
}

}  // namespace ashlar_test
