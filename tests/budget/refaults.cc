// Budget: page faults of programs that go up and down. What was freed is wanted again at once, so a purge of it only
// costs: all rounds together may fault so many rounds' worth. Run with the library preloaded.
//
//   refaults buffer KIB | realloc KIB | threads N
#include <pthread.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "figures.h"

namespace {

constexpr int kRounds = 40;
constexpr double kBudgetRounds = 5;

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
    if (pthread_create(&threads[i], nullptr, use_share, reinterpret_cast<void*>(size_t{i} + n * unsigned(round))) != 0)
      abort();
  }
  for (unsigned i = 0; i < n; ++i) pthread_join(threads[i], nullptr);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string mode = argv[1];
  const auto number = static_cast<unsigned>(atoi(argv[2]));
  budget::require_ashlar();
  const size_t bytes = mode != "threads" ? size_t{number} << 10 : kWhole;
  const long before = faults();
  for (int i = 0; i < kRounds; ++i) {
    if (mode == "buffer") use_buffer(bytes);
    else if (mode == "realloc") grow_buffer(bytes, i % 2 != 0);
    else use_threads(number, i);
  }
  const double rounds = static_cast<double>(faults() - before) / (static_cast<double>(bytes) / 4096);
  return budget::within("faults of 40 rounds of " + mode + " " + argv[2] + ", in rounds' worth", rounds, kBudgetRounds,
                        "rounds")
             ? 0
             : 1;
}
