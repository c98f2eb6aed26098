// Tests swap areas (ashlar/swap.h) under RLIMIT_DATA, which counts private memory. The heap is larger than the limit
// and its contents are right. The modes test the events in the life of an area.
//   small, large, huge   192 MiB in blocks of 1000 bytes, 100000 bytes or 40 MiB under 48 MiB; NULL without an area
//   fork, threads        a child has its parent's contents, and neither sees what the other writes later; alone, and
//                        with other threads
//   spawn                posix_spawn and vfork copy nothing
//   clone                a child for which fork's handlers did not run has no area, instead of its parent's
//   full                 with a full disk the result is NULL and ENOMEM, and never a signal
//   sizes                the same with RLIMIT_FSIZE
//   closed               the program closes the area's descriptor
//   off                  swapoff, with blocks in the area and without
//   cold                 ashlar_malloc_cold
//   cgroup               a memory cgroup of 32 MiB instead of RLIMIT_DATA, where this process may make one: 64 MiB
// Fails unless pages of the file have space on the disk before they are handed out, and a child does not inherit the
// mappings but has a copy in a file of its own. The mode cgroup fails unless a page fault reads its own page only.
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <atomic>
#include <string>

#include "ashlar/ashlar.h"
#include "ashlar/swap.h"
#include "support/process.h"

namespace {
using namespace ashlar_test;

constexpr size_t kMiB = size_t{1} << 20;
constexpr size_t kLimit = 48 * kMiB, kHeap = 192 * kMiB;  // beside the test's own memory

std::string folder;

void limit_data(size_t bytes) {
  const struct rlimit limit = {bytes, RLIM_INFINITY};
  CHECK(setrlimit(RLIMIT_DATA, &limit) == 0);
}

struct Block {
  uint64_t* words = nullptr;
  size_t count = 0;
};

// The test's own memory is not to be the heap's.
struct Blocks {
  Block* first = nullptr;
  size_t n = 0;
  [[nodiscard]] size_t size() const { return n; }
  [[nodiscard]] Block* begin() const { return first; }
  [[nodiscard]] Block* end() const { return first + n; }
  Block& operator[](size_t i) const { return first[i]; }
};
Block pool[800000];
size_t pool_used = 0;

void fill(const Block& block, uint64_t seed) {
  for (size_t i = 0; i < block.count; ++i) block.words[i] = seed * 0x9e3779b97f4a7c15 + i;
}

bool holds(const Block& block, uint64_t seed) {
  for (size_t i = 0; i < block.count; ++i) {
    if (block.words[i] != seed * 0x9e3779b97f4a7c15 + i) return false;
  }
  return true;
}

// Blocks until so many bytes are taken, or until NULL.
Blocks allocate(size_t bytes, size_t size) {
  Blocks blocks{pool + pool_used};
  for (size_t taken = 0; taken < bytes; taken += size) {
    errno = 0;
    auto* const words = static_cast<uint64_t*>(ashlar_malloc(size));
    if (words == nullptr) {
      CHECK(errno == ENOMEM);
      break;
    }
    CHECK(pool_used < sizeof pool / sizeof pool[0]);
    pool[pool_used++] = {words, size / sizeof(uint64_t)};
    ++blocks.n;
    fill(blocks[blocks.n - 1], blocks.n);
  }
  return blocks;
}

void check(const Blocks& blocks) {
  for (size_t i = 0; i < blocks.size(); ++i) CHECK(holds(blocks[i], i + 1));
}

void free_all(const Blocks& blocks) {
  for (const Block& block : blocks) ashlar_free(block.words);
}

struct ashlar_swap_info area() {
  struct ashlar_swap_info info {};
  CHECK(ashlar_swap_describe(0, &info) == 0);
  return info;
}

void swap_on(size_t bytes = 2 * kHeap) {
  CHECK(ashlar_swapon(folder.c_str(), bytes, ASHLAR_SWAP_ANY) == 0);
  CHECK(ashlar_validate() == 0);
}

// Memory of an area, as nothing else is left.
Blocks swapped(size_t bytes, size_t size) {
  limit_data(1);
  Blocks blocks = allocate(bytes, size);
  check(blocks);
  CHECK(area().used > bytes / 2);
  return blocks;
}

void run_over_the_limit(size_t size) {
  limit_data(kLimit + sizeof pool);
  const pid_t pid = fork();
  if (pid == 0) {
    CHECK(allocate(kHeap, size).size() * size < kLimit);
    _exit(0);
  }
  CHECK(exited_with(wait_for(pid, 30000), 0));
  swap_on();
  const Blocks blocks = allocate(kHeap, size);
  CHECK(blocks.size() * size >= kHeap);
  check(blocks);
  const size_t used = area().used;
  dprintf(1, "of %zu MiB under a limit of %zu, %zu MiB are in the area\n", kHeap / kMiB, kLimit / kMiB, used / kMiB);
  CHECK(used > kHeap - kLimit && area().backed >= used);
  CHECK(ashlar_validate() == 0);
  free_all(blocks);
}

void* churn(void* stop) {
  while (!*static_cast<std::atomic<bool>*>(stop)) ashlar_free(ashlar_malloc(3000));
  return nullptr;
}

// Of the child's own area, whose own child has what it has.
void check_child(const Blocks& blocks, bool last) {
  check(blocks);
  for (const Block& block : blocks) fill(block, 1000);
  const Blocks more = allocate(4 * kMiB, 100000);
  CHECK(more.size() == 42);
  CHECK(ashlar_validate() == 0);
  if (!last) {
    const pid_t pid = fork();
    if (pid == 0) {
      check(more);
      for (const Block& block : blocks) CHECK(holds(block, 1000));
      _exit(0);
    }
    CHECK(exited_with(wait_for(pid, 30000), 0));
  }
  _exit(0);
}

void run_fork(bool threads) {
  swap_on(64 * kMiB);
  const Blocks small = swapped(8 * kMiB, 1000);
  const Blocks large = allocate(8 * kMiB, 100000);
  std::atomic<bool> stop{false};
  pthread_t other;
  if (threads) {
    limit_data(RLIM_INFINITY);
    CHECK(pthread_create(&other, nullptr, churn, &stop) == 0);
    limit_data(1);
  }
  for (const Blocks* blocks : {&small, &large}) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    const pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
      char go = 0;
      CHECK(read(ends[0], &go, 1) == 1);
      check_child(*blocks, threads);
    }
    for (size_t i = 0; i < blocks->size(); ++i) fill((*blocks)[i], i + 2);  // the child does not see it
    CHECK(write(ends[1], "!", 1) == 1);
    CHECK(exited_with(wait_for(pid, 60000), 0));
    for (size_t i = 0; i < blocks->size(); ++i) CHECK(holds((*blocks)[i], i + 2));
    CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
  }
  stop = true;
  if (threads) pthread_join(other, nullptr);
  CHECK(ashlar_validate() == 0);
}

long bytes_written() { return number_in("/proc/self/io", "wchar:"); }

void run_spawn() {
  swap_on(64 * kMiB);
  const Blocks blocks = swapped(16 * kMiB, 100000);
  limit_data(RLIM_INFINITY);
  const long before = bytes_written();
  CHECK(exited_with(wait_for(start_self("exit"), 30000), 0));
  const pid_t pid = vfork();
  if (pid == 0) {
    blocks[0].words[0] = 1;  // its parent's memory  NOLINT(clang-analyzer-unix.Vfork)
    _exit(0);
  }
  CHECK(exited_with(wait_for(pid, 30000), 0));
  CHECK(blocks[0].words[0] == 1);
  const long spawned = bytes_written() - before;
  const pid_t forked = fork();
  if (forked == 0) _exit(0);
  CHECK(exited_with(wait_for(forked, 30000), 0));
  const long copied = bytes_written() - before - spawned;
  dprintf(1, "spawn and vfork wrote %ld bytes, fork %ld\n", spawned, copied);
  CHECK(spawned < 65536 && copied >= static_cast<long>(12 * kMiB));
}

void run_clone() {
  swap_on(64 * kMiB);
  const Blocks blocks = swapped(4 * kMiB, 100000);
  const auto pid = static_cast<pid_t>(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
  if (pid == 0) {
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    blocks[blocks.size() - 1].words[0] = 7;
    _exit(0);
  }
  const int status = wait_for(pid, 30000);
  CHECK(status != -1 && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
  check(blocks);
}

// A file system of 8 MiB of its own; skipped where the system lets nobody mount one.
void mount_small() {
  if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) skip("no mount namespace");
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) skip("no private mounts");
  if (mount("none", folder.c_str(), "tmpfs", 0, "size=8m") != 0) skip("no tmpfs");
}

void run_full() {
  mount_small();
  swap_on();
  limit_data(1);
  for (int round = 0; round < 3; ++round) {
    for (const size_t size : {size_t{1000}, size_t{100000}, size_t{3} * kMiB}) {
      const Blocks blocks = allocate(kHeap, size);
      dprintf(1, "%zu bytes in blocks of %zu\n", blocks.size() * size, size);
      CHECK(blocks.size() * size < 12 * kMiB && blocks.size() * size > 5 * kMiB);
      check(blocks);
      CHECK(ashlar_validate() == 0);
      free_all(blocks);
      ashlar_malloc_trim(0);
    }
  }
  CHECK(area().backed < kMiB);
}

void run_sizes() {
  struct rlimit limit = {64 * kMiB, RLIM_INFINITY};
  CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  errno = 0;
  CHECK(ashlar_swapon(folder.c_str(), 65 * kMiB, 0) == -1 && errno == EFBIG);
  swap_on(64 * kMiB);
  const Blocks blocks = swapped(8 * kMiB, 100000);
  limit.rlim_cur = 4096;
  CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  check(allocate(64 * kMiB, 100000));
  check(blocks);
  for (size_t i = 0; i < blocks.size(); ++i) fill(blocks[i], i + 1);
  const pid_t pid = fork();  // which gets no copy
  if (pid == 0) _exit(0);
  CHECK(exited_with(wait_for(pid, 30000), 0));
  check(blocks);
}

void run_closed() {
  swap_on(64 * kMiB);
  const Blocks blocks = swapped(8 * kMiB, 100000);
  for (int file = 3; file < 1024; ++file) close(file);
  char path[] = "/tmp/ashlar-swap-test-XXXXXX";
  const int own = mkstemp(path);
  CHECK(own >= 0 && dup2(own, 100) == 100 && unlink(path) == 0);
  const Blocks more = allocate(16 * kMiB, 100000);
  CHECK(more.size() * 100000 < 2 * kMiB);
  struct stat status {};
  CHECK(fstat(100, &status) == 0 && status.st_size == 0 && status.st_blocks == 0);
  check(blocks);
  check(more);
}

void run_off() {
  const std::string path = folder + "/area";
  CHECK(ashlar_swapon(path.c_str(), 16 * kMiB, 0) == 0);
  CHECK(access(path.c_str(), F_OK) != 0);
  CHECK(ashlar_swapon(path.c_str(), 16 * kMiB, 0) == -1 && errno == EBUSY);
  const Blocks blocks = swapped(8 * kMiB, 1000);
  CHECK(ashlar_swapoff(path.c_str()) == -1 && errno == EBUSY);
  check(blocks);
  free_all(blocks);
  CHECK(ashlar_swapoff(path.c_str()) == 0);
  CHECK(ashlar_malloc(8 * kMiB) == nullptr);
  CHECK(ashlar_swapoff(path.c_str()) == -1 && errno == EINVAL);
  CHECK(ashlar_swapon(path.c_str(), 16 * kMiB, ASHLAR_SWAP_KEEP | 7) == 0);
  struct stat status {};
  CHECK(stat(path.c_str(), &status) == 0 && (status.st_mode & 0777) == 0600);
  CHECK(status.st_size == static_cast<off_t>(16 * kMiB) && status.st_blocks * 512 < static_cast<off_t>(kMiB));
  check(swapped(8 * kMiB, 100000));
  CHECK(area().priority == 7);
  const std::string other = folder + "/none/area";
  CHECK(ashlar_swapon(other.c_str(), kMiB, 0) == -1 && errno == ENOENT);
  CHECK(ashlar_swapon("/proc/area", kMiB, 0) == -1);
  CHECK(unlink(path.c_str()) == 0);
}

// Whether smaps gives the mapping of an address a flag (VmFlags, proc(5)).
bool has_flag(const void* address, const std::string& flag) {
  FILE* const file = fopen("/proc/self/smaps", "re");
  CHECK(file != nullptr);
  char line[4400];
  bool within = false, found = false;
  for (uintptr_t start = 0, end = 0; fgets(line, sizeof line, file) != nullptr;) {
    if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
      within = reinterpret_cast<uintptr_t>(address) - start < end - start;
    else if (within && strncmp(line, "VmFlags:", 8) == 0)
      found = std::string(line).find(" " + flag + " ") != std::string::npos;
  }
  fclose(file);
  return found;
}

void run_cold() {
  CHECK(ashlar_malloc_cold(kMiB) != nullptr);  // without an area, as malloc
  swap_on(64 * kMiB);
  const size_t before = area().used;
  void* const small = ashlar_malloc_cold(32768);
  CHECK(small != nullptr && area().used == before);
  auto* const p = static_cast<uint64_t*>(ashlar_malloc_cold(8 * kMiB));
  CHECK(p != nullptr && area().used == before + 8 * kMiB);
  CHECK(has_flag(p, "rr"));  // a fault reads one page
  const Block block = {p, kMiB};
  fill(block, 1);
  auto* const moved = static_cast<uint64_t*>(ashlar_realloc(p, 40 * kMiB));
  CHECK(moved != nullptr && holds({moved, kMiB}, 1) && area().used == before);
  ashlar_free(moved);
  void* const rest = ashlar_malloc_cold(62 * kMiB);
  void* const elsewhere = ashlar_malloc_cold(8 * kMiB);  // no room: as malloc
  CHECK(rest != nullptr && elsewhere != nullptr && area().used == 62 * kMiB);
  ashlar_free(rest);
  CHECK(area().used == 0);
}

bool write_text(const std::string& path, const std::string& text) {
  const int file = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  const bool done = file >= 0 && write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (file >= 0) close(file);
  return done;
}

// The disk is written all the time, so less than elsewhere.
void run_cgroup() {
  constexpr size_t kGroup = 32 * kMiB, kHeld = 64 * kMiB;
  const bool v1 = access("/sys/fs/cgroup/memory/memory.limit_in_bytes", F_OK) == 0;
  const std::string root = v1 ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup";
  const std::string group = root + "/ashlar-swap-" + std::to_string(getpid());
  if (mkdir(group.c_str(), 0755) != 0) skip("no memory cgroup can be made");
  const bool limited = write_text(group + (v1 ? "/memory.limit_in_bytes" : "/memory.max"), std::to_string(kGroup));
  const pid_t pid = limited ? fork() : -1;
  if (pid == 0) {
    CHECK(write_text(group + "/cgroup.procs", std::to_string(getpid())));
    swap_on();
    const Blocks blocks = allocate(kHeld, 100000);
    CHECK(blocks.size() * 100000 >= kHeld);
    check(blocks);
    CHECK(area().used > kHeld - kGroup);
    _exit(0);
  }
  const int status = pid > 0 ? wait_for(pid, 500000) : 0;
  for (int i = 0; i < 100 && rmdir(group.c_str()) != 0; ++i) sleep_ms(10);
  if (!limited) skip("no limit can be set");
  CHECK(exited_with(status, 0));
}

}  // namespace

int main(int argc, char** argv) {
  alarm(550);
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "exit") return 0;
  char made[] = "ashlar-swap-XXXXXX";
  CHECK(mkdtemp(made) != nullptr);
  char here[4096];
  CHECK(getcwd(here, sizeof here) != nullptr);
  folder = std::string(here) + "/" + made;
  if (mode == "small") run_over_the_limit(1000);
  if (mode == "large") run_over_the_limit(100000);
  if (mode == "huge") run_over_the_limit(40 * kMiB);
  if (mode == "fork") run_fork(false);
  if (mode == "threads") run_fork(true);
  if (mode == "spawn") run_spawn();
  if (mode == "clone") run_clone();
  if (mode == "full") run_full();
  if (mode == "sizes") run_sizes();
  if (mode == "closed") run_closed();
  if (mode == "off") run_off();
  if (mode == "cold") run_cold();
  if (mode == "cgroup") run_cgroup();
  umount2(folder.c_str(), MNT_DETACH);
  CHECK(rmdir(folder.c_str()) == 0);  // no file was left
  return 0;
}
