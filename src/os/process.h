// os: threads, signals and forks of the process. Included by os.h, whose contract holds.
//
// Defined in process.cc, action.cc, fork.cc, guard.cc and started_thread.cc.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashlar::os {

// The calling thread's name (PR_GET_NAME(2const)), empty where it is not known, and another one for it; the process's
// number (getpid(2)).
inline constexpr std::size_t kThreadName = 16;
void thread_name(char (&name)[kThreadName]);
void set_thread_name(const char (&name)[kThreadName]);
[[nodiscard]] std::uint32_t process_number();

// Returns the kernel's number of the calling thread (gettid(2)).
[[nodiscard]] std::uint32_t thread_number();

// Returns a value that distinguishes the calling thread from every other live one, without a system call. Never 0.
[[nodiscard]] inline std::uintptr_t thread_identity() {
  return reinterpret_cast<std::uintptr_t>(__builtin_thread_pointer());
}

// Ends the process like abort(3).
[[noreturn]] void die();

// Starts a detached thread with all signals blocked. Returns false when that fails. It allocates through malloc and
// takes glibc's lock of thread stacks. Locks: the caller holds none of Ashlar's, and glibc does not hold that one, as
// it does around some frees.
[[gnu::cold]] bool start_thread(void (*run)());

// Returns true when the process certainly has no other thread (__libc_single_threaded, since glibc 2.32). Makes no
// call.
[[nodiscard]] bool single_threaded();  // NOLINT(readability-redundant-declaration): sanitizers.h needs it too

// fence_all_threads makes every other running thread of the process pass a full memory fence (membarrier(2)). It
// returns false where the kernel lacks or forbids the call, or prepare_fences was not called. prepare_fences takes the
// kernel some 15 ms in a process of several threads, so it is called before the first heap exists: libc reports several
// threads when it is about to start the second, and allocates for that thread afterwards. A forked child inherits the
// preparation.
void prepare_fences();
[[nodiscard, gnu::cold]] bool fence_all_threads();

// Blocks all signals of the calling thread for a scope. Has no effect under mmap_only.
class [[nodiscard]] SignalsBlocked {
 public:
  SignalsBlocked();
  ~SignalsBlocked();
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  std::uint64_t before_ = 0;  // the kernel's sigset_t
};

// The same in two halves, except for signals that instructions cause, since a program may handle its faults.
[[gnu::cold]] std::uint64_t block_signals();
[[gnu::cold]] void restore_signals(std::uint64_t before);

// Returns whether two places certainly lie on one stack, on which the calling thread runs: the thread's first stack,
// not a signal handler's own (sigaltstack(2)) and not one that the program made. `inner` is the lower place.
[[nodiscard, gnu::cold]] bool on_same_stack(std::uintptr_t inner, std::uintptr_t outer);

// Returns true in a thread's last moments, after its destructors: there glibc (since 2.34) blocks even the signal that
// cancels threads, which programs cannot block. Also true within some calls of libc's (pthread_create, posix_spawn).
[[nodiscard, gnu::cold]] bool thread_is_ending();

// catch_signal makes a signal call a handler, on the signals' own stack if there is one and with all signals blocked.
// The other function restores the previous action, unless the program has set another handler since.
using SignalHandler = void (*)(int signal);
void catch_signal(int signal, SignalHandler handler);
[[nodiscard]] bool program_catches(int signal);  // it has a handler
void release_signal(int signal, SignalHandler handler);

// note_process notes the calling process, and in a forked child notes the child if the parent was noted.
// is_noted_process returns false in the child of _Fork(3) or clone(2), where no handlers of pthread_atfork(3) ran. It
// returns true if no process was noted.
void note_process();
// Notes the process if none was noted, except from a process's first thread: a child that shares this memory (vfork(2))
// runs as one.
void note_process_in_thread();
void note_process_again();
[[nodiscard]] bool is_noted_process();
[[nodiscard, gnu::cold]] bool is_known_process();  // also false if none was noted

// Locks stdio's list of streams like fork(3) itself; the lock is recursive. Returns false where libc has no such
// function.
bool lock_streams();
void unlock_streams();
void reset_streams_in_child();

// sleep_ms sleeps for `ms` milliseconds, pause for some 50 microseconds.
void sleep_ms(std::uint64_t ms);  // NOLINT(readability-redundant-declaration): try_lock.h needs it too
void pause();

// Returns whether the process has a thread with the kernel's number; also false where that is not known.
[[nodiscard]] bool thread_exists(std::uint32_t number);

}  // namespace ashlar::os
