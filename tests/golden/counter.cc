#include "counter.h"

#include <link.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>

// stepped_call(function, a, b): calls function(a, b) with the trap flag set. The first trap comes after the call
// instruction, with %rip at the function's first; the last one within the call comes after its ret, at
// stepped_call_return.
extern "C" void* stepped_call(void* function, size_t a, size_t b);
extern "C" const char stepped_call_return[];
__asm__(
    ".text\n"
    ".type stepped_call, @function\n"
    "stepped_call:\n"
    "  push %rbx\n"
    "  mov %rdi, %rax\n"
    "  mov %rsi, %rdi\n"
    "  mov %rdx, %rsi\n"
    "  pushfq\n"
    "  orq $0x100, (%rsp)\n"
    "  popfq\n"
    "  call *%rax\n"
    "stepped_call_return:\n"
    "  pushfq\n"
    "  andq $~0x100, (%rsp)\n"
    "  popfq\n"
    "  pop %rbx\n"
    "  ret\n"
    ".size stepped_call, .-stepped_call\n");

namespace golden {
namespace {

struct Range {
  uintptr_t begin = 0;
  uintptr_t size = 0;
  bool contains(uintptr_t address) const { return address - begin < size; }
};

struct State {
  Range library;
  uintptr_t last = 0;   // the address of the previous trap
  bool inside = false;  // whether execution is between the call and its ret
  Count now{};
  size_t recorded = 0;
  Count records[kMaxCounts];
};
State state;

void on_trap(int, siginfo_t*, void* context) {
  const auto at = static_cast<uintptr_t>(static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
  if (at == reinterpret_cast<uintptr_t>(stepped_call_return)) state.inside = false;
  if (!state.inside || at == state.last) {
    return;
  }  // each round of a string instruction traps, but is counted once
  state.last = at;
  ++state.now.all;
  state.now.own += state.library.contains(at);
}

int find_library(dl_phdr_info* info, size_t, void* inside) {
  Range range;
  range.begin = info->dlpi_addr;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = info->dlpi_phdr[i];
    if (segment.p_type == PT_LOAD) range.size = std::max<uintptr_t>(range.size, segment.p_vaddr + segment.p_memsz);
  }
  if (!range.contains(reinterpret_cast<uintptr_t>(inside))) return 0;
  state.library = range;
  return 1;
}

}  // namespace

void start_counting(const void* inside) {
  dl_iterate_phdr(find_library, const_cast<void*>(inside));
  struct sigaction action {};
  action.sa_sigaction = on_trap;
  action.sa_flags = SA_SIGINFO | SA_RESTART;
  sigaction(SIGTRAP, &action, nullptr);
}

void* counted_call(Role role, void* function, size_t a, size_t b) {
  state.now = {role, 0, 0};
  state.last = 0;
  state.inside = true;
  void* result = stepped_call(function, a, b);
  if (state.recorded < kMaxCounts) state.records[state.recorded++] = state.now;
  return result;
}

bool write_counts(int fd) {
  const char* at = reinterpret_cast<const char*>(state.records);
  size_t left = state.recorded * sizeof(Count);
  while (left > 0) {
    ssize_t written = write(fd, at, left);
    if (written <= 0) return false;
    at += written;
    left -= static_cast<size_t>(written);
  }
  return true;
}

}  // namespace golden
