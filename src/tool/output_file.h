// tool: a file that a command writes after long work.
#pragma once

#include <cstdio>
#include <memory>
#include <string>

namespace ashlar::tool {

// Is opened before the work, so that a bad path fails before a long wait. The file's old contents stay until the new
// ones are written.
class OutputFile {
 public:
  // Throws a Failure if the file cannot be opened. An empty path stands for no file.
  explicit OutputFile(const std::string& path);

  // Writes the whole file, once. Throws a Failure if that fails.
  void write(const std::string& bytes);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  [[noreturn]] void fail() const;

  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace ashlar::tool
