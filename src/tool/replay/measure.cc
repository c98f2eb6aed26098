// tool: ashlar-replay: what a run costs. Nothing here allocates.
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tool/replay/driver.h"

namespace ashlar::replay {

namespace {

struct Measuring {
  int statm;  // an open file: proc_pid_statm(5)
  std::uint64_t page_bytes;
  std::uint64_t resident;     // before the first step
  std::uint64_t next_number;  // of the next sample; atomic; 0 while a sample is taken
  std::uint64_t next_ns;
};
Measuring own;

std::uint64_t microseconds(const struct timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1000000u + static_cast<std::uint64_t>(time.tv_usec);
}

// Returns the number after blanks, tabs and colons.
std::uint64_t number_in(const char* at) {
  std::uint64_t number = 0;
  for (; *at == ' ' || *at == '\t' || *at == ':'; ++at) {
  }
  for (; *at >= '0' && *at <= '9'; ++at) number = number * 10 + static_cast<std::uint64_t>(*at - '0');
  return number;
}

// Returns a figure of proc_pid_status(5), in bytes.
std::uint64_t status_of(const char* name) {
  static char text[8192];
  const int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  const ssize_t n = file >= 0 ? read(file, text, sizeof text - 1) : -1;
  if (file >= 0) close(file);
  if (n <= 0) return 0;
  text[n] = '\0';
  const char* const at = strstr(text, name);
  return at != nullptr ? number_in(at + strlen(name)) * 1024 : 0;
}

std::uint64_t resident_now() {
  char text[128];
  const ssize_t n = pread(own.statm, text, sizeof text - 1, 0);
  if (n <= 0) return 0;
  text[n] = '\0';
  const char* const second = strchr(text, ' ');
  return second != nullptr ? number_in(second) * own.page_bytes : 0;
}

std::uint64_t difference(std::uint64_t from, std::uint64_t to) { return to > from ? to - from : 0; }

// Sets the time at which the next sample is due, and returns the number of the call at which it is.
std::uint64_t plan_next(std::uint64_t number, std::uint64_t ns) {
  __atomic_store_n(&own.next_ns, ns + driver.plan.duration_ns / kSamples, __ATOMIC_RELAXED);
  return number + (driver.plan.last - driver.plan.first) / kSamples + 1;
}

std::uint64_t clock_cost() {
  std::uint64_t min = kEnded;
  for (unsigned i = 0; i < 1000; ++i) {
    const std::uint64_t start = now_ns(), ns = now_ns() - start;
    if (ns < min) min = ns;
  }
  return min;
}

}  // namespace

std::uint64_t now_ns() {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000000000u + static_cast<std::uint64_t>(now.tv_nsec);
}

// One thread at a time takes a sample: the thread that has exchanged the number for 0.
void sample_memory(std::uint64_t number) {
  std::uint64_t next = __atomic_load_n(&own.next_number, __ATOMIC_ACQUIRE);
  if (next == 0) return;
  const bool is_late =
      driver.as_recorded && now_ns() - driver.start_ns >= __atomic_load_n(&own.next_ns, __ATOMIC_RELAXED);
  if (number < next && !is_late) return;
  if (!__atomic_compare_exchange_n(&own.next_number, &next, 0, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return;
  Samples& samples = *driver.samples;
  const std::uint64_t ns = now_ns() - driver.start_ns;
  if (samples.count < kMaxSamples)
    samples.all[samples.count++] = {number, ns, difference(own.resident, resident_now())};
  __atomic_store_n(&own.next_number, plan_next(number, ns), __ATOMIC_RELEASE);
}

// Also touches the memory that measuring needs, so that it is resident before the first step.
void prepare_measuring() {
  own.page_bytes = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  own.statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (driver.memory) driver.samples = static_cast<Samples*>(map(sizeof(Samples)));
  resident_now();
  status_of("VmRSS");
}

Outcome measure(void (*work)()) {
  struct rusage before, after;
  own.resident = driver.memory ? resident_now() : status_of("VmRSS");
  own.next_number = driver.plan.first;
  getrusage(RUSAGE_SELF, &before);
  driver.start_ns = now_ns();
  work();
  Outcome outcome = {};
  outcome.ns = now_ns() - driver.start_ns;
  getrusage(RUSAGE_SELF, &after);
  if (driver.memory) {
    own.next_number = driver.plan.last;
    sample_memory(driver.plan.last);
  }
  outcome.user_us = microseconds(after.ru_utime) - microseconds(before.ru_utime);
  outcome.system_us = microseconds(after.ru_stime) - microseconds(before.ru_stime);
  outcome.faults = static_cast<std::uint64_t>(after.ru_minflt - before.ru_minflt);
  outcome.peak_bytes = difference(own.resident, status_of("VmHWM"));
  outcome.final_bytes = difference(own.resident, status_of("VmRSS"));
  for (std::uint64_t i = 0; i < driver.plan.threads; ++i) {
    outcome.failed += driver.runners[i].failed;
    outcome.waits += driver.runners[i].waits;
  }
  return outcome;
}

void add_latencies(Latencies& sum) {
  sum.clock_ns = clock_cost();
  for (std::uint64_t i = 0; i < driver.plan.threads; ++i) {
    const Latencies& one = *driver.runners[i].latencies;
    for (unsigned kind = 0; kind < static_cast<unsigned>(CallKind::kCount); ++kind) {
      if (one.max[kind] > sum.max[kind]) sum.max[kind] = one.max[kind];
      for (std::uint64_t k = 0; k < kBuckets; ++k) sum.counts[kind][k] += one.counts[kind][k];
    }
  }
}

}  // namespace ashlar::replay
