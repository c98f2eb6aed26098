// api, private: what a profile adds to malloc's misses. It is out of line: where no profile was ever started, only the
// test remains.
#pragma once

#include "api/api.h"

namespace ashlar::api {

// Returns whether blocks are checked, or may be samples.
[[gnu::always_inline]] inline bool watched() { return check::active() || profile::active(); }

void* allocate_watched(std::size_t size, std::size_t alignment, Form form, bool& zeroed);

bool release_profiled(void* p);
void note_profiled(void* p, std::size_t size);

// Like heap::resize and check::resize. A sample whose size changes is freed and allocated anew.
void* resize_profiled(void* p, std::size_t size);
void* resize_checked_profiled(void* p, std::size_t size);

// Reallocates a sample in a slot, which stays where an object of its class would stay. Returns false if p is no such
// sample.
bool realloc_sample(void* p, std::size_t size, void*& now);

// Returns the usable bytes of such a sample, or 0. `apart` selects profile::find_apart.
std::size_t usable_of_sample(const void* p, bool apart);

// The same of blocks of heaps that the program made.
void* allocate_in_heap(heap::Realm& realm, std::size_t size, std::size_t alignment, bool& zeroed);

int profile_start(std::size_t rate);
void profile_stop();
int profile_dump(const char* path);

}  // namespace ashlar::api
