// Makes system calls of the shipped libashlar.so fail. It is preloaded before libashlar.so and stands between it and
// libc. Calls of all other code pass. The Report of inject.h says which calls fail. Without a Report all calls pass.
#include "faults/inject.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "faults/raw_call.h"

namespace {
using namespace ashlar_test;

std::atomic<Report*> report{nullptr};
std::atomic<bool> ready{false};
std::atomic<std::uintptr_t> library_start{0}, library_end{0};

int find_library(dl_phdr_info* info, size_t, void*) {
  if (strstr(info->dlpi_name, "libashlar") == nullptr) return 0;
  std::uintptr_t end = 0;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& part = info->dlpi_phdr[i];
    if (part.p_type == PT_LOAD && part.p_vaddr + part.p_memsz > end) end = part.p_vaddr + part.p_memsz;
  }
  library_end = info->dlpi_addr + end;
  library_start = info->dlpi_addr;
  return 1;
}

// Called once, at the first call. The library is loaded by then, since it makes the call.
void get_ready() {
  if (ready.load(std::memory_order_acquire)) return;
  dl_iterate_phdr(find_library, nullptr);
  const long at = raw(SYS_mmap, 0, sizeof(Report), PROT_READ | PROT_WRITE, MAP_SHARED, kReportFile, 0);
  if (at > 0) report = reinterpret_cast<Report*>(at);
  ready.store(true, std::memory_order_release);
}

// Returns whether the call from `from` must fail.
bool fails(Call call, const void* from) {
  get_ready();
  Report* const r = report.load();
  const auto address = reinterpret_cast<std::uintptr_t>(from);
  if (r == nullptr || address < library_start || address >= library_end) return false;
  if ((r->calls >> call & 1u) == 0) return false;
  const std::uint32_t n = ++r->seen;
  const bool fail = r->first != 0 && n >= r->first && n <= r->last;
  if (fail) ++r->injected;
  for (Report::Site& site : r->sites) {
    std::uint64_t expected = 0;
    if (!site.offset.compare_exchange_strong(expected, address - library_start) && expected != address - library_start)
      continue;
    site.call = call;
    ++site.seen;
    if (fail) ++site.injected;
    break;
  }
  return fail;
}

// Returns kCalls for calls that are never refused. The library makes all its system calls by syscall(2).
Call call_of(long number) {
  switch (number) {
    case SYS_mmap: return kMmap;
    case SYS_munmap: return kMunmap;
    case SYS_mprotect: return kMprotect;
    case SYS_madvise: return kMadvise;
    case SYS_mremap: return kMremap;
    case SYS_prctl: return kPrctl;
    case SYS_openat: return kOpen;
    case SYS_read: return kRead;
    case SYS_mbind:
    case SYS_get_mempolicy:
    case SYS_membarrier:
    case SYS_rt_sigprocmask:
    case SYS_getpid: return kSyscall;
    default: return kCalls;
  }
}

}  // namespace

#define FAIL_IF(call, value)                      \
  if (fails(call, __builtin_return_address(0))) { \
    errno = report.load()->error;                 \
    return value;                                 \
  }

extern "C" {

long syscall(long number, ...) noexcept {
  va_list more;
  va_start(more, number);
  long a[6];
  for (long& each : a) each = va_arg(more, long);
  va_end(more);
  if (const Call call = call_of(number); call != kCalls) FAIL_IF(call, -1)
  return done<long>(raw(number, a[0], a[1], a[2], a[3], a[4], a[5]));
}

using Create = int(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
int pthread_create(pthread_t* thread, const pthread_attr_t* how, void* (*body)(void*), void* with) noexcept {
  if (fails(kThread, __builtin_return_address(0))) return EAGAIN;
  static Create* const real = reinterpret_cast<Create*>(dlsym(RTLD_NEXT, "pthread_create"));
  return real(thread, how, body, with);
}

using KeyCreate = int(pthread_key_t*, void (*)(void*));
int pthread_key_create(pthread_key_t* key, void (*end)(void*)) noexcept {
  if (fails(kKey, __builtin_return_address(0))) return EAGAIN;
  static KeyCreate* const real = reinterpret_cast<KeyCreate*>(dlsym(RTLD_NEXT, "pthread_key_create"));
  return real(key, end);
}

using SetSpecific = int(pthread_key_t, const void*);
int pthread_setspecific(pthread_key_t key, const void* value) noexcept {
  if (fails(kKey, __builtin_return_address(0))) return ENOMEM;
  static SetSpecific* const real = reinterpret_cast<SetSpecific*>(dlsym(RTLD_NEXT, "pthread_setspecific"));
  return real(key, value);
}

using AtFork = int(void (*)(), void (*)(), void (*)(), void*);
int __register_atfork(void (*prepare)(), void (*parent)(), void (*child)(), void* library) {
  if (fails(kAtFork, __builtin_return_address(0))) return ENOMEM;
  static AtFork* const real = reinterpret_cast<AtFork*>(dlsym(RTLD_NEXT, "__register_atfork"));
  return real(prepare, parent, child, library);
}

// Gives the subject access to the report, and ends all faults.
Report* fault_report() {
  get_ready();
  return report.load();
}
}
