// Tests a program whose data is larger than its limit and mostly cold. The same allocations, which know nothing of swap
// areas, run to their end with an area of the option swap, and fail without one.
//   swap_limit data|space|cgroup LIMIT TOTAL whole|fails   in MiB
//   data     RLIMIT_DATA; without an area malloc is NULL with ENOMEM
//   space    RLIMIT_AS: LIMIT more than the program has when its main starts, at which time the area is mapped already;
//            without an area malloc is NULL with ENOMEM
//   cgroup   a memory cgroup, where this process may make one; without an area the OOM killer ends the program. LIMIT
//            and TOTAL are a quarter, unless ASHLAR_LONG_TESTS is set, since the disk is read and written all the time
//   swap_limit beyond   an area larger than RLIMIT_AS allows: the program starts with a line and runs without the area
// Blocks of 100 bytes to 256 KiB are filled once. One in 16 is hot: it is written and checked in each of 40 rounds
// while the rest is allocated. At the end every word of every block is checked. Prints the time and the page faults.
// Fails without the areas of the option, and unless pages of the file keep their contents.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include <string>

#include "support/process.h"

namespace {
using namespace ashlar_test;

constexpr size_t kMiB = size_t{1} << 20;
constexpr size_t kSizes[] = {100, 700, 3000, 20000, 100000, 262144};
constexpr unsigned kRounds = 40, kHotOf = 16;
size_t space = 0;  // of RLIMIT_AS, beyond what is there; 0: no limit

struct Block {
  uint64_t* words;
  uint32_t count, version;  // version: how often it was filled
};

uint64_t word(size_t block, uint32_t version, size_t i) { return (block * 64 + version) * 0x9e3779b97f4a7c15 + i; }

void fill(Block& block, size_t number) {
  ++block.version;
  for (size_t i = 0; i < block.count; ++i) block.words[i] = word(number, block.version, i);
}

bool holds(const Block& block, size_t number) {
  for (size_t i = 0; i < block.count; ++i) {
    if (block.words[i] != word(number, block.version, i)) return false;
  }
  return true;
}

// The test's own table is shared memory, which RLIMIT_DATA does not count.
Block* make_table(size_t count) {
  void* const p =
      mmap(nullptr, count * sizeof(Block), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  CHECK(p != MAP_FAILED);
  return static_cast<Block*>(p);
}

double now() {
  struct timespec t {};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

void limit_space(size_t more) {
  const auto now = static_cast<size_t>(status_kib("VmSize:")) * 1024;
  const struct rlimit bytes = {now + more, RLIM_INFINITY};
  CHECK(setrlimit(RLIMIT_AS, &bytes) == 0);
}

// The bytes in blocks once `total` are taken or malloc gives NULL; all were right then.
size_t run(size_t total) {
  Block* const blocks = make_table(total / kSizes[0] + 1);
  if (space != 0) limit_space(space);
  const double start = now();
  size_t taken = 0, n = 0;
  bool null = false;
  for (unsigned round = 1; round <= kRounds && !null; ++round) {
    while (taken < total / kRounds * round) {
      const size_t size = kSizes[n % (sizeof kSizes / sizeof kSizes[0])];
      errno = 0;
      auto* const words = static_cast<uint64_t*>(malloc(size));
      if (words == nullptr) {
        CHECK(errno == ENOMEM);
        null = true;
        break;
      }
      blocks[n] = {words, static_cast<uint32_t>(size / sizeof(uint64_t)), 0};
      fill(blocks[n], n);
      ++n;
      taken += size;
    }
    for (size_t i = 0; i < n; i += kHotOf) {
      CHECK(holds(blocks[i], i));
      fill(blocks[i], i);
    }
  }
  const double filled = now();
  for (size_t i = 0; i < n; ++i) CHECK(holds(blocks[i], i));
  const double checked = now();
  for (size_t i = 0; i < n; ++i) free(blocks[i].words);
  struct rusage use {};
  CHECK(getrusage(RUSAGE_SELF, &use) == 0);
  dprintf(1, "%zu MiB in %zu blocks: filled in %.2f s, checked in %.2f s, freed in %.2f s\n", taken / kMiB, n,
          filled - start, checked - filled, now() - checked);
  dprintf(1, "%ld minor faults, %ld major, %ld.%02ld s in the kernel, RSS at most %ld MiB\n", use.ru_minflt,
          use.ru_majflt, use.ru_stime.tv_sec, use.ru_stime.tv_usec / 10000, use.ru_maxrss / 1024);
  return taken;
}

bool write_text(const std::string& path, const std::string& text) {
  const int file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  const bool done = file >= 0 && write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (file >= 0) close(file);
  return done;
}

void run_data(size_t limit, size_t total, bool whole) {
  const struct rlimit bytes = {limit, RLIM_INFINITY};
  CHECK(setrlimit(RLIMIT_DATA, &bytes) == 0);
  const size_t taken = run(total);
  CHECK(whole ? taken >= total / kRounds * kRounds : taken < limit);
}

// This program again under a limit that is smaller than the area.
void run_beyond() {
  int ends[2];
  CHECK(pipe(ends) == 0);
  const pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    const struct rlimit bytes = {1024 * kMiB, RLIM_INFINITY};
    CHECK(setrlimit(RLIMIT_AS, &bytes) == 0 && dup2(ends[1], 2) == 2);
    execl("/proc/self/exe", "swap_limit", "run", "33554432", static_cast<char*>(nullptr));
    _exit(99);
  }
  CHECK(close(ends[1]) == 0);
  char said[2000] = {};
  size_t n = 0;
  for (ssize_t got = 0; (got = read(ends[0], said + n, sizeof said - 1 - n)) > 0;) n += static_cast<size_t>(got);
  CHECK(exited_with(wait_for(pid, 60000), 0));
  const std::string line(said);
  CHECK(line.find("no swap area was made: no address space or memory is left for it\n") + 1 < line.size());
  CHECK(line.find('\n') == line.size() - 1);
}

// This program again, from its start within the group, so that the area is made there.
void run_in_group(const std::string& root, size_t limit, size_t total, bool whole) {
  const bool v1 = root != "/sys/fs/cgroup";
  const std::string group = root + "/ashlar-swap-limit-" + std::to_string(getpid());
  if (mkdir(group.c_str(), 0755) != 0) skip("no memory cgroup can be made");
  const bool limited = write_text(group + (v1 ? "/memory.limit_in_bytes" : "/memory.max"), std::to_string(limit));
  // the system's own swap would do for the program without an area
  const bool swapless =
      number_in("/proc/meminfo", "SwapTotal:") == 0 ||
      write_text(group + (v1 ? "/memory.memsw.limit_in_bytes" : "/memory.swap.max"), v1 ? std::to_string(limit) : "0");
  const pid_t pid = limited && swapless ? fork() : -1;
  if (pid == 0) {
    CHECK(write_text(group + "/cgroup.procs", std::to_string(getpid())));
    const std::string bytes = std::to_string(total);
    execl("/proc/self/exe", "swap_limit", "run", bytes.c_str(), static_cast<char*>(nullptr));
    _exit(99);
  }
  const int status = pid > 0 ? wait_for(pid, 500000) : 0;
  for (int i = 0; i < 100 && rmdir(group.c_str()) != 0; ++i) sleep_ms(10);
  if (pid < 0) skip("no limit can be set");
  if (whole) CHECK(exited_with(status, 0));
  else CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "run") {
    const size_t total = static_cast<size_t>(atol(argv[2]));
    CHECK(run(total) >= total / kRounds * kRounds);
    return 0;
  }
  alarm(550);
  if (argc == 2 && std::string(argv[1]) == "beyond") {
    run_beyond();
    return 0;
  }
  CHECK(argc == 5);
  const bool of_space = std::string(argv[1]) == "space", whole = std::string(argv[4]) == "whole";
  const bool of_data = std::string(argv[1]) == "data" || of_space;
  const size_t part = of_data || getenv("ASHLAR_LONG_TESTS") != nullptr ? 1 : 4;
  const size_t limit = static_cast<size_t>(atol(argv[2])) * kMiB / part;
  const size_t total = static_cast<size_t>(atol(argv[3])) * kMiB / part;
  if (of_data) {
    if (of_space) space = limit;
    run_data(of_space ? RLIM_INFINITY : limit, total, whole);
    return 0;
  }
  const bool v1 = access("/sys/fs/cgroup/memory/memory.limit_in_bytes", F_OK) == 0;
  run_in_group(v1 ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup", limit, total, whole);
  return 0;
}
