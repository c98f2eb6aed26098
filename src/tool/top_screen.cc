// tool: the screen of `ashlar top`, by ncurses.
#include <curses.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>

#include <fmt/format.h>

#include "tool/error.h"
#include "tool/printable.h"
#include "tool/terminal.h"
#include "tool/top.h"

namespace ashlar::tool {

namespace {

// Pairs of colours, by number.
enum Pair : short { kRedPair = 1, kGreenPair, kYellowPair, kBluePair, kCyanPair };

attr_t attribute_of(Style style) { return style == Style::kBold ? A_BOLD : style == Style::kDim ? A_DIM : A_NORMAL; }

short pair_of(Style style) {
  switch (style) {
    case Style::kRed: return kRedPair;
    case Style::kGreen: return kGreenPair;
    case Style::kYellow: return kYellowPair;
    case Style::kBlue: return kBluePair;
    case Style::kCyan: return kCyanPair;
    case Style::kPlain:
    case Style::kBold:
    case Style::kDim: break;
  }
  return 0;
}

// ncurses has one screen at a time.
SCREEN* screen = nullptr;
bool colours = false;

std::optional<TerminalSignals> signals;

}  // namespace

Screen::Screen(bool coloured) {
  const char* const term = std::getenv("TERM");
  termios before{};
  tcgetattr(STDIN_FILENO, &before);
  screen = can_move_cursor() ? newterm(nullptr, stdout, stdin) : nullptr;
  if (screen == nullptr) {
    throw Failure(Exit::kFailed,
                  fmt::format("top: no screen on a terminal \"{}\" (TERM); use --batch", term != nullptr ? term : ""));
  }
  signals.emplace(before);
  cbreak();
  noecho();
  keypad(stdscr, TRUE);
  curs_set(0);
  colours = coloured && has_colors();
  if (!colours) return;
  start_color();
  use_default_colors();
  init_pair(kRedPair, COLOR_RED, -1);
  init_pair(kGreenPair, COLOR_GREEN, -1);
  init_pair(kYellowPair, COLOR_YELLOW, -1);
  init_pair(kBluePair, COLOR_BLUE, -1);
  init_pair(kCyanPair, COLOR_CYAN, -1);
}

Screen::~Screen() {
  endwin();
  signals.reset();
  delscreen(screen);
  screen = nullptr;
}

void Screen::show(const std::vector<Line>& lines) {
  erase();
  const int height = getmaxy(stdscr), width = getmaxx(stdscr);
  int y = 0;
  for (const Line& line : lines) {
    if (y >= height) break;
    int x = 0;
    for (const Span& span : line) {
      if (x >= width) break;
      wattr_set(stdscr, attribute_of(span.style), colours ? pair_of(span.style) : short{0}, nullptr);
      const std::string text = printable(span.text);
      mvaddnstr(y, x, text.c_str(), width - x);
      x += static_cast<int>(text.size());
    }
    ++y;
  }
  refresh();
}

int Screen::wait_key(std::chrono::milliseconds time) {
  timeout(static_cast<int>(time.count()));
  const int key = getch();
  // without a terminal, each call would return at once
  pollfd input{STDIN_FILENO, 0, 0};
  if (key == ERR && poll(&input, 1, 0) > 0 && (input.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0)
    throw Failure(Exit::kFailed, "top: the terminal was closed");
  return key == ERR || key == KEY_RESIZE ? -1 : key;
}

}  // namespace ashlar::tool
