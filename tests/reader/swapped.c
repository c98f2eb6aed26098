// A program with swap areas that knows what lies in them. Each line of its input takes it a step on: two areas and
// nothing in them; three blocks in the first and one in the second; one of the first freed; the second area off.
//   swapped FOLDER [early]   `early`: it has two blocks of 5 MiB from before there were areas
//   at used0 BYTES     as the next, of the first area, and with 1 of the second: in hexadecimal, by its own functions
//   at backed0 BYTES
//   at size0 BYTES
//   at block ADDRESS   the last block of the first area
//   ready              it waits
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ashlar/swap.h"

enum { kMiB = 1 << 20 };

static int say_areas(void) {
  for (unsigned i = 0;; ++i) {
    struct ashlar_swap_info info;
    if (ashlar_swap_describe(i, &info) != 0) return (int)i;
    printf("at used%u %zx\nat backed%u %zx\nat size%u %zx\n", i, info.used, i, info.backed, i, info.bytes);
  }
}

static void wait_for_line(void) {
  puts("ready");
  fflush(stdout);
  for (int c = 0; c != '\n';)
    if ((c = getchar()) == EOF) _exit(0);
}

static void* cold(size_t bytes) {
  void* const p = ashlar_malloc_cold(bytes);
  if (p == NULL) _exit(2);
  return memset(p, 7, bytes);
}

int main(int argc, char** argv) {
  char first[4096], second[4096];
  if (argc != 2 && argc != 3) return 1;
  if (argc == 3)
    for (int i = 0; i < 2; ++i) cold(5 * kMiB);
  snprintf(first, sizeof first, "%s/first", argv[1]);
  snprintf(second, sizeof second, "%s/second area\\\n\xff", argv[1]);
  if (ashlar_swapon(first, 64 * kMiB, 7) != 0 || ashlar_swapon(second, 32 * kMiB, ASHLAR_SWAP_ANY) != 0) return 3;
  wait_for_line();

  void* const a = cold(20 * kMiB);
  void* const b = cold(30 * kMiB);
  void* const c = cold(1 * kMiB + 4096);
  void* const d = cold(25 * kMiB);  // the first has no room for it
  if (say_areas() != 2) return 4;
  printf("at block %zx\n", (size_t)c);
  wait_for_line();

  ashlar_free(b);
  if (say_areas() != 2) return 4;
  wait_for_line();

  ashlar_free(d);
  if (ashlar_swapoff(second) != 0 || say_areas() != 1) return 5;
  wait_for_line();
  ashlar_free(a);
  ashlar_free(c);
  return 0;
}
