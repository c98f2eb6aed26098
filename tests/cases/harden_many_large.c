// Shows: more than 10 000 blocks above 32 KiB under harden. Are they still protected? Argument: what is tried.
// Right: "old": a new block shows nothing of an old one. "overflow": a write beyond the block, within its page, is
// found when it is freed; "late": a write to a freed block is found.
#include "case.h"

enum { kBlocks = 12000, kSize = 40000, kTried = 1000 };
static char* blocks[kBlocks];

int main(int argc, char** argv) {
  CHECK(argc == 2);
  for (int i = 0; i < kBlocks; ++i) {
    blocks[i] = malloc(kSize);
    CHECK(blocks[i] != NULL);
    blocks[i][0] = 1;
  }
  char* last = blocks[kBlocks - 1];
  if (strcmp(argv[1], "old") == 0) {
    for (int i = kBlocks - kTried; i < kBlocks; ++i) {
      strcpy(blocks[i] + 5000, "secret");
      free(blocks[i]);
    }
    for (int i = 0; i < kTried; ++i) {
      const char* fresh = malloc(kSize);
      CHECK(fresh != NULL && strcmp(fresh + 5000, "secret") != 0);
    }
    return 0;
  }
  if (strcmp(argv[1], "overflow") == 0) {
    ((volatile char*)last)[kSize + 100] = 7;
    free(last);
  } else {
    free(last);
    ((volatile char*)last)[3000] = 5;
  }
  return 0;
}
