// Budget: the peak resident memory of a tiny program (sort of one line) is glibc's + 128 KiB.
#include <sys/personality.h>

#include <cstdio>
#include <stdexcept>

#include "figures.h"

namespace {

constexpr int kRuns = 15;
constexpr long kBudgetKib = 128;

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  // Where libraries land decides how many of libc's pages the kernel maps around a fault: up to 64 KiB either way,
  // which has nothing to do with the allocator. The programs inherit this.
  if (personality(ADDR_NO_RANDOMIZE) < 0) fprintf(stderr, "addresses stay random: the figures will vary\n");
  try {
    std::vector<long> exit_plain, exit_ashlar, peak_plain, peak_ashlar;
    for (int i = 0; i < kRuns; ++i) {
      budget::Run plain = budget::observe({"sort"}, "", "one line\n");
      budget::Run ashlar = budget::observe({"sort"}, argv[1], "one line\n");
      exit_plain.push_back(plain.resident_kib);
      exit_ashlar.push_back(ashlar.resident_kib);
      peak_plain.push_back(plain.peak_kib);
      peak_ashlar.push_back(ashlar.peak_kib);
    }
    printf("resident at exit: glibc %ld KiB, ashlar %ld KiB; peak (VmHWM): glibc %ld KiB, ashlar %ld KiB\n",
           budget::median(exit_plain), budget::median(exit_ashlar), budget::median(peak_plain),
           budget::median(peak_ashlar));
    const long more_at_exit = budget::median(exit_ashlar) - budget::median(exit_plain);
    const long more_at_peak = budget::median(peak_ashlar) - budget::median(peak_plain);
    bool good =
        budget::within("sort of one line, resident memory at exit beyond glibc's", more_at_exit, kBudgetKib, "KiB");
    good &= budget::within("sort of one line, peak resident memory beyond glibc's", more_at_peak, kBudgetKib, "KiB");
    return good ? 0 : 1;
  } catch (const std::exception& error) {
    fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
