// tool: profiles of running processes.
#include "tool/profile_live.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <thread>

#include <fmt/format.h>

#include "tool/error.h"
#include "tool/interrupt.h"
#include "tool/printable.h"
#include "tool/reader/profile.h"
#include "tool/reader/request.h"

namespace ashlar::tool {

namespace {

using Clock = std::chrono::steady_clock;

std::uint64_t now_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000000;
}

// Writes to stderr and ignores errors, as stderr may be closed.
void show(const std::string& text) { std::fputs(text.c_str(), stderr); }

// Returns the auxiliary vector, which changes when the process executes another program. Empty if the process is gone.
std::string program_of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/auxv", pid), std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Waits until the time is over, a signal arrives, or the process ends or executes another program, which has none of
// the samples.
void wait(double seconds, const reader::Source& source) {
  const bool terminal = isatty(STDERR_FILENO) != 0;
  const std::string title = source.title(), program = program_of(source.pid());
  const auto start = Clock::now();
  const auto passed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  while (!Interruptible::came() && passed() < seconds && program_of(source.pid()) == program) {
    if (terminal) show(fmt::format("\rsampling {}: {:.0f} of {:.0f} s ", printable(title), passed(), seconds));
    std::this_thread::sleep_for(std::chrono::duration<double>(std::clamp(seconds - passed(), 0.0, 0.1)));
  }
  if (terminal) show("\r\x1b[K");
}

void set_rate(reader::Source& source, const std::string& rate, const reader::Waiting& waiting) {
  reader::ask(source, format::RequestKind::kSet, "profile=" + rate, waiting);
}

// Stops the profile. Returns a warning if the profile goes on, else an empty text; the samples can be read in both
// cases. A process that does not allocate pays nothing for a profile that is on, and stops it when it next allocates.
std::string stop(reader::Source& source, const Sampling& sampling) {
  Interruptible::forget();  // an earlier signal ended the sampling
  try {
    const reader::Waiting waiting{sampling.patience.milliseconds(), Interruptible::came, true};
    reader::ask_between_others(source, format::RequestKind::kSet, "profile=0", waiting);
    return "";
  } catch (const Failure& failure) {
    if (failure.code() == Exit::kGone) throw;
    const std::string until = failure.code() == Exit::kNoAnswer
                                  ? "until the process allocates and finds the request to stop, or until "
                                  : "until ";
    return fmt::format("ashlar: {}\nashlar: the profile stays on {}\"ashlar set {} profile=0\" ends it\n",
                       printable(failure.what()), until, source.pid());
  }
}

// The program that a process runs.
class Program {
 public:
  explicit Program(const reader::Source& source) : title_(source.title()), identity_(source.identity()) {}

  // Throws if the process has executed another program since, whose samples are not those that were asked for. The
  // source must have been refreshed.
  void check(const reader::Source& source) const {
    if (source.identity() != identity_)
      throw Failure(Exit::kGone, title_ + ": it executed another program while it was sampled");
  }

 private:
  std::string title_, identity_;
};

Profile nothing_of(pid_t pid) {
  Profile out;
  out.process = static_cast<std::uint64_t>(pid);
  return out;
}

}  // namespace

std::string root_of(pid_t pid) {
  const std::string root = fmt::format("/proc/{}/root", pid);
  struct stat its {
  }, own{};
  const bool other = stat((root + "/").c_str(), &its) == 0 && stat("/", &own) == 0 &&
                     (its.st_ino != own.st_ino || its.st_dev != own.st_dev);
  return other ? root : "";
}

Profile read_samples_of(reader::Source& source) {
  source.refresh();
  std::optional<reader::SampledProfile> samples = reader::read_samples(source);
  if (!samples) throw Failure(Exit::kFailed, source.title() + ": no profile was ever started in it");
  Profile out;
  out.rate = samples->rate;
  out.process = static_cast<std::uint64_t>(source.pid());
  out.dropped = samples->dropped;
  const std::uint64_t now = now_ms();
  if (!source.is_core() && samples->started_ms < now) out.milliseconds = now - samples->started_ms;
  out.sites = std::move(samples->sites);
  out.threads = std::move(samples->threads);
  out.mappings = source.mappings();
  if (!source.is_core()) {
    out.root = root_of(source.pid());
    out.perf_map = perf_map_of(source.pid(), out.root);
  }
  return out;
}

Sampled sample_process(pid_t pid, const Sampling& sampling) {
  constexpr double kUsualSeconds = 10;
  const auto source = reader::Source::live(pid);
  const bool was_on = reader::is_sampled(*source);
  if (was_on && !sampling.rate.empty()) {
    throw Failure(Exit::kFailed, source->title() + ": a profile is on already, with a rate of its own; \"ashlar set " +
                                     std::to_string(pid) + " profile=0\" ends it");
  }
  const bool with_earlier = !was_on && reader::was_sampled(*source);
  const Interruptible interruptible;
  const Program program(*source);
  Sampled out;
  if (sampling.growth) out.before = was_on || with_earlier ? read_samples_of(*source) : nothing_of(pid);
  if (!was_on) set_rate(*source, sampling.rate, {sampling.patience.milliseconds(), Interruptible::came});
  const std::uint64_t start = now_ms();
  const double usual = was_on ? 0 : kUsualSeconds;
  wait(sampling.growth.value_or(sampling.seconds.value_or(usual)), *source);
  const std::uint64_t window = now_ms() - start;
  source->refresh();
  program.check(*source);
  const std::string warning = was_on || sampling.keep ? "" : stop(*source, sampling);
  source->refresh();
  program.check(*source);
  out.profile = read_samples_of(*source);
  if (out.before) out.before->rate = out.profile.rate;
  if (!was_on || out.before) out.profile.milliseconds = window;
  out.profile.with_earlier = with_earlier;
  show(warning);
  return out;
}

}  // namespace ashlar::tool
