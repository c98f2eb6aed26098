// tool: recording a running process.
#include "tool/record_live.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include <fmt/format.h>

#include "tool/error.h"
#include "tool/interrupt.h"
#include "tool/printable.h"
#include "tool/proc_file.h"
#include "tool/profile_live.h"
#include "tool/reader/request.h"
#include "tool/trace_pack.h"

namespace ashlar::tool {

namespace {

namespace fs = std::filesystem;

std::string name_of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/comm", pid));
  std::string name;
  std::getline(file, name);
  std::replace(name.begin(), name.end(), '/', '_');
  return name.empty() ? "process" : name;
}

// Returns the trace's path. A default name contains the PID, so that processes of one name have separate files.
std::string path_of(const LiveRecording& recording) {
  const pid_t pid = recording.pid;
  std::error_code error;
  const std::string name = recording.file.empty() ? fmt::format("{}.{}.trace", name_of(pid), pid) : recording.file;
  return fs::absolute(name, error).lexically_normal().string();
}

std::string auxiliary_vector(pid_t pid) { return fmt::format("/proc/{}/auxv", pid); }

void say(const std::string& line) { std::fprintf(stderr, "ashlar: %s\n", printable(line).c_str()); }

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Returns whether a process has ended. A zombie counts as ended.
bool is_gone(pid_t pid) {
  if (kill(pid, 0) != 0 && errno == ESRCH) return true;
  const std::string stat = contents(fmt::format("/proc/{}/stat", pid));
  const std::size_t behind_name = stat.rfind(") ");
  return behind_name != std::string::npos && (stat[behind_name + 2] == 'Z' || stat[behind_name + 2] == 'X');
}

// A recording that the process has begun.
struct Begun {
  reader::Source& source;
  const LiveRecording& recording;
  std::string file;     // as seen from here
  std::string program;  // the auxiliary vector, which changes when the process executes another program
};

enum class Stop : std::uint8_t { kWanted, kEndedItself, kEndedByOther, kGone, kReplaced };

Stop look(const Begun& begun) {
  if (ended_by(begun.file) != 0) return Stop::kEndedItself;
  if (is_stopped(begun.file)) return Stop::kEndedByOther;
  if (is_gone(begun.recording.pid)) return Stop::kGone;
  const std::string program = contents(auxiliary_vector(begun.recording.pid));
  return program.empty() || program == begun.program ? Stop::kWanted : Stop::kReplaced;
}

// Waits until the time is over, a signal arrives, or the trace or the process ends.
Stop wait(const Begun& begun) {
  using Clock = std::chrono::steady_clock;
  const LiveRecording& recording = begun.recording;
  const bool terminal = isatty(STDERR_FILENO) != 0;
  const auto start = Clock::now();
  Stop stop = look(begun);
  for (; stop == Stop::kWanted; stop = look(begun)) {
    const double passed = std::chrono::duration<double>(Clock::now() - start).count();
    const double left = recording.seconds ? *recording.seconds - passed : 1;
    if (left <= 0 || Interruptible::came()) break;
    if (terminal) std::fprintf(stderr, "\rrecording %s: %.0f s ", printable(begun.source.title()).c_str(), passed);
    std::this_thread::sleep_for(std::chrono::duration<double>(std::min(left, 0.05)));
  }
  if (terminal) std::fputs("\r\x1b[K", stderr);
  return stop;
}

// Ends the recording. A failure does not make the trace unusable, as the file is consistent at any time. Returns false
// if the process may still write to it.
bool end(const Begun& begun) {
  Interruptible::forget();  // an earlier signal ended the recording
  try {
    reader::ask_between_others(begun.source, format::RequestKind::kEndRecord, "",
                               {begun.recording.patience.milliseconds(), Interruptible::came, true});
  } catch (const Failure& failure) {
    if (failure.code() == Exit::kGone || failure.code() == Exit::kNoProcess) {
      say(fmt::format("record: {} ended while it was recorded", begun.source.title()));
      return true;
    }
    say(failure.what());
    if (failure.code() == Exit::kRefused) return true;  // another command ended it
    if (failure.code() == Exit::kNoAnswer) say("record: the process ends the recording when it next allocates");
    else say(fmt::format("record: \"ashlar record --end {}\" ends the recording", begun.recording.pid));
    return false;
  }
  return true;
}

// Reports what ended the recording, or ends it if nothing did. Returns false if the process may still write to the
// file.
bool finish(const Begun& begun, Stop stop) {
  const std::string title = begun.source.title();
  switch (stop) {
    case Stop::kWanted:
    case Stop::kEndedItself: return end(begun);
    case Stop::kEndedByOther: say(fmt::format("record: another command ended the recording of {}", title)); return true;
    case Stop::kGone: say(fmt::format("record: {} ended while it was recorded", title)); return true;
    case Stop::kReplaced:
      say(fmt::format("record: {} executed another program while it was recorded", title));
      return true;
  }
  return true;
}

// Returns whether a trace is at a path. Throws if the path holds anything else, or a trace that a process writes to.
bool check_there(const std::string& path) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(path, error))) return false;
  if (!fs::is_regular_file(fs::symlink_status(path, error)) || (!fs::is_empty(path, error) && !is_trace(path)))
    throw Failure(Exit::kFailed, fmt::format("record: {} exists and is not a trace; it is not overwritten", path));
  if (is_written(path)) throw Failure(Exit::kFailed, fmt::format("record: {}: a process still writes to it", path));
  return true;
}

// Moves an older trace at a path out of the way while the process makes its own. The destructor moves it back unless
// the process has made one.
class Former {
 public:
  explicit Former(std::string path) : path_(std::move(path)), there_(check_there(path_)) {
    std::error_code error;
    if (there_) fs::rename(path_, aside(), error);
    if (error) throw Failure(Exit::kFailed, fmt::format("record: {}: {}", path_, error.message()));
  }
  ~Former() {
    std::error_code error;
    if (!there_) return;
    if (has_begun()) fs::remove(aside(), error);
    else fs::rename(aside(), path_, error);
  }
  Former(const Former&) = delete;
  Former& operator=(const Former&) = delete;

  // Returns whether the process has made its own trace.
  [[nodiscard]] bool has_begun() const {
    std::error_code error;
    return fs::exists(path_, error) && !fs::is_empty(path_, error);
  }

 private:
  [[nodiscard]] std::string aside() const { return path_ + ".before~"; }

  std::string path_;
  bool there_;
};

// Sends the request. A request that fails after the process took it may have begun the recording.
void begin(const Begun& begun, const std::string& path, const reader::Waiting& waiting) {
  const Former former(begun.file);
  try {
    reader::ask(begun.source, format::RequestKind::kRecord, path, waiting);
  } catch (const Failure& failure) {
    const bool has_begun = failure.code() != Exit::kRefused && former.has_begun();
    if (has_begun && failure.code() == Exit::kGone) return;  // it ended just after the recording began
    if (has_begun) end(begun);
    throw;
  }
}

}  // namespace

void remove_trace(const std::string& path) {
  std::error_code error;
  if (check_there(path) && !fs::remove(path, error))
    throw Failure(Exit::kFailed, fmt::format("record: {}: {}", path, error.message()));
}

int record_live(const LiveRecording& recording) {
  const Interruptible interruptible;
  const auto source = reader::Source::live(recording.pid);
  const reader::Waiting waiting{recording.patience.milliseconds(), Interruptible::came};
  if (recording.end) {
    reader::ask(*source, format::RequestKind::kEndRecord, "", waiting);
    return 0;
  }
  const std::string path = path_of(recording);
  const Begun begun{*source, recording, root_of(recording.pid) + path, contents(auxiliary_vector(recording.pid))};
  const std::uint32_t process = number_in_namespace(recording.pid);
  begin(begun, path, waiting);
  const bool has_ended = finish(begun, wait(begun));
  const int error = ended_by(begun.file);
  if (error != 0) say(fmt::format("record: {}: the trace ended early: {}", path, std::strerror(error)));
  if (!has_ended) say(fmt::format("record: {} is not compressed", path));
  else if (!recording.raw) pack_trace(begun.file, process);
  return static_cast<int>(error != 0 ? Exit::kFailed : Exit::kOk);
}

}  // namespace ashlar::tool
