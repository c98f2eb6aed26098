// Checks for the test programs that run without a test framework, because a framework would itself allocate.
#pragma once

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "support/emulated.h"

// Ends the program with the place, the condition and errno. Uses _exit, since the exit paths may be what is broken.
#define CHECK(condition)                                                                                              \
  do {                                                                                                                \
    if (!(condition)) {                                                                                               \
      dprintf(2, "%s:%d: CHECK(%s) failed, errno %d (%s)\n", __FILE__, __LINE__, #condition, errno, strerror(errno)); \
      _exit(1);                                                                                                       \
    }                                                                                                                 \
  } while (0)

namespace ashlar_test {

inline constexpr int kSkipStatus = 77;  // ctest's SKIP_RETURN_CODE

[[noreturn]] inline void skip(const char* reason) {
  dprintf(1, "SKIP: %s (%s)\n", reason, strerror(errno));
  _exit(kSkipStatus);
}

// Returns the number after a key such as "Threads:" at the start of a line of a file in /proc/self.
inline long number_in(const char* path, const char* key) {
  FILE* file = fopen(path, "re");
  CHECK(file != nullptr);
  char line[256];
  long value = -1;
  while (fgets(line, sizeof line, file) != nullptr) {
    if (strncmp(line, key, strlen(key)) == 0) value = strtol(line + strlen(key), nullptr, 10);
  }
  fclose(file);
  CHECK(value >= 0);
  return value;
}
// Returns one value in KiB from /proc/self/status, such as "VmSize:". Does not allocate.
inline long status_kib(const char* key) { return number_in("/proc/self/status", key); }
// Returns how much of the program's writable memory is resident, in KiB. An emulator's /proc/self/maps has the mappings
// of the program alone, while its smaps_rollup counts the emulator too, whose translated code grows as a test runs. The
// kernel under the emulator has pages of 4 KiB, whatever size the program sees.
inline long emulated_rss_kib() {
  FILE* const maps = fopen("/proc/self/maps", "re");
  const int pages = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  CHECK(maps != nullptr && pages >= 0);
  long resident = 0;
  unsigned long start = 0, end = 0;
  char line[512];
  while (fgets(line, sizeof line, maps) != nullptr) {
    if (sscanf(line, "%lx-%lx rw", &start, &end) != 2 || strstr(line, " rw") == nullptr) continue;
    for (unsigned long page = start / 4096; page < end / 4096;) {
      uint64_t entries[512];
      const unsigned long wanted = end / 4096 - page < 512 ? end / 4096 - page : 512;
      CHECK(pread(pages, entries, wanted * 8, static_cast<off_t>(page * 8)) == static_cast<ssize_t>(wanted * 8));
      for (unsigned long i = 0; i < wanted; ++i) resident += static_cast<long>(entries[i] >> 63);
      page += wanted;
    }
  }
  close(pages);
  fclose(maps);
  return resident * 4;
}
// Returns exact values. VmRSS of /proc/self/status is off by up to some hundred KiB per processor on many kernels. The
// first call turns off transparent huge pages in the process, since one of them exceeds what most tests allow.
inline long rss_kib() {
  static const int no_huge_pages = prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
  (void)no_huge_pages;
  return kEmulated ? emulated_rss_kib() : number_in("/proc/self/smaps_rollup", "Rss:");
}
inline long thread_count() { return number_in("/proc/self/status", "Threads:"); }

inline long map_count() {
  FILE* file = fopen("/proc/self/maps", "re");
  CHECK(file != nullptr);
  long lines = 0;
  for (int c; (c = fgetc(file)) != EOF;) lines += c == '\n';
  fclose(file);
  return lines;
}

// A small, fast generator with an explicit seed, so that a failure can be repeated.
class Random {
 public:
  explicit Random(unsigned long seed) : state_(seed * 0x9E3779B97F4A7C15ul + 1) {}
  unsigned long next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  size_t below(size_t bound) { return static_cast<size_t>(next() >> 11) % bound; }

 private:
  unsigned long state_;
};

// Returns a size as programs request them: usually small, now and then of any slab class, sometimes large.
inline size_t usual_size(Random& random) {
  switch (random.below(16)) {
    case 0: return 1 + random.below(256 << 10);
    case 1:
    case 2: return 1 + random.below(16 << 10);
    case 3:
    case 4:
    case 5: return 1 + random.below(2048);
    default: return 1 + random.below(256);
  }
}

}  // namespace ashlar_test
