// Runs one command and reports what it cost, for bench/compare.
//
//   launcher FD TIMEOUT_SECONDS PRELOAD COMMAND [ARGS...]       PRELOAD is a path, or "-" for none
//
// This is a program of its own because Linux keeps the resident high-water mark of a process over exec. A child that
// Python starts would never report less than Python's own 40 MiB as its ru_maxrss. This program is small and statically
// linked, so the command's figures start from its few hundred KiB. LD_PRELOAD is set only here, so no process of the
// measurement itself is preloaded.
//
// It is the subreaper of all that the command starts, so a daemon's costs are counted and no daemon survives. It writes
// two lines of JSON to FD: at the start pid and start_ns, at the end all other figures.
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace {

volatile sig_atomic_t stop_signal = 0;

void on_signal(int number) { stop_signal = number; }

std::int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

std::int64_t microseconds(const timeval& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000 + time.tv_usec;
}

// The figures of wait4, summed over the command and the orphans that this process adopted.
struct Costs {
  std::int64_t user_us = 0, system_us = 0, peak_kib = 0, minor = 0, major = 0;

  void add(const rusage& usage) {
    user_us += microseconds(usage.ru_utime);
    system_us += microseconds(usage.ru_stime);
    if (usage.ru_maxrss > peak_kib) peak_kib = usage.ru_maxrss;
    minor += usage.ru_minflt;
    major += usage.ru_majflt;
  }
};

// Calls on_child for each direct child of this process: the command, and adopted orphans.
template <typename Function>
void for_each_child(Function on_child) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/self/task/%d/children", static_cast<int>(getpid()));
  FILE* list = std::fopen(path, "re");
  if (list == nullptr) return;
  int pid = 0;
  while (std::fscanf(list, "%d", &pid) == 1) on_child(static_cast<pid_t>(pid));
  std::fclose(list);
}

void kill_children(pid_t group) {
  kill(-group, SIGKILL);
  for_each_child([](pid_t pid) { kill(pid, SIGKILL); });
}

[[noreturn]] void become_command(const char* preload, char** command, int error_pipe) {
  setpgid(0, 0);
  if (std::strcmp(preload, "-") != 0) setenv("LD_PRELOAD", preload, 1);
  execvp(command[0], command);
  const int error = errno;
  [[maybe_unused]] const ssize_t written = write(error_pipe, &error, sizeof error);
  _exit(127);
}

// A signal (the timeout, or the end of the runner) interrupts wait4. All processes are then killed.
void install_handlers() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  for (const int number : {SIGALRM, SIGTERM, SIGINT}) sigaction(number, &action, nullptr);
}

// Waits until the command itself has ended. Orphans that end earlier are added meanwhile.
int wait_for_command(pid_t command, Costs& costs) {
  for (;;) {
    int status = 0;
    rusage usage{};
    const pid_t pid = wait4(-1, &status, 0, &usage);
    const bool interrupted = pid < 0 && errno == EINTR;
    if (pid > 0) costs.add(usage);
    if (pid == command) return status;
    if (pid < 0 && !interrupted) return 0;
    if (stop_signal != 0) kill_children(command);
  }
}

// The timer fires again each second, since the first signal may come just before wait4 and not interrupt it.
void start_timer(int seconds) {
  const itimerval timer{{1, 0}, {seconds, 0}};
  setitimer(ITIMER_REAL, &timer, nullptr);
}

// Daemons get a second to end by themselves, since a script may have just told them to; then they are killed.
int collect_orphans(pid_t group, Costs& costs) {
  constexpr int kSteps = 100;
  int killed = 0;
  for (int step = 0;; ++step) {
    rusage usage{};
    const pid_t pid = wait4(-1, nullptr, WNOHANG, &usage);
    if (pid < 0) return killed;
    if (pid > 0) {
      costs.add(usage);
      continue;
    }
    if (step >= kSteps) {
      for_each_child([&](pid_t) { ++killed; });
      kill_children(group);
    }
    constexpr timespec kPause{0, 10'000'000};
    nanosleep(&kPause, nullptr);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fputs("usage: launcher FD TIMEOUT_SECONDS PRELOAD COMMAND [ARGS...]\n", stderr);
    return 2;
  }
  const int report = std::atoi(argv[1]);
  fcntl(report, F_SETFD, FD_CLOEXEC);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  install_handlers();

  int error_pipe[2];
  if (pipe2(error_pipe, O_CLOEXEC) != 0) return 2;
  const std::int64_t start = now_ns();
  const pid_t command = fork();
  if (command < 0) return 2;
  if (command == 0) become_command(argv[3], argv + 4, error_pipe[1]);
  setpgid(command, command);
  close(error_pipe[1]);
  start_timer(std::atoi(argv[2]));
  dprintf(report, "{\"pid\": %d, \"start_ns\": %lld}\n", command, static_cast<long long>(start));

  Costs costs;
  const int status = wait_for_command(command, costs);
  const std::int64_t wall = now_ns() - start;
  const int stopped_by = stop_signal;
  const int killed = collect_orphans(command, costs);
  int exec_error = 0;
  if (read(error_pipe[0], &exec_error, sizeof exec_error) != sizeof exec_error) exec_error = 0;
  dprintf(report,
          "{\"wall_ns\": %lld, \"user_us\": %lld, \"system_us\": %lld, \"peak_kib\": %lld, \"minor\": %lld, \"major\": "
          "%lld, "
          "\"exit\": %d, \"signal\": %d, \"timed_out\": %s, \"exec_errno\": %d, \"orphans_killed\": %d}\n",
          static_cast<long long>(wall), static_cast<long long>(costs.user_us), static_cast<long long>(costs.system_us),
          static_cast<long long>(costs.peak_kib), static_cast<long long>(costs.minor),
          static_cast<long long>(costs.major), WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          WIFSIGNALED(status) ? WTERMSIG(status) : 0, stopped_by == SIGALRM ? "true" : "false", exec_error, killed);
  return 0;
}
