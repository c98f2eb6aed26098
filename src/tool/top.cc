// tool: `ashlar top`: the command and its loop.
#include "tool/top.h"

#include <unistd.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <thread>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "tool/arguments.h"
#include "tool/command.h"
#include "tool/error.h"
#include "tool/processes.h"

namespace ashlar::tool {

namespace {

using Clock = std::chrono::steady_clock;

struct Settings {
  Output output;
  pid_t pid = 0;
  double delay = 2;  // seconds
  bool batch = false;
  unsigned iterations = 0;  // 0: unlimited
  std::string sort = "growth";
  bool sites = false;
};

// Samples one process repeatedly, or all that have Ashlar. In the list, each process is opened anew for each sample and
// only its last sample is kept, so that processes that end leave nothing behind.
class Watch {
 public:
  explicit Watch(pid_t pid, View view) : pid_(pid), view_(view) {
    if (pid != 0) source_ = reader::Source::live(pid);
  }

  // Changes to the other view, from the next sample on. The list has one view only.
  void change_view() { view_ = view_ == View::kCaches ? View::kSites : View::kCaches; }

  void sample() {
    std::vector<Change> next;
    if (pid_ != 0) {
      if (!changes_.empty()) source_->refresh();
      next.push_back(change_of(take_sample(*source_, view_)));
    } else {
      for (const pid_t pid : processes_with_ashlar()) {
        if (std::optional<Sample> sample = try_sample(pid)) next.push_back(change_of(std::move(*sample)));
      }
    }
    changes_ = std::move(next);
  }

  [[nodiscard]] std::vector<Line> lines(Sort sort) const {
    return pid_ != 0 ? process_lines(changes_.at(0), sort, view_) : list_lines(changes_);
  }

  [[nodiscard]] nlohmann::ordered_json json() const {
    if (pid_ != 0) return process_json(changes_.at(0), view_);
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const Change& change : changes_) list.push_back(process_json(change, View::kCaches));
    return {{"processes", list}};
  }

 private:
  // Samples a process of the list. One that cannot be read is shown as such. Returns nothing for one that has ended.
  static std::optional<Sample> try_sample(pid_t pid) {
    try {
      return take_sample(*reader::Source::live(pid));
    } catch (const std::exception& error) {  // out of memory for one process must not end the others' reports
      if (is_none_of_the_list(error)) return std::nullopt;
      Sample sample;
      sample.pid = pid;
      sample.failure = error.what();
      return sample;
    }
  }

  // Returns the change since the last sample of the same program in the same process.
  [[nodiscard]] Change change_of(Sample now) const {
    Change change{std::move(now), std::nullopt};
    for (const Change& before : changes_) {
      if (before.now.pid == change.now.pid && before.now.identity == change.now.identity) change.before = before.now;
    }
    return change;
  }

  pid_t pid_;
  View view_;
  std::unique_ptr<reader::Source> source_;  // of one process
  std::vector<Change> changes_;
};

Sort sort_of(const std::string& name) {
  return name == "live" ? Sort::kLive : name == "size" ? Sort::kSize : Sort::kGrowth;
}

std::chrono::milliseconds delay_of(const Settings& settings) {
  return std::chrono::milliseconds(static_cast<long>(settings.delay * 1000));
}

int batch(const Settings& settings, Watch& watch) {
  for (unsigned i = 0; settings.iterations == 0 || i < settings.iterations; ++i) {
    if (i > 0) std::this_thread::sleep_for(delay_of(settings));
    watch.sample();
    if (settings.output.json()) {
      settings.output.print(watch.json().dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
    } else {
      if (i > 0) settings.output.print("\n");
      for (const Line& line : watch.lines(sort_of(settings.sort))) {
        for (const Span& span : line) settings.output.print(span.text, span.style);
        settings.output.print("\n");
      }
    }
    if (Output::flush() != 0) break;  // main reports it
  }
  return 0;
}

int on_screen(const Settings& settings, Watch& watch) {
  if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0)
    throw Failure(Exit::kFailed, "top: no terminal; use --batch");
  Sort sort = sort_of(settings.sort);
  watch.sample();
  Screen screen(settings.output.coloured());
  unsigned shown = 1;
  Clock::time_point next = Clock::now() + delay_of(settings);
  for (;;) {
    std::vector<Line> lines = watch.lines(sort);
    lines.insert(lines.begin() + 1, {{"keys: g growth, s size, l live, f functions, space now, q quit", Style::kDim}});
    screen.show(lines);
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(next - Clock::now());
    const int key = screen.wait_key(std::max(left, std::chrono::milliseconds(0)));
    if (key == 'q' || key == 'Q') return 0;
    if (key == 'g') sort = Sort::kGrowth;
    if (key == 's') sort = Sort::kSize;
    if (key == 'l') sort = Sort::kLive;
    if (key == 'f') watch.change_view();
    if (key != ' ' && key != 'f' && Clock::now() < next) continue;
    if (settings.iterations != 0 && shown == settings.iterations) return 0;
    watch.sample();
    ++shown;
    next = Clock::now() + delay_of(settings);
  }
}

}  // namespace

Action declare_top(CLI::App& command) {
  const auto settings = std::make_shared<Settings>();
  settings->output.declare(command);
  add_pid(command, settings->pid, "The process; without it, all processes that have Ashlar are listed");
  add_seconds(
      command, "-d,--delay", [&delay = settings->delay](double seconds) { delay = seconds; }, 0.05, 86400,
      "The time between two updates; default: 2");
  command.add_flag("-b,--batch", settings->batch, "Write one update after another as text, without a screen");
  add_count(
      command, "-n,--iterations", [&iterations = settings->iterations](std::uint32_t n) { iterations = n; }, 1,
      1'000'000'000, "End after this many updates");
  command
      .add_option("--sort", settings->sort,
                  "The order of the caches: by growth (the largest change first), size or live")
      ->check(CLI::IsMember({"growth", "size", "live"}))
      ->type_name("KEY");
  command.add_flag("--sites", settings->sites,
                   "Show the functions that hold memory instead of caches, while a profile is on");
  return [settings] {
    if (settings->sites && settings->pid == 0)
      throw Failure(Exit::kUsage, "top: --sites needs the number of a process");
    Watch watch(settings->pid, settings->sites ? View::kSites : View::kCaches);
    return settings->batch || settings->output.json() ? batch(*settings, watch) : on_screen(*settings, watch);
  };
}

}  // namespace ashlar::tool
