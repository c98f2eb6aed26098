// tool, reader: stops a process while it is read, so that its memory is of one moment and its registers are known.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <set>
#include <vector>

#include "tool/reader/source.h"

namespace ashlar::reader {

// Stops all threads (ptrace(2), PTRACE_SEIZE) until the object is destroyed. If this command is killed, the kernel
// resumes them. No signal is sent to the process, and none is lost. The terminal cannot suspend this command meanwhile,
// as the process would stay stopped for as long: Ctrl-Z takes effect when the object is destroyed.
class Stopped {
 public:
  // Throws a tool::Failure if the process may not be stopped, if another program traces it, or if a thread does not
  // stop in time.
  explicit Stopped(const Source& source);
  ~Stopped();
  Stopped(const Stopped&) = delete;
  Stopped& operator=(const Stopped&) = delete;

  // Returns the threads with all registers.
  [[nodiscard]] std::vector<ThreadState> threads() const;

 private:
  bool stop_new(const Source& source);
  bool interrupt(const Source& source, pid_t thread);
  void wait_for(const Source& source, pid_t thread);
  void let_go();

  std::set<pid_t> stopped_;
  sigset_t mask_{};  // this thread's former signal mask
};

// Returns the state of a thread that this command has stopped by ptrace(2).
ThreadState stopped_thread(pid_t thread);

}  // namespace ashlar::reader
