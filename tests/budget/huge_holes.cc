// Checks a budget where the system makes huge pages of all memory. What a large heap returned stays returned:
// khugepaged does not fill the holes again. Skipped where huge pages must be requested. Run with the library preloaded.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

#include "figures.h"

namespace {

constexpr int kSkipped = 77;
constexpr std::size_t kBlocks = 65536, kBytes = 4000;  // 256 MiB
constexpr std::size_t kStretch = 1024, kLive = 64;     // of each 4 MiB, a sixteenth stays
constexpr double kFull = kBlocks * kBytes / 1024.0;    // KiB
constexpr double kMaxOfFull = 0.3;

void* blocks[kBlocks];

bool huge_pages_everywhere() {
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string line;
  return std::getline(file, line) && line.find("[always]") != std::string::npos;
}

}  // namespace

int main() {
  budget::require_ashlar();
  if (!huge_pages_everywhere()) {
    std::puts("skipped: /sys/kernel/mm/transparent_hugepage/enabled is not [always]");
    return kSkipped;
  }
  const long start = budget::private_kib();
  for (void*& block : blocks) {
    block = malloc(kBytes);
    if (block == nullptr) return 1;
    memset(block, 1, kBytes);
  }
  for (std::size_t i = 0; i < kBlocks; ++i) {
    if (i % kStretch >= kLive) free(blocks[i]);
  }
  for (int i = 0; i < 4; ++i) {
    sleep(1);
    free(malloc(100000));  // a process of one thread gives back what is old as it calls
  }
  const auto kept = static_cast<double>(budget::private_kib() - start);
  return budget::within("a sixteenth of 256 MiB is live, resident of all", kept / kFull, kMaxOfFull, "") ? 0 : 1;
}
