// unwind: captures the stack of the calling thread.
#include "unwind/unwind.h"

#include <dlfcn.h>
#include <link.h>

#include <atomic>

#include "base/hints.h"
#include "os/frame.h"

extern "C" __attribute__((weak)) void* ashlar_next_symbol(const char* name);
// NOLINTNEXTLINE(readability-redundant-declaration): a program may lack it
extern "C" __attribute__((weak)) decltype(dl_iterate_phdr) dl_iterate_phdr;

// The linker's names for the start of this library, or of the program that contains it, and for the end of its code.
extern "C" __attribute__((visibility("hidden"))) const char __ehdr_start;  // NOLINT
extern "C" __attribute__((visibility("hidden"))) const char etext;

namespace ashlar::unwind {

namespace {

constexpr std::uintptr_t kWord = sizeof(std::uintptr_t);
constexpr std::uintptr_t kMinCode = 4096;    // nothing is ever mapped below
constexpr std::uintptr_t kMaxFrame = 8_MiB;  // from one frame pointer to the next

// Written by prepare_stacks, before the first capture. Where libc cannot find an address's object without a lock, only
// objects that were loaded by then are known.
#ifdef DLFO_STRUCT_HAS_EH_DBASE
using FindObject = int (*)(void* address, dl_find_object* result);
#endif
constexpr unsigned kMaxObjects = 128;
struct Objects {
#ifdef DLFO_STRUCT_HAS_EH_DBASE
  FindObject find = nullptr;
#endif
  std::atomic<unsigned> count{0};  // release and acquire: publishes the tables
  Tables tables[kMaxObjects];
};
[[ASHLAR_SPARSE]] constinit Objects objects;

int add_object(dl_phdr_info* info, std::size_t, void*) {
  Tables tables;
  for (unsigned i = 0; i < info->dlpi_phnum; ++i) {
    const auto& segment = info->dlpi_phdr[i];
    const std::uintptr_t start = info->dlpi_addr + segment.p_vaddr;
    if (segment.p_type == PT_GNU_EH_FRAME) tables.index = start;
    if (segment.p_type != PT_LOAD) continue;
    if (tables.start == 0) tables.start = start;
    tables.end = start + segment.p_memsz;
  }
  const unsigned n = objects.count.load(std::memory_order_relaxed);
  if (n == kMaxObjects) return 1;
  objects.tables[n] = tables;
  objects.count.store(n + 1, std::memory_order_release);
  return 0;
}

// In the shared library only: elsewhere these would include the program's own frames.
bool is_ours(std::uintptr_t code) {
  return ashlar_next_symbol != nullptr && code >= reinterpret_cast<std::uintptr_t>(&__ehdr_start) &&
         code < reinterpret_cast<std::uintptr_t>(&etext);
}

// Returns whether an object that was loaded once still seems to be, by its tables. It may have been closed since, and
// other code loaded in its place.
bool is_there(const Tables& tables) {
  return tables.index != 0 && os::readable(reinterpret_cast<const void*>(tables.index), kWord) &&
         os::readable(reinterpret_cast<const void*>(tables.end - kWord), kWord);
}

bool find_tables(std::uintptr_t code, Tables& tables) {
  if (code >= tables.start && code < tables.end) return tables.index != 0;
#ifdef DLFO_STRUCT_HAS_EH_DBASE
  if (objects.find != nullptr) {
    dl_find_object found = {};
    if (objects.find(reinterpret_cast<void*>(code), &found) != 0) return false;
    tables = {reinterpret_cast<std::uintptr_t>(found.dlfo_map_start),
              reinterpret_cast<std::uintptr_t>(found.dlfo_map_end),
              reinterpret_cast<std::uintptr_t>(found.dlfo_eh_frame)};
    return tables.index != 0;
  }
#endif
  const unsigned n = objects.count.load(std::memory_order_acquire);
  for (unsigned i = 0; i < n; ++i) {
    if (code < objects.tables[i].start || code >= objects.tables[i].end) continue;
    if (!is_there(objects.tables[i])) return false;
    tables = objects.tables[i];
    return true;
  }
  return false;
}

// Steps from a frame to its caller's: the frame register points to the saved frame register and the return address.
bool step_by_frame_pointer(Frame& frame, StackReader& memory) {
  const std::uintptr_t link = frame.registers[kFrameRegister];
  if (link % kWord != 0 || link < frame.registers[kStackRegister]) return false;
  if (link - frame.registers[kStackRegister] > kMaxFrame) return false;
  const std::uintptr_t record = os::record_of(link);
  std::uintptr_t next = 0, code = 0;
  if (!memory.read(record, next) || !memory.read(record + kWord, code)) return false;
  frame.registers[kFrameRegister] = next;
  frame.registers[kStackRegister] = record + 2 * kWord;
  frame.registers[kCodeRegister] = os::return_address(code);
  frame.interrupted = false;
  return true;
}

#if defined(__x86_64__)
// Reads the registers at one instruction of the caller, into which this is inlined.
[[gnu::always_inline]] inline void take_registers(Frame& frame) {
  asm volatile(
      "leaq 0(%%rip), %%rax\n\t"
      "movq %%rax, 128(%0)\n\t"
      "movq %%rbx, 24(%0)\n\t"
      "movq %%rbp, 48(%0)\n\t"
      "movq %%rsp, 56(%0)\n\t"
      "movq %%r12, 96(%0)\n\t"
      "movq %%r13, 104(%0)\n\t"
      "movq %%r14, 112(%0)\n\t"
      "movq %%r15, 120(%0)"
      :
      : "r"(frame.registers)
      : "rax", "memory");
  frame.interrupted = true;
}
constexpr bool kHaveTables = true;
#else
[[gnu::always_inline]] inline void take_registers(Frame& frame) {
  frame.registers[kFrameRegister] = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  frame.registers[kStackRegister] = os::record_of(frame.registers[kFrameRegister]);
  frame.registers[kCodeRegister] = 0;
}
constexpr bool kHaveTables = false;
#endif

}  // namespace

bool StackReader::read_anew(std::uintptr_t address, std::uintptr_t& into) {
  if (address % kWord != 0 || address >> kAddressBits != 0) return false;
  if (options.mmap_only != 0 || !os::readable(reinterpret_cast<const void*>(address), kWord)) return false;
  known_ = address / kPageBytes;
  into = *reinterpret_cast<const std::uintptr_t*>(address);
  return true;
}

void prepare_stacks() {
  if (!kHaveTables) return;
#ifdef DLFO_STRUCT_HAS_EH_DBASE
  if (ashlar_next_symbol != nullptr) {
    objects.find = reinterpret_cast<FindObject>(ashlar_next_symbol("_dl_find_object"));
    if (objects.find != nullptr) return;
  }
#endif
  if (objects.count.load(std::memory_order_relaxed) == 0 && dl_iterate_phdr != nullptr) {
    dl_iterate_phdr(add_object, nullptr);
  }
}

bool finds_all_code() {
#ifdef DLFO_STRUCT_HAS_EH_DBASE
  return kHaveTables && objects.find != nullptr;
#else
  return false;
#endif
}

[[gnu::noinline]] std::uint32_t capture(std::uintptr_t* frames, std::uint32_t max) {
  std::uint32_t depth = 0;
  Frame frame;
  take_registers(frame);
  StackReader memory(frame.registers[kStackRegister]);
  Tables tables;
  while (depth < max) {
    const std::uintptr_t code = frame.registers[kCodeRegister];
    if (code != 0 || kHaveTables) {
      if (code < kMinCode) return depth;
      if (!is_ours(code)) frames[depth++] = code;
    }
    const std::uintptr_t sp = frame.registers[kStackRegister];
    Step step = Step::kUnknown;
    // the address after a call may belong to the next function
    if (kHaveTables && find_tables(frame.interrupted ? code : code - 1, tables)) {
      step = step_by_tables(tables, frame, memory);
    }
    if (step == Step::kEnd) return depth;
    if (step == Step::kUnknown && !step_by_frame_pointer(frame, memory)) return depth;
    // a caller's frame is at a higher address, or anywhere if a signal came on a stack of its own
    if (frame.registers[kStackRegister] <= sp && !frame.interrupted) return depth;
  }
  return depth;
}

}  // namespace ashlar::unwind
