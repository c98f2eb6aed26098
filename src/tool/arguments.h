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

// Adds a positional argument of any number of PIDs.
CLI::Option* add_pids(CLI::App& command, std::vector<pid_t>& pids, const std::string& description);

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
  [[nodiscard]] std::chrono::milliseconds milliseconds() const {
    return std::chrono::milliseconds(static_cast<std::int64_t>(seconds_ * 1000));
  }

 private:
  double seconds_ = 10;
};

}  // namespace ashlar::tool
