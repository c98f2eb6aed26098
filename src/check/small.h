// check, private: blocks in slots of spans.
#pragma once

#include "check/report.h"
#include "check/shard.h"

namespace ashlar::check {

// The slot size for a block; 0 if it is too large for one.
SizeClass slot_class_for(const Checks& checks, std::size_t size, std::size_t alignment);

void* allocate_small(SizeClass slot_class, std::size_t size, std::size_t alignment, Form form, bool& zeroed);
// Of a named cache: the slot size, 0 if it is too large for one, and an object, constructed if that slot is fresh.
SizeClass object_class_for(const Handle& cache, const Slots& of);
void* allocate_small_object(const Handle& cache, Slots& of);

void release_small(Span& span, std::uintptr_t p, Form form, std::size_t size, const char* caller);

// See check::resize; false if it does not fit its slot, or another slot size fits better.
bool resize_small(Span& span, std::uintptr_t p, std::size_t size);

// The size of the live block that starts at p; otherwise reports it and says 0.
std::size_t size_of_small(const Span& span, std::uintptr_t p, const char* caller);

}  // namespace ashlar::check
