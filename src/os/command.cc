// os: runs a command that inspects this process.
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "os/action.h"
#include "os/call.h"
#include "os/os.h"
#include "os/proc.h"

namespace ashlar::os {

namespace {

// Returns whether the command must not inherit a variable, because it would run under this library, with its options.
bool is_ours(std::string_view variable) {
  return has_prefix(variable, "ASHLAR_OPTIONS=") || has_prefix(variable, "LD_PRELOAD=");
}

// Returns the environment without those variables, or null where there is no memory. It lives until the child's
// execve(2).
char** other_variables() {
  std::size_t count = 0;
  while (environ != nullptr && environ[count] != nullptr) ++count;
  auto** const others = static_cast<char**>(map(round_up((count + 1) * sizeof(char*), kPageBytes)));
  if (others == nullptr) return nullptr;
  char** last = others;
  for (std::size_t i = 0; i < count; ++i) {
    if (!is_ours(environ[i])) *last++ = environ[i];
  }
  return others;
}

// Like execvp(3), except that folders of PATH that depend on the current one are left out.
void execute_in_path(const char* const* words, char** variables) {
  const char* const set = environment("PATH");
  std::string_view folders = set != nullptr ? set : "/usr/local/bin:/usr/bin:/bin";
  while (!folders.empty()) {
    const std::size_t colon = folders.find(':');
    const std::string_view folder = first(folders, colon);
    folders = colon == std::string_view::npos ? std::string_view() : after(folders, colon + 1);
    Text<4096> path;
    path << folder << "/" << words[0] << std::string_view("\0", 1);
    const bool fits = path.view().back() == '\0';
    if (has_prefix(folder, "/") && fits) call::number(SYS_execve, path.view().data(), words, variables);
  }
}

// Resets the handlers, which are of this program, and blocks no signal for the command. Ignored signals stay ignored
// (execve(2)).
void forget_handlers() {
  constexpr int kLastSignal = 64;  // signal(7)
  for (int signal = 1; signal <= kLastSignal; ++signal) {
    if (program_catches(signal)) call::set_action(signal, {});
  }
  call::change_signal_mask(SIG_SETMASK, 0, nullptr);
}

// Runs in the child, which has a copy of this process's memory and none of its other threads, so it only makes system
// calls.
[[noreturn]] void become(const char* const* words, const int (&go)[2], int error) {
  call::close(go[1]);
  char byte = 0;
  while (call::read(go[0], &byte, 1) < 0 && errno == EINTR) {
  }
  forget_handlers();
  for (const int file : {STDOUT_FILENO, STDERR_FILENO}) {
    if (error >= 0 && error != file) call::number(SYS_dup3, error, file, 0);
  }
  if (char** const variables = other_variables()) execute_in_path(words, variables);
  for (;;) call::number(SYS_exit_group, kNotFound);
}

int wait_for(long child) {
  int status = 0;
  // WALL: the child sends no signal at its end, so that neither the program's handler nor its wait(2) sees it
  while (call::number(SYS_wait4, child, &status, __WALL, nullptr) < 0) {
    if (errno != EINTR) return kNotFound;
  }
  constexpr int kSignalled = 128;
  return WIFEXITED(status) ? WEXITSTATUS(status) : kSignalled + WTERMSIG(status);
}

}  // namespace

int run_on_self(const char* const* words) {
  const int saved = errno;
  const int error = error_file();  // before the pipe, which may take a number that the program closed
  int go[2];
  if (call::number(SYS_pipe2, &go, O_CLOEXEC) != 0) return kNotFound;
  std::uint64_t before = 0;
  call::change_signal_mask(SIG_SETMASK, ~std::uint64_t{0}, &before);  // no handler of the program runs in the child
  const long child = call::number(SYS_clone, 0, nullptr, nullptr, nullptr, nullptr);
  if (child == 0) become(words, go, error);
  call::change_signal_mask(SIG_SETMASK, before, nullptr);
  // where inspecting a process takes a right (Yama, ptrace(2)), this lets the child inspect its parent
  if (child > 0) call::number(SYS_prctl, PR_SET_PTRACER, child, 0, 0, 0);
  call::write(go[1], "", 1);
  call::close(go[0]);
  call::close(go[1]);
  const int status = child > 0 ? wait_for(child) : kNotFound;
  if (child > 0) call::number(SYS_prctl, PR_SET_PTRACER, 0, 0, 0, 0);
  errno = saved;
  return status;
}

}  // namespace ashlar::os
