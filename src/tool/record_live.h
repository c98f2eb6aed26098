// tool: recording a process that runs.
#pragma once

#include <optional>
#include <string>

#include <sys/types.h>

#include "tool/arguments.h"

namespace ashlar::tool {

struct LiveRecording {
  pid_t pid = 0;
  std::string file;
  bool raw = false;
  std::optional<double> seconds;  // until it is interrupted
  bool end = false;               // what another command began
  Patience patience;
};

// Removes the trace at a path, if there is one. Throws a Failure where something else is there, or a process writes to
// it.
void remove_trace(const std::string& path);

// Has the process record its calls for a while, and compresses the file. SIGINT, SIGTERM and SIGHUP end the wait, and
// no more. Returns the exit status: not 0 where the trace ended before. Throws a Failure; a trace that was at the path
// is there again then.
int record_live(const LiveRecording& recording);

}  // namespace ashlar::tool
