// heap: what serves the interface of realms, with what a thread owes the allocator around it: nothing is done in a
// signal handler that interrupted a slow path, caches are emptied when memory is short, and a limit is told to the
// program. None may be called with a lock held.
#pragma once

#include "heap/realm.h"

namespace ashlar::heap {

Realm* begin_realm(std::string_view name);

// As allocate.
void* allocate_in(Realm& realm, std::size_t size, std::size_t alignment, bool& zeroed, Sampling* sampling = nullptr);

// Frees p, which lies in a block of a realm; false in a signal handler, where it stays.
bool release_in(RealmBlock& block, void* p, const char* caller);

// The rest of realloc. False if p is in no realm; else `moved` is null if there was no memory.
bool reallocate_in_realm(void* p, std::size_t size, void*& moved, Sampling* sampling = nullptr);

// As the functions of realm.h of similar names.
bool finish_realm(Realm& realm, End how);
bool is_pushed(Realm& realm);
void reset(Realm& realm);
std::size_t trim(Realm& realm);
void adopt(Realm& realm);
void set_limit(Realm& realm, std::size_t bytes, RealmLimit on_limit, void* data);
RealmCounts count(Realm& realm);

}  // namespace ashlar::heap
