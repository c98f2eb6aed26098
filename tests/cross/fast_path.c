// What count_instructions.py follows under the emulator: pairs of malloc and free, after a line that says where both
// are and where this program's own code lies.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

extern const char __executable_start, etext;

int main(int count, char** arguments) {
  if (count != 2) {
    fputs("usage: fast_path PAIRS\n", stderr);
    return 2;
  }
  void* (*const allocate)(size_t) = malloc;
  void (*const release)(void*) = free;
  printf("%jx %jx %jx %jx\n", (uintmax_t)(uintptr_t)allocate, (uintmax_t)(uintptr_t)release,
         (uintmax_t)(uintptr_t)&__executable_start, (uintmax_t)(uintptr_t)&etext);
  fflush(stdout);
  for (int i = atoi(arguments[1]); i > 0; --i) {
    volatile char* const block = allocate(64);
    if (block == NULL) return 1;
    *block = 1;
    release((void*)block);
  }
  return 0;
}
