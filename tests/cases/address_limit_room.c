// Shows: how much room below RLIMIT_AS a process needs before it can allocate, and how much of the room serves.
// Right: at least half of the room serves, when the heap is there before the limit is. Arguments: room in KiB, size.
#include <fcntl.h>

#include "case.h"

static size_t address_space(void) {
  char text[64] = {0};
  const int file = open("/proc/self/statm", O_RDONLY);
  CHECK(file >= 0 && read(file, text, sizeof text - 1) > 0);
  close(file);
  return strtoul(text, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE);
}

int main(int argc, char** argv) {
  CHECK(argc == 3);
  const size_t room = strtoul(argv[1], NULL, 10) << 10, size = strtoul(argv[2], NULL, 10);
  printf("room %zu KiB, blocks of %zu bytes\n", room >> 10, size);
  fflush(stdout);
  const struct rlimit limit = {address_space() + room, RLIM_INFINITY};
  CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
  size_t count = 0;
  while (count * size <= room * 2 && malloc(size) != NULL) ++count;
  figure("served_kib", (double)(count * size >> 10));
  return 0;
}
