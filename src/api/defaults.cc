// api: reads the options that apply where the environment does not say otherwise (defaults.h).
//
// A process without such files makes two system calls that fail, or one if it has no home.
#include "api/defaults.h"

#include "base/hints.h"
#include "base/options.h"
#include "base/text.h"
#include "os/os.h"

extern "C" {
// Defined by the program, or by a library that the program is linked with.
[[gnu::weak, gnu::visibility("default")]] extern const char ashlar_options[];
}

namespace ashlar::api {

namespace {

[[ASHLAR_ALWAYS_READ]] constexpr char kSystemPath[] = "/etc/ashlar.conf";
[[ASHLAR_ALWAYS_READ]] constexpr char kConfigHome[] = "XDG_CONFIG_HOME";
[[ASHLAR_ALWAYS_READ]] constexpr char kInConfigHome[] = "/ashlar.conf";
[[ASHLAR_ALWAYS_READ]] constexpr char kHome[] = "HOME";
[[ASHLAR_ALWAYS_READ]] constexpr char kInHome[] = "/.config/ashlar.conf";

constexpr std::size_t kMaxBytes = 16_KiB;  // of a file; the rest is ignored

std::string_view trimmed(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!text.empty() && is_blank(text.front())) text = after(text, 1);
  while (!text.empty() && is_blank(text.back())) text = first(text, text.size() - 1);
  return text;
}

// Reads lines of options, as in ASHLAR_OPTIONS. Lines before the first "[NAME]" apply to all programs. Lines after
// "[NAME]" apply only to programs with that file name. Text after a # is a comment.
[[gnu::cold, gnu::noinline]] void read_lines(std::string_view text, Origin from) {
  const std::string_view program = os::program_name();
  bool is_for_us = true;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view whole = first(text, end);
    text = end == std::string_view::npos ? std::string_view() : after(text, end + 1);
    const std::string_view line = trimmed(first(whole, whole.find('#')));
    if (line.empty()) continue;
    if (line.front() == '[')
      is_for_us = line.back() == ']' && trimmed(first(after(line, 1), line.size() - 2)) == program;
    else if (is_for_us) parse_options(line, options, os::say, from);
  }
}

[[gnu::cold, gnu::noinline]] void read_file(int file, Origin from) {
  char* const buffer = static_cast<char*>(os::map(kMaxBytes));
  if (buffer != nullptr) {
    read_lines(os::read_settings(file, buffer, kMaxBytes), from);
    os::unmap(buffer, kMaxBytes);
  }
  os::close_file(file);
}

[[ASHLAR_ALWAYS_RUN]] bool read_path(const char* path, Origin from) {
  const int file = os::open_settings(path);
  if (file < 0) return false;
  read_file(file, from);
  return true;
}

[[ASHLAR_ALWAYS_RUN]] bool read_file_of_user() {
  const char* folder = os::environment(kConfigHome);
  const char* behind = kInConfigHome;
  if (folder == nullptr || folder[0] != '/') {
    folder = os::environment(kHome);
    behind = kInHome;
  }
  if (folder == nullptr || folder[0] != '/') return false;
  char path[512];
  std::size_t length = 0;
  for (const char* part : {folder, behind}) {
    while (*part != '\0' && length < sizeof path) path[length++] = *part++;
  }
  if (length == sizeof path) return false;
  path[length] = '\0';
  return read_path(path, Origin::kUserFile);
}

[[gnu::cold, gnu::noinline]] bool forbids_files(const char* list) {
  Options wanted;
  parse_options(
      list, wanted, [](std::string_view) {}, Origin::kEnvironment);
  return wanted.mmap_only != 0;
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] bool read_defaults(const char* list) {
  bool any = false;
  if (&ashlar_options != nullptr) {
    parse_options(ashlar_options, options, os::say, Origin::kProgram);
    any = true;
  }
  if (options.mmap_only != 0 || os::is_set_id() || (list != nullptr && forbids_files(list))) return any;
  any |= read_path(kSystemPath, Origin::kSystemFile);
  return read_file_of_user() || any;
}

}  // namespace ashlar::api
