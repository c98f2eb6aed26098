// preload, private: which functions the process has in the place of those that are defined here. glibc and the standard
// build some functions on others ([new.delete]: new[] on new, sized delete on delete, new on malloc), and a program
// that replaces the others expects to be called for all. Names are compared as the dynamic linker, or the linker of a
// static program, has bound them.
#pragma once

#include <cstddef>

#include "base/hints.h"

namespace ashlar::preload {

// False where this library was loaded behind libc (a late dlopen): what other names lead to is then libc's, and no
// replacement.
bool stands_in_front();

// A function's address, compared at run time: the compiler takes different names for different functions.
template <class F>
bool is_other(F* bound, F* own) {
  forget_origin(bound);
  forget_origin(own);
  return bound != own;
}

// The C functions on which others rest, where they are not ours; else null.
void* (*other_malloc())(std::size_t);
void (*other_free())(void*);
void* (*other_realloc())(void*, std::size_t);

// malloc or free, and aligned_alloc or free.
bool malloc_is_replaced();
bool aligned_alloc_is_replaced();

}  // namespace ashlar::preload

// A second, hidden name of a function defined in the same file, which leads to the own definition and nowhere else.
#define ASHLAR_OWN_NAME(own, name) \
  asm(".globl " own "\n\t.hidden " own "\n\t.type " own ", %function\n\t.set " own ", " name)
