// tool: the families of `ashlar metrics`, and their two formats.
#include <cmath>
#include <functional>
#include <string_view>

#include <fmt/format.h>

#include "tool/metrics.h"
#include "tool/printable.h"

namespace ashlar::tool {

namespace {

// Escapes a value for quotation marks. Bytes that are not printable UTF-8 become escapes like \x1b.
std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : printable(value)) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') out += "\\n";
    else out += c;
  }
  return out;
}

std::string label(std::string_view name, std::string_view value) {
  return fmt::format("{}=\"{}\"", name, escaped(value));
}

// Adds the points of one process to a family: further labels, and a value.
class Points {
 public:
  Points(std::string& out, std::string name, std::string labels)
      : out_(out), name_(std::move(name)), labels_(std::move(labels)) {}

  void add(std::string_view more, std::uint64_t value) { write(more, fmt::format("{}", value)); }
  void add(std::string_view more, double value) { write(more, fmt::format("{}", value)); }
  template <class T>
  void add(std::string_view more, const std::optional<T>& value) {
    if (value) add(more, *value);
  }

 private:
  void write(std::string_view more, const std::string& value) {
    out_ += fmt::format("{}{{{}{}{}}} {}\n", name_, labels_, more.empty() ? "" : ",", more, value);
  }

  std::string& out_;
  std::string name_, labels_;
};

enum class Kind : std::uint8_t { kGauge, kCounter, kInfo };

struct Family {
  Kind kind;
  const char* name;  // without the suffix of a counter's or an info's points
  const char* unit;  // the end of the name, or empty
  const char* help;
  void (*points)(const Observed& process, Points& points);
};

struct Use {
  const char* name;
  std::uint64_t reader::Split::*bytes;
};
constexpr Use kUses[] = {
    {"live_slab", &reader::Split::live_slab},
    {"live_runs", &reader::Split::live_runs},
    {"live_vmalloc", &reader::Split::live_vmalloc},
    {"live_checked", &reader::Split::live_checked},
    {"slab_free", &reader::Split::slab_free},
    {"slab_uncarved", &reader::Split::slab_uncarved},
    {"slab_tail", &reader::Split::slab_tail},
    {"magazines", &reader::Split::magazines},
    {"depot", &reader::Split::depot},
    {"quarantine", &reader::Split::quarantine},
    {"checked_free", &reader::Split::checked_free},
    {"dirty_free", &reader::Split::dirty_free},
    {"clean_free", &reader::Split::clean_free},
    {"metadata", &reader::Split::metadata},
    {"image", &reader::Split::image},
    {"unknown", &reader::Split::unknown},
};

void add_uses(const Observed& p, Points& points) {
  for (const Use& use : kUses) points.add(label("use", use.name), p.split.*use.bytes);
}

template <std::uint64_t CacheFigures::*Figure>
void add_caches(const Observed& p, Points& points) {
  for (const CacheFigures& cache : p.caches) points.add(label("cache", cache.name), cache.*Figure);
}

template <std::uint64_t reader::Zone::*Pages>
void add_zones(const Observed& p, Points& points) {
  for (const reader::Zone& zone : p.zones) {
    points.add(fmt::format("node=\"{}\",zone=\"{}\"", zone.node, escaped(zone.name)), zone.*Pages * reader::kPage);
  }
}

// The label of the number keeps series distinct if a made-up table has an area twice.
void add_swap_area(const Observed& p, Points& points, std::uint64_t (*figure)(const reader::SwapArea&)) {
  for (std::size_t i = 0; i < p.swap_areas.size(); ++i) {
    points.add(fmt::format("area=\"{}\",", i) + label("path", printable(p.swap_areas[i].path)),
               figure(p.swap_areas[i]));
  }
}

void add_info(const Observed& p, Points& points) {
  points.add(label("version", p.version) + "," + label("cgroup", p.cgroup), std::uint64_t{1});
}

// Adds a figure that is known only if residence is.
template <std::uint64_t reader::Split::*Bytes>
void add_known(const Observed& p, Points& points) {
  if (p.split.known) points.add("", p.split.*Bytes);
}

using P = const Observed&;
constexpr Family kFamilies[] = {
    {Kind::kInfo, "ashlar_process", "",
     "A process that has Ashlar, with the library's version and the process's memory cgroup.", add_info},
    {Kind::kGauge, "ashlar_start_time_seconds", "seconds", "When the process was started, since the epoch.",
     [](P p, Points& points) { points.add("", p.start_seconds); }},
    {Kind::kGauge, "ashlar_resident_bytes", "bytes", "Ashlar's resident memory, by what it is used for.", add_uses},
    {Kind::kGauge, "ashlar_residence_known", "",
     "1, or 0 if it is not known what is resident; ashlar_resident_bytes then counts all that the heap holds.",
     [](P p, Points& points) { points.add("", std::uint64_t{p.split.known}); }},
    {Kind::kGauge, "ashlar_approximate", "",
     "1 if the heap changed while it was read, so that figures may contradict each other.",
     [](P p, Points& points) { points.add("", std::uint64_t{p.approximate}); }},
    {Kind::kGauge, "ashlar_rounding_bytes", "bytes",
     "Estimate of the bytes by which sizes of live objects were rounded up, a part of live_slab.",
     [](P p, Points& points) { points.add("", p.split.rounding); }},
    {Kind::kGauge, "ashlar_swapped_bytes", "bytes", "Ashlar's memory that is swapped out.",
     add_known<&reader::Split::swapped>},
    {Kind::kGauge, "ashlar_huge_page_bytes", "bytes", "Ashlar's memory in transparent huge pages.",
     add_known<&reader::Split::huge>},
    {Kind::kGauge, "ashlar_process_resident_bytes", "bytes", "Resident memory of the process.",
     add_known<&reader::Split::process_rss>},
    {Kind::kGauge, "ashlar_process_swapped_bytes", "bytes", "Memory of the process that is swapped out.",
     add_known<&reader::Split::process_swap>},
    {Kind::kGauge, "ashlar_swap_area_size_bytes", "bytes", "The size of each swap area of the process.",
     [](P p, Points& points) { add_swap_area(p, points, [](const reader::SwapArea& area) { return area.bytes(); }); }},
    {Kind::kGauge, "ashlar_swap_area_used_bytes", "bytes",
     "The part of each swap area that is in use, resident or in the file.",
     [](P p, Points& points) { add_swap_area(p, points, [](const reader::SwapArea& area) { return area.used; }); }},
    {Kind::kGauge, "ashlar_swap_area_backed_bytes", "bytes",
     "The part of each swap area that may take space on the disk.",
     [](P p, Points& points) { add_swap_area(p, points, [](const reader::SwapArea& area) { return area.backed; }); }},
    {Kind::kCounter, "ashlar_advised_bytes", "bytes", "Blocks of which the kernel was told that they are idle.",
     add_zones<&reader::Zone::advised>},
    {Kind::kGauge, "ashlar_cache_live_objects", "", "Objects that the program holds, by size class or named cache.",
     add_caches<&CacheFigures::live>},
    {Kind::kGauge, "ashlar_cache_live_bytes", "bytes", "The bytes of these objects.",
     add_caches<&CacheFigures::live_bytes>},
    {Kind::kGauge, "ashlar_cache_slab_bytes", "bytes", "The bytes of the slabs that these objects lie in.",
     add_caches<&CacheFigures::slab_bytes>},
    {Kind::kGauge, "ashlar_heaps", "", "Number of threads that have a heap.",
     [](P p, Points& points) { points.add("", std::uint64_t{p.threads}); }},
    {Kind::kCounter, "ashlar_page_faults", "",
     "Page faults of the process: minor ones, and major ones, which wait for a disk.",
     [](P p, Points& points) {
       points.add(label("kind", "minor"), p.minor_faults);
       points.add(label("kind", "major"), p.major_faults);
     }},
    {Kind::kCounter, "ashlar_purged_bytes", "bytes", "Free memory that was returned to the system.",
     add_zones<&reader::Zone::purged>},
    {Kind::kCounter, "ashlar_refaulted_bytes", "bytes", "Returned memory that was wanted again within the decay time.",
     add_zones<&reader::Zone::refaults>},
    {Kind::kGauge, "ashlar_hold_bytes", "bytes", "Free memory that may stay since refaults showed that it is wanted.",
     add_zones<&reader::Zone::hold>},
    {Kind::kGauge, "ashlar_watermark_bytes", "bytes",
     "Dirty free memory above which the zone returns memory to the system.", add_zones<&reader::Zone::high_watermark>},
    {Kind::kGauge, "ashlar_peak_bytes", "bytes", "The maximum of the zone that was in use at once.",
     add_zones<&reader::Zone::max_live>},
    {Kind::kGauge, "ashlar_memory_pressure", "",
     "The state that the library saw last: 1 if some tasks wait for memory, 2 if all wait or the cgroup is above its "
     "high.",
     [](P p, Points& points) { points.add("", std::uint64_t{p.pressure}); }},
    {Kind::kGauge, "ashlar_cgroup_memory_bytes", "bytes",
     "Memory of the cgroup that is closest to its limit, among the process's and those above it.",
     [](P p, Points& points) { points.add("", p.memory.usage); }},
    {Kind::kGauge, "ashlar_cgroup_memory_limit_bytes", "bytes", "The limit of that cgroup, if it has one.",
     [](P p, Points& points) { points.add("", p.memory.limit); }},
    {Kind::kGauge, "ashlar_cgroup_memory_high_bytes", "bytes", "memory.high of the process's cgroup, if it is set.",
     [](P p, Points& points) { points.add("", p.memory.high); }},
    {Kind::kCounter, "ashlar_cgroup_memory_stall_seconds", "seconds",
     "Time for which some or all (full) tasks of the process's cgroup waited for memory.",
     [](P p, Points& points) {
       points.add(label("kind", "some"), p.memory.some_stall);
       points.add(label("kind", "full"), p.memory.full_stall);
     }},
    {Kind::kGauge, "ashlar_profile_on", "", "1 while allocations are sampled.",
     [](P p, Points& points) { points.add("", std::uint64_t{p.profile.rate != 0}); }},
    {Kind::kGauge, "ashlar_profile_rate_bytes", "bytes", "Mean number of bytes between samples, or 0.",
     [](P p, Points& points) { points.add("", p.profile.rate); }},
    {Kind::kCounter, "ashlar_profile_dropped_samples", "", "Samples that were dropped for lack of memory.",
     [](P p, Points& points) { points.add("", p.profile.dropped); }},
};

std::string process_labels(const Observed& p) {
  return fmt::format("pid=\"{}\",", p.pid) + label("comm", p.comm) + "," + label("exe", p.exe) + "," +
         label("container", p.container);
}

// Writes the comments before a family. Returns the name of its points.
std::string begin_family(std::string& out, Exposition format, Kind kind, std::string name, const char* unit,
                         std::string_view help) {
  const bool open = format == Exposition::kOpenMetrics;
  std::string point = name + (kind == Kind::kCounter ? "_total" : kind == Kind::kInfo ? "_info" : "");
  if (!open) name = point;
  const char* const type = kind == Kind::kCounter ? "counter" : kind == Kind::kInfo && open ? "info" : "gauge";
  out += fmt::format("# TYPE {} {}\n", name, type);
  if (open && *unit != '\0') out += fmt::format("# UNIT {} {}\n", name, unit);
  out += fmt::format("# HELP {} {}\n", name, help);
  return point;
}

}  // namespace

std::string exposition(const Observation& observation, Exposition format) {
  std::string out;
  const std::string point =
      begin_family(out, format, Kind::kGauge, "ashlar_processes", "",
                   "Processes that have Ashlar: those that were read, and those that could not be read.");
  out += fmt::format("{}{{state=\"read\"}} {}\n", point, observation.processes.size());
  out += fmt::format("{}{{state=\"unreadable\"}} {}\n", point, observation.unreadable);
  for (const Family& family : kFamilies) {
    const std::string name = begin_family(out, format, family.kind, family.name, family.unit, family.help);
    for (const Observed& process : observation.processes) {
      Points points(out, name, process_labels(process));
      family.points(process, points);
    }
  }
  if (format == Exposition::kOpenMetrics) out += "# EOF\n";
  return out;
}

const char* content_type(Exposition format) {
  return format == Exposition::kOpenMetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                            : "text/plain; version=0.0.4; charset=utf-8";
}

}  // namespace ashlar::tool
