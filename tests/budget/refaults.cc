// Checks a budget: the page faults of programs whose memory use goes up and down. Freed memory is wanted again at once,
// so a purge only costs time. All rounds together may take at most a given number of rounds' faults. Blocks of one
// thread may take no more faults in the last rounds. Run with the library preloaded.
//
//   refaults buffer KIB | realloc KIB | sparse KIB | beside KIB | threads N
//
// "sparse" grows a block of which only the ends are written to. A copy would write to all of it.
// "beside" is realloc in a process that holds 20 MiB in small blocks.
#include <pthread.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "figures.h"

namespace {

constexpr int kRounds = 120, kRoundsOfThreads = 40;
constexpr int kLastRounds = 20;
constexpr double kBudgetRounds = 5;
constexpr double kBudgetSparseRounds = 0.5;  // measured: 0.08, and 3.2 where each block was copied
// Faults of the last rounds: of libc and of the program, and a hundredth of the blocks' pages for a hold that follows.
constexpr double kBudgetLast = 20, kBudgetLastPart = 0.01;

long faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

// Made, filled, freed.
void use_buffer(size_t bytes) {
  void* const p = malloc(bytes);
  if (p == nullptr) abort();
  memset(p, 1, bytes);
  free(p);
}

// Grown by realloc, filled as it grows, freed.
void grow_buffer(size_t bytes, bool doubles) {
  size_t capacity = 1024;
  char* p = static_cast<char*>(malloc(capacity));
  for (size_t length = 0; length < bytes; length += 1024) {
    if (length + 1024 > capacity) {
      capacity = doubles ? capacity * 2 : capacity + capacity / 4;
      while (length + 1024 > capacity) capacity += 1024;
      p = static_cast<char*>(realloc(p, capacity));
      if (p == nullptr) abort();
    }
    memset(p + length, 1, 1024);
  }
  free(p);
}

void grow_sparse(size_t bytes) {
  constexpr int kSteps = 6;
  char* p = static_cast<char*>(malloc(bytes));
  for (int i = 0; p != nullptr && i < kSteps; ++i) {
    p[0] = p[bytes - 1] = 1;
    bytes += bytes / 10;
    p = static_cast<char*>(realloc(p, bytes));
  }
  if (p == nullptr) abort();
  free(p);
}

constexpr size_t kWhole = size_t{32} << 20;  // what all threads of a round fill
constexpr size_t kLargest = 32 << 10;
size_t share = 0;

void* use_share(void* seed) {
  auto random = static_cast<unsigned>(reinterpret_cast<size_t>(seed)) * 2654435761u + 1;
  void* first = nullptr;
  for (size_t bytes = 0; bytes < share;) {
    random = random * 1103515245 + 12345;
    const size_t size = 16 + (random >> 8) % (random >> 28 == 0 ? kLargest : 1000);
    void* const p = malloc(size);
    if (p == nullptr) abort();
    memset(p, 1, size);
    memcpy(p, &first, sizeof first);
    first = p;
    bytes += size;
  }
  while (first != nullptr) {
    void* next = nullptr;
    memcpy(&next, first, sizeof next);
    free(first);
    first = next;
  }
  return nullptr;
}

void use_threads(unsigned n, int round) {
  pthread_t threads[64];
  share = kWhole / n;
  for (unsigned i = 0; i < n; ++i) {
    if (pthread_create(&threads[i], nullptr, use_share,
                       reinterpret_cast<void*>(i + size_t{n} * static_cast<size_t>(round))) != 0)
      abort();
  }
  for (unsigned i = 0; i < n; ++i) pthread_join(threads[i], nullptr);
}

void fill_beside() {
  for (int i = 0; i < 20 * 1024; ++i) {
    void* const p = malloc(1000);
    if (p == nullptr) abort();
    memset(p, 1, 1000);
  }
}

bool within_rounds(char** argv, int rounds, long faults, size_t bytes, double budget = kBudgetRounds) {
  const std::string name =
      "faults of " + std::to_string(rounds) + " rounds of " + argv[1] + " " + argv[2] + ", in rounds' worth";
  return budget::within(name, static_cast<double>(faults) / (static_cast<double>(bytes) / 4096), budget, "rounds");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string mode = argv[1];
  const auto number = static_cast<unsigned>(atoi(argv[2]));
  budget::require_ashlar();
  if (mode == "threads") {
    const long before = faults();
    for (int i = 0; i < kRoundsOfThreads; ++i) use_threads(number, i);
    return within_rounds(argv, kRoundsOfThreads, faults() - before, kWhole) ? 0 : 1;
  }
  if (mode == "beside") fill_beside();
  const size_t bytes = size_t{number} << 10;
  const long before = faults();
  long last = 0;
  for (int i = 0; i < kRounds; ++i) {
    if (i == kRounds - kLastRounds) last = faults();
    if (mode == "buffer") use_buffer(bytes);
    else if (mode == "sparse") grow_sparse(bytes);
    else grow_buffer(bytes, i % 2 != 0);
  }
  const long after = faults();
  const double budget = mode == "sparse" ? kBudgetSparseRounds : kBudgetRounds;
  const bool few = within_rounds(argv, kRounds, after - before, bytes, budget);
  const double last_budget = kBudgetLast + kBudgetLastPart * kLastRounds * static_cast<double>(bytes) / 4096;
  const bool settled = budget::within("faults of the last " + std::to_string(kLastRounds),
                                      static_cast<double>(after - last), last_budget, "faults");
  return few && settled ? 0 : 1;
}
