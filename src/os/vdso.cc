// os: the clock and the current node, by the functions that the kernel maps into each process (vdso(7)). They make no
// system call, cannot be interposed, and work before any constructor.
#include <elf.h>
#include <link.h>
#include <sys/auxv.h>
#include <time.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <string_view>

#include "base/hints.h"
#include "os/call.h"
#include "os/os.h"

namespace ashlar::os {

namespace {

#ifdef __aarch64__
constexpr std::string_view kClock = "__kernel_clock_gettime";
#else
constexpr std::string_view kClock = "__vdso_clock_gettime";
#endif
constexpr std::string_view kProcessor = "__vdso_getcpu";  // not on aarch64

using Clock = int (*)(clockid_t, timespec*);
using Processor = long (*)(unsigned* cpu, unsigned* node, void* unused);

// For processes without such a page, as under valgrind(1).
[[ASHLAR_SELDOM_RUN]] int clock_by_call(clockid_t clock, timespec* now) {
  if (options.mmap_only != 0) return -1;
  const int saved = errno;
  call::number(SYS_clock_gettime, clock, now);
  errno = saved;
  return 0;
}

[[ASHLAR_SELDOM_RUN]] long processor_by_call(unsigned* cpu, unsigned* node, void* unused) {
  if (options.mmap_only != 0) return -1;
  const int saved = errno;
  const long result = call::number(SYS_getcpu, cpu, node, unused);
  errno = saved;
  return result;
}

// The addresses in the tables are relative to the place for which the page was linked.
struct Tables {
  std::uintptr_t bias = 0;
  const ElfW(Sym) * symbols = nullptr;
  const char* names = nullptr;
};

Tables tables_of(std::uintptr_t base) {
  const auto* const head = reinterpret_cast<const ElfW(Ehdr)*>(base);
  const auto* const parts = reinterpret_cast<const ElfW(Phdr)*>(base + head->e_phoff);
  Tables tables;
  const ElfW(Dyn)* entry = nullptr;
  for (unsigned i = 0; i < head->e_phnum; ++i) {
    if (parts[i].p_type == PT_LOAD) tables.bias = base + parts[i].p_offset - parts[i].p_vaddr;
    if (parts[i].p_type == PT_DYNAMIC) entry = reinterpret_cast<const ElfW(Dyn)*>(base + parts[i].p_offset);
  }
  for (; entry != nullptr && entry->d_tag != DT_NULL; ++entry) {
    const std::uintptr_t at = tables.bias + entry->d_un.d_ptr;
    if (entry->d_tag == DT_SYMTAB) tables.symbols = reinterpret_cast<const ElfW(Sym)*>(at);
    if (entry->d_tag == DT_STRTAB) tables.names = reinterpret_cast<const char*>(at);
  }
  return tables;
}

// Returns the address of a function, or 0.
[[ASHLAR_ALWAYS_RUN]] std::uintptr_t find(std::string_view name) {
  const int saved = errno;
  const std::uintptr_t base = getauxval(AT_SYSINFO_EHDR);
  errno = saved;  // getauxval sets it where there is no such page
  if (base == 0) return 0;
  const Tables tables = tables_of(base);
  // Every linker places the names after the symbols, so the symbols end where the names begin.
  const auto* const end = reinterpret_cast<const ElfW(Sym)*>(tables.names);
  if (tables.symbols == nullptr) return 0;
  for (const ElfW(Sym)* symbol = tables.symbols; symbol + 1 <= end; ++symbol) {
    if (symbol->st_shndx == SHN_UNDEF) continue;
    if (name == tables.names + symbol->st_name) return tables.bias + symbol->st_value;
  }
  return 0;
}

// Returns the function of a name, or what replaces it. Relaxed: any thread finds the same. Null: not looked for yet.
template <class F>
[[gnu::always_inline]] inline F known(std::atomic<F>& found, std::string_view name, F by_call) {
  F function = found.load(std::memory_order_relaxed);
  if (function == nullptr) [[unlikely]] {
    const std::uintptr_t address = find(name);
    function = address != 0 ? reinterpret_cast<F>(address) : by_call;
    found.store(function, std::memory_order_relaxed);
  }
  return function;
}

[[ASHLAR_ALWAYS_RUN]] timespec read_clock(clockid_t clock) {
  static constinit std::atomic<Clock> found{nullptr};
  timespec now{};
  known(found, kClock, &clock_by_call)(clock, &now);
  return now;
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] std::uint64_t now_ms() {
  const timespec now = read_clock(CLOCK_MONOTONIC_COARSE);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000000;
}

[[ASHLAR_ALWAYS_RUN]] std::uint64_t now_ns() {
  const timespec now = read_clock(CLOCK_MONOTONIC);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000000000 + static_cast<std::uint64_t>(now.tv_nsec);
}

[[ASHLAR_ALWAYS_RUN]] int current_node() {
  static constinit std::atomic<Processor> found{nullptr};
  unsigned cpu = 0, node = 0;
  return known(found, kProcessor, &processor_by_call)(&cpu, &node, nullptr) == 0 ? static_cast<int>(node) : 0;
}

}  // namespace ashlar::os
