// unwind: a cache of steps from a frame to its caller's.
#include "unwind/steps.h"

#include <atomic>
#include <cstring>

#include "base/hints.h"

namespace ashlar::unwind {

namespace {

constexpr std::size_t kEntries = 1024;
constexpr std::size_t kHead = 2 * sizeof(std::uint64_t);  // length, common entry, start and length of the function

struct Entry {
  std::uintptr_t code = 0;
  std::uintptr_t entry = 0;  // address of the tables' entry
  std::uint64_t head[2] = {};
  KnownStep step;
  std::atomic<bool> taken{false};
};
static_assert(sizeof(Entry) == 48);

[[ASHLAR_SPARSE]] constinit Entry entries[kEntries];

Entry& place_of(std::uintptr_t code) { return entries[(code * 0x9e3779b97f4a7c15u) >> 54]; }
static_assert(kEntries == std::size_t{1} << (64 - 54));

// The entry while this thread has it; null if another thread has it. acquire and release order the entry's contents.
class Taken {
 public:
  explicit Taken(Entry& entry) : entry_(entry.taken.exchange(true, std::memory_order_acquire) ? nullptr : &entry) {}
  ~Taken() {
    if (entry_ != nullptr) entry_->taken.store(false, std::memory_order_release);
  }
  Taken(const Taken&) = delete;
  Taken& operator=(const Taken&) = delete;
  explicit operator bool() const { return entry_ != nullptr; }

 private:
  Entry* entry_;
};

bool read_head(const Tables& tables, std::uintptr_t entry, std::uint64_t (&head)[2]) {
  if (entry < tables.start || entry > tables.end || tables.end - entry < kHead) return false;
  std::memcpy(head, reinterpret_cast<const void*>(entry), kHead);
  return true;
}

}  // namespace

bool find_step(const Tables& tables, std::uintptr_t code, KnownStep& step) {
  Entry& at = place_of(code);
  const Taken taken(at);
  std::uint64_t head[2];
  if (!taken || at.code != code || !read_head(tables, at.entry, head)) return false;
  if (std::memcmp(head, at.head, kHead) != 0) return false;
  step = at.step;
  return true;
}

void note_step(const Tables& tables, std::uintptr_t code, std::uintptr_t entry, const KnownStep& step) {
  Entry& at = place_of(code);
  const Taken taken(at);
  if (!taken || !read_head(tables, entry, at.head)) return;
  at.code = code;
  at.entry = entry;
  at.step = step;
}

}  // namespace ashlar::unwind
