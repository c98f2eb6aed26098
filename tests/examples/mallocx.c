/* Alignment and zeros in one call, jemalloc's shape: a matrix whose rows start at cache lines, and which grows.
 *
 *   cc mallocx.c -lashlar */
#include <ashlar/mallocx.h>
#include <stdint.h>
#include <stdio.h>

int main(void) {
  const unsigned lines = ASHLAR_X_ALIGN(64) | ASHLAR_X_ZERO;
  size_t n = 100;
  double* row = ashlar_mallocx(n * sizeof *row, lines);
  if (row == NULL) return 1;
  row[n - 1] = 1;

  /* What the allocator would give anyway costs nothing. */
  n = ashlar_nallocx(n * sizeof *row, lines) / sizeof *row;
  printf("100 numbers take the room of %zu\n", n);

  for (; n < 100000; n *= 2) {
    double* larger = ashlar_rallocx(row, 2 * n * sizeof *row, lines);
    if (larger == NULL) break; /* the old row is as before */
    row = larger;
    if ((uintptr_t)row % 64 != 0 || row[99] != 1 || row[2 * n - 1] != 0) return 1;
  }

  /* Where it stands, as far as there is room. */
  const size_t before = ashlar_sallocx(row, 0);
  const size_t after = ashlar_xallocx(row, before + 1, 65536, 0);
  printf("grew by %zu bytes without moving\n", after - before);
  ashlar_dallocx(row, 0);

  /* A buffer of a size that leaves nothing unused; its size makes the free checkable (slab_debug, harden). */
  const size_t size = ashlar_good_size(5000);
  char* buffer = ashlar_mallocx(size, 0);
  if (buffer == NULL) return 1;
  ashlar_sdallocx(buffer, size, 0);

  /* The same of a heap, with which all its blocks end. */
  ashlar_heap* request = ashlar_heap_create("request", 0);
  double* scratch = request != NULL ? ashlar_heap_mallocx(request, 100 * sizeof *scratch, lines) : NULL;
  if (scratch == NULL || (uintptr_t)scratch % 64 != 0 || scratch[99] != 0) return 1;
  if (ashlar_heap_destroy(request) != 0) return 1;

  ashlar_thread_flush(); /* before this thread sleeps for long */
  return 0;
}
