// A program with a root block of a format from the future, and nothing behind it.
#include <stdint.h>
#include <unistd.h>

struct root {
  char magic[16];
  struct root* self;
  uint32_t version, bytes;
  char library_version[16];
  char rest[4000];
} __attribute__((aligned(16)));

struct root ashlar_root = {{'A', 's', 'h', 'l', 'a', 'r', 0x7f, 'r', 'o', 'o', 't', '\r', '\n', 0x1a, 0, 1},
                           &ashlar_root,
                           99,
                           sizeof(struct root),
                           "9.9.9",
                           {0}};

int main(void) {
  char c;
  ashlar_root.rest[0] = 1;
  if (write(STDOUT_FILENO, "ready\n", 6) != 6) return 1;
  return read(STDIN_FILENO, &c, 1) < 0;
}
