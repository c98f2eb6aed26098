// tool: what the screen of `ashlar top` needs of terminfo(5), whose header defines names such as `columns` and `lines`.
#pragma once

#include <termios.h>

namespace ashlar::tool {

// Returns whether the terminal's cursor can be moved. ncurses also begins a screen where it cannot ("dumb").
bool can_move_cursor();

// While an object exists, a signal that ends the command restores the terminal first. ncurses would exit with status 1.
// Signals that the caller ignores (nohup(1)) stay ignored. At most one object exists at a time.
class TerminalSignals {
 public:
  // Precondition: there is a screen. `before`: the modes of the terminal before it began.
  explicit TerminalSignals(const termios& before);
  ~TerminalSignals();
  TerminalSignals(const TerminalSignals&) = delete;
  TerminalSignals& operator=(const TerminalSignals&) = delete;
};

}  // namespace ashlar::tool
