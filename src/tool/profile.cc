// tool: `ashlar profile PID|FILE`: which functions hold memory: of a process that runs, or by a file that the library's
// profiler wrote.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "tool/arguments.h"
#include "tool/command.h"
#include "tool/error.h"
#include "tool/output.h"
#include "tool/pprof.h"
#include "tool/profile_file.h"
#include "tool/profile_live.h"
#include "tool/profile_names.h"

namespace ashlar::tool {

namespace {

struct Settings {
  Output output;
  std::string target, core, pprof, file;
  Sampling sampling;
  bool folded = false, allocated = false;
  std::size_t rows = 20;
};

// Figures of a function, or of all.
struct Totals {
  std::uint64_t in_use = 0, objects = 0, allocated = 0, allocated_objects = 0;
  std::uint64_t with_callees = 0;  // of what the order is by

  void add(const ProfileSite& site) {
    in_use = added(in_use, left(site.allocated.requested, site.freed.requested));
    objects = added(objects, left(site.allocated.blocks, site.freed.blocks));
    allocated = added(allocated, site.allocated.requested);
    allocated_objects = added(allocated_objects, site.allocated.blocks);
  }
};

std::uint64_t chosen(const Settings& settings, const Totals& totals) {
  return settings.allocated ? totals.allocated : totals.in_use;
}

struct Row {
  std::string name;
  Totals totals;
};

// Without a stack the innermost function is not known.
constexpr const char* kNoStack = "[no stack]";

struct Summary {
  Totals all;
  std::vector<Row> rows;  // the largest first
};

Summary summary_of(const Settings& settings, const Profile& profile, const Names& names) {
  Summary out;
  for (const std::string& name : names.functions) out.rows.push_back({name, {}});
  out.rows.push_back({kNoStack, {}});
  for (const ProfileSite& site : profile.sites) {
    Totals totals;
    totals.add(site);
    out.all.add(site);
    std::vector<std::size_t> functions;
    for (const std::uint64_t address : site.stack) functions.push_back(names.function_of(address));
    if (functions.empty()) functions.push_back(names.functions.size());
    out.rows[functions.front()].totals.add(site);
    // a function that calls itself counts once
    std::sort(functions.begin(), functions.end());
    functions.erase(std::unique(functions.begin(), functions.end()), functions.end());
    for (const std::size_t i : functions) {
      std::uint64_t& sum = out.rows[i].totals.with_callees;
      sum = added(sum, chosen(settings, totals));
    }
  }
  std::stable_sort(out.rows.begin(), out.rows.end(), [&](const Row& a, const Row& b) {
    const std::uint64_t one = chosen(settings, a.totals), other = chosen(settings, b.totals);
    return one != other ? one > other : a.totals.with_callees > b.totals.with_callees;
  });
  std::erase_if(out.rows, [](const Row& row) { return row.totals.with_callees == 0 && row.totals.allocated == 0; });
  return out;
}

std::string head_of(const Profile& profile) {
  std::string out = fmt::format("Profile of process {} after {}.{:03} s, ", profile.process,
                                profile.milliseconds / 1000, profile.milliseconds % 1000);
  out += profile.rate == 1 ? "each block recorded.\n"
                           : fmt::format("one in {} sampled: figures are estimates.\n", human_bytes(profile.rate));
  if (profile.dropped != 0) out += fmt::format("{} samples were dropped for want of room.\n", profile.dropped);
  if (profile.with_earlier) out += "The figures include the samples of earlier profiles of the process.\n";
  return out;
}

void print_table(const Settings& settings, const Profile& profile, const Summary& summary) {
  const Totals& all = summary.all;
  const std::uint64_t whole = chosen(settings, all);
  settings.output.print(head_of(profile) + "\n");
  Table table({{"in use"},
               {"objects"},
               {"allocated"},
               {"objects"},
               {"share"},
               {"with callees"},
               {"function", Table::Align::kLeft}});
  const auto add = [&](const std::string& name, const Totals& t, std::uint64_t with_callees, Style style) {
    table.add(
        {std::to_string(t.in_use), std::to_string(t.objects), std::to_string(t.allocated),
         std::to_string(t.allocated_objects), percent(chosen(settings, t), whole), percent(with_callees, whole), name},
        style);
  };
  add("all", all, whole, Style::kBold);
  const std::size_t shown = std::min(settings.rows, summary.rows.size());
  for (std::size_t i = 0; i < shown; ++i) {
    const Row& row = summary.rows[i];
    add(row.name, row.totals, row.totals.with_callees, Style::kPlain);
  }
  table.print(settings.output);
  if (shown < summary.rows.size())
    settings.output.print(fmt::format("{} more functions; --rows shows more.\n", summary.rows.size() - shown));
}

// One line a stack, the outermost function first, as flamegraph.pl and its kin read them.
void print_folded(const Settings& settings, const Profile& profile, const Names& names) {
  std::map<std::vector<std::size_t>, std::uint64_t> stacks;
  for (const ProfileSite& site : profile.sites) {
    Totals totals;
    totals.add(site);
    if (chosen(settings, totals) == 0) continue;
    std::vector<std::size_t> functions;
    for (auto at = site.stack.rbegin(); at != site.stack.rend(); ++at) functions.push_back(names.function_of(*at));
    std::uint64_t& sum = stacks[functions];
    sum = added(sum, chosen(settings, totals));
  }
  for (const auto& [functions, bytes] : stacks) {
    std::string line;
    for (const std::size_t i : functions) {
      std::string name = names.functions[i];
      std::replace(name.begin(), name.end(), ';', ':');
      line += (line.empty() ? "" : ";") + name;
    }
    settings.output.print(fmt::format("{} {}\n", functions.empty() ? kNoStack : line, bytes));
  }
}

void print_json(const Settings& settings, const Profile& profile, const Summary& summary) {
  const auto figures = [](const Totals& totals) {
    return nlohmann::ordered_json{{"in_use_bytes", totals.in_use},
                                  {"in_use_objects", totals.objects},
                                  {"allocated_bytes", totals.allocated},
                                  {"allocated_objects", totals.allocated_objects}};
  };
  nlohmann::ordered_json out{
      {"process", profile.process}, {"milliseconds", profile.milliseconds}, {"rate", profile.rate},
      {"dropped", profile.dropped}, {"with_earlier", profile.with_earlier}, {"all", figures(summary.all)}};
  nlohmann::ordered_json& functions = out["functions"] = nlohmann::ordered_json::array();
  for (const Row& row : summary.rows) {
    nlohmann::ordered_json one{{"name", row.name}};
    one.update(figures(row.totals));
    one["with_callees_bytes"] = row.totals.with_callees;
    functions.push_back(std::move(one));
  }
  settings.output.print_json(out);
}

// A file to write, opened before what it is for is known, so that a long wait is not for nothing. Nothing is lost of
// what it held until then.
class OutputFile {
 public:
  explicit OutputFile(const std::string& path)
      : path_(path), file_(path.empty() ? nullptr : std::fopen(path.c_str(), "ab")) {
    if (!path.empty() && file_ == nullptr) fail();
  }

  void write(const std::string& bytes) {
    struct stat its {};
    std::FILE* const file = file_.release();
    bool good = fstat(fileno(file), &its) == 0 && (!S_ISREG(its.st_mode) || ftruncate(fileno(file), 0) == 0);
    good = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size() && good;
    good = std::fclose(file) == 0 && good;
    if (!good) fail();
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  [[noreturn]] void fail() const { throw Failure(Exit::kFailed, fmt::format("{}: {}", path_, std::strerror(errno))); }

  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
};

// A number is a process; a file of such a name is given as ./NAME.
bool is_process(const std::string& target) {
  return !target.empty() && target.find_first_not_of("0123456789") == std::string::npos;
}

Profile profile_of(const Settings& settings) {
  if (settings.target.empty() == settings.core.empty()) {
    throw Failure(Exit::kUsage, "profile: give the number of a process, a profile's file, or --core FILE");
  }
  const bool process = is_process(settings.target);
  if (!process && settings.sampling.is_given()) {
    throw Failure(Exit::kUsage, "profile: --seconds, --rate and --keep are for a process that runs");
  }
  if (!settings.core.empty()) return read_samples_of(*reader::Source::core(settings.core));
  if (!process) return read_profile(settings.target);
  pid_t pid = 0;
  const char* const end = settings.target.data() + settings.target.size();
  if (std::from_chars(settings.target.data(), end, pid).ec != std::errc() || pid == 0) {
    throw Failure(Exit::kNoProcess, "there is no process " + settings.target);
  }
  return sample_process(pid, settings.sampling);
}

int run_profile(const Settings& settings) {
  // Where a profile is read at once, no file is made unless it is written.
  const std::string& path = settings.file.empty() ? settings.pprof : settings.file;
  std::optional<OutputFile> file;
  if (is_process(settings.target)) file.emplace(path);
  const Profile profile = profile_of(settings);
  if (!file) file.emplace(path);
  if (!settings.file.empty()) {
    file->write(text_of(profile));
    return 0;
  }
  const Names names = names_of(profile);
  if (!settings.pprof.empty()) file->write(pprof_of(profile, names));
  else if (settings.folded) print_folded(settings, profile, names);
  else if (settings.output.json()) print_json(settings, profile, summary_of(settings, profile, names));
  else print_table(settings, profile, summary_of(settings, profile, names));
  return 0;
}

void declare_sampling(CLI::App& command, Sampling& sampling) {
  constexpr double kMostSeconds = 86400 * 366.0;
  command
      .add_option("-s,--seconds", sampling.seconds,
                  "How long to sample the process; 10 by default, or 0 where a profile is on already")
      ->check(CLI::Range(0.0, kMostSeconds))
      ->type_name("NUMBER");
  add_rate(command, sampling.rate);
  command.add_flag("--keep", sampling.keep, "Leave the profile on");
  sampling.patience.declare(command);
}

}  // namespace

Action declare_profile(CLI::App& command) {
  const auto settings = std::make_shared<Settings>();
  settings->output.declare(command);
  command
      .add_option("PID|FILE", settings->target,
                  "A process, or what ashlar_profile_dump or the option profile_file wrote")
      ->type_name("");
  command.add_option("--core", settings->core, "Read a core file instead of a process")->type_name("FILE");
  declare_sampling(command, settings->sampling);
  command.add_flag("--allocated", settings->allocated, "Order and share by what was allocated, not by what is in use");
  command.add_option("-n,--rows", settings->rows, "The most functions to show; 20 by default")->type_name("NUMBER");
  CLI::Option* const folded =
      command.add_flag("--folded", settings->folded, "Write stacks \"outer;inner BYTES\" for flame graphs");
  CLI::Option* const pprof =
      command.add_option("--pprof", settings->pprof, "Write a file for pprof (profile.proto, gzipped)")
          ->type_name("FILE");
  CLI::Option* const file =
      command.add_option("-o,--output", settings->file, "Write the profile for a later ashlar profile FILE")
          ->type_name("FILE");
  folded->excludes(pprof)->excludes("--json");
  pprof->excludes("--json");
  file->excludes(pprof)->excludes(folded)->excludes("--json");
  return [settings] { return run_profile(*settings); };
}

}  // namespace ashlar::tool
