// Is a program that allocates and frees without a pause, in threads that start and end, until it is killed.
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

namespace {

void churn(std::uint64_t seed, int rounds) {
  std::vector<void*> blocks(600);
  for (int i = 0; i < rounds; ++i) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    void*& block = blocks[seed >> 40 & 511];
    std::free(block);
    const unsigned kind = seed >> 33 & 127;
    const std::size_t size = kind == 0   ? (seed >> 20 & 0xfffff) * 48  // up to 48 MiB: mappings too
                             : kind < 12 ? (seed >> 20 & 0xffff) * 8
                                         : seed >> 20 & 2047;
    block = std::malloc(size);
    if (block != nullptr && size != 0) std::memset(block, 1, size < 5000 ? size : 5000);
  }
  for (void* block : blocks) std::free(block);
}

}  // namespace

int main() {
  if (write(STDOUT_FILENO, "ready\n", 6) != 6) return 1;
  for (std::uint64_t seed = 1;; seed += 4) {
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 4; ++i) threads.emplace_back(churn, seed + i, 30000);
    for (std::thread& thread : threads) thread.join();
  }
}
