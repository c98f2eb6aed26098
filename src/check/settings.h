// check, private: the options as this layer uses them.
//
// What is not in settings.cc is defined in fail.cc.
#pragma once

#include "check/check.h"

namespace ashlar::check {

enum class RedZones : std::uint8_t {
  kNone,
  kCanary,  // harden: a secret word at the end of each slot, which also guards the next one's front
  kRed,     // slab_debug=Z: bytes on both sides, all of them checked
};

// How blocks are checked: those of malloc, or those of one named cache.
struct Checks {
  RedZones red_zones : 2 = RedZones::kNone;
  bool poison : 1 = false;
  bool zero : 1 = false;  // on free, and checked at reuse
  bool user : 1 = false;  // tracks
  bool trace : 1 = false;
  bool plain : 1 = false;  // harden and no letter of slab_debug: canaries, zeros, and nothing else

  bool operator==(const Checks&) const = default;
  // Bytes of a slot that are kept before and behind a block, at least.
  [[nodiscard]] std::size_t left() const { return red_zones == RedZones::kRed ? kMinAlign : 0; }
  [[nodiscard]] std::size_t tail() const { return red_zones == RedZones::kCanary ? sizeof(std::uint64_t) : left(); }
};

// Written before main, by the thread that loads the library, and completed for the first cache that is created with
// checks, before it has objects (start_for_caches). Constant from then on, except the key in a forked child. What is
// inherited is malloc's.
struct Settings : Checks {
  bool checked = false;        // harden or slab_debug: blocks come from spans
  bool all = false;            // of every cache
  std::uint64_t selected = 0;  // else of these: bit c is size class c, bit 0 what is larger than classes
  bool random = false;
  bool samples = false;  // guard_sample was on at the start
  bool direct = false;   // plain, and every call just takes or gives a block
  std::size_t quarantine_bytes = 0;
  Key key;                       // secret; a forked child takes another one
  std::uint64_t multiplier = 0;  // of canaries: secret, odd
  std::uint64_t places = 0;      // secret, where regions lie
  std::uint64_t failures = 0;    // seed of failslab
};
extern Settings settings;

// The kernel's bytes (include/linux/poison.h).
inline constexpr unsigned char kPoisonNew = 0x5a, kPoisonFree = 0x6b, kPoisonEnd = 0xa5;
inline constexpr unsigned char kRedActive = 0xcc, kRedInactive = 0xbb;

// What siphash makes of the key and a number: a use each, which tells nothing of the others.
enum class Use : std::uint64_t { kMultiplier = 1, kFailures, kShards, kPlaces = kShards + 64 };
inline std::uint64_t derive(Use use, std::uint64_t n = 0) {
  return siphash(settings.key, static_cast<std::uint64_t>(use) + n);
}
// Of a region, by its address: no small number.
inline std::uint64_t derive_for(std::uintptr_t region) { return siphash(settings.key, region); }

// The next of a few random numbers that begin with a good one (Knuth's MMIX): its upper half is to be used.
inline std::uint64_t next_in_row(std::uint64_t random) { return random * 6364136223846793005u + 1442695040888963407u; }

// True when a block of this size is to be checked.
inline bool is_checked(std::size_t size) {
  if (!settings.checked) return false;
  if (settings.all) return true;
  const unsigned c = size <= slab::kMaxSmall ? slab::class_for(size).raw : 0u;
  return (settings.selected >> c & 1) != 0;
}

// True when the options want the objects of the named cache checked.
bool is_checked_cache(std::string_view name);

// How they are checked, with what its creator wants besides: bits of SlabDebug.
Checks checks_of_cache(std::string_view name, std::uint64_t letters);

// The bits of SlabDebug that tell of checks, for reports.
std::uint8_t letters_of(Checks checks);

// Makes ready what checked objects need, if the options did not. The caller has entered the heap (heap::Entry), so that
// no fork sees half of it, and holds a lock of its own.
void start_for_caches();

// failslab's counts. Relaxed: they publish nothing.
struct FailCounts {
  std::atomic<std::uint64_t> eligible{0};
  std::atomic<std::uint64_t> failed{0};
};
extern FailCounts fail_counts;

// failslab: true when this call is to fail.
bool should_fail(std::size_t size);

}  // namespace ashlar::check
