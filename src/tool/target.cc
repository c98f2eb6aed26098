// tool: the targets of reports.
#include "tool/target.h"

#include <CLI/CLI.hpp>
#include <charconv>

#include "tool/arguments.h"
#include "tool/error.h"

namespace ashlar::tool {

namespace {

bool parse(const std::string& text, pid_t& into) {
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, into);
  return error == std::errc() && at == end;
}

}  // namespace

void Target::declare_core(CLI::App& command) {
  command.add_option("--core", core_, "Read a core file instead of a process")->type_name("FILE");
}

void Target::declare(CLI::App& command) {
  command.add_option("PID", words_, "The process")->expected(0, 1)->type_name("");
  declare_core(command);
}

void Target::declare_with_address(CLI::App& command) {
  with_address_ = true;
  command
      .add_option("PID ADDRESS", words_, "The process, and an address in hexadecimal; with --core the address alone")
      ->expected(0, 2)
      ->type_name("");
  declare_core(command);
}

std::unique_ptr<reader::Source> Target::open() const {
  const std::size_t addresses = with_address_ ? 1 : 0;
  if (words_.size() != addresses + (core_.empty() ? 1 : 0)) {
    throw Failure(Exit::kUsage, with_address_
                                    ? "give the number of a process and an address, or --core FILE and an address"
                                    : "give the number of a process, or --core FILE");
  }
  if (!core_.empty()) return reader::Source::core(core_);
  pid_t pid = 0;
  if (!parse(words_.front(), pid) || pid <= 0) {
    throw Failure(Exit::kUsage,
                  "\"" + words_.front() + "\" is not the number of a process; a core file is named by --core FILE");
  }
  return reader::Source::live(pid);
}

std::uint64_t Target::address() const { return address_of(words_.empty() ? "" : words_.back()); }

Action declare_report(CLI::App& command, std::function<int(const Output&, const Target&)> report,
                      void (Target::*arguments)(CLI::App&)) {
  const auto output = std::make_shared<Output>();
  const auto target = std::make_shared<Target>();
  output->declare(command);
  ((*target).*arguments)(command);
  return [output, target, report = std::move(report)] { return report(*output, *target); };
}

}  // namespace ashlar::tool
