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
  std::optional<double> seconds;  // empty: until it is interrupted
  bool end = false;               // end a recording that another command began
  Patience patience;
};

// Removes the trace at a path, if there is one. Throws a Failure if the path holds anything else, or if a process
// writes to the trace.
void remove_trace(const std::string& path);

// Has the process record its calls for a while, and compresses the file. SIGINT, SIGTERM and SIGHUP only end the wait.
// Returns the exit status, which is not 0 if the trace ended early. Throws a Failure, and then restores the trace that
// was at the path.
int record_live(const LiveRecording& recording);

}  // namespace ashlar::tool
