// Imitates a kernel or filter that refuses one system call or one flag of it. It is preloaded beside libashlar.so and
// stands between it and libc. ASHLAR_REFUSE=<name>=<errno> selects the call, by its name in docs/platforms.md. Without
// it no call is refused. The names of all calls are appended to the file ASHLAR_CALLED. Only Ashlar's calls are seen,
// since libc makes its own internally.
#include <fcntl.h>
#include <linux/membarrier.h>
#include <linux/prctl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <atomic>

#include "faults/raw_call.h"

namespace {
using namespace ashlar_test;

// What is refused: a call, or a call with an argument that is a value or has its bits.
struct Refusable {
  const char* name;
  long number;
  int argument = -1;
  long value = 0;
};
#define CALL(name) \
  { #name, SYS_##name }
#define ADVICE(name, value) \
  { "MADV_" #name, SYS_madvise, 2, value }
constexpr Refusable kRefusable[] = {
    CALL(clock_gettime),
    CALL(clone),
    CALL(close),
    CALL(copy_file_range),
    CALL(dup3),
    CALL(execve),
    CALL(fallocate),
    CALL(fcntl),
    CALL(ftruncate),
    CALL(futex),
    CALL(get_mempolicy),
    CALL(getcpu),
    CALL(getcwd),
    CALL(geteuid),
    CALL(getpid),
    CALL(getrandom),
    CALL(gettid),
    CALL(ioctl),
    CALL(madvise),
    CALL(mbind),
    CALL(membarrier),
    CALL(mkdirat),
    CALL(mprotect),
    CALL(mremap),
    CALL(msync),
    CALL(munmap),
    CALL(nanosleep),
    CALL(newfstatat),
    CALL(openat),
    CALL(pipe2),
    CALL(prctl),
    CALL(prlimit64),
    CALL(pread64),
    CALL(process_vm_readv),
    CALL(pwrite64),
    CALL(read),
    CALL(renameat2),
    CALL(rt_sigaction),
    CALL(rt_sigprocmask),
    CALL(rt_sigtimedwait),
    CALL(rt_tgsigqueueinfo),
    CALL(sched_getaffinity),
    CALL(sched_getscheduler),
    CALL(sched_setaffinity),
    CALL(sigaltstack),
    CALL(statx),
    CALL(sysinfo),
    CALL(tgkill),
    CALL(unlinkat),
    CALL(wait4),
    CALL(write),
    ADVICE(COLD, 20),
    ADVICE(DONTFORK, MADV_DONTFORK),
    ADVICE(DONTNEED, MADV_DONTNEED),
    ADVICE(DONTNEED_LOCKED, 24),
    ADVICE(FREE, MADV_FREE),
    ADVICE(HUGEPAGE, MADV_HUGEPAGE),
    ADVICE(NOHUGEPAGE, MADV_NOHUGEPAGE),
    ADVICE(PAGEOUT, 21),
    ADVICE(POPULATE_WRITE, 23),
    ADVICE(RANDOM, MADV_RANDOM),
    ADVICE(REMOVE, MADV_REMOVE),
    ADVICE(WIPEONFORK, MADV_WIPEONFORK),
    {"MAP_FIXED_NOREPLACE", SYS_mmap, 3, MAP_FIXED_NOREPLACE},
    {"MAP_HUGETLB", SYS_mmap, 3, MAP_HUGETLB},
    {"MEMBARRIER_CMD_PRIVATE_EXPEDITED", SYS_membarrier, 0, MEMBARRIER_CMD_PRIVATE_EXPEDITED},
    {"MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED", SYS_membarrier, 0, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED},
    {"O_TMPFILE", SYS_openat, 2, O_TMPFILE},
    {"PR_SET_PTRACER", SYS_prctl, 0, PR_SET_PTRACER},
    {"PR_SET_VMA", SYS_prctl, 0, 0x53564d41},
};

bool has_bits(const Refusable& what, long argument) {
  const bool is_set_of_flags = what.number == SYS_mmap || what.number == SYS_openat;
  return is_set_of_flags ? (argument & what.value) == what.value : static_cast<int>(argument) == what.value;
}

[[noreturn]] void die(const char* why) {
  raw(SYS_write, 2, reinterpret_cast<long>(why), static_cast<long>(strlen(why)));
  raw(SYS_exit_group, 9);
  __builtin_unreachable();
}

// Reads the environment from the kernel, because libc's own may not be ready at the first call.
char environment[1 << 16];
const Refusable* refused = nullptr;
long refused_error = 0;
const char* note = nullptr;
std::atomic<bool> is_ready{false}, is_noted[sizeof kRefusable / sizeof kRefusable[0]];

const char* variable(const char* name) {
  const size_t length = strlen(name);
  for (const char* at = environment; *at != 0; at += strlen(at) + 1) {
    if (strncmp(at, name, length) == 0 && at[length] == '=') return at + length + 1;
  }
  return nullptr;
}

void obey(const char* order) {
  const char* const equals = strchr(order, '=');
  if (equals == nullptr) die("refuse: expected ASHLAR_REFUSE=<name>=<errno>\n");
  for (const Refusable& each : kRefusable) {
    if (strlen(each.name) == static_cast<size_t>(equals - order) && strncmp(each.name, order, strlen(each.name)) == 0)
      refused = &each;
  }
  if (refused == nullptr) die("refuse: ASHLAR_REFUSE names no call that is known here\n");
  refused_error = strtol(equals + 1, nullptr, 10);
}

void get_ready() {
  const long file = raw(SYS_openat, AT_FDCWD, reinterpret_cast<long>("/proc/self/environ"), O_RDONLY | O_CLOEXEC, 0);
  const auto start = reinterpret_cast<long>(environment);
  long size = 0, n = 0;
  while ((n = raw(SYS_read, file, start + size, static_cast<long>(sizeof environment) - 1 - size)) > 0) size += n;
  raw(SYS_close, file);
  note = variable("ASHLAR_CALLED");
  if (note == nullptr) die("refuse: expected ASHLAR_CALLED=<file>\n");
  if (const char* const order = variable("ASHLAR_REFUSE")) obey(order);
  is_ready.store(true, std::memory_order_release);
}

// Child processes append to the same file.
void take_note(size_t index) {
  if (is_noted[index].exchange(true)) return;
  char line[64];
  size_t size = strlen(kRefusable[index].name);
  memcpy(line, kRefusable[index].name, size);
  line[size++] = '\n';
  const long file =
      raw(SYS_openat, AT_FDCWD, reinterpret_cast<long>(note), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  raw(SYS_write, file, reinterpret_cast<long>(line), static_cast<long>(size));
  raw(SYS_close, file);
}

bool is_call_of(const Refusable& what, long number, const long (&arguments)[6]) {
  return number == what.number && (what.argument < 0 || has_bits(what, arguments[what.argument]));
}

}  // namespace

extern "C" long syscall(long number, ...) noexcept {
  va_list more;
  va_start(more, number);
  long a[6];
  for (long& each : a) each = va_arg(more, long);
  va_end(more);
  if (!is_ready.load(std::memory_order_acquire)) get_ready();  // the first call is made before there is a second thread
  for (size_t i = 0; i < sizeof kRefusable / sizeof kRefusable[0]; ++i) {
    if (is_call_of(kRefusable[i], number, a)) take_note(i);
  }
  const bool is_refused = refused != nullptr && is_call_of(*refused, number, a);
  return done<long>(is_refused ? -refused_error : raw(number, a[0], a[1], a[2], a[3], a[4], a[5]));
}
