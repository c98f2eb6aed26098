// preload, private: the operators new and delete that the process uses. A form that the program does not replace is
// defined by one that it may replace ([new.delete]). The arrows say which form each kind calls.
//
//     nothrow, sized, of arrays ──► of arrays ──► basic ◄── nothrow, sized
//
// Aligned forms call each other in the same way.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashlar::preload {

enum class Kind : std::uint8_t { kBasic, kDerived, kArray, kDerivedArray };

// Stands for a form without an alignment.
inline constexpr std::size_t kPlain = 0;

// Calls the operator by which a form is defined, if that is not ours. Returns false if it is ours.
bool call_other_new(Kind kind, std::size_t size, std::size_t alignment, void*& block);
bool call_other_delete(Kind kind, void* block, std::size_t alignment) noexcept;

}  // namespace ashlar::preload
