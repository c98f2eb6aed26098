/* vmalloc: a log that grows to 64 MiB. Growing moves page tables and copies no bytes; a write past the end faults.
 *
 *   cc vmalloc.c -lashlar */
#include <ashlar/vmalloc.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  size_t size = 64 << 10;
  char* log = ashlar_vmalloc(size);
  if (log == NULL) {
    perror("ashlar_vmalloc");
    return 1;
  }
  strcpy(log, "first entry");
  while (size < (64 << 20)) {
    char* grown = ashlar_vrealloc(log, size * 2, ASHLAR_GFP_ZERO);
    if (grown == NULL) { /* the old one is still there */
      perror("ashlar_vrealloc");
      ashlar_vfree(log);
      return 1;
    }
    log = grown;
    size *= 2;
  }
  printf("%zu MiB, still \"%s\", and zeros behind: %d\n", size >> 20, log, log[size - 1]);
  if (!ashlar_is_vmalloc_addr(log + 100) || strcmp(log, "first entry") != 0) return 1;
  ashlar_vfree(log);
  return ashlar_is_vmalloc_addr(log);
}
