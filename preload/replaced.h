// preload, private: which functions of the process replace those that are defined here. glibc and the standard build
// some functions on others ([new.delete]: new[] on new, sized delete on delete, new on malloc). A program that replaces
// the others expects to be called for all of them. Names are compared as the dynamic linker, or the linker of a static
// program, has bound them.
#pragma once

#include <cstddef>

#include "base/hints.h"

namespace ashlar::preload {

// Returns false where this library was loaded after libc (a late dlopen): there other names lead to libc's functions,
// which are no replacements.
bool stands_in_front();

// Compares functions by their addresses, at run time: the compiler assumes that functions of different names differ.
template <class F>
bool is_other(F* bound, F* own) {
  forget_origin(bound);
  forget_origin(own);
  return bound != own;
}

// Return the C functions on which others rest, or null where they are ours.
void* (*other_malloc())(std::size_t);
void (*other_free())(void*);
void* (*other_realloc())(void*, std::size_t);

// Return whether malloc or free is replaced, and whether aligned_alloc or free is.
bool malloc_is_replaced();
bool aligned_alloc_is_replaced();

}  // namespace ashlar::preload

// Declares a second, hidden name of a function defined in the same file. It always leads to our own definition.
#define ASHLAR_OWN_NAME(own, name) \
  asm(".globl " own "\n\t.hidden " own "\n\t.type " own ", %function\n\t.set " own ", " name)
