// Implements differential.h.
#include "fuzz/differential.h"

#include <errno.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <bit>

namespace ashlar_test {
namespace {

constexpr int kUntouched = 4711;
constexpr size_t kMaxLive = size_t{64} << 20;

enum Call : unsigned {
  kMalloc,
  kCalloc,
  kRealloc,
  kReallocarray,
  kAlignedAlloc,
  kPosixMemalign,
  kMemalign,
  kValloc,
  kPvalloc,
  kUsable,
  kFree,
  kMallopt,
  kTrim,
  kCalls
};
constexpr const char* kNames[kCalls] = {
    "malloc",         "calloc",   "realloc",    "reallocarray", "aligned_alloc",
    "posix_memalign", "memalign", "valloc",     "pvalloc",      "malloc_usable_size",
    "free",           "mallopt",  "malloc_trim"};

// Parameters that both allocators know, with values that both accept.
struct Parameter {
  int name, value;
};
constexpr Parameter kParameters[] = {{M_MMAP_THRESHOLD, 1 << 20},
                                     {M_MMAP_THRESHOLD, 32 << 20},
                                     {M_TRIM_THRESHOLD, 1 << 20},
                                     {M_TOP_PAD, 65536},
                                     {M_MXFAST, 64},
                                     {M_ARENA_MAX, 4},
                                     {M_ARENA_TEST, 2},
                                     {M_CHECK_ACTION, 3},
                                     {M_PERTURB, 0}};

size_t read_size(Input& input) {
  switch (input.take(1) % 8) {
    case 0: return size_t{PTRDIFF_MAX} - 4100 + input.take(2);  // around the largest size that malloc may serve
    case 1: return SIZE_MAX - input.take(2);
    case 2: return input.take(1) % 3;
    default: return input.size(22);
  }
}

size_t page() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

}  // namespace

std::string Outcome::text() const {
  char line[160];
  snprintf(line, sizeof line, "%s: %s errno %d value %ld%s%s%s", call, null ? "NULL" : "block", error, value,
           aligned ? "" : " MISALIGNED", fits ? "" : " TOO SMALL", kept ? "" : " CONTENTS LOST");
  return line;
}

Operation Operation::read(Input& input) {
  Operation o;
  o.call = static_cast<unsigned>(input.take(1) % (kCalls + 6));
  if (o.call >= kCalls) o.call = o.call % 2 == 0 ? kFree : kRealloc;
  o.slot = input.take(1) % 64;
  o.a = read_size(input);
  switch (o.call) {
    case kCalloc:
    case kReallocarray: o.b = input.take(1) % 4 == 0 ? read_size(input) : input.take(1) % 9; break;
    case kAlignedAlloc:
    case kPosixMemalign:
    case kMemalign:
      o.b = size_t{1} << input.take(1) % 22;
      if (input.take(1) % 4 == 0) o.b = input.take(1) % 8 == 0 ? read_size(input) : input.take(2);
      break;
    case kMallopt: o.b = input.take(1) % std::size(kParameters); break;
    default: break;
  }
  return o;
}

Executor::~Executor() {
  for (const Block& slot : slots_) api_.free(slot.p);
}

// Puts the result of an allocation into its slot, which is empty.
void Executor::settle(Outcome& outcome, Block& slot, void* p, size_t size, size_t alignment, bool zeroed) {
  outcome.error = errno;
  outcome.null = p == nullptr;
  if (p == nullptr) return;
  outcome.error = kUntouched;  // errno says nothing after a success: glibc may have tried elsewhere first
  outcome.aligned = reinterpret_cast<uintptr_t>(p) % std::max<size_t>(alignment, 16) == 0;
  outcome.fits = api_.malloc_usable_size(p) >= size;
  if (zeroed) outcome.kept = all_zero(static_cast<unsigned char*>(p), size);
  slot = {static_cast<unsigned char*>(p), size, ++seed_};
  fill_payload(slot);
  live_ += size;
}

void Executor::release(Outcome& outcome, Block& slot, bool sized) {
  if (slot.p != nullptr) outcome.kept = payload_intact(slot);
  live_ -= slot.size;
  errno = kUntouched;
  if (sized && api_.free_sized != nullptr) api_.free_sized(slot.p, slot.size);
  else api_.free(slot.p);
  outcome.error = errno;
  slot = {};
}

// Notes the result of a realloc of the slot's block to `size`: another block, the same, or none.
void Executor::resize(Outcome& outcome, Block& slot, void* p, size_t size) {
  const Block old = slot;
  const bool ended = p == nullptr && old.p != nullptr && size == 0;
  outcome.error = p == nullptr && !ended ? errno : kUntouched;
  outcome.null = p == nullptr;
  if (p == nullptr && !ended) {
    outcome.kept = old.p == nullptr || payload_intact(old);
    return;
  }
  slot = {};
  live_ -= old.size;
  if (ended) return;
  if (old.p != nullptr)
    outcome.kept = check_payload({static_cast<unsigned char*>(p), old.size, old.seed}, size) == old.size;
  errno = outcome.error;
  const bool kept = outcome.kept;
  settle(outcome, slot, p, size, 16, false);
  outcome.kept = kept;
}

Outcome Executor::run(const Operation& o) {
  Outcome outcome;
  Block& slot = slots_[o.slot];
  size_t product = 0;
  const bool overflows = __builtin_mul_overflow(o.a, o.b, &product);
  outcome.call = kNames[o.call];
  const bool allocates = o.call != kUsable && o.call != kFree && o.call < kMallopt;
  const bool resizes = o.call == kRealloc || o.call == kReallocarray;
  // The total that is requested must not depend on the machine.
  const size_t wanted = o.call == kCalloc || o.call == kReallocarray ? (overflows ? SIZE_MAX : product) : o.a;
  const bool huge_alignment =
      o.call >= kAlignedAlloc && o.call <= kMemalign && o.b > (size_t{64} << 20) && o.b <= PTRDIFF_MAX;
  if (o.call == kAlignedAlloc && !std::has_single_bit(o.b)) return outcome;
  if (allocates && (huge_alignment || (wanted > (size_t{4} << 20) && wanted < PTRDIFF_MAX - 4096))) return outcome;
  if ((allocates && !resizes && slot.p != nullptr) || (allocates && live_ > kMaxLive)) release(outcome, slot, false);
  void* p = nullptr;
  errno = kUntouched;
  switch (o.call) {
    case kMalloc: settle(outcome, slot, api_.malloc(o.a), o.a, 16, false); break;
    case kCalloc: settle(outcome, slot, api_.calloc(o.a, o.b), product, 16, true); break;
    case kRealloc: resize(outcome, slot, api_.realloc(slot.p, o.a), o.a); break;
    case kReallocarray: resize(outcome, slot, api_.reallocarray(slot.p, o.a, o.b), product); break;
    case kAlignedAlloc: settle(outcome, slot, api_.aligned_alloc(o.b, o.a), o.a, std::bit_floor(o.b), false); break;
    case kMemalign: settle(outcome, slot, api_.memalign(o.b, o.a), o.a, std::bit_floor(o.b), false); break;
    case kValloc: settle(outcome, slot, api_.valloc(o.a), o.a, page(), false); break;
    case kPvalloc: settle(outcome, slot, api_.pvalloc(o.a), (o.a + page() - 1) / page() * page(), page(), false); break;
    case kPosixMemalign: {
      p = this;
      outcome.value = api_.posix_memalign(&p, o.b, o.a);
      const bool left = outcome.value != 0 && p == this;  // as it was
      settle(outcome, slot, outcome.value == 0 ? p : nullptr, o.a, o.b, false);
      outcome.kept = outcome.value == 0 || left;
      if (outcome.value != 0) outcome.error = kUntouched;
      break;
    }
    case kUsable:
      outcome.fits = api_.malloc_usable_size(slot.p) >= slot.size;
      outcome.null = slot.p == nullptr && api_.malloc_usable_size(nullptr) == 0;
      outcome.error = errno;
      break;
    case kMallopt: outcome.value = api_.mallopt(kParameters[o.b].name, kParameters[o.b].value); break;
    case kTrim: api_.malloc_trim(o.a % (1 << 20)); break;
    default: release(outcome, slot, o.a % 2 == 0);
  }
  return outcome;
}

}  // namespace ashlar_test
