// tool: `ashlar replay --tune`: which of Ashlar's options pay off for a trace.
#pragma once

#include "tool/replay_report.h"

namespace ashlar::tool {

// Fills in the rows. Returns the exit status.
int tune(const Runs& runs, Replay& replay, const Output& output);

}  // namespace ashlar::tool
