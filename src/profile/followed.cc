// profile: follows samples: what becomes of the record of a block that is freed, looked up, resized or moved.
#include "base/misuse.h"
#include "heap/realm.h"
#include "profile/entered.h"
#include "profile/slots.h"

namespace ashlar::profile {

namespace {

[[noreturn]] void die_of_double_free(const void* p, const char* caller) {
  MisuseLine line = double_free(caller, p);
  line << " (it was a sample of the profile)";
  os::say(line.view());
  os::die();
}

// Whether p, of which there is no record, may lie in slots.
bool may_lie_in_slots(const void* p) {
  const bool starts_page = reinterpret_cast<std::uintptr_t>(p) % kPageBytes == 0;
  return !starts_page && page::class_of(p).raw == 0 && heap::peek_realm_block(p) == nullptr;
}

// kBlock: it was a sample, and is still to be freed.
enum class Ended : std::uint8_t { kNone, kBlock, kAll };

Ended end_sample(void* p, const char* caller) {
  const Entered entered;
  if (!entered) {
    heap::defer(p);
    return Ended::kAll;
  }
  const std::uint32_t i = find_record(reinterpret_cast<std::uintptr_t>(p));
  if (i == 0) {
    if (may_lie_in_slots(p) && is_free_slot(p)) die_of_double_free(p, caller);
    return Ended::kNone;
  }
  const std::uint32_t slots = state->records[i].slots;
  unlink_record(i);
  end_record(i);
  if (slots == 0) return Ended::kBlock;
  return_slot({p, slots});
  return Ended::kAll;
}

}  // namespace

bool release(void* p, const char* caller) {
  if (state == nullptr || heap::interrupted()) return false;  // then heap defers it
  if (!may_have_record(p) && !may_lie_in_slots(p)) return false;
  const Ended ended = end_sample(p, caller);
  if (ended == Ended::kBlock) {
    if (const heap::RealmBlock* const block = heap::realm_block_around(p)) heap::drop_sample(heap::realm_of(*block));
    else if (page::named_of(p) != 0) drop_object(p);
  }
  return ended == Ended::kAll;
}

namespace {

// Reads the usable bytes of a sample in a slot from its record. Returns false if there is none.
bool tell_usable(std::uint32_t record, std::size_t& bytes) {
  if (record == 0 || state->records[record].slots == 0) return false;
  bytes = state->records[record].usable;
  return true;
}

}  // namespace

bool find(const void* p, std::size_t& bytes) {
  if (state == nullptr || !may_have_record(p)) return false;
  if (const Entered entered; entered) return tell_usable(find_record(reinterpret_cast<std::uintptr_t>(p)), bytes);
  return find_apart(p, bytes);
}

bool find_apart(const void* p, std::size_t& bytes) {
  return state != nullptr && tell_usable(find_record_apart(reinterpret_cast<std::uintptr_t>(p)), bytes);
}

void note_size(const void* p, std::size_t size) {
  const Entered entered;
  const std::uint32_t i = entered ? find_record(reinterpret_cast<std::uintptr_t>(p)) : 0;
  if (i != 0) change_requested(i, size);
}

Moving begin_move(const void* p) {
  if (state == nullptr || heap::interrupted() || !may_have_record(p)) return {};
  const Entered entered;
  const std::uint32_t i = entered ? find_record(reinterpret_cast<std::uintptr_t>(p)) : 0;
  if (i != 0) unlink_record(i);
  return {i};
}

void end_move(Moving moving, void* now, std::size_t size) {
  if (moving.sample != 0) {
    const Entered entered;  // never empty here, since begin_move had entered
    tables.lock.assert_held();
    if (now == nullptr) link_record(moving.sample);
    else end_record(moving.sample);
  }
  if (now != nullptr) note(now, size);
}

}  // namespace ashlar::profile
