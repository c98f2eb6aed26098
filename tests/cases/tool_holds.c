// Part of test_tool.py: a process for the command to look at. Argument: what it is.
//   freed      allocates 40 MB in small blocks and frees all but a fiftieth
//   again      holds 64 MiB, and at the first line of its input becomes itself again as "smaller", which holds 8 MiB
//   named      is called %DATA% and has a cache whose name is HTML
//   overlap    writes to the table of arenas that readers find: a hundred arenas that share their descriptors
#include <dlfcn.h>
#include <link.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "case.h"

static void free_most(void) {
  enum { kBlocks = 40000 };
  static void* blocks[kBlocks];
  for (int i = 0; i < kBlocks; ++i) blocks[i] = filled(1000);
  for (int i = 0; i < kBlocks; ++i) {
    if (i % 50 != 0) free(blocks[i]);
  }
}

static void hold(int mib) {
  for (int i = 0; i < mib * 16; ++i) keep(filled(65536));
}

static void make_named(void) {
  void* (*create)(const char*, size_t, size_t, unsigned, void*) =
      (void* (*)(const char*, size_t, size_t, unsigned, void*))dlsym(RTLD_DEFAULT, "ashlar_cache_create");
  void* (*take)(void*) = (void* (*)(void*))dlsym(RTLD_DEFAULT, "ashlar_cache_alloc");
  CHECK(create != NULL && take != NULL);
  void* cache = create("<img/src/onerror=alert(1)>", 100, 8, 1, NULL);
  CHECK(cache != NULL && take(cache) != NULL);
  prctl(PR_SET_NAME, "%DATA%");
}

struct table {
  char* start;
  uint32_t stride, count;
};

// The root block is no symbol: like the command, this looks for its magic in the library's data.
static int find_magic(struct dl_phdr_info* library, size_t size, void* found) {
  (void)size;
  if (strstr(library->dlpi_name, "libashlar") == NULL) return 0;
  for (int i = 0; i < library->dlpi_phnum; ++i) {
    const ElfW(Phdr)* part = &library->dlpi_phdr[i];
    if (part->p_type != PT_LOAD || (part->p_flags & PF_W) == 0) continue;
    char* start = (char*)(library->dlpi_addr + part->p_vaddr);
    char* first = (char*)(((uintptr_t)start + 15) & ~(uintptr_t)15);
    for (char* at = first; at + 512 <= start + part->p_memsz; at += 16) {
      char* self = at;
      if (memcmp(at, "Ashlar\x7froot\r\n", 13) != 0 || memcmp(at + 16, &self, sizeof self) != 0) continue;
      *(char**)found = at;
      return 1;
    }
  }
  return 0;
}

// The table of arenas is known by its number of rows.
static struct table* find_arenas(void) {
  char* root = NULL;
  CHECK(dl_iterate_phdr(find_magic, &root) == 1);
  for (size_t at = 0; at < 512; at += 8) {
    struct table* found = (struct table*)(root + at);
    if (found->count == 4096 && found->stride >= 32 && found->stride <= 64) return found;
  }
  skip("no table of 4096 arenas");
  return NULL;
}

static void overlap_arenas(void) {
  enum { kPages = 1 << 18, kDescriptor = 32 };
  free(malloc(100));
  const struct table* arenas = find_arenas();
  char* descriptors =
      mmap(NULL, (size_t)kPages * kDescriptor, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(descriptors != MAP_FAILED);
  for (size_t i = 0; i < kPages; ++i) {
    const uint32_t pages = 1;
    descriptors[i * kDescriptor + 18] = 5;  // the first page of a run
    memcpy(descriptors + i * kDescriptor + 20, &pages, sizeof pages);
  }
  for (uint64_t i = 1; i <= 100; ++i) {
    char* arena = arenas->start + i * arenas->stride;
    const uint64_t base = 0x100000000000 + i * ((uint64_t)kPages << 12);
    const uint32_t pages = kPages;
    memcpy(arena, arenas->start, arenas->stride);
    memcpy(arena, &base, sizeof base);
    memcpy(arena + 8, &pages, sizeof pages);
    memcpy(arena + 24, &descriptors, sizeof descriptors);
  }
}

int main(int argc, char** argv) {
  const char* kind = argc > 1 ? argv[1] : "";
  if (strcmp(kind, "freed") == 0) free_most();
  if (strcmp(kind, "again") == 0) hold(64);
  if (strcmp(kind, "smaller") == 0) hold(8);
  if (strcmp(kind, "named") == 0) make_named();
  if (strcmp(kind, "overlap") == 0) overlap_arenas();
  puts("ready");
  fflush(stdout);
  char line[16];
  if (fgets(line, sizeof line, stdin) != NULL && strcmp(kind, "again") == 0) {
    execl("/proc/self/exe", argv[0], "smaller", (char*)NULL);
  }
  // The test ends by closing this process's input.
  while (fgets(line, sizeof line, stdin) != NULL) {
  }
  return 0;
}
