// check: reports, like the kernel's (mm/slub.c): the fault, and what block_dump.h shows of the block.
#include "check/report.h"

#include "base/misuse.h"
#include "check/block_dump.h"

namespace ashlar::check {

namespace {

using Line = MisuseLine;

void finish(const Line& line) { os::say(line.view()); }

// The last line; ends the process.
void end_report() {
  if (options.debug_continue == 0) os::die();
  os::say("  FIX: repaired or ignored, as debug_continue is on");
}

const void* as_pointer(std::uintptr_t address) { return reinterpret_cast<const void*>(address); }

Line bug(std::string_view cache) {
  Line line;
  line << "BUG " << cache << ": ";
  return line;
}

void say_first_wrong(Line& line, const Damage& damage) {
  line << damage.what << ", first at ";
  line.hex(damage.address) << ": ";
  const auto* const at = reinterpret_cast<const unsigned char*>(damage.address);
  if (os::readable(at, 1)) line.hex(*at) << " instead of ";
  else line << "since unmapped, instead of ";
  line.hex(damage.expected);
}

std::string_view form_name(Form form) {
  switch (form) {
    case Form::kMalloc: return "malloc";
    case Form::kNew: return "new";
    case Form::kNewArray: return "new[]";
  }
  return "";
}

Span* span_with_guard_at(std::uintptr_t address) {
  for (Span* span = all_spans(); span != nullptr; span = span->next_of_all) {
    const std::uintptr_t start = __atomic_load_n(&span->start, __ATOMIC_ACQUIRE);
    if (start == 0 || !read_published(span->sealed)) continue;
    if (address - (start + read_published(span->bytes)) < os::page_bytes()) return span;
  }
  return nullptr;
}

}  // namespace

CacheName cache_name(std::size_t size) {
  CacheName name;
  name << "malloc-";
  if (size > slab::kMaxSmall) name << "large";
  else name << std::uint64_t{slab::size_of(slab::class_for(size))};
  return name;
}

namespace {

CacheName owner_name(const Handle& cache) {
  CacheName name;
  name << std::string_view(cache.name);
  return name;
}

}  // namespace

CacheName cache_name(const Slots& of, std::size_t size) {
  const Handle* const owner = read_published(of.owner);
  return owner != nullptr ? owner_name(*owner) : cache_name(size);
}

CacheName cache_name(const Guarded& block) {
  const Handle* const owner = block.cache();
  return owner != nullptr ? owner_name(*owner) : cache_name(block.size);
}

void end_of_misuse() { end_report(); }

void report_wrong_cache(Region& region, std::uintptr_t p, const Handle* owner, const Handle& given_to) {
  Line line = bug(given_to.name);
  line << "wrong cache in ashlar_cache_free(): ";
  line.hex(p) << " is of ";
  if (owner != nullptr) line << "\"" << std::string_view(owner->name) << "\"";
  else line << "malloc";
  finish(line);
  if (is_guarded(region)) {
    if (as_guarded(region).checks.user) tell_tracks(&as_guarded(region).tracks);
  } else if (const SlotRef slot = slot_around(as_span(region), p)) {
    tell_all(slot);
  }
  end_report();
}

void report_bad_pointer(const Span& span, std::uintptr_t p, const char* caller) {
  const SlotRef slot = slot_around(span, p);
  const Cell cell = slot ? slot.load() : Cell{};
  Line line = bug(cache_name(*span.of, slot ? cell.size : 0).view());
  if (slot && cell.state == State::kFreed && p == slot.block(cell)) {
    add_double_free(line, as_pointer(p), caller);
  } else {
    add_not_a_start(line, as_pointer(p), caller);
    line << " (";
    if (!slot || cell.state == State::kFresh) line << "nothing was allocated there";
    else add_place(line, as_pointer(p), slot.block(cell), cell.size);
    line << ")";
  }
  finish(line);
  if (slot) tell_all(slot);
  end_report();
}

void report_bad_pointer(const Guarded& block, std::uintptr_t p, const char* caller) {
  Line line = bug(cache_name(block).view());
  if (p == block.block) {
    add_double_free(line, as_pointer(p), caller);
  } else {
    add_not_a_start(line, as_pointer(p), caller);
    line << " (";
    add_place(line, as_pointer(p), block.block, block.size);
    line << ")";
  }
  finish(line);
  if (block.sampled || block.checks.user) tell_tracks(&block.tracks);
  end_report();
}

void report_bad_zero(const void* p, bool freed, const char* caller) {
  Line line = bug("malloc-0");
  if (freed) {
    add_double_free(line, p, caller);
  } else {
    add_not_a_start(line, p, caller);
    line << " (nothing was allocated there)";
  }
  finish(line);
  end_report();
}

void tell_damage(SlotRef slot, Cell cell, const Damage& damage, const char* found_by) {
  Line line = bug(cache_name(*slot.span->of, cell.size).view());
  say_first_wrong(line, damage);
  line << ", found by " << found_by;
  finish(line);
  tell_all(slot);
  end_report();
}

void report_damage(SlotRef slot, Cell cell, const Damage& damage, const char* found_by) {
  tell_damage(slot, cell, damage, found_by);
  repair(slot, cell, damage);
}

void report_damage(const Guarded& block, const Damage& damage, const char* found_by) {
  Line line = bug(cache_name(block).view());
  say_first_wrong(line, damage);
  line << ", found by " << found_by;
  finish(line);
  Line where;
  where << "  block ";
  where.hex(block.block) << ": " << block.size << " bytes";
  finish(where);
  if (block.sampled || block.checks.user) tell_tracks(&block.tracks);
  dump("redzone", block.block - kShownBytes, block.block, block.block > block.start ? 1 : 0);
  dump("redzone", block.block + block.size, block.start + block.bytes, 1);
  end_report();
}

void report_mismatch(std::string_view cache, std::uintptr_t p, Form had, Form wanted, std::size_t size,
                     std::size_t wanted_size, const char* caller, const Tracks* tracks) {
  Line line = bug(cache);
  line << "mismatched free of ";
  line.hex(p) << " by " << caller << ": ";
  if (had != wanted) {
    line << "the block is of " << form_name(had) << ", not of " << form_name(wanted);
  } else {
    line << "the block has " << size << " bytes, not " << wanted_size;
  }
  finish(line);
  tell_tracks(tracks);
  end_report();
}

bool explain_fault(std::uintptr_t address) {
  Line line;
  if (const Guarded* const block = guarded_around(address)) {
    const bool freed = block->state.load(std::memory_order_acquire) == State::kFreed;
    line << "BUG " << cache_name(*block).view() << ": ";
    line << (freed ? "use after free at " : "access out of bounds at ");
    line.hex(address) << ": ";
    add_place(line, as_pointer(address), block->block, block->size);
    finish(line);
    if (block->sampled || block->checks.user) tell_tracks(&block->tracks);
    return true;
  }
  if (heap::is_zero_block(reinterpret_cast<const void*>(address))) {
    line << "BUG malloc-0: access out of bounds at ";
    line.hex(address) << ": a block of 0 bytes";
    finish(line);
    return true;
  }
  const Span* const around = span_around(address);
  if (const Span* const span = around != nullptr ? around : span_with_guard_at(address)) {
    line << "BUG: access out of bounds at ";
    line.hex(address) << ": " << (address < span->start ? "before the first" : "behind the last")
                      << " block of a span of " << std::uint64_t{span->slot_bytes} << " bytes each";
    finish(line);
    return true;
  }
  return false;
}

void check_at_rest(SlotRef slot) {
  const Cell cell = slot.load();
  if (cell.state != State::kFreed) return;
  if (const Damage damage = check_freed(slot, cell)) report_damage(slot, cell, damage, "the end of its slab");
}

void trace(std::string_view cache, const char* what, std::uintptr_t p, std::size_t size) {
  Line line;
  line << "TRACE " << cache << " " << what << " ";
  line.hex(p) << " size=" << size << " thread=" << std::uint64_t{os::thread_number()};
  finish(line);
}

}  // namespace ashlar::check
