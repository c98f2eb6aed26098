// Measures the cost of realloc, calloc and the related functions that copy or clear small blocks. The cost is a
// multiple of the same work by the C library's memcpy and memset between malloc and free.
//   moves realloc|calloc|zalloc
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <string_view>

namespace {

constexpr int kRounds = 15;
constexpr int kBlocks = 20000;
constexpr size_t kSizes[] = {100, 200, 400, 900, 1500, 2500};
constexpr double kMax = 3;  // measured: 1.0 to 1.4

// Not known to the compiler, which would put instructions in their place.
void* (*volatile const copy)(void*, const void*, size_t) = memcpy;
void* (*volatile const fill)(void*, int, size_t) = memset;

using Zalloc = void* (*)(size_t, unsigned);
Zalloc zalloc;

double seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

void move_by_realloc() {
  void* block = malloc(50);
  for (size_t size : kSizes) block = realloc(block, size);
  free(block);
}

void move_by_hand() {
  size_t before = 50;
  void* block = malloc(before);
  for (size_t size : kSizes) {
    void* const larger = malloc(size);
    copy(larger, block, before);
    free(block);
    block = larger;
    before = size;
  }
  free(block);
}

void clear_by_calloc() {
  for (size_t size : kSizes) free(calloc(1, size));
}

void clear_by_zalloc() {
  for (size_t size : kSizes) free(zalloc(size, 0));
}

void clear_by_hand() {
  for (size_t size : kSizes) {
    void* const block = malloc(size);
    fill(block, 0, size);
    free(block);
  }
}

double time_of(void (*work)()) {
  const double start = seconds();
  for (int i = 0; i < kBlocks; ++i) work();
  return seconds() - start;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc == 2 ? argv[1] : "";
  zalloc = reinterpret_cast<Zalloc>(dlsym(RTLD_DEFAULT, "ashlar_kzalloc"));
  void (*const ours)() = what == "realloc"            ? move_by_realloc
                         : what == "calloc"           ? clear_by_calloc
                         : what == "zalloc" && zalloc ? clear_by_zalloc
                                                      : nullptr;
  if (!ours) {
    fprintf(stderr, "usage: moves realloc|calloc|zalloc, under the library\n");
    return 2;
  }
  void (*const by_hand)() = what == "realloc" ? move_by_hand : clear_by_hand;
  double best = 1e9, best_by_hand = 1e9;
  for (int i = 0; i < kRounds; ++i) {
    best = std::min(best, time_of(ours));
    best_by_hand = std::min(best_by_hand, time_of(by_hand));
  }
  printf("%s: %.2f ms, by hand %.2f ms: %.2f times, at most %.1f are allowed\n", argv[1], best * 1e3,
         best_by_hand * 1e3, best / best_by_hand, kMax);
  return best <= kMax * best_by_hand ? 0 : 1;
}
