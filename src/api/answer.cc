// api: answers requests from outside, which set an option or trim memory, for example.
#include "api/answer.h"

#include <cerrno>
#include <cstring>

#include "api/api.h"
#include "api/profiled.h"
#include "api/recorded.h"
#include "base/hints.h"
#include "heap/gate.h"
#include "stats/format.h"

namespace ashlar::api {

namespace {

using Result = format::RequestResult;

constinit page::Request* answered = nullptr;  // the request that is being answered; one at a time

[[ASHLAR_SELDOM_RUN]] void tell(std::string_view line) {
  const std::string_view fits = first(line, sizeof answered->answer - 1);
  std::memcpy(answered->answer, fits.data(), fits.size());
  answered->answer[fits.size()] = '\0';
}

[[ASHLAR_SELDOM_RUN]] Result refuse(std::string_view line) {
  tell(line);
  return Result::kRefused;
}

bool is(const OptionInfo& info, std::uint64_t place) { return info.place == place; }

// Copies a pattern to memory that is never reused, also when the option changes again: another thread may read it.
[[ASHLAR_SELDOM_RUN]] bool publish_pattern(std::string_view pattern) {
  const heap::Entry entry;  // no fork sees half of it
  if (!entry) return false;
  auto* const copy = static_cast<char*>(page::metadata_alloc(pattern.size() + 1, 1));
  if (copy == nullptr) return false;
  std::memcpy(copy, pattern.data(), pattern.size());
  copy[pattern.size()] = '\0';
  options.profile_pattern.publish(copy);
  return true;
}

// Does the rest of an option's change. Returns the reason where that is impossible, or null.
[[ASHLAR_SELDOM_RUN]] const char* change(const OptionInfo& info, const Options& wanted) {
  const std::uint64_t value = value_of(info, wanted);
  if (is(info, offsetof(Options, purge))) {
    page::choose_purge(wanted.purge);
    return nullptr;
  }
  if (is(info, offsetof(Options, guard_sample)) && !check::can_sample()) {
    return "guard_sample: it was off when the program started, and cannot be turned on at run time";
  }
  if (is(info, offsetof(Options, profile))) {
    if (value == 0) profile_stop();
    else if (const int error = profile_start(value))
      return error == ENOMEM ? "profile: there is no memory for its tables"
                             : "profile: the process is forking; try again";
  }
  if (is(info, offsetof(Options, profile_signal)) && !profile::listen_for(value)) {
    return "profile_signal: the program catches that signal itself";
  }
  if (is(info, offsetof(Options, perturb))) heap::register_fork_handlers();
  // in a program with mmap_only a filter may kill the process for other system calls
  const bool reports_at_end = is(info, offsetof(Options, stats)) || is(info, offsetof(Options, leaks));
  if (reports_at_end && value != 0 && options.mmap_only == 0) os::keep_stderr();
  if (reports_at_end || is(info, offsetof(Options, profile_file))) os::note_process();
  if (is(info, offsetof(Options, profile_file)) && value != 0 && !publish_pattern({wanted.profile_pattern, value})) {
    return "profile_file: there is no memory for the path";
  }
  value_of(info, options) = value;
  if (is(info, offsetof(Options, perturb))) heap::options_changed();
  return nullptr;
}

[[ASHLAR_SELDOM_RUN]] Result set(std::string_view item) {
  Options wanted;
  const OptionInfo* const info = parse_option(item, wanted, tell);
  if (info == nullptr) return Result::kRefused;
  if (const char* const reason = change(*info, wanted)) return refuse(reason);
  origin_of(*info, options) = Origin::kRequest;
  return Result::kDone;
}

std::string_view text_of(const page::Request& request) {
  const std::string_view all(request.text, sizeof request.text);
  return first(all, all.find('\0'));
}

[[ASHLAR_SELDOM_RUN]] Result serve(const page::Request& request) {
  if (os::is_set_id()) return refuse("a set-id program takes no requests");
  switch (static_cast<format::RequestKind>(request.kind)) {
    case format::RequestKind::kSet: return set(text_of(request));
    case format::RequestKind::kTrim: malloc_trim(); return Result::kDone;
    case format::RequestKind::kRecord:
      return begin_recording(text_of(request), tell) ? Result::kDone : Result::kRefused;
    case format::RequestKind::kEndRecord: return end_recording(tell) ? Result::kDone : Result::kRefused;
    case format::RequestKind::kNone: break;
  }
  return refuse("the Ashlar of the process does not know this request");
}

}  // namespace

[[ASHLAR_SELDOM_RUN]] void answer_request(page::Request& request) {
  const int saved = errno;
  answered = &request;
  request.answer[0] = '\0';
  request.result = static_cast<std::uint32_t>(serve(request));
  errno = saved;
}

}  // namespace ashlar::api
