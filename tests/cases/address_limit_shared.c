// Shows: under a limit of address space the allocator's first reservation takes what the program needs for itself.
// Right: with 1 MB of heap, the program's own mappings and threads find nearly what they find under glibc. Argument:
// the limit in MiB.
#include <pthread.h>
#include <sys/mman.h>

#include "case.h"

static void* nothing(void* unused) { return unused; }

int main(int argc, char** argv) {
  CHECK(argc == 2);
  const rlim_t mib = strtoul(argv[1], NULL, 10);
  const struct rlimit limit = {mib << 20, mib << 20};
  CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
  for (int i = 0; i < 1000; ++i) keep(malloc(1000));
  rlim_t mapped = 0;
  for (rlim_t size = 32; size < mib; size += 16) {
    void* at = mmap(NULL, size << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) break;
    munmap(at, size << 20);
    mapped = size;
  }
  figure("mapped_mib", (double)mapped);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 8 << 20);
  int threads = 0;
  for (pthread_t thread; threads < 200 && pthread_create(&thread, &attributes, nothing, NULL) == 0;) ++threads;
  figure("threads", threads);
  return 0;
}
