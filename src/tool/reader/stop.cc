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

// Whether a thread is there no more, or is a zombie: a main thread that ended before the others.
bool has_ended(pid_t pid, pid_t thread) {
  const File file = File::kernel("/proc/" + std::to_string(pid) + "/task/" + std::to_string(thread) + "/stat");
  std::string text;
  if (!file || !file.read_all(text)) return true;
  const std::size_t name_end = text.rfind(')');
  if (name_end == text.npos || name_end + 2 >= text.size()) return true;
  return text[name_end + 2] == 'Z' || text[name_end + 2] == 'X';
}

// Appends the words of a set of registers.
void add_registers(pid_t thread, int set, ThreadState& state) {
  std::vector<std::uint64_t> words(2048);
  iovec to{words.data(), words.size() * sizeof words[0]};
  if (ptrace(PTRACE_GETREGSET, thread, set, &to) != 0) return;
  words.resize(to.iov_len / sizeof words[0]);
  state.registers.insert(state.registers.end(), words.begin(), words.end());
  if (set != NT_PRSTATUS) return;
  state.whole = true;
#if defined(__x86_64__)
  constexpr std::size_t kStack = offsetof(user_regs_struct, rsp) / sizeof(std::uint64_t);
#elif defined(__aarch64__)
  constexpr std::size_t kStack = 31;
#else
  constexpr std::size_t kStack = 2;  // riscv64
#endif
  if (kStack < words.size()) state.stack_pointer = words[kStack];
}

}  // namespace

Stopped::Stopped(const Source& source) {
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
  for (const auto& [thread, signal] : stopped_) {
    ptrace(PTRACE_DETACH, thread, nullptr, reinterpret_cast<void*>(static_cast<std::intptr_t>(signal)));
  }
  stopped_.clear();
}

// Whether there were threads that stood not still.
bool Stopped::stop_new(const Source& source) {
  bool any = false;
  for (const pid_t thread : threads_of(source.pid())) {
    if (stopped_.contains(thread)) continue;
    if (ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) != 0) {
      if (errno == ESRCH) continue;
      const int why = errno;
      if (has_ended(source.pid(), thread)) continue;
      throw Failure(Exit::kNotPermitted, source.title() + ": it cannot be stopped (" + std::strerror(why) +
                                             "): is a debugger attached to it?");
    }
    stopped_[thread] = 0;
    any = true;
    ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr);
    wait_for(source, thread);
  }
  return any;
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
      constexpr int kEvent = 16;  // above it, what the kernel reports; otherwise a signal is about to be delivered
      stopped_[thread] = status >> kEvent == 0 ? WSTOPSIG(status) : 0;
      return;
    }
    if (std::chrono::steady_clock::now() - start > kPatience) {
      throw Failure(Exit::kFailed, source.title() + ": thread " + std::to_string(thread) + " does not stop");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

std::vector<ThreadState> Stopped::threads() const {
  std::vector<ThreadState> all;
  for (const auto& [thread, signal] : stopped_) all.push_back(stopped_thread(thread));
  return all;
}

ThreadState stopped_thread(pid_t thread) {
  ThreadState state;
  state.number = thread;
  for (const int set : {NT_PRSTATUS, NT_PRFPREG}) add_registers(thread, set, state);
  return state;
}

}  // namespace ashlar::reader
