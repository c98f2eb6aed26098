// tool: arguments that several commands have.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace ashlar::tool {

// Adds a positional argument PID, a number above 0.
CLI::Option* add_pid(CLI::App& command, pid_t& pid, const std::string& description);

// The same with any number of them.
CLI::Option* add_pids(CLI::App& command, std::vector<pid_t>& pids, const std::string& description);

// Adds an option that is a number of bytes, with k, m, g or t behind it: "64k".
CLI::Option* add_bytes(CLI::App& command, const std::string& name, std::uint64_t& bytes,
                       const std::string& description);

// An address in hexadecimal. Throws a Failure where a text is none.
std::uint64_t address_of(const std::string& text);

// Adds --rate: how many bytes to a sample, as the option `profile` takes it.
CLI::Option* add_rate(CLI::App& command, std::string& rate);

// The option --wait: how long a process may take to answer a request.
class Patience {
 public:
  // The object must live as long as the command's action.
  void declare(CLI::App& command);
  [[nodiscard]] std::chrono::milliseconds milliseconds() const {
    return std::chrono::milliseconds(static_cast<std::int64_t>(seconds_ * 1000));
  }

 private:
  double seconds_ = 10;
};

}  // namespace ashlar::tool
