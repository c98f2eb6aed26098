// tool: arguments that several commands have.
#include "tool/arguments.h"

#include <charconv>

#include <CLI/CLI.hpp>

namespace ashlar::tool {

namespace {

// What is wrong with a PID, or nothing.
std::string check_pid(const std::string& text) {
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  if (error == std::errc() && end == text.data() + text.size() && pid > 0) return {};
  return "\"" + text + "\": expected a process number";
}

}  // namespace

CLI::Option* add_pid(CLI::App& command, pid_t& pid, const std::string& description) {
  return command.add_option("PID", pid, description)->check(check_pid)->type_name("");
}

void Patience::declare(CLI::App& command) {
  constexpr double kLeast = 0.1, kMost = 86400;
  command.add_option("--wait", seconds_, "How long to wait for the process's answer; 10 by default")
      ->check(CLI::Range(kLeast, kMost))
      ->type_name("SECONDS");
}

}  // namespace ashlar::tool
