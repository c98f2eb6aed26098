// tool: `ashlar set PID NAME=VALUE`, `ashlar trim PID`, `ashlar options PID`: a process's options and requests to it.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "tool/arguments.h"
#include "tool/error.h"
#include "tool/interrupt.h"
#include "tool/option_check.h"
#include "tool/output.h"
#include "tool/reader/request.h"
#include "tool/target.h"

namespace ashlar::tool {

namespace {

using reader::Option;

struct Settings {
  Output output;
  pid_t pid = 0;
  std::vector<std::string> items;
  Patience patience;
};

// An interrupt withdraws the request, so that it has no effect after the command has ended.
reader::Waiting waiting_of(const Settings& settings) { return {settings.patience.milliseconds(), Interruptible::came}; }

// These options do nothing without a file to write.
void warn_of_missing_file(const std::vector<std::string>& items, const std::vector<Option>& options) {
  const Option* const file = option_of(options, "profile_file");
  if (file == nullptr || file->value != 0) return;
  for (const std::string& item : items) {
    const std::string name = item.substr(0, item.find('='));
    if (name != "profile_every" && name != "profile_peak" && name != "profile_signal") continue;
    const Option* const option = option_of(options, name);
    if (option == nullptr || option->value == 0) continue;
    std::fprintf(stderr, "ashlar: %s writes profile_file, which is not set\n", name.c_str());
  }
}

// Nothing is set if one of the items is wrong.
void refuse_faults(reader::Source& source, const std::vector<std::string>& items) {
  const std::vector<Option> options = reader::read_options(source);
  for (const std::string& item : items) {
    const std::string fault = fault_of(options, item);
    if (!fault.empty()) throw Failure(Exit::kRefused, source.title() + ": " + fault);
  }
}

int run_set(const Settings& settings) {
  for (const std::string& item : settings.items) {
    if (item.empty() || item.front() == '=')
      throw Failure(Exit::kUsage, fmt::format("set: \"{}\": expected NAME=VALUE", item));
  }
  const Interruptible interruptible;
  const auto source = reader::Source::live(settings.pid);
  refuse_faults(*source, settings.items);
  for (const std::string& item : settings.items) {
    const std::vector<Option> before = reader::read_options(*source);
    reader::ask(*source, format::RequestKind::kSet, item, waiting_of(settings));
    const std::vector<Option> after = reader::read_options(*source);
    const Option* const was = option_of(before, item);
    const Option* const is = option_of(after, item);
    if (was == nullptr || is == nullptr) continue;
    settings.output.print(fmt::format("{}={} (was {})\n", is->name, is->text(is->value), was->text(was->value)));
  }
  warn_of_missing_file(settings.items, reader::read_options(*source));
  return 0;
}

// Returns the resident bytes of a process (proc_pid_statm(5)).
std::uint64_t resident_of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/statm", pid));
  std::uint64_t size = 0, resident = 0;
  file >> size >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

int run_trim(const Settings& settings) {
  const Interruptible interruptible;
  const auto source = reader::Source::live(settings.pid);
  const std::uint64_t before = resident_of(settings.pid);
  reader::ask(*source, format::RequestKind::kTrim, "", waiting_of(settings));
  const std::uint64_t after = resident_of(settings.pid);
  settings.output.print(fmt::format("resident: {}, before {}\n", human_bytes(after), human_bytes(before)));
  return 0;
}

int print_options(const Output& output, const Target& target) {
  const auto source = target.open();
  const std::vector<Option> options = reader::read_options(*source);
  if (output.json()) {
    nlohmann::ordered_json all = nlohmann::ordered_json::array();
    for (const Option& o : options) {
      all.push_back({{"name", o.name},
                     {"value", o.text(o.value)},
                     {"default", o.text(o.normal)},
                     {"from", o.from()},
                     {"changes", o.changes}});
    }
    output.print_json(all);
    return 0;
  }
  constexpr Table::Align kLeft = Table::Align::kLeft;
  Table table({{"option", kLeft}, {"value", kLeft}, {"default", kLeft}, {"from", kLeft}, {"can change", kLeft}});
  for (const Option& o : options) {
    table.add({o.name, o.text(o.value), o.text(o.normal), o.from(), o.changes ? "at run time" : "at start"},
              o.value != o.normal ? Style::kBold : Style::kPlain);
  }
  table.print(output);
  return 0;
}

std::shared_ptr<Settings> declare_request(CLI::App& command) {
  auto settings = std::make_shared<Settings>();
  settings->output.declare_color(command);
  add_pid(command, settings->pid, "The process")->required();
  settings->patience.declare(command);
  return settings;
}

}  // namespace

Action declare_set(CLI::App& command) {
  const auto settings = declare_request(command);
  command.add_option("NAME=VALUE", settings->items, "The options and their new values, as in ASHLAR_OPTIONS")
      ->required()
      ->type_name("...");
  return [settings] { return run_set(*settings); };
}

Action declare_trim(CLI::App& command) {
  const auto settings = declare_request(command);
  return [settings] { return run_trim(*settings); };
}

Action declare_options(CLI::App& command) { return declare_report(command, print_options); }

}  // namespace ashlar::tool
