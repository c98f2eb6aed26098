// record: encodes calls as bytes (trace_format.h).
#include "heap/heap.h"
#include "record/recorder.h"

namespace ashlar::record {

namespace {

constexpr std::uint64_t zigzag(std::uint64_t difference) {
  return difference << 1 ^ static_cast<std::uint64_t>(static_cast<std::int64_t>(difference) >> 63);
}

constexpr std::uint64_t kUnit = std::uint64_t{1} << kUnitShift;
constexpr std::ptrdiff_t kRoom = 2 * static_cast<std::ptrdiff_t>(kMaxRecord);

std::uint64_t address_of(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }

// A record that is being written. Its first byte is written last, so that a process that is killed leaves only whole
// records.
class Record {
 public:
  explicit Record(Thread& thread) : thread_(thread), at_(thread.at + 1) {}
  void byte(unsigned value) { *at_++ = static_cast<unsigned char>(value); }
  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) *at_++ = static_cast<unsigned char>(value | 0x80);
    *at_++ = static_cast<unsigned char>(value);
  }
  void difference(std::uint64_t from, std::uint64_t to, bool fine) {
    const std::uint64_t difference = to - from;
    number(zigzag(fine ? difference : static_cast<std::uint64_t>(static_cast<std::int64_t>(difference) >> kUnitShift)));
  }
  void finish(Op op, unsigned flags) {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    *thread_.at = static_cast<unsigned char>(static_cast<unsigned>(op) | flags);
    thread_.at = at_;
  }

 private:
  Thread& thread_;
  unsigned char* at_;
};

void write_time(Thread& thread) {
  const std::uint64_t now = os::now_ns();
  Record record(thread);
  record.number(now - thread.ns);
  record.number(os::processor());
  record.finish(Op::kTime, 0);
  thread.ns = now;
  thread.calls_until_time = kCallsPerTime;
}

// The rest of make_room.
[[gnu::noinline]] bool make_room_seldom(Thread& thread, std::uint64_t number) {
  // The trace ended, or a signal handler forked meanwhile and this is the child, where the chunk is not mapped.
  if (thread.generation != recorder.state->generation.load(std::memory_order_relaxed)) {
    drop_chunk(thread);
    return false;
  }
  if (thread.end - thread.at < kRoom && !begin_chunk(thread, number)) return false;
  if (--thread.calls_until_time == 0) write_time(thread);
  return true;
}

// Makes room for the record of a call and for that of the time before it. Returns false if the trace has ended.
[[gnu::always_inline]] inline bool make_room(Thread& thread, std::uint64_t number) {
  const bool fits = thread.end - thread.at >= kRoom && thread.calls_until_time > 1 &&
                    thread.generation == recorder.state->generation.load(std::memory_order_relaxed);
  if (!fits) [[unlikely]]
    return make_room_seldom(thread, number);
  --thread.calls_until_time;
  return true;
}

// Writes the gap before a number, if there is one. Returns the flag for it.
[[gnu::always_inline]] inline unsigned put_gap(Record& record, Thread& thread, std::uint64_t number) {
  const std::uint64_t gap = number - thread.sequence - 1;
  thread.sequence = number;
  if (gap == 0) return 0;
  record.number(gap);
  return kGap;
}

// Writes an address and returns the flag for its unit. Addresses of one chunk may mix units: the low bits of the
// previous address are not written unless this one is fine.
[[gnu::always_inline]] inline unsigned put_address(Record& record, Thread& thread, std::uint64_t address) {
  const bool fine = ((address | thread.address) & (kUnit - 1)) != 0;
  record.difference(thread.address, address, fine);
  thread.address = address;
  return fine ? kFine : 0;
}

// Returns one of an address's places in State::large; probe 0 is its first.
std::atomic<std::uint64_t>& place_of(std::uint64_t address, std::size_t probe) {
  const std::uint64_t hash = (address >> 12) * 0x9e3779b97f4a7c15u;
  return recorder.state->large[(static_cast<std::size_t>(hash >> 40) + probe) % kLargeBlocks];
}

// Replaces `from` by `to` at one of the address's places. Does nothing where none of them has `from`.
void replace_large(std::uint64_t address, std::uint64_t from, std::uint64_t to) {
  for (std::size_t probe = 0; probe < kProbes; ++probe) {
    std::atomic<std::uint64_t>& place = place_of(address, probe);
    std::uint64_t expected = from;
    if (place.load(std::memory_order_relaxed) == from &&
        place.compare_exchange_strong(expected, to, std::memory_order_relaxed)) {
      return;
    }
  }
}

// Large blocks begin with a page, except where a check puts something before them. Those are not recorded as large.
bool begins_page(std::uint64_t address) { return (address & (kTouchUnit - 1)) == 0; }

void add_large(std::uint64_t address, std::size_t size) {
  if (size > kMinTouched && begins_page(address)) replace_large(address, 0, address);
}

// Returns how much of a block is resident, in units of kTouchUnit. Returns kAll if all of it is, if it is not large, or
// if that is not known.
constexpr std::uint64_t kAll = UINT64_MAX;
[[gnu::noinline]] std::uint64_t resident_units(const void* p) {
  const std::size_t bytes = heap::peek_usable_bytes(p);
  if (bytes <= kMinTouched) return kAll;
  const std::size_t resident = os::used_bytes(p, bytes);
  return resident < bytes ? resident / kTouchUnit : kAll;
}

// The same for a block that is about to end.
[[gnu::noinline]] std::uint64_t end_large(const void* p) {
  if (heap::peek_usable_bytes(p) <= kMinTouched) return kAll;  // small ones may begin a page too
  replace_large(address_of(p), address_of(p), 0);
  return resident_units(p);
}

}  // namespace

void write_thread(Thread& thread) {
  if (thread.end - thread.at < kRoom) return;
  Record record(thread);
  record.number(thread.number);
  record.finish(Op::kThread, 0);
}

void Call::note_allocation(Op op, std::size_t size, std::size_t alignment, const void* p) {
  Thread& thread = lease_.thread;
  const std::uint64_t number = next_number();
  if (!make_room(thread, number)) return;
  Record record(thread);
  unsigned flags = put_gap(record, thread, number);
  record.number(size);
  if (alignment != 0) {
    record.byte(static_cast<unsigned>(__builtin_ctzll(alignment)));
    flags |= kAligned;
  }
  flags |= p == nullptr ? kFailed : put_address(record, thread, address_of(p));
  record.finish(op, flags);
  add_large(address_of(p), p == nullptr ? 0 : size);
}

void Call::note_free(Op op, const void* p) {
  Thread& thread = lease_.thread;
  std::uint64_t touched = kAll;
  if (begins_page(address_of(p))) [[unlikely]]
    touched = end_large(p);
  const std::uint64_t number = next_number();
  if (!make_room(thread, number)) return;
  Record record(thread);
  unsigned flags = put_gap(record, thread, number);
  flags |= put_address(record, thread, address_of(p));
  if (touched != kAll) [[unlikely]] {
    record.number(touched);
    flags |= kTouched;
  }
  record.finish(op, flags);
}

void Call::note_left() {
  Thread& thread = lease_.thread;
  for (const std::atomic<std::uint64_t>& place : recorder.state->large) {
    const std::uint64_t address = place.load(std::memory_order_relaxed);
    if (address == 0) continue;
    // Another thread may free the block meanwhile. Then nothing is recorded, or the record does not matter.
    const std::uint64_t touched = resident_units(reinterpret_cast<const void*>(address));
    if (touched == kAll) continue;
    const std::uint64_t number = next_number();
    if (!make_room(thread, number)) return;
    Record record(thread);
    unsigned flags = put_gap(record, thread, number);
    flags |= put_address(record, thread, address);
    record.number(touched);
    record.finish(Op::kLeft, flags | kTouched);
  }
}

void Call::note_resize() { lease_.thread.resize = next_number(); }

void Call::note_resized(const void* old, std::size_t size, const void* p) {
  Thread& thread = lease_.thread;
  if (p != nullptr) {
    if (begins_page(address_of(old))) [[unlikely]]
      replace_large(address_of(old), address_of(old), 0);
    add_large(address_of(p), size);
  }
  const std::uint64_t before = thread.resize, after = next_number();
  if (!make_room(thread, before)) return;
  const std::uint64_t from = address_of(old), to = p != nullptr ? address_of(p) : from;
  const bool fine = ((from | to | thread.address) & (kUnit - 1)) != 0;
  Record record(thread);
  unsigned flags = put_gap(record, thread, before);
  record.difference(thread.address, from, fine);
  record.number(size);
  if (after != before + 1) {
    record.number(after - before - 1);
    flags |= kAligned;
  }
  if (p != nullptr) record.difference(from, to, fine);
  thread.address = to;
  thread.sequence = after;
  record.finish(Op::kRealloc, flags | (fine ? kFine : 0) | (p == nullptr ? kFailed : 0));
}

}  // namespace ashlar::record
