// Tests mlock, mlockall and freed memory. Freed pages of locked mappings return to the system where the kernel can drop
// them. Nothing that the program locked becomes unlocked. Memory that is handed out again is zero for calloc. The
// number of mappings stays the same. Fails unless MADV_DONTNEED's EINVAL is distinguished from a refusal, after which a
// fresh mapping replaces the pages. That mapping is not locked, is populated at once under MCL_FUTURE, and merges with
// no neighbour. Arguments: current, future and onfault are flags of mlockall; block is mlock of each block; old_kernel
// is current on a kernel without MADV_DONTNEED_LOCKED, which a seccomp filter imitates.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "support/check.h"

namespace {
using namespace ashlar_test;
constexpr size_t kBlocks = 1000, kSize = 40000, kHeapKib = kBlocks * kSize / 1024;
char* blocks[kBlocks];

void refuse_dontneed_locked() {
  constexpr unsigned kDontNeedLocked = 24;
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[2])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kDontNeedLocked, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog filter = {sizeof program / sizeof program[0], program};
  CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) skip("no seccomp filters here");
}

bool drops_locked_pages() {
  auto* page = static_cast<char*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  CHECK(page != MAP_FAILED);
  if (mlock(page, 4096) != 0) skip("no memory may be locked");
  const bool drops = madvise(page, 4096, 24) == 0;
  munmap(page, 4096);
  return drops;
}

void fill(bool zeroed) {
  for (char*& block : blocks) {
    block = static_cast<char*>(zeroed ? calloc(1, kSize) : malloc(kSize));
    CHECK(block != nullptr);
    if (zeroed) CHECK(block[0] == 0 && memcmp(block, block + 1, kSize - 1) == 0);
    memset(block, 1, kSize);
  }
}
// Every second block first, so that neighbours stay while their pages go.
void release() {
  for (size_t start = 0; start < 2; ++start) {
    for (size_t i = start; i < kBlocks; i += 2) free(blocks[i]);
    malloc_trim(0);
  }
}
}  // namespace

int main(int argc, char** argv) {
  CHECK(argc == 2);
  const char* mode = argv[1];
  const bool old_kernel = strcmp(mode, "old_kernel") == 0, block = strcmp(mode, "block") == 0;
  if (old_kernel) refuse_dontneed_locked();
  const bool drops = drops_locked_pages();
  const int flags = strcmp(mode, "future") == 0    ? MCL_CURRENT | MCL_FUTURE
                    : strcmp(mode, "onfault") == 0 ? MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT
                                                   : MCL_CURRENT;
  fill(false);
  if (block) {
    for (char* p : blocks) {
      if (mlock(p, kSize) != 0) skip("this much memory may not be locked");
    }
  } else if (mlockall(flags) != 0) {
    skip("this much memory may not be locked");
  }
  const long locked = status_kib("VmLck:"), maps = map_count();
  for (int round = 0; round < 3; ++round) {
    const long full = rss_kib();
    release();
    const long rss = rss_kib(), now_locked = status_kib("VmLck:"), now_maps = map_count();
    printf("round %d, freed: VmRSS %ld KiB (%ld before), VmLck %ld (%ld), %ld mappings (%ld)\n", round, rss, full,
           now_locked, locked, now_maps, maps);
    CHECK(now_locked >= locked - 1024);
    CHECK(now_maps <= maps + 20);
    if (drops) CHECK(full - rss > static_cast<long>(kHeapKib) * 3 / 4);
    fill(round % 2 == 0);
    CHECK(map_count() <= maps + 20);
  }
  release();
  return 0;
}
