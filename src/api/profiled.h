// api, private: what a profile adds to malloc's misses. Out of line: where none was ever started, only the test
// remains.
#pragma once

#include "api/api.h"

namespace ashlar::api {

// Blocks are checked, or may be samples.
[[gnu::always_inline]] inline bool watched() { return check::active || profile::active(); }

void* allocate_watched(std::size_t size, std::size_t alignment, Form form, bool& zeroed);

bool release_profiled(void* p);
void note_profiled(void* p, std::size_t size);

// As heap::resize and check::resize. A sample that gets another size is freed and allocated anew.
void* resize_profiled(void* p, std::size_t size);
void* resize_checked_profiled(void* p, std::size_t size);

// realloc of a sample in a slot, which stays where an object of its class would. False if p is none.
bool realloc_sample(void* p, std::size_t size, void*& now);

// The usable bytes of such a sample, or 0; `apart` as in profile::find_apart.
std::size_t usable_of_sample(const void* p, bool apart);

int profile_start(std::size_t rate);
void profile_stop();
int profile_dump(const char* path);

}  // namespace ashlar::api
