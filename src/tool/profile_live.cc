// tool: profiles of processes that run.
#include "tool/profile_live.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

#include <fmt/format.h>

#include "tool/error.h"
#include "tool/reader/profile.h"
#include "tool/reader/request.h"

namespace ashlar::tool {

namespace {

using Clock = std::chrono::steady_clock;

volatile std::sig_atomic_t interrupted = 0;

// For a scope, SIGINT and SIGTERM only set `interrupted`: a profile that was started is stopped in any case.
class Interruptible {
 public:
  Interruptible() {
    interrupted = 0;
    struct sigaction action {};
    action.sa_handler = [](int) { interrupted = 1; };
    sigaction(SIGINT, &action, &before_[0]);
    sigaction(SIGTERM, &action, &before_[1]);
  }
  ~Interruptible() {
    sigaction(SIGINT, &before_[0], nullptr);
    sigaction(SIGTERM, &before_[1], nullptr);
  }
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

 private:
  struct sigaction before_[2]{};
};

std::uint64_t now_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000000;
}

// Where a process's files are found if it has another root directory than this command; else nothing.
std::string root_of(pid_t pid) {
  const std::string root = fmt::format("/proc/{}/root", pid);
  struct stat its {
  }, own{};
  const bool other = stat((root + "/").c_str(), &its) == 0 && stat("/", &own) == 0 &&
                     (its.st_ino != own.st_ino || its.st_dev != own.st_dev);
  return other ? root : "";
}

void wait(double seconds, const std::string& title) {
  const bool terminal = isatty(STDERR_FILENO) != 0;
  const auto start = Clock::now();
  const auto passed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  while (interrupted == 0 && passed() < seconds) {
    if (terminal) fmt::print(stderr, "\rsampling {}: {:.0f} of {:.0f} s ", title, passed(), seconds);
    std::this_thread::sleep_for(std::chrono::duration<double>(std::min(0.1, seconds - passed())));
  }
  if (terminal) fmt::print(stderr, "\r\x1b[K");
}

}  // namespace

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
  if (!source.is_core()) out.root = root_of(source.pid());
  return out;
}

Profile sample_process(pid_t pid, const Sampling& sampling) {
  constexpr double kUsualSeconds = 10;
  const auto source = reader::Source::live(pid);
  const bool was_on = reader::is_sampled(*source);
  const auto ask = [&](const std::string& rate) {
    reader::ask(*source, format::RequestKind::kSet, "profile=" + rate, sampling.patience.milliseconds());
  };
  if (was_on && !sampling.rate.empty()) {
    throw Failure(Exit::kFailed, source->title() + ": a profile is on already, with a rate of its own; \"ashlar set " +
                                     std::to_string(pid) + " profile=0\" ends it");
  }
  const Interruptible interruptible;
  if (!was_on) ask(sampling.rate);
  wait(sampling.seconds.value_or(was_on ? 0 : kUsualSeconds), source->title());
  if (!was_on && !sampling.keep) ask("0");
  return read_samples_of(*source);
}

}  // namespace ashlar::tool
