// tool: `ashlar metrics`: figures of processes for Prometheus and compatible collectors.
#include "tool/metrics.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "tool/arguments.h"
#include "tool/command.h"
#include "tool/error.h"
#include "tool/metrics_server.h"
#include "tool/output.h"
#include "tool/processes.h"

namespace ashlar::tool {

namespace fs = std::filesystem;

namespace {

struct Settings {
  Output output;
  std::vector<pid_t> pids;
  bool all = false;
  std::string listen, textfile, format;
};

// Observes the named processes, or all. `strict`: an error of a named process is thrown, and otherwise counted.
Observation observe_wanted(const Settings& settings, bool strict) {
  Observation out;
  for (const pid_t pid : settings.all ? processes_with_ashlar() : settings.pids) {
    try {
      out.processes.push_back(observe(pid));
    } catch (const std::exception& error) {  // out of memory for one process must not drop the others
      if (!settings.all && strict) throw;
      if (!settings.all || !is_none_of_the_list(error)) ++out.unreadable;
    }
  }
  return out;
}

// The last observation, which is reused for a second, so that frequent requests cost little. Requests come one after
// another, so there is no lock.
class Latest {
 public:
  explicit Latest(const Settings& settings) : settings_(settings) {}

  const Observation& get() {
    constexpr std::chrono::seconds kKept{1};
    if (!last_ || std::chrono::steady_clock::now() - made_ >= kKept) {
      last_ = observe_wanted(settings_, false);
      made_ = std::chrono::steady_clock::now();
    }
    return *last_;
  }

 private:
  const Settings& settings_;
  std::optional<Observation> last_;
  std::chrono::steady_clock::time_point made_;
};

[[noreturn]] void fail_to_write(const std::string& path, int error) {
  throw Failure(Exit::kFailed, fmt::format("cannot write {}: {}", path, std::strerror(error)));
}

bool write_whole(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

// Returns the file that is to be replaced: of a symbolic link the one that it leads to, so that the link stays. Where
// stdout is a file, /dev/stdout is such a link.
std::string behind_links(const std::string& path) {
  std::error_code error;
  if (!fs::is_symlink(path, error)) return path;
  const fs::path target = fs::canonical(path, error);
  if (error) throw Failure(Exit::kFailed, fmt::format("cannot replace {}: the link leads nowhere", path));
  return target.string();
}

// Replaces the file atomically: a reader sees the whole old text or the whole new one. node_exporter does not read the
// temporary file, as its name does not end with .prom.
void replace_file(const std::string& name, std::string_view text) {
  struct stat status {};
  if (stat(name.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    throw Failure(Exit::kFailed, fmt::format("cannot replace {}: it is not a regular file", name));
  }
  const std::string path = behind_links(name);
  std::string temporary = path + ".XXXXXX";
  const int fd = mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) fail_to_write(path, errno);
  const mode_t mask = umask(0);
  umask(mask);
  int error = fchmod(fd, 0666 & ~mask) == 0 && write_whole(fd, text) ? 0 : errno;
  if (close(fd) != 0 && error == 0) error = errno;
  if (error == 0 && std::rename(temporary.c_str(), path.c_str()) != 0) error = errno;
  if (error == 0) return;
  unlink(temporary.c_str());
  fail_to_write(path, error);
}

int metrics(const Settings& settings) {
  if (settings.all == !settings.pids.empty()) {
    throw Failure(Exit::kUsage, "metrics: give numbers of processes, or --all");
  }
  const Observation first = observe_wanted(settings, true);
  if (!settings.listen.empty()) {
    Latest latest(settings);
    serve_metrics(settings.listen, [&](Exposition format) { return exposition(latest.get(), format); });
    return 0;
  }
  // node_exporter's collector reads Prometheus's own format
  const bool open = settings.format.empty() ? settings.textfile.empty() : settings.format == "openmetrics";
  const std::string text = exposition(first, open ? Exposition::kOpenMetrics : Exposition::kPrometheus);
  if (settings.textfile.empty()) settings.output.print(text);
  else replace_file(settings.textfile, text);
  return 0;
}

}  // namespace

Action declare_metrics(CLI::App& command) {
  const auto settings = std::make_shared<Settings>();
  add_pids(command, settings->pids, "The processes");
  command.add_flag("-a,--all", settings->all, "Report all processes that have Ashlar and may be read");
  CLI::Option* const listen =
      command
          .add_option("-l,--listen", settings->listen, "Answer GET /metrics at this address, until SIGINT or SIGTERM")
          ->type_name("ADDRESS:PORT");
  CLI::Option* const textfile =
      command
          .add_option("-o,--textfile", settings->textfile,
                      "Write the figures to this file, for node_exporter's textfile collector")
          ->type_name("FILE");
  CLI::Option* const format =
      command
          .add_option("--format", settings->format,
                      "openmetrics or prometheus; default: prometheus for a textfile, otherwise openmetrics")
          ->check(CLI::IsMember({"openmetrics", "prometheus"}))
          ->type_name("FORMAT");
  listen->excludes(textfile)->excludes(format);
  return [settings] {
    std::vector<pid_t>& pids = settings->pids;
    std::sort(pids.begin(), pids.end());
    pids.erase(std::unique(pids.begin(), pids.end()), pids.end());  // a series comes once
    return metrics(*settings);
  };
}

}  // namespace ashlar::tool
