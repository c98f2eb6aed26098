// tool: recording a process that runs.
#include "tool/record_live.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fmt/format.h>

#include "tool/error.h"
#include "tool/interrupt.h"
#include "tool/printable.h"
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
  return name.empty() ? std::to_string(pid) : name;
}

void say(const std::string& line) { std::fprintf(stderr, "ashlar: %s\n", printable(line).c_str()); }

// Until the time is over, a signal comes, or the process ends.
void wait(const LiveRecording& recording, const std::string& title) {
  using Clock = std::chrono::steady_clock;
  const bool terminal = isatty(STDERR_FILENO) != 0;
  const auto start = Clock::now();
  for (;;) {
    const double passed = std::chrono::duration<double>(Clock::now() - start).count();
    const double left = recording.seconds ? *recording.seconds - passed : 1;
    if (left <= 0 || Interruptible::came() || (kill(recording.pid, 0) != 0 && errno == ESRCH)) break;
    if (terminal) std::fprintf(stderr, "\rrecording %s: %.0f s ", printable(title).c_str(), passed);
    std::this_thread::sleep_for(std::chrono::duration<double>(std::min(left, 0.05)));
  }
  if (terminal) std::fputs("\r\x1b[K", stderr);
}

// What is written is whole at any time, so that nothing of this keeps the trace from being used.
void end(reader::Source& source, const LiveRecording& recording) {
  Interruptible::forget();  // what came before ended the recording
  try {
    reader::ask_between_others(source, format::RequestKind::kEndRecord, "",
                               {recording.patience.milliseconds(), Interruptible::came, true});
  } catch (const Failure& failure) {
    if (failure.code() == Exit::kGone || failure.code() == Exit::kNoProcess) {
      return say(fmt::format("record: {} ended while it was recorded", source.title()));
    }
    say(failure.what());
    if (failure.code() == Exit::kNoAnswer) say("record: the process ends the recording when it next allocates");
    else say(fmt::format("record: \"ashlar record --end {}\" ends the recording", recording.pid));
  }
}

}  // namespace

void remove_trace(const std::string& path) {
  std::error_code error;
  if (!fs::exists(fs::symlink_status(path, error))) return;
  if (!fs::is_regular_file(fs::symlink_status(path, error)) || (!fs::is_empty(path, error) && !is_trace(path)))
    throw Failure(Exit::kFailed, fmt::format("record: {} exists and is no trace; it is not written over", path));
  if (!fs::remove(path, error)) throw Failure(Exit::kFailed, fmt::format("record: {}: {}", path, error.message()));
}

int record_live(const LiveRecording& recording) {
  const Interruptible interruptible;
  const auto source = reader::Source::live(recording.pid);
  const reader::Waiting waiting{recording.patience.milliseconds(), Interruptible::came};
  if (recording.end) {
    reader::ask(*source, format::RequestKind::kEndRecord, "", waiting);
    return 0;
  }
  std::error_code error;
  const std::string name = recording.file.empty() ? name_of(recording.pid) + ".trace" : recording.file;
  const std::string path = fs::absolute(name, error).lexically_normal().string();
  const std::string seen_from_here = root_of(recording.pid) + path;
  remove_trace(seen_from_here);
  reader::ask(*source, format::RequestKind::kRecord, path, waiting);
  wait(recording, source->title());
  end(*source, recording);
  if (!recording.raw) pack_trace(seen_from_here);
  return 0;
}

}  // namespace ashlar::tool
