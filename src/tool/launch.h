// tool: how a command starts a program with libashlar.so preloaded.
#pragma once

#include <string>
#include <vector>

namespace ashlar::tool {

// The library to preload: `given`, or the command's own if that is empty. Throws a Failure that begins with the name of
// the subcommand if it cannot be used.
std::string check_library(const std::string& command, const std::string& given);

class Launch {
 public:
  // Finds the library and the program; `library` is one to use in the place of the command's own, or empty. Failures
  // begin with the name of the subcommand. Warns of a program that preloading does not reach.
  Launch(std::string command, const std::string& library, std::vector<std::string> words);

  // Adds the library and options to this process's environment.
  void set_environment(const std::string& options) const;

  // Becomes the program; returns by a Failure only.
  [[noreturn]] void become() const;

  [[nodiscard]] const std::string& program() const { return program_; }
  [[nodiscard]] const std::string& library() const { return library_; }

 private:
  std::string command_;
  std::string library_;
  std::vector<std::string> words_;  // the program and its arguments
  std::string program_;             // its file
};

}  // namespace ashlar::tool
