// tool: the terminal of `ashlar top`.
#include "tool/terminal.h"

#include <curses.h>
#include <term.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <string>

namespace ashlar::tool {

namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

std::string end_of_screen;  // what ends the screen when it is written to the terminal
termios modes_before;

// Returns a string of the terminal, or null.
const char* capability(const char* name) {
  const char* const text = tigetstr(name);
  return reinterpret_cast<std::intptr_t>(text) == -1 ? nullptr : text;
}

int append(int c) {
  end_of_screen += static_cast<char>(c);
  return c;
}

// Makes calls of signal-safety(7) only, as the command may be within ncurses. It does not wait for the command, which
// may wait for a process that is read. In the background, the terminal is another program's.
void end(int signal) {
  const pid_t foreground = tcgetpgrp(STDIN_FILENO);  // -1: it is not the terminal of the session
  if (foreground == -1 || foreground == getpgrp()) {
    [[maybe_unused]] const ssize_t n = write(STDOUT_FILENO, end_of_screen.data(), end_of_screen.size());
    tcsetattr(STDIN_FILENO, TCSANOW, &modes_before);
  }
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

}  // namespace

bool can_move_cursor() {
  int error = 0;
  if (setupterm(nullptr, STDOUT_FILENO, &error) != OK) return false;
  const bool moves = capability("cup") != nullptr;
  del_curterm(cur_term);
  return moves;
}

TerminalSignals::TerminalSignals(const termios& before) {
  modes_before = before;
  end_of_screen.clear();
  for (const char* const name : {"sgr0", "rmkx", "cnorm", "rmcup"}) {
    if (const char* const text = capability(name)) tputs(text, 1, append);
  }
  end_of_screen += '\r';
  struct sigaction action {};
  action.sa_handler = end;
  for (const int signal : kSignals) {
    struct sigaction now {};
    sigaction(signal, nullptr, &now);
    if (now.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);
  }
}

TerminalSignals::~TerminalSignals() {
  for (const int signal : kSignals) {
    struct sigaction now {};
    sigaction(signal, nullptr, &now);
    if (now.sa_handler == end) std::signal(signal, SIG_DFL);
  }
}

}  // namespace ashlar::tool
