// tool, reader: stops a process while it is looked at, so that its memory is of one moment and its registers are known.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <set>
#include <vector>

#include "tool/reader/source.h"

namespace ashlar::reader {

// All threads stand still (ptrace(2), PTRACE_SEIZE) until the end of the object; if this command is killed, the kernel
// lets them go. No signal is sent to the process, and none is lost. The terminal cannot suspend this command meanwhile,
// as the process would stand still for as long: a Ctrl-Z takes effect at the end of the object.
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
  bool interrupt(const Source& source, pid_t thread);
  void wait_for(const Source& source, pid_t thread);
  void let_go();

  std::set<pid_t> stopped_;
  sigset_t mask_{};  // this thread's before
};

// The state of a thread that this command has stopped by ptrace(2).
ThreadState stopped_thread(pid_t thread);

}  // namespace ashlar::reader
