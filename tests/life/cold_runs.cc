// Tests the option cold. 64 MiB of blocks of ashlar_malloc_cold lie in a swap area, or in none. They are filled,
// written to the disk, and then idle for longer than decay_ms. decay_ms is several times the time in which the disk
// wrote as much just before. Each run has processes without the option, with cold and with pageout, each with and
// without another thread. Their figures are compared with those of the first process:
//   resident     the process's resident memory: pageout leaves at most an eighth
//   referenced   pages of the area that the kernel counts as used since it last looked (smaps): cold and pageout leave
//                at most a sixteenth
// Without an area only cold is tested, as pageout needs a swap of the system.
// Contents are right afterwards.
// Fails without the advice, and unless kswapd and the calling thread check the age of blocks.
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <string>

#include "ashlar/ashlar.h"
#include "ashlar/swap.h"
#include "support/process.h"

namespace {
using namespace ashlar_test;

constexpr size_t kMiB = size_t{1} << 20;
constexpr size_t kBlock = kMiB, kBlocks = 64;
uint64_t* blocks[kBlocks];
const char* const kNowhere = "-";  // in the place of a folder: no area

double seconds() {
  struct timespec t {};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

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

bool holds_block(uintptr_t start, uintptr_t end) {
  for (uint64_t* block : blocks) {
    if (reinterpret_cast<uintptr_t>(block) - start < end - start) return true;
  }
  return false;
}

// Of the mappings that hold the blocks.
Figures look() {
  Figures found{number_in("/proc/self/status", "VmRSS:"), 0};
  FILE* const file = fopen("/proc/self/smaps", "re");
  CHECK(file != nullptr);
  char line[4400];
  bool within = false;
  for (uintptr_t start = 0, end = 0; fgets(line, sizeof line, file) != nullptr;) {
    if (sscanf(line, "%lx-%lx ", &start, &end) == 2) within = holds_block(start, end);
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

// Pages that are being written would be left alone.
void sync_files(const std::string& folder) {
  const int of = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  CHECK(of >= 0 && syncfs(of) == 0);
  close(of);
}

// How long the disk takes for as much.
double writing_takes(const std::string& folder) {
  const double start = seconds();
  std::string path = folder + "/ashlar-cold-XXXXXX";
  const int file = mkstemp(path.data());
  CHECK(file >= 0 && unlink(path.c_str()) == 0);
  static uint64_t words[kBlock / sizeof(uint64_t)];
  for (size_t i = 0; i < kBlocks; ++i) {
    fill(words, i);
    CHECK(write(file, words, sizeof words) == static_cast<ssize_t>(sizeof words));
  }
  CHECK(fsync(file) == 0);
  close(file);
  sync_files(folder);  // and what others have written
  return seconds() - start;
}

// Looks for at least so many rounds, and for so long as pages count as used.
int child(const char* folder, bool threaded, double patience) {
  pthread_t other;
  if (threaded) CHECK(pthread_create(&other, nullptr, live, nullptr) == 0);
  const bool area = strcmp(folder, kNowhere) != 0;
  if (area) CHECK(ashlar_swapon(folder, 2 * kBlocks * kBlock, ASHLAR_SWAP_ANY) == 0);
  for (size_t i = 0; i < kBlocks; ++i) {
    blocks[i] = static_cast<uint64_t*>(ashlar_malloc_cold(kBlock));
    CHECK(blocks[i] != nullptr);
    fill(blocks[i], i);
  }
  struct ashlar_swap_info info {};
  CHECK((ashlar_swap_describe(0, &info) == 0 && info.used >= kBlocks * kBlock) == area);
  if (area) sync_files(folder);
  Figures figures{};
  const double start = seconds();
  do {
    be_idle(threaded);
    figures = look();
  } while (figures.referenced > 3 * 1024 && seconds() - start < patience);
  printf("%ld %ld\n", figures.resident, figures.referenced);
  for (size_t i = 0; i < kBlocks; ++i) CHECK(holds(blocks[i], i));
  for (uint64_t* block : blocks) ashlar_free(block);
  CHECK(ashlar_validate() == 0);
  fflush(stdout);
  _exit(0);  // beside the other thread
}

Figures run(const std::string& self, const std::string& folder, const char* value, bool threaded, int decay_ms) {
  const int patience = std::string(value) == "off" ? 1 : 12 + 3 * decay_ms / 1000;
  const std::string command = "ASHLAR_OPTIONS=decay_ms=" + std::to_string(decay_ms) + ",cold=" + value + " " + self +
                              " " + folder + (threaded ? " threaded " : " alone ") + std::to_string(patience);
  FILE* const out = popen(command.c_str(), "re");  // NOLINT(cert-env33-c)
  CHECK(out != nullptr);
  Figures found{};
  CHECK(fscanf(out, "%ld %ld", &found.resident, &found.referenced) == 2);
  CHECK(pclose(out) == 0);
  printf("%s, %s, %s: %ld MiB resident, %ld MiB referenced\n", value, threaded ? "beside a thread" : "alone",
         folder == kNowhere ? "without an area" : "in an area", found.resident / 1024, found.referenced / 1024);
  return found;
}

}  // namespace

int main(int argc, char** argv) {
  alarm(550);
  if (argc == 4) return child(argv[1], std::string(argv[2]) == "threaded", atof(argv[3]));
  char here[4096];
  CHECK(getcwd(here, sizeof here) != nullptr);
  char self[4096];
  const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  CHECK(length > 0);
  self[length] = 0;
  for (const bool threaded : {false, true}) {
    const Figures off = run(self, kNowhere, "off", threaded, 100), cold = run(self, kNowhere, "cold", threaded, 100);
    CHECK(off.referenced > 50 * 1024);
    CHECK(cold.referenced * 16 < off.referenced);
  }
  const double writing = writing_takes(here);
  printf("the disk takes %.2f s for %zu MiB\n", writing, kBlocks);
  if (writing > 3) skip("the disk is too slow to judge what is written within decay_ms");
  const int decay_ms = 100 + static_cast<int>(writing * 4000);
  for (const bool threaded : {false, true}) {
    const Figures off = run(self, here, "off", threaded, decay_ms);
    const Figures cold = run(self, here, "cold", threaded, decay_ms);
    const Figures out = run(self, here, "pageout", threaded, decay_ms);
    CHECK(off.resident > 64 * 1024 && off.referenced > 50 * 1024);
    CHECK(cold.referenced * 16 < off.referenced);
    CHECK(out.resident * 8 < off.resident && out.referenced * 16 < off.referenced);
  }
  return 0;
}
