// Is a C program that never names malloc, so that only libc allocates. In a static link the allocator must still be
// Ashlar's malloc.
#include <string.h>

#include "proof.h"

int main(int argc, char** argv) {
  if (argc == 2) proof_version(argv[1]);
  static char text[kProofBytes];
  memset(text, 'x', sizeof text - 1);
  const size_t before = proof_in_use();
  for (int i = 0; i < kProofBlocks; ++i) {
    if (!strdup(text)) return 1;
  }
  proof_expect("strdup", before, 0);
  return 0;
}
