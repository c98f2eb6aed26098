#include "figures.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
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

// Returns the number after a key of a file such as /proc/PID/status, or -1 if the key is missing.
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

// Returns the sum over the mappings of one file for a key of /proc/PID/smaps.
long sum_of_mappings(pid_t pid, const std::string& file, const char* key) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/smaps", static_cast<int>(pid));
  FILE* smaps = fopen(path, "re");
  if (!smaps) return -1;
  long sum = 0;
  bool wanted = false;
  for (char line[4096]; fgets(line, sizeof line, smaps);) {
    const char* name = strchr(line, '/');
    if (strchr("0123456789abcdef", line[0])) {
      line[strcspn(line, "\n")] = 0;
      wanted = name && file == name;
    } else if (wanted && strncmp(line, key, strlen(key)) == 0) {
      sum += strtol(line + strlen(key), nullptr, 10);
    }
  }
  fclose(smaps);
  return sum;
}

std::string real_path(const std::string& path) {
  char* real = realpath(path.c_str(), nullptr);
  std::string result = real ? real : path;
  free(real);
  return result;
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (const std::string& string : strings) {
    result.push_back(const_cast<char*>(string.c_str()));
  }
  result.push_back(nullptr);
  return result;
}

// Returns the number of the system call in which a stopped process is, or -1.
long current_call(pid_t pid) {
  char path[64], text[32] = "";
  snprintf(path, sizeof path, "/proc/%d/syscall", static_cast<int>(pid));
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  const ssize_t got = read(fd, text, sizeof text - 1);
  close(fd);
  return got > 0 && text[0] >= '0' && text[0] <= '9' ? strtol(text, nullptr, 10) : -1;
}

[[noreturn]] void become(char* const* command, char* const* environment, int input) {
  int null = open("/dev/null", O_WRONLY);
  dup2(input, STDIN_FILENO);
  dup2(null, STDOUT_FILENO);
  ptrace(PTRACE_TRACEME, 0, 0, 0);
  execvpe(command[0], command, environment);
  _exit(127);
}

// Follows the child from its first stop, after execve, to its end.
Run follow(pid_t pid, const std::string& library) {
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
      if (!inside) continue;
      ++run.by_number[current_call(pid)];
      run.peak_private_kib = std::max(run.peak_private_kib, resident_parts(pid).private_kib);
    } else if (status >> 8 == kExitStop) {
      run.at_exit = resident_parts(pid);
      if (!library.empty()) {
        run.library_kib = sum_of_mappings(pid, library, "Rss:") - sum_of_mappings(pid, library, "Anonymous:");
      }
    } else {
      signal = WSTOPSIG(status);
    }
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw std::runtime_error("failed");
  return run;
}

}  // namespace

Resident resident_parts(pid_t pid) {
  const long anonymous = number_of(pid, "smaps_rollup", "\nAnonymous:");
  return {anonymous, number_of(pid, "smaps_rollup", "\nRss:") - anonymous};
}

long private_kib() { return resident_parts(getpid()).private_kib; }

void ask_for_steady_figures() {
  if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0) fprintf(stderr, "transparent huge pages stay on\n");
  if (personality(ADDR_NO_RANDOMIZE) < 0) fprintf(stderr, "addresses stay random: the figures will vary\n");
}

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
    Run run = follow(pid, library.empty() ? library : real_path(library));
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
