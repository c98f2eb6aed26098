// tool, reader: stopping a process.
#include "tool/reader/stop.h"

#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <thread>

#include "tool/error.h"
#include "tool/reader/file.h"

namespace ashlar::reader {

namespace {

using tool::Exit;
using tool::Failure;

constexpr auto kPatience = std::chrono::seconds(5);

// Returns whether a thread is gone or a zombie. A main thread that ended before the others is a zombie.
bool has_ended(pid_t pid, pid_t thread) {
  const File file = File::kernel("/proc/" + std::to_string(pid) + "/task/" + std::to_string(thread) + "/stat");
  std::string text;
  if (!file || !file.read_all(text)) return true;
  const std::size_t name_end = text.rfind(')');
  if (name_end == text.npos || name_end + 2 >= text.size()) return true;
  return text[name_end + 2] == 'Z' || text[name_end + 2] == 'X';
}

// Appends the words of a set of registers. Returns false if the processor has no such set.
bool add_registers(pid_t thread, int set, ThreadState& state) {
  std::vector<std::uint64_t> words(2048);
  iovec to{words.data(), words.size() * sizeof words[0]};
  if (ptrace(PTRACE_GETREGSET, thread, set, &to) != 0) return false;
  words.resize(to.iov_len / sizeof words[0]);
  state.registers.insert(state.registers.end(), words.begin(), words.end());
  if (set != NT_PRSTATUS) return true;
  state.whole = true;
#if defined(__x86_64__)
  constexpr std::size_t kStack = offsetof(user_regs_struct, rsp) / sizeof(std::uint64_t);
#elif defined(__aarch64__)
  constexpr std::size_t kStack = 31;
#else
  constexpr std::size_t kStack = 2;  // riscv64
#endif
  if (kStack < words.size()) state.stack_pointer = words[kStack];
  return true;
}

}  // namespace

Stopped::Stopped(const Source& source) {
  sigset_t suspending;
  sigemptyset(&suspending);
  for (const int signal : {SIGTSTP, SIGTTIN, SIGTTOU}) sigaddset(&suspending, signal);
  pthread_sigmask(SIG_BLOCK, &suspending, &mask_);
  try {
    while (stop_new(source)) {  // a thread that is not stopped yet may start others
    }
  } catch (...) {
    let_go();
    throw;
  }
}

Stopped::~Stopped() { let_go(); }

void Stopped::let_go() {
  for (const pid_t thread : stopped_) ptrace(PTRACE_DETACH, thread, nullptr, nullptr);
  stopped_.clear();
  pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
}

// Stops the threads that are not stopped yet. Returns whether there were any. All are interrupted before any is waited
// for, so that they stop at about the same time.
bool Stopped::stop_new(const Source& source) {
  std::vector<pid_t> fresh;
  for (const pid_t thread : threads_of(source.pid())) {
    if (!stopped_.contains(thread) && interrupt(source, thread)) fresh.push_back(thread);
  }
  for (const pid_t thread : fresh) wait_for(source, thread);
  return !fresh.empty();
}

// Interrupts a thread. Returns false if it has ended.
bool Stopped::interrupt(const Source& source, pid_t thread) {
  if (ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) != 0) {
    const int why = errno;
    if (why == ESRCH || has_ended(source.pid(), thread)) return false;
    throw Failure(Exit::kNotPermitted, source.title() + ": it cannot be stopped (" + std::strerror(why) +
                                           "): is a debugger attached to it?");
  }
  stopped_.insert(thread);
  ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr);
  return true;
}

void Stopped::wait_for(const Source& source, pid_t thread) {
  for (const auto start = std::chrono::steady_clock::now();;) {
    int status = 0;
    const pid_t done = waitpid(thread, &status, __WALL | WNOHANG);
    if (done < 0 || (done == thread && !WIFSTOPPED(status))) {  // it ended
      stopped_.erase(thread);
      return;
    }
    if (done == thread) {
      constexpr int kEvent = 16;  // the kernel's event is in the bits from this one on
      if (status >> kEvent != 0) return;
      // The thread is about to receive a signal, which would be lost if this command were killed now. It gets the
      // signal, and stops after it.
      const auto signal = static_cast<std::intptr_t>(WSTOPSIG(status));
      ptrace(PTRACE_CONT, thread, nullptr, reinterpret_cast<void*>(signal));
      ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr);
      continue;
    }
    if (std::chrono::steady_clock::now() - start > kPatience) {
      throw Failure(Exit::kFailed, source.title() + ": thread " + std::to_string(thread) + " does not stop");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

std::vector<ThreadState> Stopped::threads() const {
  std::vector<ThreadState> all;
  for (const pid_t thread : stopped_) all.push_back(stopped_thread(thread));
  return all;
}

ThreadState stopped_thread(pid_t thread) {
  ThreadState state;
  state.number = thread;
  add_registers(thread, NT_PRSTATUS, state);
  // the set of vector registers includes those of floating point
  if (!add_registers(thread, NT_X86_XSTATE, state)) add_registers(thread, NT_PRFPREG, state);
  return state;
}

}  // namespace ashlar::reader
