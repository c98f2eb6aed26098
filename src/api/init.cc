// api: the start and the end of the library: options, the report at exit. Calls that come earlier (from
// the dynamic linker, or from constructors of libraries that start before this one) work with the defaults.
#include "api/api.h"
#include "stats/stats.h"

// What api.cc names, so that the archive's member with the constructor is linked.
extern "C" {
[[gnu::visibility("hidden")]] extern const char ashlar_init_member = 0;

// In preload/malloc.cc; null where malloc itself is not replaced.
[[gnu::weak]] extern const char ashlar_malloc_member;
}

namespace ashlar::api {

namespace {

__attribute__((constructor(101))) void start() {
  const char* const list = os::environment("ASHLAR_OPTIONS");
  // A fork that is under way does not see what is registered meanwhile. Where malloc is ours, a thread that can fork
  // beside the first call was itself made with one (pthread_create allocates its thread-local storage), so that a
  // heap is there, unless an option does without heaps. A program that allocates nothing is spared the faults.
  const bool malloc_is_ours = &ashlar_malloc_member != nullptr && os::comes_before_libc();
  if (list != nullptr || !malloc_is_ours) heap::register_fork_handlers();
  if (list != nullptr) {
    parse_options(list, options, os::say);
    os::note_process();
    if (options.stats != 0) os::keep_stderr();
    if (options.help != 0) describe_options(os::say);
    check::start();
    if (options.profile != 0) profile::start(options.profile);
  }
}

__attribute__((destructor(101))) void end() {
  if (!heap::interrupted()) heap::verify();
  // What follows takes locks, which threads may hold that are not there in the child of _Fork(3).
  if (!os::is_noted_process()) return;
  if (check::active && !check::interrupted()) check::validate();
  if (options.profile_file != 0 && !heap::interrupted()) {
    profile::dump_by_pattern({options.profile_pattern, options.profile_file});
  }
  if (options.stats == 0) return;
  if (heap::interrupted() || check::interrupted())
    os::say("no report: the process exits from a signal handler that interrupted malloc or free");
  else if (options.stats == static_cast<std::uint64_t>(StatsForm::kJson)) stats::report_json();
  else stats::report();
}

}  // namespace

}  // namespace ashlar::api
