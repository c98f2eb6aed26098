// A program with a heap of so many MiB, all of it touched, in blocks of many sizes; it says "ready" and waits.
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char** argv) {
  const uint64_t wanted = (argc > 1 ? strtoull(argv[1], NULL, 10) : 1024) << 20;
  uint64_t seed = 1, held = 0;
  void* last[64] = {0};
  while (held < wanted) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    const size_t size = (seed >> 60) == 0 ? (seed >> 37) % 200000 + 1 : (seed >> 37) % 2000 + 1;
    char* p = malloc(size);
    if (p == NULL) return 1;
    for (size_t i = 0; i < size; i += 4096) p[i] = 1;
    held += size;
    // one in four is freed again a little later, so that lists of free objects are long
    if ((seed >> 56) % 4 == 0) {
      void** slot = &last[(seed >> 50) % 64];
      free(*slot);
      *slot = p;
    }
  }
  char c;
  if (write(STDOUT_FILENO, "ready\n", 6) != 6) return 1;
  return read(STDIN_FILENO, &c, 1) < 0;
}
