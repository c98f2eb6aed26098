// tool, reader: sends a request to a live process. The request is written into its memory (process_vm_writev(2)). The
// library there answers at its next miss that allocates, or kswapd answers (src/page/request.h).
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "stats/format.h"
#include "tool/reader/source.h"

namespace ashlar::reader {

struct Waiting {
  std::chrono::milliseconds patience{};
  std::function<bool()> ends;  // called repeatedly while waiting; true ends the wait
  bool leaves = false;         // an unanswered request stays, as the process may answer later; else it is withdrawn
};

// Returns after the process has done it. Throws a tool::Failure with one line for the user if the process refuses, if
// it does not answer in time, if its version takes no requests, or if another command is sending it a request.
void ask(Source& source, format::RequestKind kind, const std::string& text, const Waiting& waiting);

// The same, but if another command is sending a request, tries again for as long as the process has for its answer.
void ask_between_others(Source& source, format::RequestKind kind, const std::string& text, const Waiting& waiting);

}  // namespace ashlar::reader
