#include "runner.h"

#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

namespace golden {
namespace {

// The same addresses in every run, nothing of the caller's environment, and no purging by the clock.
[[noreturn]] void become_counted(const std::vector<std::string>& arguments, const std::string& library, int to) {
  dup2(to, STDOUT_FILENO);
  personality(ADDR_NO_RANDOMIZE);
  std::string preload = "LD_PRELOAD=" + library;
  char* environment[] = {preload.data(), const_cast<char*>("LD_BIND_NOW=1"),
                         const_cast<char*>("ASHLAR_OPTIONS=decay_ms=86400000"), nullptr};
  std::vector<char*> argv;
  for (const std::string& argument : arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  execve("/proc/self/exe", argv.data(), environment);
  _exit(127);
}

std::vector<Count> read_counts(int from) {
  std::vector<Count> counts(kMaxCounts);
  size_t filled = 0;
  auto* bytes = reinterpret_cast<char*>(counts.data());
  for (;;) {
    ssize_t got = read(from, bytes + filled, kMaxCounts * sizeof(Count) - filled);
    if (got <= 0) break;
    filled += static_cast<size_t>(got);
  }
  counts.resize(filled / sizeof(Count));
  return counts;
}

}  // namespace

std::vector<Count> count_case(size_t case_index, Pattern pattern, size_t size, const std::string& library) {
  std::vector<std::string> arguments = {"count_instructions",       "--counted",
                                        std::to_string(case_index), std::to_string(static_cast<int>(pattern)),
                                        std::to_string(size),       library};
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("pipe failed");
  pid_t pid = fork();
  if (pid < 0) throw std::runtime_error("fork failed");
  if (pid == 0) become_counted(arguments, library, ends[1]);
  close(ends[1]);
  std::vector<Count> counts = read_counts(ends[0]);
  close(ends[0]);
  int status;
  if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0 || counts.empty())
    throw std::runtime_error("the counted program failed");
  return counts;
}

}  // namespace golden
