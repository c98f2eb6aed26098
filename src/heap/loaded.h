// heap, private: the loaded magazines of a heap's bins, and the fast paths' part that takes from them and puts back.
//
//   x86-64, riscv64   first[0] first[1] …   room[0] room[1] …       an index scaled by 8 and by 2 is part of an access
//   aarch64           first[0] room[0]   first[1] room[1] …         one load and one store move both words of a bin
//
// All functions are always inlined, so that reports, which ThreadSanitizer ignores, read what other threads change.
//
// The place of a bin costs aarch64 an addition either way, and x86-64 none as long as its size is at most 8 bytes.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/hints.h"
#include "slab/slab.h"

namespace ashlar::heap {

using slab::Object;

#ifdef __aarch64__
inline constexpr bool kMovesPairs = true;
#else
inline constexpr bool kMovesPairs = false;
#endif

template <unsigned kCount, bool kPairs = kMovesPairs>
class Loaded {
 public:
  using Room = std::uint16_t;

  // Takes the first object of a bin; null if there is none.
  [[gnu::always_inline]] Object* take(std::size_t c) {
    // Its address in a register, at the price of an instruction: a processor that forwards a store to a load of the
    // same operand without delay does so for a base register and no index. Each call waits for what the last one stored
    // here.
    Object** slot = &first_[c];
    forget_origin(slot);
    Object* object = *slot;
    forget_origin(object);
    if (object == nullptr) [[unlikely]]
      return nullptr;
    *slot = object->next;
    ++room_[c];
    return object;
  }

  // Puts an object into a bin; false if it has no room.
  [[gnu::always_inline]] bool put(std::size_t c, void* p) {
    if (room_[c] == 0) [[unlikely]]
      return false;
    forget_origin(c);
    --room_[c];
    auto* const object = static_cast<Object*>(p);
    // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): null is of class 0, for which no heap has room
    object->next = first_[c];
    first_[c] = object;
    return true;
  }

  [[nodiscard, gnu::always_inline]] Object*& first(std::size_t c) { return first_[c]; }
  [[nodiscard, gnu::always_inline]] Object* first(std::size_t c) const { return first_[c]; }
  [[nodiscard, gnu::always_inline]] std::uint16_t room(std::size_t c) const { return room_[c]; }
  [[nodiscard, gnu::always_inline]] Room& room_word(std::size_t c) { return room_[c]; }
  [[gnu::always_inline]] void set_room(std::size_t c, std::uint32_t room) {
    room_[c] = static_cast<std::uint16_t>(room);
  }

  // Where the words of the bins lie, and how far apart.
  static constexpr std::size_t kFirstStride = sizeof(Object*), kRoomStride = sizeof(Room);
  static constexpr std::size_t kRoomOffset = kCount * sizeof(Object*);

 private:
  Object* first_[kCount] = {};
  Room room_[kCount] = {};
};

template <unsigned kCount>
class Loaded<kCount, true> {
 public:
  using Room = std::size_t;  // as wide as a pointer, which makes a pair of the two; its lower 16 bits count

  [[gnu::always_inline]] Object* take(std::size_t c) {
    Bin* bin = &bins_[c];
    forget_origin(bin);  // else GCC computes it twice, and finds no pairs
    Object* const object = bin->first;
    const Room room = bin->room;
    if (object == nullptr) [[unlikely]]
      return nullptr;
    bin->first = object->next;
    bin->room = room + 1;
    return object;
  }

  [[gnu::always_inline]] bool put(std::size_t c, void* p) {
    Bin* bin = &bins_[c];
    forget_origin(bin);  // else GCC computes it twice, and finds no pairs
    Object* const first = bin->first;
    const Room room = bin->room;
    if (room == 0) [[unlikely]]
      return false;
    auto* const object = static_cast<Object*>(p);
    // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): null is of class 0, for which no heap has room
    object->next = first;
    std::atomic_signal_fence(
        std::memory_order_seq_cst);  // a fork of another thread sees the link if it sees the object
    bin->first = object;
    bin->room = room - 1;
    return true;
  }

  [[nodiscard, gnu::always_inline]] Object*& first(std::size_t c) { return bins_[c].first; }
  [[nodiscard, gnu::always_inline]] Object* first(std::size_t c) const { return bins_[c].first; }
  [[nodiscard, gnu::always_inline]] std::uint16_t room(std::size_t c) const {
    return static_cast<std::uint16_t>(bins_[c].room);
  }
  [[nodiscard, gnu::always_inline]] Room& room_word(std::size_t c) { return bins_[c].room; }
  [[gnu::always_inline]] void set_room(std::size_t c, std::uint32_t room) {
    bins_[c].room = static_cast<std::uint16_t>(room);
  }

 private:
  struct alignas(2 * sizeof(Object*)) Bin {
    Object* first = nullptr;
    Room room = 0;
  };
  Bin bins_[kCount] = {};

 public:
  static constexpr std::size_t kFirstStride = sizeof(Bin), kRoomStride = sizeof(Bin);
  static constexpr std::size_t kRoomOffset = offsetof(Bin, room);
};

}  // namespace ashlar::heap
