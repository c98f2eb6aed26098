// api: glibc's semantics on top of the heap: errno, limits, alignment, foreign pointers, parameters and reports. The
// exported symbols call these functions; include/ashlar/ashlar.h documents each.
//
// Functions that are not in api.cc are defined in info.cc, realloc.cc, report_leaks.cc and validate_api.cc.
#pragma once

#include <malloc.h>

#include <cstdio>

#include "ashlar/ashlar.h"
#include "base/bytes.h"
#include "profile/profile.h"

namespace ashlar::api {

using check::Form;
using check::kNoSize;

// Serve calls that the fast path cannot serve. They are out of line, so that the fast path stays a few instructions.
void* malloc_miss(std::size_t size);
void* calloc_miss(std::size_t bytes);
void free_miss(void* p);

// The same for the forms that say more: the family of the block, and its size (kNoSize where not given). Only checks
// use these.
void delete_miss(void* p, Form form, std::size_t size);

[[gnu::always_inline]] inline void* malloc(std::size_t size) {
  tally::count(tally::Event::kAllocated);
  if (void* const p = heap::pop(size)) [[likely]]
    return p;
  return malloc_miss(size);
}

[[gnu::always_inline]] inline void free(void* p) {
  tally::count_freed(p);
  if (!heap::push(p)) [[unlikely]]
    free_miss(p);
}

// Frees a block for a function that gives its size.
inline void free_as(void* p, Form form, std::size_t size) {
  tally::count_freed(p);
  if (!heap::push(p)) [[unlikely]]
    delete_miss(p, form, size);
}

[[gnu::always_inline]] inline void* calloc(std::size_t count, std::size_t size) {
  tally::count(tally::Event::kAllocated);
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) [[unlikely]]
    bytes = SIZE_MAX;
  if (void* const p = heap::pop(bytes)) [[likely]]
    return clear_block(p, bytes);
  return calloc_miss(bytes);
}

void* realloc(void* p, std::size_t size);
void* reallocarray(void* p, std::size_t count, std::size_t size);
void* aligned_alloc(std::size_t alignment, std::size_t size);

// Allocates for operator new, where any power of two is a valid alignment.
void* allocate_as(std::size_t size, std::size_t alignment, Form form);
void* memalign(std::size_t alignment, std::size_t size);
int posix_memalign(void** out, std::size_t alignment, std::size_t size);
void* valloc(std::size_t size);
void* pvalloc(std::size_t size);
std::size_t malloc_usable_size(const void* p);

int mallopt(int parameter, int value);
struct mallinfo mallinfo();
struct mallinfo2 mallinfo2();
int malloc_info(int flags, std::FILE* stream);
void malloc_stats();
int malloc_trim();
int stats_snapshot(struct ashlar_stats* out, std::size_t size);
[[gnu::cold]] std::size_t validate();

// Writes to stderr which blocks nothing points to (option leaks). Locks: the caller holds none, and has not entered a
// heap.
[[gnu::cold]] void report_leaks();

}  // namespace ashlar::api
