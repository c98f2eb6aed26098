// Checks a budget: `true` starts in at most 1.08 times the time that it takes with an empty library preloaded, and with
// at most 16 system calls more than under glibc. The cost of preloading any library depends on the machine: 1.07 of
// glibc's time on one, 1.10 on another.
//
//   start LIBRARY time EMPTY     3000 starts each, by turns; the time that the fastest tenth keeps below
//   start LIBRARY calls
//   start LIBRARY names EMPTY    which calls a program makes up to its first malloc, beyond those it makes with the
//                                empty library: only those of a list, and each as often as the list says
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "figures.h"

namespace {

constexpr int kStarts = 3000;
constexpr int kAttempts = 3;  // one quiet stretch is enough to show what Ashlar itself costs
constexpr double kBudgetRatio = 1.08;
constexpr long kBudgetCalls = 16;
const char kProgram[] = "/bin/true";

double start_once(char* const* environment) {
  char* const command[] = {const_cast<char*>(kProgram), nullptr};
  const auto begin = std::chrono::steady_clock::now();
  pid_t pid;
  int status;
  if (posix_spawn(&pid, kProgram, nullptr, nullptr, command, environment) != 0 || waitpid(pid, &status, 0) != pid ||
      status != 0) {
    throw std::runtime_error(std::string(kProgram) + " failed");
  }
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count();
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& string : strings) {
    result.push_back(string.data());
  }
  result.push_back(nullptr);
  return result;
}

// Of so many starts the time that a tenth of them keeps below: what the rest of the machine does shows in the others.
double typical(std::vector<double> times) {
  const auto tenth = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 10);
  std::nth_element(times.begin(), tenth, times.end());
  return *tenth;
}

// Both by turns, each first in every other pair.
double time_ratio(char* const* empty, char* const* ashlar) {
  std::vector<double> empty_times, ashlar_times;
  for (int i = 0; i < kStarts; ++i) {
    if (i % 2 == 0) empty_times.push_back(start_once(empty));
    ashlar_times.push_back(start_once(ashlar));
    if (i % 2 != 0) empty_times.push_back(start_once(empty));
  }
  const double empty_us = typical(empty_times), ashlar_us = typical(ashlar_times);
  printf("start of true, fastest tenth of %d: empty library %.1f us, ashlar %.1f us\n", kStarts, empty_us, ashlar_us);
  return ashlar_us / empty_us;
}

bool check_time(const std::string& library, const std::string& empty_library) {
  std::vector<std::string> empty = budget::environment_with(empty_library), ashlar = budget::environment_with(library);
  const std::vector<char*> empty_environment = pointers(empty), ashlar_environment = pointers(ashlar);
  double ratio = 1e18;
  for (int attempt = 0; attempt < kAttempts && ratio > kBudgetRatio; ++attempt) {
    ratio = std::min(ratio, time_ratio(empty_environment.data(), ashlar_environment.data()));
  }
  return budget::within("start of true", ratio, kBudgetRatio, "x an empty library's");
}

bool check_calls(const std::string& library) {
  const long plain = budget::observe({kProgram}, "").system_calls;
  const long ashlar = budget::observe({kProgram}, library).system_calls;
  printf("system calls of true: glibc %ld, ashlar %ld\n", plain, ashlar);
  return budget::within("system calls of true beyond glibc's", static_cast<double>(ashlar - plain), kBudgetCalls,
                        "calls");
}

// What the library may call at its start and for the first block. Filters of system calls that programs are started
// with have to allow these, and every process pays for them. A new row belongs into docs/platforms.md as well.
struct OwnCall {
  long number;
  const char* name;
  long max;
};
constexpr OwnCall kOwnCalls[] = {
    {SYS_openat, "openat", 2},          // /etc/ashlar.conf, and the user's
    {SYS_membarrier, "membarrier", 1},  // registers for fork
    {SYS_mmap, "mmap", 2},              // the first arena, its descriptors
    {SYS_mprotect, "mprotect", 1},
    {SYS_madvise, "madvise", 2},
    {SYS_prctl, "prctl", 2},  // names of mappings
};

constexpr int kSkipped = 77;

int check_names(const std::string& library, const std::string& empty_library) {
  const std::vector<std::string> program = {"/proc/self/exe", "allocate"};
  const budget::Run with_empty = budget::observe(program, empty_library), with = budget::observe(program, library);
  if (with.by_number.count(-1) != 0) {
    puts("SKIP: the kernel does not tell which system call a process is in");
    return kSkipped;
  }
  bool good = true;
  for (const auto& [number, count] : with.by_number) {
    const auto found = with_empty.by_number.find(number);
    const long own = count - (found == with_empty.by_number.end() ? 0 : found->second);
    if (own <= 0) continue;
    const auto* const allowed = std::find_if(std::begin(kOwnCalls), std::end(kOwnCalls),
                                             [number = number](const OwnCall& call) { return call.number == number; });
    const bool known = allowed != std::end(kOwnCalls);
    const long max = known ? allowed->max : 0;
    const std::string name = known ? allowed->name : "system call " + std::to_string(number);
    good &= budget::within(name, static_cast<double>(own), static_cast<double>(max), "calls");
  }
  return good ? 0 : 1;
}

int allocate() {
  void* volatile block = malloc(100);
  return block == nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "allocate") return allocate();
  if (argc < 3) return 2;
  const std::string mode = argv[2];
  if (argc != (mode == "calls" ? 3 : 4)) return 2;
  try {
    if (mode == "names") return check_names(argv[1], argv[3]);
    return (mode == "time" ? check_time(argv[1], argv[3]) : check_calls(argv[1])) ? 0 : 1;
  } catch (const std::exception& error) {
    fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
