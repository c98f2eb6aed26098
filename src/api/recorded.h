// api, private: recorded calls. Each enters the allocator again, because the thread now has its heap; its misses are
// then not recorded a second time. They are out of line: where nothing is recorded, only the test remains.
//
// `led_off` and `aligned` are defined in api.cc.
#pragma once

#include "api/api.h"
#include "record/record.h"

namespace ashlar::api {

// Whether checks or the recorder must see each call. realloc, which does not miss, reads it. Relaxed: it is a plain
// word, because an atomic load costs one more instruction.
extern constinit bool led_off;
inline void lead_off(bool on) { __atomic_store_n(&led_off, on, __ATOMIC_RELAXED); }

// Begin and end a recording in a running process (record.h). If it cannot begin, returns false and calls `tell` with
// the reason.
[[nodiscard]] bool begin_recording(std::string_view path, void (*tell)(std::string_view why));
[[nodiscard]] bool end_recording(void (*tell)(std::string_view why));

// The rest of aligned_alloc and its relatives, after their arguments were checked.
void* aligned(std::size_t alignment, std::size_t size, Form form = Form::kMalloc);

// Records, when the process exits, how much of each live large block was used.
void end_records();

void* malloc_recorded(record::Thread& thread, std::size_t size);
void* calloc_recorded(record::Thread& thread, std::size_t bytes);
void* realloc_recorded(record::Thread& thread, void* p, std::size_t size);
void* new_recorded(record::Thread& thread, std::size_t size, Form form);
void* aligned_recorded(record::Thread& thread, std::size_t alignment, std::size_t size, Form form);
void free_recorded(record::Thread& thread, void* p, Form form, std::size_t size);

}  // namespace ashlar::api
