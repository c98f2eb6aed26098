// One misuse, by its name: the message of the library's is expected.
#include <stdint.h>

#include "cases/case.h"

int main(int argc, char** argv) {
  CHECK(argc == 2);
  char* const block = filled(40);
  if (strcmp(argv[1], "twice") == 0) {
    free(block);
    free(block);
  } else if (strcmp(argv[1], "stray") == 0) {
    // What glibc has before a block of its own: musl has no such blocks.
    static uint64_t words[16] __attribute__((aligned(16))) = {0, 0x41, [9] = 0x21};
    free(&words[2]);
  }
  for (volatile int i = 0; i < 100; ++i) keep(filled(40));
  return 0;
}
