// profile: writes the file of the option profile_file while the program runs: each time that a number of bytes was
// allocated (profile_every), at each new peak of what is in use (profile_peak), and at a signal (profile_signal).
//
//   a sample ──► enough bytes? ───┐
//                                 ├─► wanted ─────► the next miss writes it, with no lock held
//   the signal ──► may not wait ──┘
//        └───────► it may, and has room on its stack: writes it at once
//
// Only one thread at a time writes, since all may write to the same file.
#include <signal.h>

#include <iterator>

#include "profile/tables.h"

namespace ashlar::profile {

constinit Writing writing;

namespace {

enum class Turn : std::uint8_t { kAnother, kLast };  // the last one is never given up

void want_file() { writing.wanted.store(os::process_number(), std::memory_order_relaxed); }

bool try_write(Turn turn) {
  const std::uintptr_t self = os::thread_identity();
  std::uintptr_t nobody = 0;
  if (!writing.writer.compare_exchange_strong(nobody, self, std::memory_order_acquire, std::memory_order_relaxed))
    return false;
  dump_by_pattern(options.profile_pattern.acquire());
  if (turn != Turn::kLast) writing.writer.store(0, std::memory_order_release);
  return true;
}

// In the child of _Fork(3), locks may be held by threads that do not exist there.
bool may_write() {
  return !writing.ending.load(std::memory_order_relaxed) && options.profile_file != 0 && os::is_noted_process() &&
         may_dump();
}

// Returns whether the stack has room for writing, which needs some 6 KiB. Signals' own stacks may be small.
bool stack_suffices() {
  constexpr std::uintptr_t kNeeded = 12_KiB;
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  return os::on_same_stack(here - kNeeded, here);
}

// Returns whether the interrupted thread holds no lock: it is neither within the allocator, with a heap or without, nor
// about to take or release this layer's lock.
bool holds_nothing() ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  if (heap::has_entered() || !tables.lock.try_lock()) return false;
  tables.lock.unlock();
  return true;
}

// All other signals are blocked, because a handler of the program could leave this one by siglongjmp(3). Where no
// profile was started, no later miss writes the file, since it would write it only after a profile is started.
void on_signal(int) {
  if (!active()) return dump_by_pattern({});  // which says so
  want_file();
  if (may_write() && stack_suffices() && holds_nothing()) write_wanted_file();
}

// Indexed like the words of the option's unit.
constexpr int kSignals[] = {0, SIGHUP, SIGUSR1, SIGUSR2, SIGURG, SIGWINCH, SIGPWR};

}  // namespace

void count_allocated(double bytes) {
  const std::uint64_t every = options.profile_every;
  if (every == 0) return;
  state->bytes_since_file += bytes;
  if (state->bytes_since_file < static_cast<double>(every)) return;
  state->bytes_since_file = 0;
  want_file();
}

void count_live(double bytes) {
  state->bytes_live += bytes;
  const std::uint64_t step = options.profile_peak;
  if (step == 0 || state->bytes_live < state->bytes_at_peak + static_cast<double>(step)) return;
  state->bytes_at_peak = state->bytes_live;
  want_file();
}

void write_wanted_file() {
  // Twice, because the file may have been wanted again meanwhile. If busy threads want it endlessly, the next miss
  // writes it.
  for (int turn = 0; turn < 2; ++turn) {
    if (!may_write() || writing.wanted.exchange(0, std::memory_order_relaxed) != os::process_number()) return;
    if (!try_write(Turn::kAnother)) return want_file();
  }
}

void write_last_file() {
  constexpr int kMaxMs = 2000;  // for a file whose write does not end, such as a pipe
  if (writing.writer.load(std::memory_order_relaxed) == os::thread_identity()) return;
  writing.ending.store(true, std::memory_order_relaxed);
  for (int ms = 0; !try_write(Turn::kLast) && ms < kMaxMs; ++ms) os::sleep_ms(1);
}

void forget_writer() {
  writing.ending.store(false, std::memory_order_relaxed);
  writing.writer.store(0, std::memory_order_relaxed);
  writing.wanted.store(0, std::memory_order_relaxed);
}

bool listen_for(std::uint64_t choice) {
  static_assert(std::size(kSignals) == 7, "a number for each word of the option's unit");
  const int wanted = kSignals[choice], before = writing.heard.load(std::memory_order_relaxed);
  if (before == wanted) return true;
  if (wanted != 0 && os::program_catches(wanted)) return false;
  writing.heard.store(wanted, std::memory_order_relaxed);  // one thread at a time changes options
  if (before != 0) os::release_signal(before, on_signal);
  if (wanted != 0) os::catch_signal(wanted, on_signal);
  return true;
}

void prepare_files() {
  if (options.profile_file == 0)
    os::say("profile_every, profile_peak and profile_signal write profile_file, which is not set");
  if (!listen_for(options.profile_signal)) os::say("profile_signal: the program catches that signal itself");
}

}  // namespace ashlar::profile
