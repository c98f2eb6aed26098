// Reports of a workload to its runner, on stdout, one line each, unbuffered and without the heap, so that reporting
// does not disturb the measurement:
//   metric NAME VALUE UNIT lower|higher
//   phase NAME            peak: memory use is at its highest; idle: waiting begins;
//                         end: waiting is over and the resident set has been read
#pragma once

#include <fcntl.h>
#include <time.h>
#include <unistd.h>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

namespace ashlar::workload {

inline void write_line(const char* line, int length) {
  // A closed pipe is the runner's concern and does not affect the run.
  [[maybe_unused]] const ssize_t written = write(STDOUT_FILENO, line, static_cast<std::size_t>(length));
}

inline void metric(const char* name, double value, const char* unit, const char* better) {
  char line[160];
  write_line(line, std::snprintf(line, sizeof line, "metric %s %.3f %s %s\n", name, value, unit, better));
}

inline void phase(const char* name) {
  char line[80];
  write_line(line, std::snprintf(line, sizeof line, "phase %s\n", name));
}

// Returns this process's resident set in KiB, or 0 if /proc cannot be read.
inline double resident_kib() {
  char text[128] = {};
  const int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length <= 0) return 0;
  char* after_size = nullptr;
  std::strtoull(text, &after_size, 10);
  const double pages = static_cast<double>(std::strtoull(after_size, nullptr, 10));
  return pages * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1024;
}

inline void sleep_for(double seconds) {
  timespec left{static_cast<time_t>(seconds),
                static_cast<long>((seconds - static_cast<double>(static_cast<time_t>(seconds))) * 1e9)};
  while (nanosleep(&left, &left) != 0) {
  }
}

// Waits without a call into the allocator, and then reports what is still resident.
inline void idle(double seconds) {
  phase("idle");
  sleep_for(seconds);
  metric("rss_after_idle", resident_kib(), "KiB", "lower");
  phase("end");
}

}  // namespace ashlar::workload
