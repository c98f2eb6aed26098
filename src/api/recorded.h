// api, private: calls that are recorded. Each enters the allocator again, as the thread now has its heap; what misses
// then is not seen a second time. Out of line: where nothing is recorded, only the test remains.
//
// `led_off` and `aligned` are defined in api.cc.
#pragma once

#include "api/api.h"
#include "record/record.h"

namespace ashlar::api {

// Checks or the recorder want to see each call: realloc, which does not miss, looks here. Relaxed: a plain word, as the
// load of an atomic one costs an instruction more.
extern constinit bool led_off;
inline void lead_off(bool on) { __atomic_store_n(&led_off, on, __ATOMIC_RELAXED); }

// Begins and ends recording in a process that runs (record.h). Tells why if it cannot.
[[nodiscard]] bool begin_recording(std::string_view path, void (*tell)(std::string_view why));
[[nodiscard]] bool end_recording(void (*tell)(std::string_view why));

// The rest of aligned_alloc and its relatives, once their arguments are found good.
void* aligned(std::size_t alignment, std::size_t size, Form form = Form::kMalloc);

// When the process exits: of what lives, how much was used.
void end_records();

void* malloc_recorded(record::Thread& thread, std::size_t size);
void* calloc_recorded(record::Thread& thread, std::size_t bytes);
void* realloc_recorded(record::Thread& thread, void* p, std::size_t size);
void* new_recorded(record::Thread& thread, std::size_t size, Form form);
void* aligned_recorded(record::Thread& thread, std::size_t alignment, std::size_t size, Form form);
void free_recorded(record::Thread& thread, void* p, Form form, std::size_t size);

}  // namespace ashlar::api
