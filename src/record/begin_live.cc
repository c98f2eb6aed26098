// record: begins and ends a recording in a running process.
#include <cstring>

#include "base/text.h"
#include "heap/counted.h"
#include "record/recorder.h"

namespace ashlar::record {

namespace {

// Reads a flag of another thread, which that thread may change meanwhile: a flag is one byte. A thread sets its own
// flag before it reads the generation. Between the change of the generation and this read, os::fence_all_threads orders
// the two.
__attribute__((no_sanitize("thread"))) bool reads(const bool& flag) { return __atomic_load_n(&flag, __ATOMIC_ACQUIRE); }

template <class Is>
bool any_thread(Is is) {
  for (Thread* t = recorder.state->all.load(std::memory_order_acquire); t != nullptr; t = t->next_of_all) {
    if (t != heap::aside && is(*t)) return true;
  }
  return false;
}

// Waits for a limited time until no thread satisfies `is`. A thread may have left such a state by a jump, or may get no
// processor.
template <class Is>
bool await_none(Is is) {
  constexpr int kLooks = 4000;  // some 200 ms
  for (int i = 0; i < kLooks; ++i) {
    if (!any_thread(is)) return true;
    os::pause();
  }
  return false;
}

// Unmaps the chunks of threads that are outside of a call. A thread inside of a call drops its own when it is about to
// write.
__attribute__((no_sanitize("thread"))) void drop_chunks() {
  for (Thread* t = recorder.state->all.load(std::memory_order_acquire); t != nullptr; t = t->next_of_all) {
    if (reads(t->inside)) continue;
    void* const chunk = t->chunk.exchange(nullptr, std::memory_order_acq_rel);
    if (chunk != nullptr) os::unmap(chunk, t->chunk_bytes);
  }
}

bool refuse(void (*tell)(std::string_view), std::string_view why) {
  tell(why);
  return false;
}

}  // namespace

bool begin_live(std::string_view path, void (*tell)(std::string_view why)) {
  if (on.load(std::memory_order_relaxed)) {
    Text<400> line;
    line << "record: the process is recorded already, in " << first(std::string_view(recorder.state->path), 255);
    return refuse(tell, line.view());
  }
  end_live();  // a recording that ended by itself
  if (heap::seen.counted.load(std::memory_order_relaxed))
    return refuse(tell, "record: a profile is on in the process; end it first");
  if (const char* const why = prepare()) return refuse(tell, why);
  // A thread of the previous trace might map its chunk from the file of this one.
  if (!os::fence_all_threads()) os::pause();
  if (!await_none([](const Thread& t) { return reads(t.grows); }))
    return refuse(tell, "record: a thread still writes to the previous trace; try again");
  Text<512> name;
  name << path << std::string_view("\0", 1);
  if (const int error = begin_file(name.view().data(), Begins::kLive)) {
    Text<400> line;
    line << "record: " << first(path, 255) << ": ";
    if (const std::string_view reason = reason_of_none(error); !reason.empty()) line << reason;
    else line << "errno " << static_cast<std::uint64_t>(error);
    return refuse(tell, line.view());
  }
  recorder.is_live = true;
  recorder.state->generation.store(++recorder.generations, std::memory_order_release);
  heap::set_heaps_aside_live();
  on.store(true, std::memory_order_release);
  if (!os::fence_all_threads()) os::pause();
  heap::make_all_miss();
  return true;
}

bool end_live() {
  if (!recorder.is_live) return false;
  recorder.is_live = false;
  on.store(false, std::memory_order_relaxed);
  heap::set_heaps_aside(false);
  recorder.state->ended.store(true, std::memory_order_relaxed);
  recorder.state->generation.store(++recorder.generations, std::memory_order_seq_cst);
  // Without the fence a thread might not have seen the new generation: then chunks stay until it reads it again.
  if (os::fence_all_threads() || os::single_threaded()) {
    await_none([](const Thread& t) { return reads(t.inside); });
    drop_chunks();
  }
  // After the chunks, because the command that waits for this compresses the file.
  if (FileHeader* const header = recorder.state->header.exchange(nullptr, std::memory_order_acq_rel)) {
    header->stopped = 1;
    os::unmap(header, header->page_bytes);
  }
  return true;
}

}  // namespace ashlar::record
