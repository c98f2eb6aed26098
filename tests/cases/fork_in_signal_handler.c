// Shows: a supervisor of one thread whose SIGCHLD handler starts another child. A child that ends at once makes the
// signal arrive while the parent is still inside fork, between the handlers of pthread_atfork. glibc's malloc takes
// no lock in a process of one thread; a malloc whose handler before fork locks waits there for itself.
// Right: all children are started.
#include <signal.h>
#include <sys/wait.h>

#include "case.h"

static volatile sig_atomic_t handled;

static void start_another(int signal_number) {
  (void)signal_number;
  while (waitpid(-1, NULL, WNOHANG) > 0) {
  }
  if (handled++ % 2 == 0 && fork() == 0) _exit(0);
}

int main(void) {
  void* volatile block = malloc(100);  // the heap is there
  struct sigaction action = {.sa_handler = start_another, .sa_flags = SA_RESTART};
  CHECK(block != NULL && sigaction(SIGCHLD, &action, NULL) == 0);
  alarm(20);
  for (int i = 0; i < 2000; ++i) {
    if (fork() == 0) _exit(0);
  }
  return 0;
}
