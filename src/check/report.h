// check, private: what is written when a fault was found. Each report ends the process, unless debug_continue is on;
// no lock of this layer may be held.
#pragma once

#include "check/fill.h"

namespace ashlar::check {

// p was given to `caller`, but is no live block, of this span or guarded block.
void report_bad_pointer(const Span& span, std::uintptr_t p, const char* caller);
void report_bad_pointer(const Guarded& block, std::uintptr_t p, const char* caller);
void report_bad_zero(const void* p, bool freed, const char* caller);

// A block's surroundings, or a free block, were overwritten. Repairs them when the process goes on; tell_damage only
// reports, of a slot that another thread may change meanwhile.
void tell_damage(SlotRef slot, Cell cell, const Damage& damage, const char* found_by);
void report_damage(SlotRef slot, Cell cell, const Damage& damage, const char* found_by);
void report_damage(const Guarded& block, const Damage& damage, const char* found_by);

// A block goes back by other functions than it came from, or as one of another size.
void report_mismatch(std::string_view cache, std::uintptr_t p, Form had, Form wanted, std::size_t size,
                     std::size_t wanted_size, const char* caller, const Tracks* tracks);

// For the handler of faults: tells what was accessed, if it is of this layer.
bool explain_fault(std::uintptr_t address);

// Checks a slot that is neither handed out nor moved.
void check_at_rest(SlotRef slot);

// p is a block, but of another cache than the one that it was given to, or of malloc (owner is null).
void report_wrong_cache(Region& region, std::uintptr_t p, const Handle* owner, const Handle& given_to);

// slab_debug=T.
void trace(std::string_view cache, const char* what, std::uintptr_t p, std::size_t size);

// "malloc-64" for a size, or the name of the cache.
using CacheName = Text<40>;
CacheName cache_name(std::size_t size);
CacheName cache_name(const Slots& of, std::size_t size);
CacheName cache_name(const Guarded& block);

}  // namespace ashlar::check
