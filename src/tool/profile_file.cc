// tool: reading the profiler's text files.
#include "tool/profile_file.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <fmt/format.h>

#include "tool/error.h"
#include "tool/reader/file.h"
#include "tool/reader/maps.h"

namespace ashlar::tool {

namespace {

constexpr std::string_view kMagic = "ashlar profile ";
constexpr std::size_t kMaxFrames = 256;

class Parser {
 public:
  Parser(const std::string& path, std::string_view text) : path_(path), rest_(text) {}

  Profile parse() {
    parse_head();
    while (next()) {
      if (line_ == "mappings") {
        parse_mappings();
        return std::move(profile_);
      }
      if (word("site ")) parse_site();
      else if (word("thread ")) parse_thread();
      else fail("expected a site, a thread or the mappings");
    }
    fail("the file is truncated: its mappings are missing");
  }

 private:
  [[noreturn]] void fail(std::string_view what, Exit code = Exit::kBadProfile) const {
    throw Failure(code, fmt::format("{}: line {}: {}", path_, number_, what));
  }

  // Goes to the next line. Returns false at the end.
  bool next() {
    ++number_;
    if (rest_.empty()) return false;
    const std::size_t end = rest_.find('\n');
    if (end == std::string_view::npos && number_ > 1) fail("the file is truncated: the line has no end");
    line_ = rest_.substr(0, end);
    rest_.remove_prefix(std::min(rest_.size(), line_.size() + 1));
    return true;
  }

  bool word(std::string_view expected) {
    if (!line_.starts_with(expected)) return false;
    line_.remove_prefix(expected.size());
    return true;
  }

  template <class Number>
  void take(Number& into, int base = 10) {
    const auto [end, error] = std::from_chars(line_.data(), line_.data() + line_.size(), into, base);
    if (error != std::errc()) fail("expected a number that fits");
    line_.remove_prefix(static_cast<std::size_t>(end - line_.data()));
    if (!line_.empty() && !word(" ")) fail("expected a blank after a number");
  }

  void named(std::string_view name, std::uint64_t& into) {
    if (!next() || !word(name) || !word(" ")) fail(fmt::format("expected \"{} NUMBER\"", name));
    take(into);
  }

  void parse_head() {
    if (!next() || !word(kMagic)) {
      number_ = 1;
      fail("expected \"ashlar profile 1\": this is no profile that Ashlar wrote");
    }
    if (line_ != "1") fail("the profile has a format that this command does not read", Exit::kVersion);
    named("rate", profile_.rate);
    named("process", profile_.process);
    named("milliseconds", profile_.milliseconds);
    named("dropped", profile_.dropped);
  }

  void take(ProfileSums& sums) {
    take(sums.blocks);
    take(sums.requested);
    take(sums.usable);
    take(sums.samples);
  }

  void parse_site() {
    ProfileSite site;
    take(site.thread);
    take(site.size_class);
    take(site.allocated);
    take(site.freed);
    while (!line_.empty()) {
      if (!word("0x")) fail("expected an address as 0x7f0012345678");
      if (site.stack.size() == kMaxFrames) fail("the stack has too many addresses");
      take(site.stack.emplace_back(), 16);
    }
    profile_.sites.push_back(std::move(site));
  }

  void parse_thread() {
    ProfileThread thread;
    take(thread.index);
    take(thread.number);
    thread.name = line_;
    profile_.threads.push_back(std::move(thread));
  }

  void parse_mappings() {
    while (next()) {
      std::vector<reader::Mapping> one = reader::parse_smaps(line_);
      if (one.size() != 1) fail("expected a line of /proc/PID/maps");
      if (!profile_.mappings.empty() && one[0].start < profile_.mappings.back().end)
        fail("the mapping overlaps the one before it");
      profile_.mappings.push_back(std::move(one[0]));
    }
    if (profile_.mappings.empty()) fail("the file is truncated: its mappings are missing");
    std::sort(profile_.threads.begin(), profile_.threads.end(),
              [](const ProfileThread& a, const ProfileThread& b) { return a.index < b.index; });
  }

  const std::string& path_;
  std::string_view rest_, line_;
  std::size_t number_ = 0;
  Profile profile_;
};

}  // namespace

const ProfileThread* Profile::thread(std::uint32_t index) const {
  const auto found = std::lower_bound(threads.begin(), threads.end(), index,
                                      [](const ProfileThread& t, std::uint32_t i) { return t.index < i; });
  return found != threads.end() && found->index == index ? &*found : nullptr;
}

std::string text_of(const Profile& profile) {
  std::string out = fmt::format("ashlar profile 1\nrate {}\nprocess {}\nmilliseconds {}\ndropped {}\n", profile.rate,
                                profile.process, profile.milliseconds, profile.dropped);
  for (const ProfileSite& site : profile.sites) {
    out += fmt::format("site {} {}", site.thread, site.size_class);
    for (const ProfileSums& s : {site.allocated, site.freed}) {
      out += fmt::format(" {} {} {} {}", s.blocks, s.requested, s.usable, s.samples);
    }
    for (const std::uint64_t address : site.stack) out += fmt::format(" {:#x}", address);
    out += "\n";
  }
  for (const ProfileThread& thread : profile.threads) {
    out += fmt::format("thread {} {} {}\n", thread.index, thread.number, thread.name);
  }
  out += "mappings\n";
  for (const reader::Mapping& m : profile.mappings) {
    out +=
        fmt::format("{:x}-{:x} {}{}{}{} {:08x} 00:00 {} {}\n", m.start, m.end, m.readable ? 'r' : '-',
                    m.writable ? 'w' : '-', m.executable ? 'x' : '-', m.shared ? 's' : 'p', m.offset, m.inode, m.name);
  }
  return out;
}

Profile read_profile(const std::string& path) {
  const reader::File file = reader::File::regular(path);
  std::string text;
  if (!file || !file.read_all(text)) {
    const char* const what = !file && errno == EINVAL ? "not a regular file" : std::strerror(errno);
    throw Failure(Exit::kFailed, fmt::format("{}: {}", path, what));
  }
  Profile profile = Parser(path, text).parse();
  profile.perf_map = perf_map_of_number(profile.process);
  return profile;
}

}  // namespace ashlar::tool
