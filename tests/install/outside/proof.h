// Proves in a program of an outside project that malloc is Ashlar's: what the program allocates appears in Ashlar's own
// figures.
#pragma once

#include <ashlar/ashlar.h>
#include <malloc.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

enum { kProofBlocks = 10240, kProofBytes = 1024 };

static inline size_t proof_in_use(void) { return ashlar_mallinfo2().uordblks + ashlar_mallinfo2().hblkhd; }

// Ends the program with status 1 unless Ashlar's figure is at least 9 MiB above `before` (10 MiB were allocated) or,
// with `gone`, at least 9 MiB below it.
static inline void proof_expect(const char* what, size_t before, int gone) {
  const size_t now = proof_in_use();
  const long moved = (long)now - (long)before;
  printf("%s: Ashlar's figure moved by %ld KiB\n", what, moved / 1024);
  if ((gone ? -moved : moved) < 9L * 1024 * 1024) {
    fprintf(stderr, "%s: the allocator in use is not Ashlar\n", what);
    exit(1);
  }
}

static inline void proof_version(const char* expected) {
  printf("version %s\n", ashlar_version());
  for (size_t i = 0; expected[i] || ashlar_version()[i]; ++i) {
    if (expected[i] != ashlar_version()[i]) {
      fprintf(stderr, "expected version %s\n", expected);
      exit(1);
    }
  }
}
