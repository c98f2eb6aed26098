// check, private: the words that harden keeps around a block, and the zeros of a free slot: what each call looks at
// under harden, inline. What is wrong with a block that fails here, fill.cc finds out.
//
//   slot   ┌──────────────┬───────────────┬────────┐
//          │ block        │ canary's byte │ canary │       the byte: up to the end, or for some kNear bytes
//          └──────────────┴───────────────┴────────┘
#pragma once

#include <bit>
#include <cstring>

#include "check/regions.h"

namespace ashlar::check {

// With canaries, at most about this many bytes beside a block are checked: a small block in a large slot stays cheap.
inline constexpr std::size_t kNear = 64;
inline constexpr std::size_t kWord = sizeof(std::uint64_t);
inline constexpr std::size_t kCanary = kWord;

inline std::uint64_t word_at(std::uintptr_t address) {
  std::uint64_t word = 0;
  std::memcpy(&word, reinterpret_cast<const void*>(address), sizeof word);
  return word;
}
using WordPair [[gnu::vector_size(16)]] = std::uint64_t;
inline constexpr std::size_t kPair = sizeof(WordPair);
inline WordPair pair_at(std::uintptr_t address) {  // a multiple of kMinAlign
  return *reinterpret_cast<const WordPair*>(address);
}
inline void set_word(std::uintptr_t address, std::uint64_t word) {
  std::memcpy(reinterpret_cast<void*>(address), &word, sizeof word);
}

// Masks of a word's bytes, from one on and up to one.
static_assert(std::endian::native == std::endian::little);
constexpr std::uint64_t from_byte(std::size_t i) { return ~std::uint64_t{0} << (8 * i); }
constexpr std::uint64_t up_to_byte(std::size_t i) { return ~std::uint64_t{0} >> (8 * (kWord - 1 - i)); }
constexpr std::uint64_t repeated(unsigned char byte) { return byte * 0x0101010101010101u; }

__extension__ using Product = unsigned __int128;

// The word that ends at an address: no byte of it is zero or text, so that the usual overflows change it.
// Both halves of a product of secrets, the span's key and a multiplier, which cannot be undone (as in wyhash): reading
// some of a span's words tells nothing of another span's, nor of the key that all keys come from.
inline std::uint64_t canary_before(std::uintptr_t end, std::uint64_t key) {
  const Product mixed = static_cast<Product>(end ^ key) * settings.multiplier;
  return (static_cast<std::uint64_t>(mixed >> 64) ^ static_cast<std::uint64_t>(mixed)) | 0x8181818181818181u;
}
inline unsigned char canary_byte(std::uintptr_t end, std::uint64_t key) {
  return static_cast<unsigned char>(canary_before(end, key));
}

// Neighbours may write the same word at the same time, as each slot sees to the one before it.
inline void set_canary(std::uintptr_t end, std::uint64_t key) {
  __atomic_store_n(reinterpret_cast<std::uint64_t*>(end - kCanary), canary_before(end, key), __ATOMIC_RELAXED);
}
inline bool canary_is(std::uintptr_t end, std::uint64_t canary) {
  return __atomic_load_n(reinterpret_cast<const std::uint64_t*>(end - kCanary), __ATOMIC_RELAXED) == canary;
}
inline bool canary_is_whole(std::uintptr_t end, std::uint64_t key) { return canary_is(end, canary_before(end, key)); }

// The end of what is looked at behind a block that ends at `from`, in a slot that ends at `slot_end`.
inline std::uintptr_t near_end(std::uintptr_t from, std::uintptr_t slot_end) {
  const std::uintptr_t near = round_up(from, kWord) + kNear, end = slot_end - kCanary;
  return end < near ? end : near;
}

// Of a block that begins its slot, both canaries and the byte between.
[[gnu::always_inline]] inline bool live_is_whole(std::uintptr_t start, std::uintptr_t slot_end, std::size_t size,
                                                 std::uint64_t key) {
  const std::uint64_t canary = canary_before(slot_end, key), bytes = repeated(static_cast<unsigned char>(canary));
  const std::uintptr_t from = start + size, end = near_end(from, slot_end);
  std::uint64_t differ = 0;
  if (from < end) {
    std::uintptr_t at = round_down(from, kWord);
    differ = (word_at(at) ^ bytes) & from_byte(from % kWord);
    for (at += kWord; at < end; at += kWord) differ |= word_at(at) ^ bytes;
  }
  return differ == 0 && canary_is(slot_end, canary) && canary_is_whole(start, key);
}

// True when a free slot is zero up to its canary, and that is `canary`.
[[gnu::always_inline]] inline bool free_is_whole(std::uintptr_t start, std::uintptr_t slot_end, std::uint64_t canary) {
  const std::uintptr_t end = slot_end - kCanary;  // an odd number of words behind the start
  std::uintptr_t at = start;
  WordPair differ = {};
  for (; at + 4 * kPair <= end; at += 4 * kPair) {
    differ |= (pair_at(at) | pair_at(at + kPair)) | (pair_at(at + 2 * kPair) | pair_at(at + 3 * kPair));
  }
  for (; at + kPair <= end; at += kPair) differ |= pair_at(at);
  return (differ[0] | differ[1] | word_at(end - kWord)) == 0 && canary_is(slot_end, canary);
}

// The bytes that are checked of a free slot when a block beside it is freed: a write that skips the words
// around that block ends there.
struct Stretch {
  std::uintptr_t start, end;
};
inline Stretch first_of(std::uintptr_t start, std::uintptr_t slot_end) {
  return {start, slot_end - kCanary < start + kNear ? slot_end - kCanary : start + kNear};
}
inline Stretch last_of(std::uintptr_t start, std::uintptr_t slot_end) {
  return {slot_end - kCanary - start < kNear ? start : slot_end - kCanary - kNear, slot_end - kCanary};
}
inline bool is_zero(Stretch s) {  // of whole words
  std::uint64_t differ = 0;
  for (std::uintptr_t at = s.start; at < s.end; at += kWord) differ |= word_at(at);
  return differ == 0;
}
inline bool is_out(State state) { return state == State::kLive || state == State::kMoving; }

// True when the free bytes around a slot are zero.
[[gnu::always_inline]] inline bool beside_is_zero(const Span& span, std::uint32_t index, std::uintptr_t start,
                                                  std::uintptr_t end) {
#ifdef __SANITIZE_THREAD__
  return true;  // a look beside a block, which the next one confirms, is a race to ThreadSanitizer
#endif
  if (index > 0 && !is_out(span.load(index - 1).state) && !is_zero(last_of(start - span.slot_bytes, start)))
      [[unlikely]] {
    return false;
  }
  return index + 1 == span.capacity || is_out(span.load(index + 1).state) ||
         is_zero(first_of(end, end + span.slot_bytes));
}

// Puts the byte behind a block of such a slot.
[[gnu::always_inline]] inline void arm(std::uintptr_t start, std::uintptr_t slot_end, std::size_t size,
                                       std::uint64_t canary) {
  const std::uintptr_t from = start + size, end = near_end(from, slot_end);
  if (from >= end) return;
  const std::uint64_t bytes = repeated(static_cast<unsigned char>(canary));
  std::uintptr_t at = round_down(from, kWord);
  set_word(at, bytes & from_byte(from % kWord));  // what it holds of the block is zero
  for (at += kWord; at < end; at += kWord) set_word(at, bytes);
}

}  // namespace ashlar::check
