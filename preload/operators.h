// preload, private: operator new and delete as the process has them. A form that the program does not replace is
// defined by one that it may replace ([new.delete]): the arrow says what each kind of form calls.
//
//     nothrow, sized, of arrays ──► of arrays ──► basic ◄── nothrow, sized
//
// Aligned forms do so among themselves.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashlar::preload {

enum class Kind : std::uint8_t { kBasic, kDerived, kArray, kDerivedArray };

// No alignment was given: the form is none of the aligned ones.
inline constexpr std::size_t kPlain = 0;

// Calls the operator by which a form is defined, if that is not ours. False if it is.
bool call_other_new(Kind kind, std::size_t size, std::size_t alignment, void*& block);
bool call_other_delete(Kind kind, void* block, std::size_t alignment) noexcept;

}  // namespace ashlar::preload
