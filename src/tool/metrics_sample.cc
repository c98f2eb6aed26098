// tool: figures for `ashlar metrics`.
#include <unistd.h>

#include <array>
#include <set>
#include <sstream>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "tool/metrics.h"
#include "tool/printable.h"
#include "tool/proc_file.h"

namespace ashlar::tool {

namespace {

// Bounds the number of series: further named caches are summed as "other". malloc has fewer classes than this.
constexpr std::size_t kMaxCaches = 128;
constexpr std::size_t kMaxZones = 64;  // page::kMaxNodes

// The fields after the name in /proc/PID/stat, by proc_pid_stat(5)'s numbers.
class Stat {
 public:
  explicit Stat(const std::string& text) : fields_(text.substr(std::min(text.size(), text.rfind(')') + 1))) {
    for (std::uint64_t& value : values_) {
      std::string field;
      fields_ >> field;
      value = std::strtoull(field.c_str(), nullptr, 10);
    }
  }
  [[nodiscard]] std::uint64_t operator[](std::size_t number) const { return values_.at(number - kFirst); }

 private:
  static constexpr std::size_t kFirst = 3, kLast = 22;
  std::istringstream fields_;
  std::array<std::uint64_t, kLast - kFirst + 1> values_{};
};

// Returns when the system was started, in seconds since the epoch.
double boot_seconds() {
  std::istringstream lines(read_proc(0, "stat"));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("btime ")) return std::strtod(line.c_str() + 6, nullptr);
  }
  return 0;
}

// Returns the name of the program's file without its folder, and without the " (deleted)" that the kernel appends.
std::string exe_of(pid_t pid) {
  constexpr std::string_view kDeleted = " (deleted)";
  std::string path(4096, '\0');
  const ssize_t n = readlink(fmt::format("/proc/{}/exe", pid).c_str(), path.data(), path.size());
  path.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  if (path.ends_with(kDeleted)) path.resize(path.size() - kDeleted.size());
  return path.substr(path.rfind('/') + 1);
}

void observe_kernels(Observed& out) {
  out.comm = read_proc(out.pid, "comm");
  if (out.comm.ends_with('\n')) out.comm.pop_back();
  out.exe = exe_of(out.pid);
  constexpr std::size_t kMinor = 10, kMajor = 12, kStart = 22;
  const Stat stat(read_proc(out.pid, "stat"));
  out.minor_faults = stat[kMinor];
  out.major_faults = stat[kMajor];
  out.start_seconds = boot_seconds() + static_cast<double>(stat[kStart]) / static_cast<double>(sysconf(_SC_CLK_TCK));
  const MemoryGroup group = memory_group_of(out.pid);
  out.cgroup = group.known && group.path.empty() ? "/" : group.path;
  out.container = container_of(group.path);
  out.memory = figures_of(group);
}

void add_to(CacheFigures& sum, const reader::Cache& cache) {
  sum.live += cache.live();
  sum.live_bytes += cache.live() * cache.object_size;
  sum.slab_bytes += cache.pages * reader::kPage;
}

// Returns the caches that have a slab, classes of malloc before named caches. Caches with the same printable name are
// summed.
std::vector<CacheFigures> caches_of(const reader::Model& model) {
  std::vector<CacheFigures> sums;
  std::map<std::string, std::size_t> places;
  for (const bool classes : {true, false}) {
    for (const reader::Cache& cache : model.caches) {
      if (cache.is_size_class != classes || cache.slabs == 0) continue;
      const std::string shown = printable(cache.name);
      const bool known = places.contains(shown), room = sums.size() < kMaxCaches;
      const std::string name = known || room ? shown : "other";
      const auto [at, added] = places.try_emplace(name, sums.size());
      if (added) sums.push_back({name});
      add_to(sums[at->second], cache);
    }
  }
  return sums;
}

// The library has one zone of a name for each node. Made-up tables may repeat a zone; the first is kept.
void add_zones(Observed& out, const std::vector<reader::Zone>& zones) {
  std::set<std::pair<unsigned, std::string>> places;
  for (const reader::Zone& zone : zones) {
    if (places.size() < kMaxZones && places.emplace(zone.node, zone.name).second) out.zones.push_back(zone);
    else out.approximate = true;
  }
}

}  // namespace

Observed observe(pid_t pid) {
  const auto source = reader::Source::live(pid);
  const reader::Model model = reader::read_model(*source);
  Observed out;
  out.pid = pid;
  out.version = model.version;
  out.threads = model.heaps.size();
  out.pressure = model.pressure;
  out.approximate = model.approximate;
  out.split = reader::split_rss(*source, model);
  out.caches = caches_of(model);
  add_zones(out, model.zones);
  for (const reader::SwapArea& area : model.swap_areas) {
    if (area.on) out.swap_areas.push_back(area);
  }
  out.profile = reader::read_profile_state(*source);
  observe_kernels(out);
  return out;
}

}  // namespace ashlar::tool
