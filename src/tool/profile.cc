// tool: `ashlar profile PID|FILE`: which functions hold memory, in a running process or in a file that the library's
// profiler wrote.
#include <charconv>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "tool/arguments.h"
#include "tool/command.h"
#include "tool/error.h"
#include "tool/output_file.h"
#include "tool/pprof.h"
#include "tool/profile_file.h"
#include "tool/profile_live.h"
#include "tool/profile_names.h"
#include "tool/profile_page.h"
#include "tool/profile_text.h"

namespace ashlar::tool {

namespace {

struct Settings {
  TextForm form;
  std::string target, core, base, pprof, html, file;
  Sampling sampling;
  bool folded = false;
};

// Returns whether a target is a number and so a process. A file with such a name is written as ./NAME.
bool is_process(const std::string& target) {
  return !target.empty() && target.find_first_not_of("0123456789") == std::string::npos;
}

Subject subject_of(const Settings& settings) {
  if (settings.target.empty() == settings.core.empty()) {
    throw Failure(Exit::kUsage, "profile: give the number of a process, a profile's file, or --core FILE");
  }
  const bool process = is_process(settings.target);
  if (!process && settings.sampling.is_given()) {
    throw Failure(Exit::kUsage, "profile: --seconds, --rate, --keep, --growth and --wait are for a running process");
  }
  Subject out;
  if (!settings.base.empty()) {
    out.base = read_profile(settings.base);
    out.base_file = settings.base;
  }
  if (!process) {
    out.profile =
        settings.core.empty() ? read_profile(settings.target) : read_samples_of(*reader::Source::core(settings.core));
    return out;
  }
  pid_t pid = 0;
  const char* const end = settings.target.data() + settings.target.size();
  if (std::from_chars(settings.target.data(), end, pid).ec != std::errc() || pid == 0) {
    throw Failure(Exit::kNoProcess, "there is no process " + settings.target);
  }
  Sampled sampled = sample_process(pid, settings.sampling);
  out.profile = std::move(sampled.profile);
  if (sampled.before) out.base = std::move(sampled.before);
  return out;
}

// Says on stderr which names a build without a library leaves out.
void say_what_lacks(const Names& names) {
  if (names.lacks_libdw)
    std::fputs("ashlar: profile: built without libdw: lines and functions that were inlined are not named\n", stderr);
  if (names.lacks_liblzma)
    std::fputs("ashlar: profile: built without liblzma: names in .gnu_debugdata are not read\n", stderr);
}

int run_profile(const Settings& settings) {
  // If the profile is read at once, the file is not made before there is something to write.
  const std::string path = settings.file + settings.pprof + settings.html;  // one at most is given
  std::optional<OutputFile> file;
  if (is_process(settings.target)) file.emplace(path);
  const Subject subject = subject_of(settings);
  const Profile& profile = subject.profile;
  if (!file) file.emplace(path);
  if (!settings.file.empty()) {
    file->write(text_of(profile));
    return 0;
  }
  const Names names = names_of(profile);
  say_what_lacks(names);
  if (!settings.pprof.empty()) {
    file->write(pprof_of(profile, names));
    return 0;
  }
  const Stacks stacks =
      subject.base ? compared(profile, names, *subject.base, names_of(*subject.base)) : stacks_of(profile, names);
  if (!settings.html.empty()) file->write(page_of(subject, stacks, settings.form.allocated));
  else if (settings.folded) print_folded(settings.form, stacks);
  else if (settings.form.output.json()) print_json(settings.form, subject, stacks);
  else print_table(settings.form, subject, stacks);
  return 0;
}

void declare_sampling(CLI::App& command, Sampling& sampling) {
  constexpr double kMaxSeconds = 86400 * 366.0;
  CLI::Option* const seconds = add_seconds(
      command, "-s,--seconds", [&sampling](double given) { sampling.seconds = given; }, 0, kMaxSeconds,
      "How long to sample the process; default: 10, or 0 if a profile is on already");
  add_seconds(
      command, "--growth", [&sampling](double given) { sampling.growth = given; }, 0, kMaxSeconds,
      "Show what each function gains or loses from now on, for this long")
      ->excludes(seconds);
  add_rate(command, sampling.rate);
  command.add_flag("--keep", sampling.keep, "Leave the profile on afterwards");
  sampling.patience.declare(command);
}

void declare_forms(CLI::App& command, Settings& settings) {
  command.add_flag("--allocated", settings.form.allocated,
                   "Order and count by the bytes that were allocated, not by those in use");
  add_count(
      command, "-n,--rows", [&settings](std::uint32_t rows) { settings.form.rows = rows; }, 0, kMaxRows,
      "The maximum number of functions to show; default: 20");
  CLI::Option* const folded =
      command.add_flag("--folded", settings.folded,
                       "Write stacks \"outer;inner BYTES\" for flame graphs; BEFORE AFTER with --base or --growth");
  CLI::Option* const pprof =
      command.add_option("--pprof", settings.pprof, "Write a file for pprof (profile.proto, gzipped)")
          ->type_name("FILE");
  CLI::Option* const html =
      command.add_option("--html", settings.html, "Write a page with a flame graph; it needs no network")
          ->type_name("FILE");
  CLI::Option* const file =
      command.add_option("-o,--output", settings.file, "Write the profile to this file, which ashlar profile reads")
          ->type_name("FILE");
  CLI::Option* const base =
      command.add_option("--base", settings.base, "Show what is more or less than in this earlier profile")
          ->type_name("FILE");
  base->excludes("--growth");
  for (CLI::Option* const form : {pprof, file}) form->excludes(base)->excludes("--growth");  // one profile only
  for (CLI::Option* const form : {folded, pprof, html, file}) {
    form->excludes("--json");
    for (CLI::Option* const other : {folded, pprof, html, file}) {
      if (form != other) form->excludes(other);
    }
  }
}

}  // namespace

Action declare_profile(CLI::App& command) {
  const auto settings = std::make_shared<Settings>();
  settings->form.output.declare(command);
  command
      .add_option("PID|FILE", settings->target,
                  "A process, or a file that ashlar_profile_dump or the option profile_file wrote")
      ->type_name("");
  command.add_option("--core", settings->core, "Read a core file instead of a process")->type_name("FILE");
  declare_sampling(command, settings->sampling);
  declare_forms(command, *settings);
  return [settings] { return run_profile(*settings); };
}

}  // namespace ashlar::tool
