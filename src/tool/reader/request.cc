// tool, reader: requests to a live process.
#include "tool/reader/request.h"

#include <sys/file.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <random>
#include <thread>

#include <fmt/format.h>

#include "tool/error.h"
#include "tool/reader/file.h"
#include "tool/reader/root.h"

namespace ashlar::reader {

namespace {

using format::Field;
using format::RequestResult;
using format::RequestState;
using format::Table;
using std::chrono::milliseconds;
using tool::Exit;
using tool::Failure;

constexpr milliseconds kPause{2}, kUntilUrged{100}, kForInterrupted{1000}, kForTaken{30000};
constexpr std::size_t kMaxHeaps = 65536;

class Request {
 public:
  Request(Source& source, const Waiting& waiting) : source_(source), found_(find_root(source)), waiting_(waiting) {
    if (!found_.has(Table::kRequest) || !found_.has(Field::kRequestAnswer) || !is_sound()) {
      throw Failure(Exit::kVersion, source_.title() + ": its Ashlar, version " + found_.root.library_version +
                                        ", takes no requests; this command is of version " ASHLAR_VERSION);
    }
    lock_out_others();
  }

  void ask(format::RequestKind kind, const std::string& text) {
    if (const std::size_t max = found_.size(Field::kRequestText) - 1; text.size() > max) {
      constexpr std::size_t kShown = 60;
      throw Failure(Exit::kUsage, fmt::format("\"{}...\": expected at most {} bytes", text.substr(0, kShown), max));
    }
    await_none();
    write_request(kind, text);
    if (!await_answer()) withdraw();
    if (number(Field::kRequestResult) == static_cast<std::uint32_t>(RequestResult::kDone)) return;
    const std::string answer = text_of(Field::kRequestAnswer);
    throw Failure(Exit::kRefused,
                  source_.title() + ": " + (answer.empty() ? "it refuses the request and gives no reason" : answer));
  }

 private:
  // Returns whether the request block's numbers are consistent. They come from another process.
  [[nodiscard]] bool is_sound() const {
    const std::uint32_t bytes = found_.stride(Table::kRequest);
    for (auto f = static_cast<unsigned>(Field::kRequestNumber); f <= static_cast<unsigned>(Field::kRequestAnswer);
         ++f) {
      const auto field = static_cast<Field>(f);
      const bool is_text = field == Field::kRequestText || field == Field::kRequestAnswer;
      if (found_.offset(field) + found_.size(field) > bytes) return false;
      if (!is_text && found_.size(field) != sizeof(std::uint32_t)) return false;
    }
    return found_.stride(Table::kRequestState) == sizeof(RequestState);
  }

  // Admits one command at a time, by a lock on a file. Only users that may write requests may open that file.
  void lock_out_others() {
    file_ = File::kernel("/proc/" + std::to_string(source_.pid()) + "/mem");
    if (file_ && flock(file_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      throw Failure(Exit::kBusy, source_.title() + ": another command is making a request to it; try again");
    }
  }

  [[nodiscard]] std::uint64_t at(Field field) const { return found_.table(Table::kRequest) + found_.offset(field); }

  [[nodiscard]] std::uint32_t number(Field field) const { return word(at(field)); }
  [[nodiscard]] RequestState state() const { return RequestState{word(found_.table(Table::kRequestState))}; }

  [[nodiscard]] std::uint32_t word(std::uint64_t address) const {
    std::uint32_t value = 0;
    if (!source_.read(address, &value, sizeof value)) throw_changed();
    return value;
  }

  [[nodiscard]] std::string text_of(Field field) const {
    std::string text(found_.size(field), '\0');
    if (!source_.read(at(field), text.data(), text.size())) throw_changed();
    text.resize(std::strlen(text.c_str()));
    return text;
  }

  [[noreturn]] void throw_changed() const {
    throw Failure(Exit::kGone, source_.title() + ": it executed another program before it answered");
  }

  void write(std::uint64_t address, const void* from, std::size_t n) const {
    const iovec here{const_cast<void*>(from), n}, there{reinterpret_cast<void*>(address), n};
    const ssize_t written = process_vm_writev(source_.pid(), &here, 1, &there, 1, 0);
    if (written == static_cast<ssize_t>(n)) return;
    if (written < 0 && errno == ESRCH) throw Failure(Exit::kGone, source_.title() + ": it ended before it answered");
    if (written < 0 && errno != EFAULT) {
      throw Failure(Exit::kNotPermitted,
                    source_.title() + ": writing a request to it is not permitted: " + std::strerror(errno));
    }
    throw_changed();
  }

  void set_state(RequestState state) const { write(found_.table(Table::kRequestState), &state, sizeof state); }

  [[nodiscard]] bool ends() const { return waiting_.ends && waiting_.ends(); }

  // Waits for a request that another command left: a command that was killed, or one that left its request to stop a
  // profile. The process answers it first. A request that is being answered is not overwritten until kForTaken is over;
  // then nobody answers it any more.
  void await_none() const {
    bool urged = false;
    milliseconds waited{0};
    for (RequestState now = state(); now == RequestState::kAsked || now == RequestState::kTaken; now = state()) {
      const bool taken = now == RequestState::kTaken;
      if (taken && waited >= kForTaken) break;
      if (waited >= waiting_.patience || ends()) {
        if (!taken) throw_no_answer();
        throw Failure(Exit::kBusy, source_.title() + ": it has not finished an earlier request; try again");
      }
      if (!urged && waited >= kUntilUrged) urge();
      urged = urged || waited >= kUntilUrged;
      std::this_thread::sleep_for(kPause);
      waited += kPause;
    }
    set_state(RequestState::kNone);
  }

  void write_request(format::RequestKind kind, const std::string& text) {
    number_ = std::random_device{}() | 1;
    const auto kind_number = static_cast<std::uint32_t>(kind);
    const std::uint32_t nothing = 0;
    write(at(Field::kRequestNumber), &number_, sizeof number_);
    write(at(Field::kRequestKind), &kind_number, sizeof kind_number);
    write(at(Field::kRequestAnswered), &nothing, sizeof nothing);
    write(at(Field::kRequestText), text.c_str(), text.size() + 1);
    set_state(RequestState::kAsked);
  }

  [[nodiscard]] bool is_answered() const { return number(Field::kRequestAnswered) == number_; }

  bool await_answer() {
    bool urged = false;
    for (milliseconds waited{0};; waited += kPause) {
      if (is_answered()) return true;
      if (state() == RequestState::kNoThread) {
        set_state(RequestState::kNone);
        throw Failure(
            Exit::kRefused,
            source_.title() + ": it cannot start the thread that would answer (no memory, or a limit of threads)");
      }
      if (waited >= waiting_.patience || ends()) return false;
      if (!urged && waited >= kUntilUrged) {
        urge();
        urged = true;
      }
      std::this_thread::sleep_for(kPause);
    }
  }

  // Makes each thread miss, as a thread that reuses blocks within its magazines never does. Each heap is marked as
  // counting and gets the empty bins, so that the thread's next call misses, finds that nothing counts, and undoes
  // this.
  void urge() const {
    if (!found_.has(Field::kHeapCounts) || found_.size(Field::kHeapCounts) != 1) return;
    std::uint64_t heap = 0;
    if (!source_.read(found_.table(Table::kHeaps), &heap, sizeof heap)) return;
    for (std::size_t n = 0; heap != 0 && n < kMaxHeaps; ++n) {
      urge_heap(heap);
      if (!source_.read(heap + found_.offset(Field::kHeapNext), &heap, sizeof heap)) return;
    }
  }

  void urge_heap(std::uint64_t heap) const {
    std::uint8_t counts = 1;
    std::vector<std::uint8_t> map(found_.size(Field::kHeapClassMap));
    const std::uint64_t map_at = heap + found_.offset(Field::kHeapClassMap);
    if (!source_.read(heap + found_.offset(Field::kHeapCounts), &counts, 1) || counts != 0) return;
    if (!source_.read(map_at, map.data(), map.size())) return;
    for (std::uint8_t& c : map) {
      if (c != 0 && c < found_.root.classes) c = static_cast<std::uint8_t>(c + found_.root.classes);
    }
    write(map_at, map.data(), map.size());
    counts = 1;
    write(heap + found_.offset(Field::kHeapCounts), &counts, 1);
  }

  [[noreturn]] void throw_no_answer() const {
    const std::string start = source_.title() + ": it did not answer ";
    if (ends()) throw Failure(Exit::kNoAnswer, start + "before the command was interrupted");
    throw Failure(Exit::kNoAnswer, fmt::format("{}within {:g} s: a process answers when it allocates, and it does not",
                                               start, static_cast<double>(waiting_.patience.count()) / 1000));
  }

  // Withdraws a request that no thread has taken. If a thread takes it at this moment, waits for the answer.
  void withdraw() {
    if (state() != RequestState::kTaken) {
      if (waiting_.leaves) throw_no_answer();
      set_state(RequestState::kNone);
      std::this_thread::sleep_for(kPause);
      if (is_answered()) return;
      throw_no_answer();
    }
    milliseconds waited{0};
    for (; waited < (ends() ? kForInterrupted : kForTaken); waited += kPause) {
      if (is_answered()) return;
      std::this_thread::sleep_for(kPause);
    }
    throw Failure(Exit::kNoAnswer, source_.title() + ": it accepted the request, but did not finish it within " +
                                       std::to_string(waited.count() / 1000) + " s");
  }

  Source& source_;
  FoundRoot found_;
  const Waiting& waiting_;
  File file_;
  std::uint32_t number_ = 0;
};

}  // namespace

void ask(Source& source, format::RequestKind kind, const std::string& text, const Waiting& waiting) {
  Request(source, waiting).ask(kind, text);
}

void ask_between_others(Source& source, format::RequestKind kind, const std::string& text, const Waiting& waiting) {
  for (const auto start = std::chrono::steady_clock::now();;) {
    try {
      return ask(source, kind, text, waiting);
    } catch (const Failure& failure) {
      const bool ends = waiting.ends && waiting.ends();
      if (failure.code() != Exit::kBusy || ends || std::chrono::steady_clock::now() - start >= waiting.patience) throw;
    }
    std::this_thread::sleep_for(milliseconds(20));
  }
}

}  // namespace ashlar::reader
