// Holds blocks for a report to find. Reads lines "COUNT SIZE" from standard input, allocates COUNT blocks and answers
// "ok". A SIZE of 0 frees the last COUNT blocks. Ends at the end of its input.
#include <cstdio>
#include <cstdlib>
#include <cstring>

int main() {
  static void* blocks[1 << 20];
  std::size_t held = 0, count = 0, size = 0;
  std::puts("ready");
  std::fflush(stdout);
  while (std::scanf("%zu %zu", &count, &size) == 2) {
    for (; count > 0 && size > 0 && held < 1 << 20; --count) {
      blocks[held] = std::malloc(size);
      std::memset(blocks[held++], 1, size);
    }
    for (; count > 0 && size == 0 && held > 0; --count) std::free(blocks[--held]);
    std::puts("ok");
    std::fflush(stdout);
  }
  return 0;
}
