// tool, reader: asks a live process to do something. The request is written into its memory (process_vm_writev(2));
// the library there answers at its next miss that allocates, or kswapd does (src/page/request.h).
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "stats/format.h"
#include "tool/reader/source.h"

namespace ashlar::reader {

struct Waiting {
  std::chrono::milliseconds patience{};
  std::function<bool()> ends;  // looked at while waiting: true ends it
  bool leaves = false;         // what is not answered is left for the process, which may answer later; else withdrawn
};

// Returns once the process has done it. Throws a tool::Failure with one line for the user: it refuses, it does not
// answer in time, its version takes no requests, another command asks it just now.
void ask(Source& source, format::RequestKind kind, const std::string& text, const Waiting& waiting);

// The same, and while other commands ask the process, tries again for as long as it has for its answer.
void ask_between_others(Source& source, format::RequestKind kind, const std::string& text, const Waiting& waiting);

}  // namespace ashlar::reader
