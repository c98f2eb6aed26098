#include "figures.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

extern char** environ;

namespace budget {
namespace {

// The number behind a key of a file like /proc/PID/status; -1 when it is not there.
long number_in(const char* path, const char* key) {
  static char text[16384];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  size_t length = 0;
  for (ssize_t got; (got = read(fd, text + length, sizeof text - 1 - length)) > 0;) {
    length += static_cast<size_t>(got);
  }
  close(fd);
  text[length] = 0;
  const char* found = strstr(text, key);
  return found ? strtol(found + strlen(key), nullptr, 10) : -1;
}

long number_of(pid_t pid, const char* file, const char* key) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", static_cast<int>(pid), file);
  return number_in(path, key);
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (const std::string& string : strings) {
    result.push_back(const_cast<char*>(string.c_str()));
  }
  result.push_back(nullptr);
  return result;
}

[[noreturn]] void become(char* const* command, char* const* environment, int input) {
  int null = open("/dev/null", O_WRONLY);
  dup2(input, STDIN_FILENO);
  dup2(null, STDOUT_FILENO);
  ptrace(PTRACE_TRACEME, 0, 0, 0);
  execvpe(command[0], command, environment);
  _exit(127);
}

// Follows the child from its first stop, behind execve, to its end.
Run follow(pid_t pid) {
  constexpr int kExitStop = SIGTRAP | (PTRACE_EVENT_EXIT << 8);
  int status = 0;
  waitpid(pid, &status, 0);
  if (!WIFSTOPPED(status)) throw std::runtime_error("cannot be run");
  ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL);
  Run run;
  bool inside = false;
  for (int signal = 0;;) {
    ptrace(PTRACE_SYSCALL, pid, 0, signal);
    signal = 0;
    if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) break;
    if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
      inside = !inside;
      run.system_calls += inside;
    } else if (status >> 8 == kExitStop) {
      run.resident_kib = resident_kib(pid);
      run.peak_kib = number_of(pid, "status", "VmHWM:");
    } else {
      signal = WSTOPSIG(status);
    }
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw std::runtime_error("failed");
  return run;
}

}  // namespace

long resident_kib(pid_t pid) { return number_of(pid, "smaps_rollup", "\nRss:"); }

void require_ashlar() {
  if (!dlsym(RTLD_DEFAULT, "ashlar_version")) {
    fprintf(stderr, "libashlar.so is not preloaded\n");
    _exit(1);
  }
}

std::vector<std::string> environment_with(const std::string& library) {
  std::vector<std::string> result;
  for (char** at = environ; *at; ++at) {
    if (strncmp(*at, "LD_PRELOAD=", 11) != 0) result.push_back(*at);
  }
  if (!library.empty()) result.push_back("LD_PRELOAD=" + library);
  return result;
}

Run observe(const std::vector<std::string>& command, const std::string& library, const std::string& input) {
  const std::vector<std::string> environment = environment_with(library);
  const std::vector<char*> argv = pointers(command), envp = pointers(environment);
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("pipe failed");
  pid_t pid = fork();
  if (pid < 0) throw std::runtime_error("fork failed");
  if (pid == 0) {
    close(ends[1]);
    become(argv.data(), envp.data(), ends[0]);
  }
  close(ends[0]);
  bool sent = write(ends[1], input.data(), input.size()) == static_cast<ssize_t>(input.size());
  close(ends[1]);
  try {
    Run run = follow(pid);
    if (!sent) throw std::runtime_error("did not take its input");
    return run;
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(command[0] + ": " + error.what());
  }
}

long median(std::vector<long> values) {
  std::sort(values.begin(), values.end());
  return values.at(values.size() / 2);
}

bool within(const std::string& name, double figure, double budget, const std::string& unit) {
  bool good = figure <= budget;
  printf("%s: %.6g %s, budget %.6g %s%s\n", name.c_str(), figure, unit.c_str(), budget, unit.c_str(),
         good ? "" : "  EXCEEDED");
  return good;
}

}  // namespace budget
