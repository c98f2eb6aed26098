/* Swap areas: twice as much data as the process may have, most of it seldom used.
 *
 *   cc swap.c -lashlar */
#include <ashlar/swap.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

enum { kBlocks = 64, kBlock = 1 << 20 };

int main(void) {
  setvbuf(stdout, NULL, _IONBF, 0); /* or its buffer may come to lie in the area, which then cannot end */
  if (ashlar_swapon("/var/tmp", 128 << 20, ASHLAR_SWAP_ANY) != 0) {
    perror("ashlar_swapon");
    return 1;
  }
  /* a limit that a memory cgroup or strict overcommit could be as well */
  struct rlimit limit = {32 << 20, RLIM_INFINITY};
  if (setrlimit(RLIMIT_DATA, &limit) != 0) return 1;

  char* archive = ashlar_malloc_cold(16 << 20); /* in the area at once */
  char* blocks[kBlocks];
  for (int i = 0; i < kBlocks; ++i) {
    blocks[i] = ashlar_malloc(kBlock); /* in the area when nothing else is left */
    if (blocks[i] == NULL) {
      perror("ashlar_malloc");
      return 1;
    }
    memset(blocks[i], i, kBlock);
  }
  struct ashlar_swap_info info;
  ashlar_swap_describe(0, &info);
  printf("%d MiB of blocks under a limit of 32 MiB; %zu MiB are in %s\n", kBlocks + 16, info.used >> 20, info.path);
  for (int i = 0; i < kBlocks; ++i) {
    if (blocks[i][kBlock - 1] != i) return 1;
    ashlar_free(blocks[i]);
  }
  ashlar_free(archive);

  /* An area ends once no block lies in it. */
  if (ashlar_swapoff("/var/tmp") != 0) {
    perror("ashlar_swapoff");
    return 1;
  }
  return 0;
}
