// Fills a swap area with a pattern, its own and a forked child's, and writes it to the disk. Run by swap_encrypted.py:
//   swap_encrypted FOLDER PATTERN encrypt|plain   prints "done" when the contents are on the disk and right
//   swap_encrypted FOLDER PATTERN refused         the area is not made: EOPNOTSUPP
//   swap_encrypted FOLDER PATTERN killed          as encrypt, and the process ends by SIGKILL
// Fails unless a child's copy has the parent's contents.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <string>

#include "ashlar/ashlar.h"
#include "ashlar/swap.h"
#include "support/process.h"

namespace {
using namespace ashlar_test;

constexpr size_t kMiB = size_t{1} << 20, kBlock = 16 * kMiB;

void fill(char* block, const std::string& pattern) {
  for (size_t at = 0; at + pattern.size() <= kBlock; at += pattern.size())
    memcpy(block + at, pattern.data(), pattern.size());
}

void write_out(const char* folder) {
  const int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  CHECK(file >= 0 && syncfs(file) == 0);
  close(file);
}

// The child has its parent's block, in a file of its own, and leaves another pattern there.
void test_child(const char* folder, char* block, const std::string& pattern) {
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    CHECK(memcmp(block, pattern.data(), pattern.size()) == 0);
    CHECK(memcmp(block + kBlock / 2 / pattern.size() * pattern.size(), pattern.data(), pattern.size()) == 0);
    fill(block, std::string(pattern.rbegin(), pattern.rend()));
    write_out(folder);
    _exit(0);
  }
  CHECK(exited_with(wait_for(child, 60000), 0));
}

}  // namespace

int main(int argc, char** argv) {
  CHECK(argc == 4);
  const char* const folder = argv[1];
  const std::string pattern = argv[2], mode = argv[3];
  const int made = ashlar_swapon(folder, 64 * kMiB, mode == "plain" ? 0 : ASHLAR_SWAP_ENCRYPT);
  if (mode == "refused") {
    CHECK(made == -1 && errno == EOPNOTSUPP);
    CHECK(ashlar_swapon(folder, 64 * kMiB, ASHLAR_SWAP_ENCRYPT | ASHLAR_SWAP_KEEP) == -1 && errno == EINVAL);
    CHECK(ashlar_swapon(folder, 64 * kMiB, 0) == 0 && ashlar_swapoff(folder) == 0);
    return 0;
  }
  CHECK(made == 0);
  char* const block = static_cast<char*>(ashlar_malloc_cold(kBlock));
  struct ashlar_swap_info info;
  CHECK(block != nullptr && ashlar_swap_describe(0, &info) == 0 && info.used >= kBlock);
  fill(block, pattern);
  write_out(folder);
  test_child(folder, block, pattern);
  CHECK(memcmp(block, pattern.data(), pattern.size()) == 0);
  if (mode == "killed") kill(getpid(), SIGKILL);
  free(block);
  CHECK(ashlar_swapoff(folder) == 0);
  puts("done");
  return 0;
}
