// tool: runs a plan under an allocator, in a process of its own.
#include "tool/replay_run.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
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

// The library files of well-known allocators, by the names that distributions use.
constexpr struct {
  const char* name;
  const char* file;
} kKnown[] = {{"jemalloc", "libjemalloc.so.2"},         {"mimalloc", "libmimalloc.so.2"},
              {"mimalloc", "libmimalloc.so.2.0"},       {"mimalloc", "libmimalloc.so"},
              {"tcmalloc", "libtcmalloc_minimal.so.4"}, {"tcmalloc", "libtcmalloc.so.4"}};

// Returns the library folders in which they may be.
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

// Returns the driver's file: beside the command (a build tree), or in the folder of the same prefix (an installation).
std::string find_driver() {
  std::error_code error;
  const fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const char* place : {"ashlar-replay", ASHLAR_LIBEXECDIR_FROM_BINDIR "/ashlar/ashlar-replay"}) {
    const fs::path candidate = (folder / place).lexically_normal();
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  throw Failure(Exit::kFailed, fmt::format("replay: no ashlar-replay in or beside {}", folder.string()));
}

void set_options(const std::string& more) {
  if (more.empty()) return;
  const char* const before = getenv("ASHLAR_OPTIONS");
  const std::string all = before != nullptr && *before != '\0' ? before + ("," + more) : more;
  setenv("ASHLAR_OPTIONS", all.c_str(), 1);
}

// Called in the child. Becomes the driver. LD_PRELOAD names the allocator alone; its options are added to those that
// the user has set in the environment.
[[noreturn]] void become(const std::string& driver, const std::vector<const char*>& words, const Allocator& allocator,
                         int output) {
  if (allocator.library.empty()) unsetenv("LD_PRELOAD");
  else setenv("LD_PRELOAD", allocator.library.c_str(), 1);
  set_options(allocator.options);
  if (dup2(output, STDOUT_FILENO) >= 0) execv(driver.c_str(), const_cast<char* const*>(words.data()));
  _exit(127);
}

// Reads a structure from the child. Returns false if it is incomplete.
template <class T>
bool read_whole(int from, T& value) {
  char* const at = reinterpret_cast<char*>(&value);
  std::size_t used = 0;
  while (used < sizeof value) {
    const ssize_t n = read(from, at + used, sizeof value - used);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    used += static_cast<std::size_t>(n);
  }
  return used == sizeof value;
}

// Reads a run's output. Checks the counts: a process with a foreign library in it has written them.
bool read_run(int from, Purpose purpose, Run& run) {
  if (!read_whole(from, run.outcome)) return false;
  if (purpose == Purpose::kMemory) {
    run.samples = std::make_unique<replay::Samples>();
    return read_whole(from, *run.samples) && run.samples->count <= replay::kMaxSamples;
  }
  if (purpose == Purpose::kTime) return true;
  run.latencies = std::make_unique<replay::Latencies>();
  return read_whole(from, *run.latencies);
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return fmt::format("it was ended by signal {}", WTERMSIG(status));
  return fmt::format("it ended with code {}", WEXITSTATUS(status));
}

}  // namespace

Allocator find_allocator(const std::string& given) {
  const std::size_t question = given.find('?'), equals = given.substr(0, question).find('=');
  Allocator allocator = {given.substr(0, std::min(equals, question)), "",
                         question == std::string::npos ? "" : given.substr(question + 1)};
  const std::string& name = allocator.name;
  if (name.empty()) throw Failure(Exit::kUsage, fmt::format("replay: --alloc {}: expected a name before =", given));
  if (equals != std::string::npos) {
    allocator.library = check_library("replay", given.substr(equals + 1, question - equals - 1));
  } else if (name == "ashlar") {
    allocator.library = check_library("replay", "");
  } else if (name != "glibc") {
    allocator.library = find_known(name);
    if (allocator.library.empty())
      throw Failure(Exit::kLibrary,
                    fmt::format("replay: the library of {} is not known; give --alloc NAME=LIBRARY", name));
  }
  return allocator;
}

Runs::Runs(const Planner& planner, const Conditions& conditions)
    : driver_(find_driver()), file_(planner.file()), conditions_(conditions) {}

Run Runs::run(const Allocator& allocator, Purpose purpose) const {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw Failure(Exit::kFailed, fmt::format("replay: {}", std::strerror(errno)));
  const std::string plan = fmt::format("/proc/self/fd/{}", file_);
  std::vector<const char*> words = {"ashlar-replay"};
  if (conditions_.touch_first) words.push_back(replay::kTouchFirst);
  if (conditions_.as_recorded) words.push_back(replay::kAsRecorded);
  if (purpose == Purpose::kMemory) words.push_back(replay::kMemory);
  if (purpose == Purpose::kLatency) words.push_back(replay::kLatency);
  words.insert(words.end(), {plan.c_str(), nullptr});
  const pid_t child = fork();
  if (child == 0) become(driver_, words, allocator, ends[1]);
  close(ends[1]);
  Run run = {};
  const bool whole = child > 0 && read_run(ends[0], purpose, run);
  close(ends[0]);
  int status = 0;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (child < 0 || status != 0 || !whole)
    throw Failure(Exit::kFailed, fmt::format("replay: the run with {} failed: {}", allocator.name,
                                             child < 0 ? "it could not be started" : how_it_ended(status)));
  return run;
}

}  // namespace ashlar::tool
