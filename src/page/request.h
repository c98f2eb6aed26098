// page: requests from outside of the process. The command `ashlar` writes one into the process's memory
// (process_vm_writev(2)); the next miss that allocates, or kswapd, answers it.
//
//   command  text ──► kind ──► state = kAsked            reads result and answer once `answered` is its number
//   process                    kAsked ──► kTaken ──► result, answer, answered ──► kNone
//
// The fast paths do not look. In a process that has threads, a thread of its own answers: a miss may hold any lock of
// the program's, and an answer takes libc's.
#pragma once

#include <atomic>
#include <cstdint>

namespace ashlar::page {

// What a request says, and what became of it. Where each field lies is told to the command (stats/format.h).
struct Request {
  std::uint32_t number = 0;  // the command's choice
  std::uint32_t kind = 0;    // format::RequestKind of stats
  std::uint32_t answered = 0;
  std::uint32_t result = 0;  // 1: done, 2: refused; the answer says why
  char text[300] = {};
  char answer[300] = {};
};
extern Request request;

enum class RequestState : std::uint32_t { kNone, kAsked, kTaken, kNoThread };

// What the process does about it. Apart from the request, whose pages a process without one does not touch.
struct Answering {
  std::atomic<RequestState> state{RequestState::kNone};  // acquire after the command's writes, release after ours
  // What answers, from a layer above. Relaxed: set before main, by the thread that loads the library.
  std::atomic<void (*)(Request&)> answerer{nullptr};
};
extern Answering answering;

// True when a request waits: a hint.
inline bool request_waits() { return answering.state.load(std::memory_order_relaxed) == RequestState::kAsked; }

// True when one waits or is being answered, as far as this thread knows.
inline bool request_is_known() { return answering.state.load(std::memory_order_relaxed) != RequestState::kNone; }

// Answers it, or has it answered, if no other thread does. Called with no lock held, on a path that allocates.
[[gnu::cold]] void take_request();

// The same, in a thread of Ashlar's own.
void take_request_in_helper();

// What answers, from a layer above. Before it is set, requests wait.
void set_answerer(void (*answer)(Request& request));

// In the child of a fork: a request that waits was made to its parent, and no thread here answers one that was taken.
void forget_request();

}  // namespace ashlar::page
