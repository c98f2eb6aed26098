// Is a C program that calls malloc itself.
#include <string.h>

#include "proof.h"

static void* blocks[kProofBlocks];

int main(int argc, char** argv) {
  if (argc == 2) proof_version(argv[1]);
  size_t before = proof_in_use();
  for (int i = 0; i < kProofBlocks; ++i) {
    blocks[i] = malloc(kProofBytes);
    if (!blocks[i]) return 1;
    memset(blocks[i], 1, kProofBytes);
  }
  proof_expect("malloc", before, 0);
  before = proof_in_use();
  for (int i = 0; i < kProofBlocks; ++i) free(blocks[i]);
  proof_expect("free", before, 1);
  return 0;
}
