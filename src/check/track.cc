// check: stacks. On x86-64 they are captured as a profile's are, where the dynamic linker finds the tables of all code
// (_dl_find_object, glibc 2.35). Elsewhere the unwinder of libgcc is used if the library can load it, which takes three
// times as long. Otherwise frame pointers are followed, each link read by a system call that cannot fault, which
// gives as much as the program was compiled for.
#include "check/track.h"

#include <dlfcn.h>

#include "os/frame.h"
#include "unwind/unwind.h"

extern "C" __attribute__((weak)) void* ashlar_next_symbol(const char* name);

// The linker's names for where this library, or the program that holds it, begins and where its code ends.
extern "C" __attribute__((visibility("hidden"))) const char __ehdr_start;  // NOLINT
extern "C" __attribute__((visibility("hidden"))) const char etext;

namespace ashlar::check {

namespace {

// libgcc's interface, _Unwind_Backtrace and _Unwind_GetIP (Itanium C++ ABI, 1.5).
using Visit = int (*)(void* context, void* argument);
using Backtrace = int (*)(Visit visit, void* argument);
using GetIp = std::uintptr_t (*)(void* context);
using OpenLibrary = void* (*)(const char* name, int flags);
using FindSymbol = void* (*)(void* library, const char* name);
using AddressToSymbol = int (*)(const void* address, Dl_info* info);

// Null where it is not needed. Release, acquire: a thread that reads `backtrace` reads ip_of too. Threads that prepare
// tracks at once write the same.
constinit std::atomic<Backtrace> backtrace{nullptr};
constinit std::atomic<GetIp> ip_of{nullptr};

// Set while this thread unwinds: what the unwinder allocates is not traced in turn.
constinit thread_local bool unwinding = false;

constexpr std::uintptr_t kMaxStack = 8_MiB;  // frames further up are not believed

template <class Function>
Function symbol(const char* name) {
  return ashlar_next_symbol == nullptr ? nullptr : reinterpret_cast<Function>(ashlar_next_symbol(name));
}

// In the shared library alone: in a program these are the program's own frames too.
bool is_ours(std::uintptr_t ip) {
  return ashlar_next_symbol != nullptr && ip >= reinterpret_cast<std::uintptr_t>(&__ehdr_start) &&
         ip < reinterpret_cast<std::uintptr_t>(&etext);
}

// Adds a frame. Returns false when there is no room for more.
bool add(Track& track, std::uintptr_t ip) {
  if (track.depth == 0 && is_ours(ip)) return true;
  if (track.depth == kFrames) return false;
  track.frames[track.depth++] = ip;
  return true;
}

int visit_frame(void* context, void* argument) {
  constexpr int kGoOn = 0, kStop = 4;  // _URC_NO_REASON, _URC_NORMAL_STOP
  const std::uintptr_t ip = ip_of.load(std::memory_order_relaxed)(context);
  return ip != 0 && add(*static_cast<Track*>(argument), ip) ? kGoOn : kStop;
}

void follow_tables(Track& track) { track.depth = unwind::capture(track.frames, kFrames); }

void follow_frame_pointers(Track& track) {
  auto frame = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  const std::uintptr_t bottom = frame;
  for (;;) {
    const auto* const words = reinterpret_cast<const std::uintptr_t*>(os::record_of(frame));
    if (frame % sizeof(void*) != 0 || !os::readable(words, 2 * sizeof(void*))) return;
    const std::uintptr_t code = os::return_address(words[1]);
    if (code < kPageBytes || !add(track, code)) return;
    if (words[0] <= frame || words[0] - bottom > kMaxStack) return;
    frame = words[0];
  }
}

}  // namespace

void prepare_tracks() {
  if (backtrace.load(std::memory_order_relaxed) != nullptr) return;
  unwind::prepare_stacks();
  if (unwind::finds_all_code() && options.mmap_only == 0) return;
  auto* const load = symbol<OpenLibrary>("dlopen");
  auto* const find = symbol<FindSymbol>("dlsym");
  void* const library = load != nullptr && find != nullptr ? load("libgcc_s.so.1", RTLD_NOW) : nullptr;
  if (library == nullptr) return;
  auto* const get_ip = reinterpret_cast<GetIp>(find(library, "_Unwind_GetIP"));
  if (get_ip == nullptr) return;
  ip_of.store(get_ip, std::memory_order_relaxed);
  backtrace.store(reinterpret_cast<Backtrace>(find(library, "_Unwind_Backtrace")), std::memory_order_release);
}

void record(Track& track) {
  track.when_ms = os::now_ms();
  track.thread = os::thread_number();
  track.depth = 0;
  if (unwinding) return;
  unwinding = true;
  if (Backtrace const walk = backtrace.load(std::memory_order_acquire)) walk(visit_frame, &track);
  else if (options.mmap_only == 0) follow_tables(track);
  else follow_frame_pointers(track);
  unwinding = false;
}

void tell(const Track& track, std::string_view what) {
  if (track.thread == 0) return;
  Text<400> line;
  line << "  " << what << " by thread " << std::uint64_t{track.thread} << ", " << os::now_ms() - track.when_ms
       << " ms ago:";
  os::say(line.view());
  auto* const look_up = symbol<AddressToSymbol>("dladdr");
  for (std::uint32_t i = 0; i < track.depth; ++i) {
    line.clear();
    line << "    ";
    line.hex(track.frames[i]);
    Dl_info info = {};
    // the address behind a call may be the next function's
    if (look_up != nullptr && look_up(reinterpret_cast<const void*>(track.frames[i] - 1), &info) != 0) {
      const auto base = reinterpret_cast<std::uintptr_t>(info.dli_saddr != nullptr ? info.dli_saddr : info.dli_fbase);
      line << " " << (info.dli_sname != nullptr ? info.dli_sname : "") << "+";
      line.hex(track.frames[i] - base) << " (" << (info.dli_fname != nullptr ? info.dli_fname : "?") << ")";
    }
    os::say(line.view());
  }
}

}  // namespace ashlar::check
