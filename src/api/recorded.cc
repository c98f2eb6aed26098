// api: recorded calls.
#include "api/recorded.h"

#include "api/sanitizer.h"
#include "base/hints.h"
#include "heap/gate.h"

namespace ashlar::api {

using record::Call;
using record::Op;
using record::Thread;

namespace {

constexpr std::size_t kNoAlignment = 0;

Op allocation_of(Form form) {
  return form == Form::kMalloc ? Op::kAligned : form == Form::kNew ? Op::kNew : Op::kNewArray;
}

Op release_of(Form form) {
  return form == Form::kMalloc ? Op::kFree : form == Form::kNew ? Op::kDelete : Op::kDeleteArray;
}

}  // namespace

void* malloc_recorded(Thread& thread, std::size_t size) {
  Call call(thread);
  void* const p = api::malloc(size);
  call.note_allocation(Op::kMalloc, size, kNoAlignment, p);
  return p;
}

void* calloc_recorded(Thread& thread, std::size_t bytes) {
  Call call(thread);
  void* const p = api::calloc(1, bytes);
  call.note_allocation(Op::kCalloc, bytes, kNoAlignment, p);
  return p;
}

void* realloc_recorded(Thread& thread, void* p, std::size_t size) {
  Call call(thread);
  call.note_resize();
  void* const now = api::realloc(p, size);
  call.note_resized(p, size, now);
  return now;
}

void* new_recorded(Thread& thread, std::size_t size, Form form) {
  Call call(thread);
  void* const p = api::allocate_as(size, kMinAlign, form);
  call.note_allocation(allocation_of(form), size, kNoAlignment, p);
  return p;
}

void* aligned_recorded(Thread& thread, std::size_t alignment, std::size_t size, Form form) {
  Call call(thread);
  void* const p = api::aligned(alignment, size, form);
  call.note_allocation(allocation_of(form), size, alignment, p);
  return p;
}

[[ASHLAR_SELDOM_RUN]] bool begin_recording(std::string_view path, void (*tell)(std::string_view why)) {
  if (sanitizer::has_malloc()) {
    tell("record: a sanitizer has replaced malloc in the process");
    return false;
  }
  const heap::Entry entry;  // no fork sees half of it
  if (!entry || heap::interrupted()) {
    tell("record: the process is forking; try again");
    return false;
  }
  if (!record::begin_live(path, tell)) return false;
  lead_off(true);
  return true;
}

[[ASHLAR_SELDOM_RUN]] bool end_recording(void (*tell)(std::string_view why)) {
  if (record::end_live()) {
    lead_off(check::active());
    return true;
  }
  tell(record::on ? "record: it is recorded since it started, and to its end" : "record: it is not recorded");
  return false;
}

[[ASHLAR_SELDOM_RUN]] void end_records() {
  if (Thread* const thread = record::begin()) Call(*thread).note_left();
}

void free_recorded(Thread& thread, void* p, Form form, std::size_t size) {
  Call call(thread);
  call.note_free(release_of(form), p);
  api::free_as(p, form, size);
}

}  // namespace ashlar::api
