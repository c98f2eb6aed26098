// Shows: a message buffer grows by realloc (doubling, or by a quarter) from 1 KiB to 200 KiB .. 4 MiB, is filled,
// and is freed; many times, as a server or parser does for each message. 20 MiB of other blocks are live.
// Right: the page faults of a round are those of glibc or few.
// Reports: https://github.com/jemalloc/jemalloc/issues/335, https://github.com/gperftools/gperftools/issues/524
#include "case.h"

static void grow(size_t end, int by_double) {
  size_t capacity = 1024;
  char* buffer = malloc(capacity);
  for (size_t length = 0; length < end; length += 1024) {
    while (length + 1024 > capacity) {
      capacity = by_double ? capacity * 2 : capacity + capacity / 4;
      buffer = realloc(buffer, capacity);
      CHECK(buffer != NULL);
    }
    memset(buffer + length, 1, 1024);
  }
  keep(buffer);
  free(buffer);
}

int main(void) {
  static const size_t kEnds[] = {200 << 10, 300 << 10, 600 << 10, 1200 << 10, 4 << 20};
  for (int i = 0; i < 20 * 1024; ++i) keep(filled(1000));
  for (size_t i = 0; i < sizeof kEnds / sizeof *kEnds; ++i) {
    const int rounds = (100 << 20) / (int)kEnds[i];
    for (int round = 0; round < 4; ++round) grow(kEnds[i], round & 1);
    const long before = page_faults();
    for (int round = 0; round < rounds; ++round) grow(kEnds[i], round & 1);
    char name[40];
    snprintf(name, sizeof name, "faults_%zuK", kEnds[i] >> 10);
    figure(name, (double)(page_faults() - before) / rounds);
  }
  return 0;
}
