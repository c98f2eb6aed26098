// tool: arguments that several commands have.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace ashlar::tool {

// Adds a positional argument PID, a number above 0.
CLI::Option* add_pid(CLI::App& command, pid_t& pid, const std::string& description);

// Adds a positional argument of any number of PIDs.
CLI::Option* add_pids(CLI::App& command, std::vector<pid_t>& pids, const std::string& description);

// Adds an option that is a number of seconds from `min` to `max`, such as "2" or "0.5".
CLI::Option* add_seconds(CLI::App& command, const std::string& name, std::function<void(double)> set, double min,
                         double max, const std::string& description);

// Adds an option that is a count from `min` to `max`, in decimal digits.
CLI::Option* add_count(CLI::App& command, const std::string& name, std::function<void(std::uint32_t)> set,
                       std::uint32_t min, std::uint32_t max, const std::string& description);
constexpr std::uint32_t kMaxRows = 1'000'000'000;  // the `max` where any number of rows may be shown

// Refuses an empty value of any option or argument that takes one and is not a list of words.
void refuse_empty_values(CLI::App& command);

// Adds an option that is a number of bytes, which k, m, g or t may follow: "64k".
CLI::Option* add_bytes(CLI::App& command, const std::string& name, std::uint64_t& bytes,
                       const std::string& description);

// Returns the address that a text gives in hexadecimal. Throws a Failure if the text is not one.
std::uint64_t address_of(const std::string& text);

// Adds --rate: the bytes per sample, in the form that the option `profile` takes.
CLI::Option* add_rate(CLI::App& command, std::string& rate);

// The option --wait: how long a process may take to answer a request.
class Patience {
 public:
  // Adds the option. The object must live as long as the command's action.
  void declare(CLI::App& command);
  [[nodiscard]] bool is_given() const { return seconds_.has_value(); }
  [[nodiscard]] std::chrono::milliseconds milliseconds() const {
    return std::chrono::milliseconds(std::llround(seconds_.value_or(kSeconds) * 1000));
  }

 private:
  static constexpr double kSeconds = 10;
  std::optional<double> seconds_;
};

}  // namespace ashlar::tool
