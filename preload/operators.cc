// preload: finds the program's replacements of the operators by which others are defined. In a file apart from the
// operators' definitions, for the reason that replaced.cc gives.
#include "preload/operators.h"

#include <new>

#include "base/hints.h"
#include "heap/heap.h"
#include "preload/replaced.h"

using New = void*(std::size_t);
using AlignedNew = void*(std::size_t, std::align_val_t);
using Delete = void(void*) noexcept;
using AlignedDelete = void(void*, std::align_val_t) noexcept;

// Our own definitions, under names that cannot be replaced.
extern "C" {
[[gnu::visibility("hidden")]] New ashlar_own_new, ashlar_own_array_new;
[[gnu::visibility("hidden")]] AlignedNew ashlar_own_aligned_new, ashlar_own_aligned_array_new;
[[gnu::visibility("hidden")]] Delete ashlar_own_delete, ashlar_own_array_delete;
[[gnu::visibility("hidden")]] AlignedDelete ashlar_own_aligned_delete, ashlar_own_aligned_array_delete;
}

namespace ashlar::preload {

namespace {

// Returns the operator that the process uses, or null if it is ours.
template <class F>
[[gnu::always_inline]] inline F* other(F* bound, F* own) {
  return is_other(bound, own) && stands_in_front() ? bound : nullptr;
}

[[ASHLAR_ALWAYS_RUN]] New* other_new() { return other<New>(&::operator new, &ashlar_own_new); }
[[ASHLAR_ALWAYS_RUN]] New* other_array_new() { return other<New>(&::operator new[], &ashlar_own_array_new); }
[[ASHLAR_ALWAYS_RUN]] AlignedNew* other_aligned_new() {
  return other<AlignedNew>(&::operator new, &ashlar_own_aligned_new);
}
[[ASHLAR_ALWAYS_RUN]] AlignedNew* other_aligned_array_new() {
  return other<AlignedNew>(&::operator new[], &ashlar_own_aligned_array_new);
}
[[ASHLAR_ALWAYS_RUN]] Delete* other_delete() { return other<Delete>(&::operator delete, &ashlar_own_delete); }
[[ASHLAR_ALWAYS_RUN]] Delete* other_array_delete() {
  return other<Delete>(&::operator delete[], &ashlar_own_array_delete);
}
[[ASHLAR_ALWAYS_RUN]] AlignedDelete* other_aligned_delete() {
  return other<AlignedDelete>(&::operator delete, &ashlar_own_aligned_delete);
}
[[ASHLAR_ALWAYS_RUN]] AlignedDelete* other_aligned_array_delete() {
  return other<AlignedDelete>(&::operator delete[], &ashlar_own_aligned_array_delete);
}

// Follows the arrows of operators.h to the first operator that is not ours. Returns null if all are ours.
template <class F>
F* base_of(Kind kind, F* (*basic)(), F* (*of_arrays)()) {
  if (kind == Kind::kBasic) return nullptr;
  F* const array = kind == Kind::kDerivedArray ? of_arrays() : nullptr;
  return array != nullptr ? array : basic();
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] bool call_other_new(Kind kind, std::size_t size, std::size_t alignment, void*& block) {
  if (alignment == kPlain) {
    New* const base = base_of(kind, &other_new, &other_array_new);
    if (base != nullptr) block = base(size);
    return base != nullptr;
  }
  AlignedNew* const base = base_of(kind, &other_aligned_new, &other_aligned_array_new);
  if (base != nullptr) block = base(size, std::align_val_t{alignment});
  return base != nullptr;
}

[[ASHLAR_ALWAYS_RUN]] bool call_other_delete(Kind kind, void* block, std::size_t alignment) noexcept {
  if (alignment == kPlain) {
    Delete* const base = base_of(kind, &other_delete, &other_array_delete);
    if (base != nullptr) base(block);
    return base != nullptr;
  }
  AlignedDelete* const base = base_of(kind, &other_aligned_delete, &other_aligned_array_delete);
  if (base != nullptr) base(block, std::align_val_t{alignment});
  return base != nullptr;
}

}  // namespace ashlar::preload

extern "C" [[ASHLAR_ALWAYS_RUN]] bool ashlar_operators_are_replaced() {
  using namespace ashlar::preload;
  return other_new() != nullptr || other_delete() != nullptr || other_array_new() != nullptr ||
         other_array_delete() != nullptr || other_aligned_new() != nullptr || other_aligned_delete() != nullptr ||
         other_aligned_array_new() != nullptr || other_aligned_array_delete() != nullptr;
}
