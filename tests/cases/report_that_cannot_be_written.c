// Shows: at its end a process writes the report of the option stats to a pipe that nobody reads any more (pipe), or to
// a file at its limit, RLIMIT_FSIZE (file), or a profile to such a file (quiet). The system raises a signal then, which
// ends the process. Right: it ends with its own status. A handler of the program's own gets the signal (handled).
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "case.h"

enum { kStatus = 7, kHandled = 9 };

static void end_handled(int signal_number) {
  (void)signal_number;
  _exit(kHandled);
}

static void write_into_pipe(void) {
  int ends[2];
  CHECK(pipe(ends) == 0 && close(ends[0]) == 0 && dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
}

static void write_into_file(const char* path) {
  const struct rlimit limit = {100, 100};
  const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  CHECK(file >= 0 && dup2(file, STDERR_FILENO) == STDERR_FILENO && setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

static void be_child(const char* what) {
  for (int i = 0; i < 1000; ++i) keep(malloc(100));
  if (strcmp(what, "handled") == 0) signal(SIGPIPE, end_handled);
  if (strcmp(what, "pipe") == 0 || strcmp(what, "handled") == 0) write_into_pipe();
  else if (strcmp(what, "quiet") == 0) write_into_file("/dev/null");
  else write_into_file("report_at_its_limit");
  exit(kStatus);
}

int main(int argc, char** argv) {
  CHECK(argc == 2);
  const pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) be_child(argv[1]);
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  printf("status %x\n", (unsigned)status);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == (strcmp(argv[1], "handled") == 0 ? kHandled : kStatus));
  fflush(stdout);
  _exit(0);  // without a report of this process
}
