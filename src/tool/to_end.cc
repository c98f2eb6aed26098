// tool: running a program to its end (ptrace(2), PTRACE_EVENT_EXIT).
#include "tool/to_end.h"

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <thread>

#include "tool/error.h"
#include "tool/printable.h"
#include "tool/reader/source.h"

namespace ashlar::tool {

namespace {

// Called in the child. Waits until it is traced, and becomes the program.
[[noreturn]] void be_child(const Launch& launch, int from) {
  char c = 0;
  while (read(from, &c, 1) < 0 && errno == EINTR) {
  }
  close(from);
  try {
    launch.become();
  } catch (const Failure& failure) {
    std::fprintf(stderr, "ashlar: %s\n", printable(failure.what()).c_str());
    _exit(static_cast<int>(failure.code()));
  }
}

// Returns whether only the main thread is left. Waits half a second for other threads, which may be about to end too.
bool ends_as_a_whole(pid_t pid) {
  constexpr int kLooks = 50;
  for (int i = 0; i < kLooks; ++i) {
    if (reader::threads_of(pid).size() <= 1) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

// Signals that a process sends to this command are passed on to the program. Signals of the kernel, such as SIGHUP when
// a terminal closes, are not, as the program gets them too. Neither are signals that the program sent to its group.
volatile std::sig_atomic_t passed_to = 0;

void pass_on(int signal, siginfo_t* info, void* /*context*/) {
  const int before = errno;
  if (passed_to > 0 && info->si_code <= 0 && info->si_pid != passed_to) kill(passed_to, signal);
  errno = before;
}

// Passes signals on while the object exists. Signals that the caller ignores (nohup(1)) are ignored by the program as
// well.
class PassedSignals {
 public:
  explicit PassedSignals(pid_t to) {
    passed_to = to;
    struct sigaction action {};
    action.sa_sigaction = pass_on;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    for (const int signal : {SIGTERM, SIGHUP, SIGUSR1, SIGUSR2}) {
      struct sigaction before {};
      sigaction(signal, nullptr, &before);
      if (before.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);
    }
    // the terminal sends these to the program as well
    std::signal(SIGINT, SIG_IGN);
    std::signal(SIGQUIT, SIG_IGN);
  }
  ~PassedSignals() { passed_to = 0; }
  PassedSignals(const PassedSignals&) = delete;
  PassedSignals& operator=(const PassedSignals&) = delete;
};

class Child {
 public:
  Child(pid_t pid, const std::function<void(pid_t)>& at_end) : pid_(pid), at_end_(at_end) {}

  int wait_for_end() {
    for (int status = 0;;) {
      if (waitpid(pid_, &status, __WALL) < 0) {
        if (errno == EINTR) continue;
        throw Failure(Exit::kFailed, std::string("cannot wait for the program: ") + std::strerror(errno));
      }
      constexpr int kSignalled = 128;
      if (WIFEXITED(status)) return WEXITSTATUS(status);
      if (WIFSIGNALED(status)) return kSignalled + WTERMSIG(status);
      go_on(status);
    }
  }

 private:
  void end() const {
    if (ends_as_a_whole(pid_)) at_end_(pid_);
    else std::fprintf(stderr, "ashlar: the program is not looked at: its main thread has ended before other threads\n");
  }

  void go_on(int status) {
    constexpr int kEventShift = 16;
    const int event = status >> kEventShift, signal = WSTOPSIG(status);
    if (event == PTRACE_EVENT_EXEC) started_ = true;
    if (event == PTRACE_EVENT_EXIT && started_) end();
    // a group-stop, for instance by the terminal: the program stays stopped until SIGCONT
    const bool stays = event == PTRACE_EVENT_STOP && signal != SIGTRAP;
    const std::intptr_t passed = event == 0 ? signal : 0;
    ptrace(stays ? PTRACE_LISTEN : PTRACE_CONT, pid_, nullptr, reinterpret_cast<void*>(passed));
  }

  pid_t pid_;
  const std::function<void(pid_t)>& at_end_;
  bool started_ = false;
};

}  // namespace

int run_to_end(const Launch& launch, const std::function<void(pid_t)>& at_end) {
  int ends[2];
  if (pipe(ends) != 0) throw Failure(Exit::kFailed, std::string("cannot make a pipe: ") + std::strerror(errno));
  std::fflush(nullptr);
  const pid_t pid = fork();
  if (pid < 0) throw Failure(Exit::kFailed, std::string("cannot start a process: ") + std::strerror(errno));
  if (pid == 0) {
    close(ends[1]);
    be_child(launch, ends[0]);
  }
  close(ends[0]);
  const bool traced = ptrace(PTRACE_SEIZE, pid, nullptr, PTRACE_O_TRACEEXIT | PTRACE_O_TRACEEXEC) == 0;
  if (!traced) {
    const int why = errno;
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    throw Failure(Exit::kNotPermitted, std::string("the program cannot be traced: ") + std::strerror(why));
  }
  const PassedSignals signals(pid);
  close(ends[1]);
  return Child(pid, at_end).wait_for_end();
}

}  // namespace ashlar::tool
