// tool: arguments that several commands have.
#include "tool/arguments.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "tool/error.h"

namespace ashlar::tool {

namespace {

// Returns what is wrong with a PID, or an empty text.
std::string check_pid(const std::string& text) {
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
  if (error == std::errc() && end == text.data() + text.size() && pid > 0) return {};
  return "\"" + text + "\": expected a process number";
}

// The same for a rate: bytes above 0, which k, m, g or t may follow.
std::string check_rate(const std::string& text) {
  std::uint64_t bytes = 0;
  const char* const all = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), all, bytes);
  const bool unit = end + 1 == all && std::string_view("kmgtKMGT").find(*end) != std::string_view::npos;
  if (error == std::errc() && (end == all || unit) && bytes > 0) return {};
  return "\"" + text + "\": expected a number of bytes above 0, optionally followed by k, m, g or t";
}

// Returns bytes from a text with a unit or without, or nothing if the text is not a number of bytes.
std::optional<std::uint64_t> parse_bytes(const std::string& text) {
  constexpr std::string_view kUnits = "kmgt";
  std::uint64_t bytes = 0;
  const char* const all = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), all, bytes);
  if (error != std::errc() || end + 1 < all) return {};
  if (end == all) return bytes;
  const std::size_t unit = kUnits.find(static_cast<char>(*end | 0x20));
  if (unit == kUnits.npos) return {};
  const std::size_t shift = 10 * (unit + 1);
  return bytes << shift >> shift == bytes ? std::optional(bytes << shift) : std::nullopt;
}

// Returns a number of the whole text, or nothing. Unlike strtod and strtoull it takes neither a sign of plus nor other
// bases nor blanks.
template <class Number>
std::optional<Number> parse_number(const std::string& text) {
  Number number = 0;
  const char* const all = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), all, number);
  return error == std::errc() && end == all ? std::optional(number) : std::nullopt;
}

// What is missing where a value is empty.
std::string expected_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  if (option.get_name() == "PID|FILE") return "a process number or a file";
  if (type == "FILE" || option.get_name() == "FILE") return "a file";
  if (type == "ADDRESS:PORT") return "an address and a port";
  return type == "NAME" ? "a name" : type == "PLACE" ? "a place" : "a value";
}

}  // namespace

CLI::Option* add_seconds(CLI::App& command, const std::string& name, std::function<void(double)> set, double min,
                         double max, const std::string& description) {
  const auto check = [min, max](const std::string& text) {
    const std::optional<double> seconds = parse_number<double>(text);
    if (seconds && *seconds >= min && *seconds <= max) return std::string();  // NaN is not
    return fmt::format("\"{}\": expected a number of seconds from {} to {}", text, min, max);
  };
  const auto take = [set = std::move(set)](const std::string& text) { set(parse_number<double>(text).value_or(0)); };
  return command.add_option_function<std::string>(name, take, description)->check(check)->type_name("SECONDS");
}

CLI::Option* add_count(CLI::App& command, const std::string& name, std::function<void(std::uint32_t)> set,
                       std::uint32_t min, std::uint32_t max, const std::string& description) {
  const auto check = [min, max](const std::string& text) {
    const std::optional<std::uint32_t> count = parse_number<std::uint32_t>(text);
    if (count && *count >= min && *count <= max) return std::string();
    return fmt::format("\"{}\": expected a number from {} to {}", text, min, max);
  };
  const auto take = [set = std::move(set)](const std::string& text) {
    set(parse_number<std::uint32_t>(text).value_or(0));
  };
  return command.add_option_function<std::string>(name, take, description)->check(check)->type_name("NUMBER");
}

// Words of a program's command line may be empty, and so may options for Ashlar, which come from variables of scripts.
void refuse_empty_values(CLI::App& command) {
  for (CLI::Option* const option : command.get_options()) {
    const bool is_list = option->get_positional() && option->get_expected_max() > 1;
    if (option->get_expected_max() == 0) option->disable_flag_override();  // --flag=VALUE
    if (option->get_expected_max() == 0 || is_list || option->get_type_name() == "LIST") continue;
    option->check([expected = expected_of(*option)](const std::string& text) {
      return text.empty() ? "\"\": expected " + expected : std::string();
    });
  }
}

CLI::Option* add_bytes(CLI::App& command, const std::string& name, std::uint64_t& bytes,
                       const std::string& description) {
  const auto check = [](const std::string& text) {
    return parse_bytes(text) ? "" : "\"" + text + "\": expected a number of bytes, optionally followed by k, m, g or t";
  };
  return command
      .add_option_function<std::string>(
          name, [&bytes](const std::string& text) { bytes = parse_bytes(text).value_or(0); }, description)
      ->check(check)
      ->type_name("BYTES");
}

std::uint64_t address_of(const std::string& text) {
  const std::size_t prefix = text.starts_with("0x") || text.starts_with("0X") ? 2 : 0;
  const char* const end = text.data() + text.size();
  std::uint64_t address = 0;
  const auto [at, error] = std::from_chars(text.data() + std::min(prefix, text.size()), end, address, 16);
  if (error == std::errc() && at == end) return address;
  throw Failure(Exit::kUsage, "\"" + text + "\" is not an address: expected hexadecimal, such as 0x7f0012345678");
}

CLI::Option* add_rate(CLI::App& command, std::string& rate) {
  return command.add_option("-r,--rate", rate, "Sample one in this many bytes; 1 records each block; default: 512k")
      ->check(check_rate)
      ->type_name("BYTES");
}

CLI::Option* add_pid(CLI::App& command, pid_t& pid, const std::string& description) {
  return command.add_option("PID", pid, description)->check(check_pid)->type_name("");
}

CLI::Option* add_pids(CLI::App& command, std::vector<pid_t>& pids, const std::string& description) {
  return command.add_option("PID", pids, description)->check(check_pid)->type_name("");
}

void Patience::declare(CLI::App& command) {
  constexpr double kMin = 0.1, kMax = 86400;
  add_seconds(
      command, "--wait", [this](double seconds) { seconds_ = seconds; }, kMin, kMax,
      "How long to wait for the process's answer; default: 10");
}

}  // namespace ashlar::tool
