// tool: runs a plan under an allocator, in a process of its own.
#include "tool/replay_run.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

#include <fmt/format.h>

#include "tool/error.h"
#include "tool/launch.h"
#include "tool/program.h"

namespace ashlar::tool {

namespace {

namespace fs = std::filesystem;

// Of the allocators that people know, the files that distributions have.
constexpr struct {
  const char* name;
  const char* file;
} kKnown[] = {{"jemalloc", "libjemalloc.so.2"},         {"mimalloc", "libmimalloc.so.2"},
              {"mimalloc", "libmimalloc.so.2.0"},       {"mimalloc", "libmimalloc.so"},
              {"tcmalloc", "libtcmalloc_minimal.so.4"}, {"tcmalloc", "libtcmalloc.so.4"}};

// Where they are beside the C library's own folder.
std::vector<fs::path> library_folders() {
  std::vector<fs::path> folders = {"/usr/local/lib", "/usr/lib64", "/lib64", "/usr/lib"};
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator("/usr/lib", error)) {
    if (entry.path().filename().string().ends_with("-linux-gnu")) folders.push_back(entry.path());
  }
  return folders;
}

std::string find_known(const std::string& name) {
  for (const auto& known : kKnown) {
    if (name != known.name) continue;
    for (const fs::path& folder : library_folders()) {
      if (access((folder / known.file).c_str(), R_OK) == 0) return folder / known.file;
    }
  }
  return "";
}

// Beside the command (a build tree), or where an installation of the same prefix has it.
std::string find_driver() {
  std::error_code error;
  const fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const char* place : {"ashlar-replay", ASHLAR_LIBEXECDIR_FROM_BINDIR "/ashlar/ashlar-replay"}) {
    const fs::path candidate = (folder / place).lexically_normal();
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  throw Failure(Exit::kFailed, fmt::format("replay: there is no ashlar-replay beside {}", folder.string()));
}

// In the child: becomes the driver, with nothing in its environment that changes how an allocator works, except what
// the user has set for one.
[[noreturn]] void become(const std::string& driver, const std::string& plan, const Allocator& allocator, int output) {
  if (allocator.library.empty()) unsetenv("LD_PRELOAD");
  else setenv("LD_PRELOAD", allocator.library.c_str(), 1);
  const char* const argv[] = {"ashlar-replay", plan.c_str(), nullptr};
  if (dup2(output, STDOUT_FILENO) >= 0) execv(driver.c_str(), const_cast<char* const*>(argv));
  _exit(127);
}

// What the child says before it ends; false if that is not all.
bool read_outcome(int from, replay::Outcome& outcome) {
  char* const at = reinterpret_cast<char*>(&outcome);
  std::size_t used = 0;
  while (used < sizeof outcome) {
    const ssize_t n = read(from, at + used, sizeof outcome - used);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    used += static_cast<std::size_t>(n);
  }
  return used == sizeof outcome;
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return fmt::format("it was ended by signal {}", WTERMSIG(status));
  return fmt::format("it ended with code {}", WEXITSTATUS(status));
}

}  // namespace

Allocator find_allocator(const std::string& given) {
  const std::size_t equals = given.find('=');
  if (equals != std::string::npos) {
    Allocator allocator = {given.substr(0, equals), check_library("replay", given.substr(equals + 1))};
    if (!allocator.name.empty()) return allocator;
  }
  if (given == "glibc") return {given, ""};
  if (given == "ashlar") return {given, check_library("replay", "")};
  const std::string found = find_known(given);
  if (found.empty())
    throw Failure(Exit::kLibrary,
                  fmt::format("replay: the library of {} is not known; say --alloc NAME=LIBRARY", given));
  return {given, found};
}

Plan::Plan(const Planner& planner, replay::Touch touch) : driver_(find_driver()), file_(planner.write(touch)) {}

Plan::~Plan() { close(file_); }

replay::Outcome Plan::run(const Allocator& allocator) const {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw Failure(Exit::kFailed, fmt::format("replay: {}", std::strerror(errno)));
  const std::string plan = fmt::format("/proc/self/fd/{}", file_);
  const pid_t child = fork();
  if (child == 0) become(driver_, plan, allocator, ends[1]);
  close(ends[1]);
  replay::Outcome outcome = {};
  const bool whole = child > 0 && read_outcome(ends[0], outcome);
  close(ends[0]);
  int status = 0;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (child < 0 || status != 0 || !whole)
    throw Failure(Exit::kFailed, fmt::format("replay: the run with {} failed: {}", allocator.name,
                                             child < 0 ? "it could not be started" : how_it_ended(status)));
  return outcome;
}

}  // namespace ashlar::tool
