// tool, reader: stops a process while it is looked at, so that its memory is of one moment and its registers are known.
#pragma once

#include <sys/types.h>

#include <map>
#include <vector>

#include "tool/reader/source.h"

namespace ashlar::reader {

// All threads stand still (ptrace(2), PTRACE_SEIZE) until the end of the object; if this command is killed, the kernel
// lets them go. No signal is sent to the process, and none is lost.
class Stopped {
 public:
  // Throws a tool::Failure: it may not be stopped, another program traces it, a thread does not stop in time.
  explicit Stopped(const Source& source);
  ~Stopped();
  Stopped(const Stopped&) = delete;
  Stopped& operator=(const Stopped&) = delete;

  // With all registers.
  [[nodiscard]] std::vector<ThreadState> threads() const;

 private:
  bool stop_new(const Source& source);
  void wait_for(const Source& source, pid_t thread);
  void let_go();

  std::map<pid_t, int> stopped_;  // the signal that a thread was about to be given, or 0
};

// The state of a thread that this command has stopped by ptrace(2).
ThreadState stopped_thread(pid_t thread);

}  // namespace ashlar::reader
