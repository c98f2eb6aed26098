// tool: noting SIGINT, SIGTERM and SIGHUP.
#include "tool/interrupt.h"

#include <iterator>

namespace ashlar::tool {

namespace {
volatile std::sig_atomic_t interrupted = 0;
}  // namespace

// Signals that the caller ignores (nohup(1)) stay ignored.
Interruptible::Interruptible() {
  forget();
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = 1; };
  for (unsigned i = 0; i < std::size(kSignals); ++i) {
    sigaction(kSignals[i], nullptr, &before_[i]);
    if (before_[i].sa_handler != SIG_IGN) sigaction(kSignals[i], &action, nullptr);
  }
}

Interruptible::~Interruptible() {
  for (unsigned i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &before_[i], nullptr);
}

bool Interruptible::came() { return interrupted != 0; }
void Interruptible::forget() { interrupted = 0; }

}  // namespace ashlar::tool
