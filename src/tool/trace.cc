// tool: `ashlar trace`: what a recorded program allocated.
#include <algorithm>
#include <memory>

#include <CLI/CLI.hpp>

#include "tool/arguments.h"
#include "tool/command.h"
#include "tool/trace_report.h"
#include "tool/trace_writer.h"

namespace ashlar::tool {

namespace {

struct Settings {
  std::string file;
  std::string written;
  std::string from, to;
  bool strip = false;
  std::uint32_t scale = 1;
  Output output;
};

TracePart follow(const TraceFile& trace, const Settings& settings, BlockEvents& events) {
  const auto place = [](const std::string& text) {
    return text.empty() ? std::nullopt : std::optional<TracePlace>(text);
  };
  if (settings.from.empty() && settings.to.empty()) {
    events.follow(trace);
    return {};
  }
  TraceWindow window(events, place(settings.from), place(settings.to));
  window.run(trace);
  return {false, window.beginning()};
}

int write(const Settings& settings) {
  const TraceFile trace(settings.file);
  record::FileHeader header = trace.header();
  if (settings.strip) {
    header.process = 0;
    header.seconds = 0;
    std::fill(std::begin(header.name), std::end(header.name), '\0');
  }
  TraceWriter writer(settings.written, header, settings.scale);
  follow(trace, settings, writer);
  writer.finish();
  return 0;
}

int show(const Settings& settings) {
  const TraceFile trace(settings.file);
  TraceSums sums;
  const TracePart part = follow(trace, settings, sums);
  const Output& output = settings.output;
  if (output.json()) {
    output.print_json(trace_json(trace, sums, part));
    return 0;
  }
  print_trace(output, trace, sums, part);
  return 0;
}

}  // namespace

Action declare_trace(CLI::App& command) {
  const auto settings = std::make_shared<Settings>();
  command.add_option("FILE", settings->file, "A trace that ashlar record or the option record wrote")->required();
  command
      .add_option("--from", settings->from,
                  "Begin at this place: a share such as 25%, a time such as 1.5s or 250ms, or the number of a call")
      ->type_name("PLACE");
  command.add_option("--to", settings->to, "End at this place")->type_name("PLACE");
  CLI::Option* const written =
      command.add_option("-o,--output", settings->written, "Write that part as a trace, and show nothing")
          ->type_name("FILE");
  command
      .add_flag("--strip", settings->strip,
                "Leave out what identifies the process: its name, number, date and addresses")
      ->needs(written);
  add_count(
      command, "--scale", [&scale = settings->scale](std::uint32_t n) { scale = n; }, 1, 1000,
      "Write the calls of this many such processes, side by side")
      ->needs(written);
  settings->output.declare(command);
  written->excludes("--json");
  return [settings] { return settings->written.empty() ? show(*settings) : write(*settings); };
}

}  // namespace ashlar::tool
