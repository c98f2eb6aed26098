// tool, reader: the threads of a live process.
#include <dirent.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <sstream>

#include "tool/reader/file.h"
#include "tool/reader/source.h"

namespace ashlar::reader {

namespace {

// Parses "running", "-1 SP PC", or "NUMBER ARGUMENT... SP PC".
ThreadState parse_syscall(pid_t number, const std::string& text) {
  ThreadState thread;
  thread.number = number;
  std::istringstream fields(text);
  std::string field;
  while (fields >> field) {
    if (field.starts_with("0x")) thread.registers.push_back(std::strtoull(field.c_str(), nullptr, 16));
  }
  constexpr std::size_t kPointers = 2;
  if (thread.registers.size() >= kPointers) {
    thread.stack_pointer = thread.registers[thread.registers.size() - kPointers];
  }
  return thread;
}

std::string folder_of(pid_t pid) { return "/proc/" + std::to_string(pid) + "/task"; }

}  // namespace

std::vector<pid_t> threads_of(pid_t pid) {
  std::vector<pid_t> all;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(folder_of(pid).c_str()), closedir);
  if (folder == nullptr) return all;
  while (const dirent* const entry = readdir(folder.get())) {
    const std::string name = static_cast<const char*>(entry->d_name);
    pid_t number = 0;
    std::from_chars(name.data(), name.data() + name.size(), number);
    if (number > 0) all.push_back(number);
  }
  std::sort(all.begin(), all.end());
  return all;
}

std::vector<ThreadState> waiting_threads(pid_t pid) {
  std::vector<ThreadState> all;
  for (const pid_t number : threads_of(pid)) {
    std::string text;
    const File file = File::kernel(folder_of(pid) + "/" + std::to_string(number) + "/syscall");
    if (!file || !file.read_all(text)) text.clear();
    all.push_back(parse_syscall(number, text));
  }
  return all;
}

}  // namespace ashlar::reader
