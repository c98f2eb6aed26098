// profile: writes the profile as text (ashlar(7), ashlar_profile_dump). Each line starts with its kind, followed by
// values.
//
//   ashlar profile 1
//   rate BYTES │ process NUMBER │ milliseconds N │ dropped SAMPLES
//   site THREAD CLASS BLOCKS REQUESTED USABLE SAMPLES (allocated) BLOCKS REQUESTED USABLE SAMPLES (freed) ADDRESS…
//   thread INDEX NUMBER NAME
//   mappings, then the lines of /proc/PID/maps
#include <utility>

#include "profile/tables.h"

namespace ashlar::profile {

namespace {

using Line = Text<2200>;

void append(Line& line, const Sums& sums) {
  constexpr double kMax = 9e18;  // at rates beyond any program, one block may stand for more
  const auto rounded = [](double value) {
    if (value > kMax) value = kMax;
    const std::uint64_t whole = value < 0 ? 0 : static_cast<std::uint64_t>(value);
    return value - static_cast<double>(whole) < 0.5 ? whole : whole + 1;
  };
  line << " " << rounded(sums.blocks) << " " << rounded(sums.requested) << " " << rounded(sums.usable) << " "
       << sums.samples;
}

// These functions return 0, or an errno.
int write_head(int file) {
  Line line;
  line << "ashlar profile 1\nrate " << state->rate << "\nprocess " << std::uint64_t{os::process_number()}
       << "\nmilliseconds " << os::now_ms() - state->started_ms << "\ndropped " << state->dropped << "\n";
  return os::write_file(file, line.view());
}

int write_site(int file, std::uint32_t i) {
  Bucket bucket;
  Stack stack;
  if (!copy_bucket(i, bucket, stack)) return 0;
  Line line;
  line << "site " << std::uint64_t{bucket.thread} << " " << slab::size_of(SizeClass(bucket.size_class));
  append(line, bucket.allocated);
  append(line, bucket.freed);
  for (std::uint32_t n = 0; n < stack.depth; ++n) {
    line << " ";
    line.hex(stack.frames[n]);
  }
  line << "\n";
  return os::write_file(file, line.view());
}

int write_thread(int file, std::uint32_t i) {
  Thread thread;
  if (!copy_thread(i, thread)) return 0;
  Line line;
  line << "thread " << std::uint64_t{i} << " " << std::uint64_t{thread.number} << " ";
  for (const char* c = thread.name; *c != '\0' && c < thread.name + os::kThreadName; ++c) {
    line << (*c >= ' ' && *c <= '~' ? std::string_view(c, 1) : std::string_view("?"));
  }
  line << "\n";
  return os::write_file(file, line.view());
}

int write_all(int file) {
  int error = write_head(file);
  // elements that are added while this runs are left out
  const std::uint32_t buckets = __atomic_load_n(&state->buckets.used, __ATOMIC_ACQUIRE);
  for (std::uint32_t i = 1; error == 0 && i < buckets; ++i) error = write_site(file, i);
  const std::uint32_t threads = __atomic_load_n(&state->threads.used, __ATOMIC_ACQUIRE);
  for (std::uint32_t i = 1; error == 0 && i < threads; ++i) error = write_thread(file, i);
  if (error == 0) error = os::write_file(file, "mappings\n");
  return error != 0 ? error : os::copy_mappings(file);
}

// Writes to a file, and closes it.
int fill(int file) {
  const int error = write_all(file), closing = os::close_file(file);
  return error != 0 ? error : closing;
}

constexpr int kExists = 17, kTooLong = 36;  // EEXIST, ENAMETOOLONG

// Returns whether a new file's errno says that the folder takes no other file, while an old one may still be written.
// After any other errno (ENOSPC, EEXIST) the old file is worth more than a new one written over it.
bool takes_no_other(int error) {
  constexpr int kNotPermitted = 1, kNoAccess = 13, kReadOnly = 30;  // EPERM, EACCES, EROFS
  return error == kNotPermitted || error == kNoAccess || error == kReadOnly || error == kTooLong;
}

// Like dump, except that no reader sees a part of the file: it gets its name when it is complete, and until then an old
// one stays. A pipe or a device, and a file in a folder that takes no other one, is written in place. Paths end with a
// zero byte.
int dump_whole(std::string_view path) {
  Text<540> beside;
  beside << first(path, path.size() - 1) << ".tmp" << std::uint64_t{os::process_number()} << std::string_view("\0", 1);
  const char* const temporary = beside.view().data();
  if (os::is_special_file(path.data())) return dump(path.data());
  const int file = os::create_new_file(temporary);
  if (file < 0) return takes_no_other(-file) ? dump(path.data()) : -file;
  int error = fill(file);
  if (error == 0) error = os::rename_file(temporary, path.data());
  if (error != 0) os::remove_file(temporary);
  return error;
}

}  // namespace

int dump(const char* path) {
  constexpr int kNothing = 61;  // ENODATA: no profile was ever started
  constexpr int kLater = 11;    // EAGAIN
  if (__atomic_load_n(&state, __ATOMIC_ACQUIRE) == nullptr) return kNothing;
  if (!may_dump()) return kLater;  // otherwise sites would be left out
  const int file = os::create_file(path);
  return file < 0 ? -file : fill(file);
}

namespace {

void append_reason(Text<400>& line, int error) {
  constexpr int kNotPermitted = 1, kNoAccess = 13;  // EPERM, EACCES
  if (error == kExists) {
    line << "this name with .tmp" << std::uint64_t{os::process_number()} << " behind it is taken";
  } else if (error == kNoAccess || error == kNotPermitted) {
    line << "neither the file nor its folder may be written";
  } else if (const std::string_view reason = os::text_of(error); !reason.empty()) {
    line << reason;
  } else {
    line << "errno " << static_cast<std::uint64_t>(error);
  }
}

}  // namespace

void dump_by_pattern(std::string_view pattern) {
  if (!active()) return os::say("profile_file: no profile was started, so nothing is written");
  const std::uint32_t number = writing.files.load(std::memory_order_relaxed) + 1;
  Text<512> path;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const std::string_view two = first(after(pattern, i), 2);
    if (two == "%p") path << std::uint64_t{os::process_number()};
    else if (two == "%n") path << std::uint64_t{number};
    else path << (two == "%%" ? std::string_view("%") : first(two, 1));
    if (two == "%p" || two == "%n" || two == "%%") ++i;
  }
  path << std::string_view("\0", 1);
  // text that does not fit was cut off, together with the zero
  const int error = path.view().ends_with('\0') ? dump_whole(path.view()) : kTooLong;
  if (error == 0) return writing.files.store(number, std::memory_order_relaxed);
  constexpr std::size_t kShown = 255;  // so that the number after it is shown too
  Text<400> line;
  line << "profile_file: cannot write " << first(first(path.view(), path.view().size() - 1), kShown) << ": ";
  append_reason(line, error);
  os::say(line.view());
}

}  // namespace ashlar::profile
