// api: the start and the end of the library: its options, and its reports at exit. Calls that come earlier (from the
// dynamic linker, or from constructors of libraries that start before this one) use the default options.
#include <cerrno>
#include <string_view>

#include "api/answer.h"
#include "api/api.h"
#include "api/defaults.h"
#include "api/recorded.h"
#include "api/refusal.h"
#include "base/hints.h"
#include "base/text.h"
#include "heap/kernel_api.h"
#include "page/swap.h"
#include "stats/stats.h"

// api.cc refers to this symbol, so that the linker takes the archive member with the constructor.
extern "C" {
[[gnu::visibility("hidden")]] extern const char ashlar_init_member = 0;
}

namespace ashlar::api {

static_assert(kMaxSwapWishes == page::kMaxSwapAreas && kMaxSwapWish == page::kMaxSwapBytes &&
                  kMaxWishedPriority == page::kMaxSwapPriority,
              "the option takes what the page layer does");

namespace {

// Why no area was made; empty for what users cannot mend.
[[gnu::cold]] std::string_view reason_of(int error) {
  switch (error) {
    case EBUSY: return "a swap area with this path exists";
    case EPERM: return "a set-id program gets no swap areas";
    case ENOSYS: return "the option mmap_only forbids files";
    default: return os::text_of(error);
  }
}

// Makes the areas of the option swap. If the system refuses one, writes a line and leaves it out.
[[gnu::cold, gnu::noinline]] void make_swap_areas() {
  const auto kind = options.swap_encrypt != 0 ? os::SwapFileKind::kEncrypted : os::SwapFileKind::kNameless;
  for (std::uint64_t i = 0; i < options.swap; ++i) {
    const SwapWish& wish = swap_wish(options, i);
    const int error = os::is_set_id() ? EPERM : heap::swap_on(wish.path, wish.bytes, wish.priority, kind);
    if (error == 0) continue;
    Text<kMaxPattern + 320> line;
    line << "swap=" << wish.path << ":" << wish.bytes << ": no swap area was made: ";
    const std::string_view reason = reason_of(error);
    if (error == EOPNOTSUPP && options.swap_encrypt != 0) line << "its path" << kNoEncryption;
    else if (!reason.empty()) line << reason;
    else line << "errno " << static_cast<std::uint64_t>(error) << ", see ashlar_swapon(3)";
    os::say(line.view());
  }
}

[[ASHLAR_ALWAYS_RUN]] __attribute__((constructor(101))) void start() {
  const char* const list = os::environment("ASHLAR_OPTIONS");
  page::set_answerer(answer_request);
  const bool any = read_defaults(list) || list != nullptr;
  // At the latest here, before the program can register handlers of its own: those take locks that other threads hold
  // while they allocate, so they run before ours close the gate. And handlers that are registered while a second
  // thread forks would not run in that fork.
  heap::register_fork_handlers();
  if (any) {
    if (list != nullptr) parse_options(list, options, os::say);
    os::note_process();
    if (options.stats != StatsFormat::kNone || options.leaks != 0) os::keep_stderr();
    if (options.help != 0) describe_options(os::say);
    check::start();
    if (options.swap != 0) make_swap_areas();
    if (options.record != 0) record::start(options.record_path);
    lead_off(check::active() || record::on);
    if (options.profile != 0) profile::start(options.profile);
    if ((options.profile_signal | options.profile_every | options.profile_peak) != 0) profile::prepare_files();
  }
}

[[ASHLAR_ALWAYS_RUN]] __attribute__((destructor(101))) void end() {
  if (!heap::interrupted()) heap::verify();
  // The rest takes locks. In the child of _Fork(3) they may be held by threads that do not exist there.
  if (!os::is_noted_process()) return;
  if (record::on.load(std::memory_order_relaxed)) end_records();
  if (check::may_have_blocks() && !check::interrupted()) check::validate();
  if (options.profile_file != 0 && !heap::interrupted()) {
    profile::write_last_file();
  }
  if ((options.leaks | static_cast<std::uint64_t>(StatsFormat{options.stats})) == 0) return;
  if (heap::interrupted() || check::interrupted())
    return os::say("stats, leaks: no report: the process exits from a signal handler that interrupted malloc or free");
  if (options.leaks != 0) report_leaks();
  if (options.stats == StatsFormat::kJson) stats::report_json();
  else if (options.stats == StatsFormat::kText) stats::report();
}

}  // namespace

}  // namespace ashlar::api
