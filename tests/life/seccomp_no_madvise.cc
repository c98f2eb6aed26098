// Tests a seccomp filter in which the named system calls fail (EPERM or ENOSYS). The allocator continues: calloc is
// zero over memory that could not be purged, free keeps errno, and malloc_trim does not report success for work that it
// did not do. Fails unless the result of madvise is checked before pages are called clean. Arguments: the calls that
// fail.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <vector>

#include "support/check.h"

namespace {
using namespace ashlar_test;

void install(const std::vector<unsigned>& calls, unsigned error) {
  std::vector<sock_filter> program;
  program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  for (unsigned call : calls) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  sock_fprog filter = {static_cast<unsigned short>(program.size()), program.data()};
  CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) skip("no seccomp filters here");
}

void dirty_then_calloc(size_t size, size_t total) {
  std::vector<unsigned char*> blocks(total / size);
  for (int round = 0; round < 3; ++round) {
    for (unsigned char*& p : blocks) {
      p = static_cast<unsigned char*>(calloc(1, size));
      CHECK(p != nullptr);
      CHECK(p[0] == 0 && memcmp(p, p + 1, size - 1) == 0);
      memset(p, 0xff, size);
    }
    errno = 4711;
    for (unsigned char* p : blocks) {
      free(p);
      CHECK(errno == 4711);
    }
    malloc_trim(0);
  }
}

// Frees every second block. What replaces their pages must merge with the blocks that stay.
std::vector<void*> leave_holes() {
  std::vector<void*> blocks(2000);
  for (void*& p : blocks) {
    p = malloc(40000);
    CHECK(p != nullptr);
    memset(p, 0xff, 40000);
  }
  for (size_t i = 0; i < blocks.size(); i += 2) {
    free(blocks[i]);
    blocks[i] = nullptr;
  }
  malloc_trim(0);
  return blocks;
}
}  // namespace

int main(int argc, char** argv) {
  CHECK(argc == 2);
  const std::vector<unsigned> advice = {SYS_madvise};
  const std::vector<unsigned> hints = {SYS_madvise,           SYS_mbind,      SYS_getcpu,
                                       SYS_sched_getaffinity, SYS_membarrier, SYS_process_madvise};
  const bool remap = strcmp(argv[1], "mremap") == 0;
  if (remap) {
    install({SYS_mremap}, EPERM);
  } else {
    install(strcmp(argv[1], "hints") == 0 ? hints : advice, strcmp(argv[1], "eperm") == 0 ? EPERM : ENOSYS);
  }
  // A filter that does not work would make this test one that cannot fail.
  errno = 0;
  if (!remap) CHECK(syscall(SYS_madvise, nullptr, 0, MADV_DONTNEED) == -1 && errno != 0);

  const long maps = map_count();
  for (size_t size : {size_t{64}, size_t{3000}, size_t{30000}, size_t{400000}, size_t{5} << 20})
    dirty_then_calloc(size, 20 << 20);
  const std::vector<void*> rest = leave_holes();
  const long now_maps = map_count();
  printf("%ld mappings, %ld before\n", now_maps, maps);
  CHECK(now_maps <= maps + 50);
  for (void* p : rest) free(p);
  auto* p = static_cast<unsigned char*>(malloc(1 << 20));
  CHECK(p != nullptr);
  memset(p, 7, 1 << 20);
  for (size_t size = 2 << 20; size < (64 << 20); size *= 2) {
    p = static_cast<unsigned char*>(realloc(p, size));
    CHECK(p != nullptr && p[0] == 7 && p[(1 << 20) - 1] == 7);
    memset(p, 7, size);
  }
  p = static_cast<unsigned char*>(realloc(p, 100));
  CHECK(p != nullptr && p[99] == 7);
  free(p);
  return 0;
}
