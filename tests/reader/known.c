// Is a program whose live blocks are known. It prints what it holds, and waits. Each line of its input leads to the
// next step: nothing is allocated yet, all is allocated, half of each kind is freed. It uses no stdio, so that nothing
// else allocates.
//
//   block SIZE COUNT      live blocks, by malloc_usable_size
//   at KIND ADDRESS       an address, and what is there
//   ready                 it waits
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { kKinds = 13, kMax = 4000 };
static const struct {
  size_t size;
  unsigned count;
} kinds[kKinds] = {{16, 4000},  {48, 1000},  {100, 500},  {256, 700},   {1000, 300},         {2048, 101},  {4096, 64},
                   {10000, 30}, {32768, 11}, {100000, 7}, {2 << 20, 3}, {(32 << 20) + 1, 1}, {40 << 20, 1}};
static void* blocks[kKinds][kMax];

static void put(const char* text) {
  size_t n = strlen(text);
  if (write(STDOUT_FILENO, text, n) != (ssize_t)n) _exit(1);
}

static void put_number(uint64_t n, unsigned base) {
  char digits[24];
  int at = sizeof digits;
  digits[--at] = '\0';
  do digits[--at] = "0123456789abcdef"[n % base];
  while ((n /= base) != 0);
  put(digits + at);
}

static void put_address(const char* kind, const void* p) {
  put("at ");
  put(kind);
  put(" ");
  put_number((uintptr_t)p, 16);
  put("\n");
}

static void wait_for_line(void) {
  char c = 0;
  put("ready\n");
  while (c != '\n')
    if (read(STDIN_FILENO, &c, 1) != 1) _exit(0);
}

static void report(void) {
  for (int k = 0; k < kKinds; ++k)
    for (unsigned i = 0; i < kinds[k].count; ++i)
      if (blocks[k][i] != NULL) {
        put("block ");
        put_number(malloc_usable_size(blocks[k][i]), 10);
        put(" 1\n");
      }
}

int main(void) {
  int on_stack = 0;
  free(malloc(1));
  wait_for_line();
  for (int k = 0; k < kKinds; ++k)
    for (unsigned i = 0; i < kinds[k].count; ++i) {
      blocks[k][i] = malloc(kinds[k].size);
      if (blocks[k][i] == NULL) return 1;
      memset(blocks[k][i], 0x5a, malloc_usable_size(blocks[k][i]));
    }
  report();
  put_address("live-slab", (char*)blocks[3][5] + 7);
  put_address("live-large-slab", blocks[8][4]);
  put_address("live-run", (char*)blocks[9][2] + 5000);
  put_address("live-vmalloc", (char*)blocks[12][0] + 12345678);
  put_address("vmalloc-guard", (char*)blocks[12][0] + malloc_usable_size(blocks[12][0]));
  put_address("foreign", &on_stack);
  wait_for_line();
  void *const small = blocks[3][7], *const large = blocks[8][5], *const run = blocks[9][3];
  for (int k = 0; k < kKinds; ++k)
    for (unsigned i = 1; i < kinds[k].count; i += 2) {
      free(blocks[k][i]);
      blocks[k][i] = NULL;
    }
  report();
  put_address("free-slab", small);
  put_address("free-large-slab", large);
  put_address("free-run", run);
  wait_for_line();
  return 0;
}
