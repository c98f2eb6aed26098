// check: from the options to what is checked.
#include "check/settings.h"

#include "check/report.h"
#include "check/small.h"

namespace ashlar::check {

constinit Settings settings;
// in .data, on a page that the dynamic linker writes anyway: every process looks here when it ends
[[gnu::section(".data")]] constinit Control control;

namespace {

constexpr std::size_t kHardenQuarantine = 128_KiB;  // of each shard: stays within a level 2 cache
constexpr std::size_t kDebugQuarantine = 1_MiB;

constexpr std::uint64_t bit_of(SlabDebug letter) { return static_cast<std::uint64_t>(letter); }

// The checks `base`, and those that letters of slab_debug or flags of a cache ask for.
Checks add_letters(Checks base, std::uint64_t letters) {
  const auto wants = [letters](SlabDebug letter) { return (letters & bit_of(letter)) != 0; };
  if (wants(SlabDebug::kRedZone)) base.red_zones = RedZones::kRed;
  base.poison = base.poison || wants(SlabDebug::kPoison);
  base.zero = base.zero && !base.poison;
  base.user = base.user || wants(SlabDebug::kUser);
  base.trace = base.trace || wants(SlabDebug::kTrace);
  base.plain = base.plain && letters == 0;
  return base;
}

// The bit of a cache that is named as in reports: malloc-64, malloc-large. 0 if there is none.
std::uint64_t class_bit(std::string_view name) {
  for (unsigned c = 0; c < slab::kClasses; ++c) {
    if (cache_name(c == 0 ? slab::kMaxSmall + 1 : slab::size_of(SizeClass(c))).view() == name) {
      return std::uint64_t{1} << c;
    }
  }
  return 0;
}

std::uint64_t select_caches(std::string_view names) {
  std::uint64_t selected = 0;
  while (!names.empty()) {
    const std::string_view name = first(names, names.find(','));
    names = after(names, name.size() + 1);
    const std::uint64_t bit = class_bit(name);
    selected |= bit;
    if (bit != 0 || !has_prefix(name, "malloc-")) continue;  // else of a cache that is yet to be made
    Text<300> line;
    line << "ASHLAR_OPTIONS: slab_debug: no cache \"" << first(name, 60)
         << "\"; expected malloc-16 to malloc-32768 by size class, or malloc-large";
    os::say(line.view());
  }
  return selected;
}

// True when a name is one of a list's, where an ending * stands for any rest, as in the kernel's slab_debug.
bool is_listed(std::string_view name, std::string_view names) {
  while (!names.empty()) {
    const std::string_view each = first(names, names.find(','));
    names = after(names, each.size() + 1);
    if (each == name) return true;
    if (each.ends_with('*') && has_prefix(name, first(each, each.size() - 1))) return true;
  }
  return false;
}

void choose_checks() {
  Settings& s = settings;
  s.checked = options.harden != 0 || options.slab_debug != 0;
  s.all = options.harden != 0 || options.slab_debug_caches.length == 0;
  if (!s.all) s.selected = select_caches(options.slab_debug_caches.view());
  Checks base;
  base.zero = base.plain = options.harden != 0;
  if (options.harden != 0) base.red_zones = RedZones::kCanary;
  static_cast<Checks&>(s) = add_letters(base, options.slab_debug);
  s.random = options.harden != 0;
  s.samples = options.guard_sample != 0;
  s.direct = s.plain && options.guard_sample == 0 && options.failslab == 0;
  s.quarantine_bytes = options.slab_debug != 0 ? kDebugQuarantine : kHardenQuarantine;
}

// Set while a fork holds the locks: it may have begun before there were hooks.
constinit bool forking = false;

void before_fork() {
  forking = true;
  lock_shards_for_fork();
  lock_spans_for_fork();
  lock_guarded_for_fork();
  lock_regions_for_fork();
}
void after_fork_in_parent() {
  if (!forking) return;
  forking = false;
  unlock_regions_in_parent();
  unlock_guarded_in_parent();
  unlock_spans_in_parent();
  unlock_shards_in_parent();
}
// New spans, random numbers and places of the child do not follow from the parent's.
void take_new_key() {
  const Key fresh = os::process_key();
  const std::uint64_t number = os::thread_number();  // where there are no random bytes to be had
  settings.key = {siphash(settings.key, fresh.low ^ number), siphash(settings.key, fresh.high)};
}

void after_fork_in_child() {
  forking = false;
  take_new_key();
  forget_threads_in_child();
  reset_regions_in_child();
  reset_guarded_in_child();
  reset_spans_in_child();
  reset_shards_in_child();
}

void take_keys() {
  settings.key = os::process_key();
  settings.multiplier = derive(Use::kMultiplier) | 1;
  settings.places = derive(Use::kPlaces);
  settings.failures = derive(Use::kFailures);
}

void watch_faults() {
  static constinit bool watched = false;
  if (watched) return;
  watched = true;
  os::on_fault(explain_fault);
}

}  // namespace

bool is_checked_cache(std::string_view name) {
  return settings.checked && (settings.all || is_listed(name, options.slab_debug_caches.view()));
}

Checks checks_of_cache(std::string_view name, std::uint64_t letters) {
  const Checks& base = settings;
  return add_letters(is_checked_cache(name) ? base : Checks{}, letters);
}

std::uint8_t letters_of(Checks checks) {
  std::uint64_t letters = bit_of(SlabDebug::kConsistency);
  if (checks.red_zones == RedZones::kRed) letters |= bit_of(SlabDebug::kRedZone);
  if (checks.poison) letters |= bit_of(SlabDebug::kPoison);
  if (checks.user) letters |= bit_of(SlabDebug::kUser);
  if (checks.trace) letters |= bit_of(SlabDebug::kTrace);
  return static_cast<std::uint8_t>(letters);
}

bool can_sample() { return settings.samples; }

void start() {
  if (options.harden == 0 && options.slab_debug == 0 && options.guard_sample == 0 && options.failslab == 0) return;
  take_keys();
  choose_checks();
  if (settings.user || options.guard_sample != 0) prepare_tracks();
  heap::set_fork_hooks({before_fork, after_fork_in_parent, after_fork_in_child});
  if (settings.checked || options.failslab != 0) heap::see_every_call();
  if (settings.checked || options.guard_sample != 0) watch_faults();
  heap::shrink();  // what was at hand by now would be handed out without a look
  control.active = true;
  control.has_blocks.store(true, std::memory_order_relaxed);
}

void start_for_caches() {
  watch_faults();  // failslab alone does without
  if (may_have_blocks()) return;
  take_keys();
  settings.quarantine_bytes = kDebugQuarantine;
  heap::register_fork_handlers();
  heap::set_fork_hooks({before_fork, after_fork_in_parent, after_fork_in_child});
  os::note_process();  // for the check at the end
  // relaxed: what follows from it is published with the cache, and with its objects
  control.has_blocks.store(true, std::memory_order_relaxed);
}

}  // namespace ashlar::check
