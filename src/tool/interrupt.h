// tool: SIGINT, SIGTERM and SIGHUP end what a command waits for, not the command.
#pragma once

#include <csignal>

namespace ashlar::tool {

// While an object exists, SIGINT, SIGTERM and SIGHUP are only recorded, so that the command can end what it started in
// a process. At most one object exists at a time.
class Interruptible {
 public:
  Interruptible();
  ~Interruptible();
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

  // Returns whether a signal has arrived.
  static bool came();
  static void forget();

 private:
  static constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};
  struct sigaction before_[3]{};
};

}  // namespace ashlar::tool
