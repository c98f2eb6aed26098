// The option cold: 256 MiB of blocks of ashlar_malloc_cold in a swap area, filled, and idle for longer than decay_ms.
// One process each, in the same run, without the option, with cold and with pageout, each with and without another
// thread; judged by ratios of what the first has:
//   resident     of the process: pageout leaves an eighth at most
//   referenced   pages of the area that the kernel counts as used since it last looked (smaps): cold and pageout leave
//                a sixteenth at most
// Contents are right afterwards.
// Breaks without: the advice; the look at the age of blocks by kswapd, and by the calling thread.
#include <pthread.h>
#include <stdint.h>

#include <string>

#include "ashlar/ashlar.h"
#include "ashlar/swap.h"
#include "support/process.h"

namespace {
using namespace ashlar_test;

constexpr size_t kMiB = size_t{1} << 20;
constexpr size_t kBlock = kMiB, kBlocks = 256;
uint64_t* blocks[kBlocks];

void fill(uint64_t* words, uint64_t seed) {
  for (size_t i = 0; i < kBlock / sizeof *words; ++i) words[i] = seed * 0x9e3779b97f4a7c15 + i;
}

bool holds(const uint64_t* words, uint64_t seed) {
  for (size_t i = 0; i < kBlock / sizeof *words; ++i) {
    if (words[i] != seed * 0x9e3779b97f4a7c15 + i) return false;
  }
  return true;
}

struct Figures {
  long resident, referenced;  // KiB
};

// Of the mappings that hold the blocks.
Figures look() {
  Figures found{number_in("/proc/self/status", "VmRSS:"), 0};
  FILE* const file = fopen("/proc/self/smaps", "re");
  CHECK(file != nullptr);
  char line[4400];
  bool within = false;
  for (uintptr_t start = 0, end = 0; fgets(line, sizeof line, file) != nullptr;) {
    const auto first = reinterpret_cast<uintptr_t>(blocks[0]);
    if (sscanf(line, "%lx-%lx ", &start, &end) == 2) within = first - start < end - start;
    else if (long n = 0; within && sscanf(line, "Referenced: %ld", &n) == 1) found.referenced += n;
  }
  fclose(file);
  return found;
}

void* live(void*) {
  for (;;) ashlar_free(ashlar_malloc(300));
}

// What a program does that has a thread or none: without, its own calls look for what is old.
void be_idle(bool threaded) {
  for (int i = 0; i < 20; ++i) {
    sleep_ms(10);
    if (threaded) continue;
    void* some[300];
    for (void*& each : some) each = ashlar_malloc(5000);
    for (void* each : some) ashlar_free(each);
  }
}

int child(const char* folder, bool threaded, int rounds) {
  pthread_t other;
  if (threaded) CHECK(pthread_create(&other, nullptr, live, nullptr) == 0);
  CHECK(ashlar_swapon(folder, 2 * kBlocks * kBlock, ASHLAR_SWAP_ANY) == 0);
  for (size_t i = 0; i < kBlocks; ++i) {
    blocks[i] = static_cast<uint64_t*>(ashlar_malloc_cold(kBlock));
    CHECK(blocks[i] != nullptr);
    fill(blocks[i], i);
  }
  struct ashlar_swap_info info {};
  CHECK(ashlar_swap_describe(0, &info) == 0 && info.used >= kBlocks * kBlock);
  Figures figures{};
  // a busy machine may need longer
  for (int i = 0; i < rounds; ++i) {
    be_idle(threaded);
    figures = look();
    if (i > 2 && figures.referenced < 12 * 1024) break;
  }
  printf("%ld %ld\n", figures.resident, figures.referenced);
  for (size_t i = 0; i < kBlocks; ++i) CHECK(holds(blocks[i], i));
  for (uint64_t* block : blocks) ashlar_free(block);
  CHECK(ashlar_validate() == 0);
  fflush(stdout);
  _exit(0);  // beside the other thread
}

Figures run(const std::string& self, const std::string& folder, const char* value, bool threaded) {
  const std::string command = "ASHLAR_OPTIONS=decay_ms=100,cold=" + std::string(value) + " " + self + " " + folder +
                              (threaded ? " threaded" : " alone") + (std::string(value) == "off" ? " 4" : " 60");
  FILE* const out = popen(command.c_str(), "re");  // NOLINT(cert-env33-c)
  CHECK(out != nullptr);
  Figures found{};
  CHECK(fscanf(out, "%ld %ld", &found.resident, &found.referenced) == 2);
  CHECK(pclose(out) == 0);
  printf("%s, %s: %ld MiB resident, %ld MiB referenced\n", value, threaded ? "beside a thread" : "alone",
         found.resident / 1024, found.referenced / 1024);
  return found;
}

}  // namespace

int main(int argc, char** argv) {
  alarm(150);
  if (argc == 4) return child(argv[1], std::string(argv[2]) == "threaded", atoi(argv[3]));
  char here[4096];
  CHECK(getcwd(here, sizeof here) != nullptr);
  char self[4096];
  const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  CHECK(length > 0);
  self[length] = 0;
  for (const bool threaded : {false, true}) {
    const Figures off = run(self, here, "off", threaded);
    const Figures cold = run(self, here, "cold", threaded), out = run(self, here, "pageout", threaded);
    CHECK(off.resident > 256 * 1024 && off.referenced > 200 * 1024);
    CHECK(cold.referenced * 16 < off.referenced);
    CHECK(out.resident * 8 < off.resident && out.referenced * 16 < off.referenced);
  }
  return 0;
}
