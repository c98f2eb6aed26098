// Shows, in a memory cgroup: "sparse": a table of four times the limit, of which 1 MiB is touched. "raised": the
// limit is raised while the process runs. "again": 80 % of the limit is used, freed and used again, five times.
// "inherited": a forked child of a process of three times the limit uses half of it.
// Right: as with glibc, without a kill.
// Reports: https://github.com/ing-bank/sparse_dot_topn/issues/33, https://github.com/numpy/numpy/pull/3590,
// https://github.com/microsoft/mimalloc/issues/295
#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "case.h"

static const size_t kLimit = 64 << 20;
static char group[128];
static const char* limit_name;

static int write_number(const char* name, size_t number) {
  char path[256];
  snprintf(path, sizeof path, "%s/%s", group, name);
  FILE* file = fopen(path, "w");
  if (file == NULL) return -1;
  fprintf(file, "%zu\n", number);
  return fclose(file);
}

static int is_made(const char* parent, const char* name) {
  snprintf(group, sizeof group, "%s/ashlar-case-%d", parent, (int)getpid());
  limit_name = name;
  if (mkdir(group, 0755) != 0) return 0;
  if (write_number(limit_name, kLimit) == 0) return 1;
  rmdir(group);
  return 0;
}

static void use_sparsely(void) {
  char* table = calloc(4, kLimit);
  CHECK(table != NULL);
  for (size_t i = 0; i < 256; ++i) table[kLimit / 64 * i] = 1;
  char* untouched = malloc(2 * kLimit);
  CHECK(untouched != NULL);
  keep(untouched);
}

static void use_raised(void) {
  for (size_t i = 0; i < kLimit * 7 / 10 >> 20; ++i) keep(filled(1 << 20));
  CHECK(write_number(limit_name, kLimit * 3) == 0);
  for (size_t i = 0; i < kLimit >> 20; ++i) keep(filled(1 << 20));
}

static void use_again(void) {
  const size_t count = kLimit / 1000 * 8 / 10;
  static void* blocks[1 << 17];
  for (int round = 0; round < 5; ++round) {
    for (size_t i = 0; i < count; ++i) blocks[i] = filled(950);
    for (size_t i = 0; i < count; ++i) free(blocks[i]);
  }
}

static void use_beside_what_is_inherited(void) {
  for (size_t i = 0; i < kLimit / 2 >> 20; ++i) keep(filled(1 << 20));
}

static void use(const char* how) {
  if (strcmp(how, "sparse") == 0) use_sparsely();
  if (strcmp(how, "raised") == 0) use_raised();
  if (strcmp(how, "again") == 0) use_again();
}

int main(int argc, char** argv) {
  if (argc == 4) {
    snprintf(group, sizeof group, "%s", argv[2]);
    limit_name = argv[3];
    use(argv[1]);
    return 0;
  }
  CHECK(argc == 2);
  if (!is_made("/sys/fs/cgroup/memory", "memory.limit_in_bytes") && !is_made("/sys/fs/cgroup", "memory.max")) {
    skip("no cgroup with a limit of memory can be made here");
  }
  const int inherits = strcmp(argv[1], "inherited") == 0;
  for (size_t i = 0; inherits && i < kLimit * 3 >> 20; ++i) keep(filled(1 << 20));
  const pid_t pid = fork();
  if (pid == 0) {
    CHECK(write_number("cgroup.procs", (size_t)getpid()) == 0);
    if (inherits) {
      use_beside_what_is_inherited();
      _exit(0);
    }
    // A program of its own: what it inherits would count for the parent.
    execl("/proc/self/exe", argv[0], argv[1], group, limit_name, NULL);
    _exit(2);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  for (int i = 0; i < 100 && rmdir(group) != 0 && errno == EBUSY; ++i) usleep(10000);
  return status != 0;
}
