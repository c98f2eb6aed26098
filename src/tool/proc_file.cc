// tool: files of /proc made of lines "Name:   value kB".
#include "tool/proc_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "tool/error.h"
#include "tool/reader/source.h"

namespace ashlar::tool {

namespace {

// Returns whether a process is a zombie, or gone.
bool has_ended(pid_t pid) {
  const std::string stat = read_proc(pid, "stat");  // "123 (name) S ...", proc_pid_stat(5)
  const std::size_t state = stat.rfind(") ");
  return state == stat.npos || state + 2 >= stat.size() || stat[state + 2] == 'Z' || stat[state + 2] == 'X';
}

[[noreturn]] void fail(pid_t pid, const std::string& path, int error) {
  if (pid == 0) throw Failure(Exit::kFailed, fmt::format("{}: {}", path, std::strerror(error)));
  if (error == ENOENT && !reader::exists(pid))
    throw Failure(Exit::kNoProcess, fmt::format("there is no process {}", pid));
  const bool hidden = error == ENOENT && access(fmt::format("/proc/{}", pid).c_str(), F_OK) != 0;
  if (error == EACCES || error == EPERM || hidden)
    throw Failure(Exit::kNotPermitted, fmt::format("process {}: no permission to read {}", pid, path));
  if (error == ENOENT) throw Failure(Exit::kFailed, fmt::format("{}: {}", path, std::strerror(error)));
  const std::string title = fmt::format("process {} ({})", pid, reader::single_line(process_name(pid)));
  if (has_ended(pid)) throw Failure(Exit::kGone, title + ": it has ended");
  throw Failure(Exit::kNoAshlar, title + ": it has no memory of its own (a thread of the kernel)");
}

}  // namespace

std::string read_proc(pid_t pid, const std::string& file) {
  const std::string path = pid == 0 ? "/proc/" + file : fmt::format("/proc/{}/{}", pid, file);
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) fail(pid, path, errno);
  std::string text;
  char buffer[16384];
  ssize_t n = 0;
  while ((n = read(fd, buffer, sizeof buffer)) > 0) text.append(buffer, static_cast<std::size_t>(n));
  const int error = errno;
  close(fd);
  if (n < 0) fail(pid, path, error);
  return text;
}

std::vector<ProcLine> proc_lines(const std::string& text) {
  std::vector<ProcLine> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::size_t digits = line.find_first_not_of(" \t", colon + 1);
    if (digits == std::string::npos) continue;
    ProcLine entry{line.substr(0, colon), 0, false};
    const char* const end = line.data() + line.size();
    const auto [rest, error] = std::from_chars(line.data() + digits, end, entry.value);
    if (error != std::errc()) continue;
    entry.bytes = std::string_view(rest, static_cast<std::size_t>(end - rest)) == " kB";
    if (entry.bytes) entry.value *= 1024;
    lines.push_back(entry);
  }
  return lines;
}

std::optional<std::uint64_t> value_of(const std::vector<ProcLine>& lines, const std::string& name) {
  for (const ProcLine& line : lines) {
    if (line.name == name) return line.value;
  }
  return std::nullopt;
}

std::uint32_t number_in_namespace(pid_t pid) {
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("NSpid:"))
      return static_cast<std::uint32_t>(std::stoul(line.substr(line.find_last_of(":\t") + 1)));
  }
  return static_cast<std::uint32_t>(pid);
}

std::string process_name(pid_t pid) {
  std::string name = read_proc(pid, "comm");
  if (!name.empty() && name.back() == '\n') name.pop_back();  // the name may end with others
  return name;
}

}  // namespace ashlar::tool
