// tool: SIGINT and its kin end what a command waits for, and not the command.
#pragma once

#include <csignal>

namespace ashlar::tool {

// For a scope SIGINT, SIGTERM and SIGHUP only note that they came: what was started in a process is ended in any case.
// One at a time.
class Interruptible {
 public:
  Interruptible();
  ~Interruptible();
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

  // Whether one came, and no more.
  static bool came();
  static void forget();

 private:
  static constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};
  struct sigaction before_[3]{};
};

}  // namespace ashlar::tool
