// tool: how a command starts a program with libashlar.so preloaded.
#pragma once

#include <string>
#include <vector>

namespace ashlar::tool {

// Returns the path of the library to preload: `given`, or the command's own if that is empty. Throws a Failure that
// begins with the name of the subcommand if the library cannot be used.
std::string check_library(const std::string& command, const std::string& given);

// Throws a Failure if the folder of a path is one in which no file can be made. A file that a program or the library
// makes in it later would be missed only when the program has ended.
void check_folder(const std::string& command, const std::string& path);

class Launch {
 public:
  // Finds the library and the program. An empty `library` means the command's own. Failures begin with the name of the
  // subcommand. Warns if LD_PRELOAD has no effect on the program.
  Launch(std::string command, const std::string& library, std::vector<std::string> words);

  // Adds the library and options to this process's environment.
  void set_environment(const std::string& options) const;

  // Becomes the program (execve(2)). Throws a Failure if that fails.
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
