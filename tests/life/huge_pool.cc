// Tests hugepages=reserved with a pool that really has huge pages. The program, which runs under the option, sets
// vm.nr_hugepages for the time of the test; that needs root.
//   plenty   slabs, runs and mappings lie in the pool, their contents are right, and freed mappings return to it
//   short    a pool of few pages serves what it can, and a program that needs more sees no difference
//   fork     two children at once, while pages are written on all sides, beside a pool without one page more: each has
//            its parent's contents, and none of the pool's pages afterwards
//   threads  forks while other threads write to the shared pages
// Fails unless a child copies the pages before it uses them (fork), and unless pages are set aside for the time of the
// copy (threads): the child would get SIGBUS.
#include <stdint.h>
#include <sys/wait.h>

#include <atomic>
#include <string>
#include <thread>

#include "support/process.h"

namespace {
using namespace ashlar_test;

constexpr size_t kBlocks = 20000, kBlock = 4000, kLarge = size_t{40} << 20, kLargeBlocks = 3,
                 kHugePage = size_t{2} << 20;
constexpr const char* kPoolSize = "/proc/sys/vm/nr_hugepages";

char* blocks[kBlocks];
char* large[kLargeBlocks];

uint64_t own_pool_kib() { return static_cast<uint64_t>(status_kib("HugetlbPages:")); }

void set_pool(uint64_t pages) {
  FILE* const file = fopen(kPoolSize, "w");
  if (file == nullptr) skip("no right to set vm.nr_hugepages");
  fprintf(file, "%llu", static_cast<unsigned long long>(pages));
  fclose(file);
}

void fill_heap() {
  for (size_t i = 0; i < kBlocks; ++i) {
    blocks[i] = static_cast<char*>(malloc(kBlock));
    memset(blocks[i], static_cast<char>(i), kBlock);
  }
  for (size_t i = 0; i < kLargeBlocks; ++i) {
    large[i] = static_cast<char*>(calloc(1, kLarge));
    for (size_t at = 0; at < kLarge; at += 512) CHECK(large[i][at] == 0);
    memset(large[i], static_cast<char>(i + 1), kLarge);
  }
}

bool heap_is_right(size_t from) {
  for (size_t i = 0; i < kBlocks; ++i) {
    for (size_t at = from; at < kBlock; at += 100) {
      if (blocks[i][at] != static_cast<char>(i)) return false;
    }
  }
  for (size_t i = 0; i < kLargeBlocks; ++i) {
    for (size_t at = from; at < kLarge; at += 4096) {
      if (large[i][at] != static_cast<char>(i + 1)) return false;
    }
  }
  return true;
}

// The first byte of each block and of each page of the large ones, which no check reads.
void write_everywhere(char value) {
  for (char* const block : blocks) block[0] = value;
  for (char* const block : large) {
    for (size_t at = 0; at < kLarge; at += 4096) block[at] = value;
  }
}

void free_heap() {
  for (char* const block : blocks) free(block);
  for (char* const block : large) free(block);
}

void test_plenty() {
  fill_heap();
  CHECK(own_pool_kib() >= (kLargeBlocks * kLarge + kBlocks * kBlock / 2) / 1024);
  CHECK(heap_is_right(0));
  large[0] = static_cast<char*>(realloc(large[0], 2 * kLarge));
  for (size_t at = 0; at < kLarge; at += 4096) CHECK(large[0][at] == 1);
  large[0] = static_cast<char*>(realloc(large[0], kLarge / 4));
  for (size_t at = 0; at < kLarge / 4; at += 4096) CHECK(large[0][at] == 1);
  const uint64_t before = own_pool_kib();
  free(large[1]);
  CHECK(own_pool_kib() == before - kLarge / 1024);
  large[1] = static_cast<char*>(calloc(1, kLarge));
  for (size_t at = 0; at < kLarge; at += 512) CHECK(large[1][at] == 0);
  free_heap();
}

void test_short() {
  fill_heap();
  CHECK(own_pool_kib() >= kHugePage / 1024 && own_pool_kib() <= 10 * kHugePage / 1024);
  CHECK(heap_is_right(0));
  free_heap();
  fill_heap();
  CHECK(heap_is_right(0));
}

[[noreturn]] void be_child(int start) {
  char byte = 0;
  const bool none = own_pool_kib() == 0;
  if (!heap_is_right(1)) _exit(1);
  if (read(start, &byte, 1) != 0) _exit(2);
  write_everywhere(9);
  if (!heap_is_right(1)) _exit(3);
  free_heap();
  _exit(none ? 0 : 4);
}

void test_fork() {
  fill_heap();
  const uint64_t pages = own_pool_kib() / (kHugePage / 1024);
  CHECK(pages > 60);
  set_pool(2 * pages);  // what is mapped and what is set aside: no more
  int start[2];
  CHECK(pipe(start) == 0);
  pid_t children[2];
  for (pid_t& child : children) {
    child = fork();
    CHECK(child >= 0);
    if (child == 0) {
      close(start[1]);
      be_child(start[0]);
    }
  }
  write_everywhere(7);
  close(start[1]);
  for (const pid_t child : children) {
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
  CHECK(heap_is_right(1));
}

void test_threads() {
  fill_heap();
  set_pool(2 * (own_pool_kib() / (kHugePage / 1024)));
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    while (!stop) write_everywhere(5);
  });
  for (unsigned i = 0; i < 4; ++i) {
    const pid_t child = fork();
    if (child == 0) _exit(heap_is_right(1) ? 0 : 1);
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
  stop = true;
  writer.join();
}

// Runs a mode in a process of its own, so that the pool is small again whatever becomes of it.
int run_with_pool(const char* mode) {
  const long pages = strcmp(mode, "short") == 0 ? 10 : 256;
  if (number_in(kPoolSize, "") != 0) skip("the pool belongs to others");
  set_pool(static_cast<uint64_t>(pages));
  const bool has_pages = number_in(kPoolSize, "") == pages;
  char argument[64];
  snprintf(argument, sizeof argument, "in-pool-%s", mode);
  const int status = has_pages ? wait_for(start_self(argument), 60000) : 0;
  set_pool(0);
  if (!has_pages) skip("the system has no memory for huge pages");
  return exited_with(status, 0) ? 0 : 1;
}

}  // namespace

int main(int /*argc*/, char** argv) {
  const std::string mode = argv[1];
  if (mode.find("in-pool-") != 0) return run_with_pool(argv[1]);
  if (mode == "in-pool-plenty") test_plenty();
  if (mode == "in-pool-short") test_short();
  if (mode == "in-pool-fork") test_fork();
  if (mode == "in-pool-threads") test_threads();
  return 0;
}
