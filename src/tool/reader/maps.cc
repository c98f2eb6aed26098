// tool, reader: the text of /proc/PID/smaps.
#include "tool/reader/maps.h"

#include <charconv>

namespace ashlar::reader {

namespace {

bool take_number(std::string_view& text, int base, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool take_char(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

// "7f00-7f10 rw-p 00000000 08:01 1234   /path with blanks"
bool parse_head(std::string_view line, Mapping& m) {
  if (!take_number(line, 16, m.start) || !take_char(line, '-') || !take_number(line, 16, m.end)) return false;
  if (!take_char(line, ' ') || line.size() < 5) return false;
  m.readable = line[0] == 'r';
  m.writable = line[1] == 'w';
  m.executable = line[2] == 'x';
  m.shared = line[3] == 's';
  line.remove_prefix(5);
  if (!take_number(line, 16, m.offset)) return false;
  const std::size_t device = line.find_first_not_of(' ');
  const std::size_t behind = device == line.npos ? line.npos : line.find(' ', device);
  if (behind == line.npos) return false;
  line.remove_prefix(behind + 1);
  if (!take_number(line, 10, m.inode)) return false;
  const std::size_t name = line.find_first_not_of(' ');
  if (name != line.npos) m.name = line.substr(name);
  return m.start < m.end;
}

struct Row {
  std::string_view name;
  std::uint64_t Mapping::*value;
};
constexpr Row kRows[] = {
    {"Rss", &Mapping::rss},
    {"Pss", &Mapping::pss},
    {"Private_Dirty", &Mapping::private_dirty},
    {"Anonymous", &Mapping::anonymous},
    {"AnonHugePages", &Mapping::anon_huge},
    {"Swap", &Mapping::swap},
    {"Private_Hugetlb", &Mapping::hugetlb},
};

// "Rss:                 12 kB"
void parse_value(std::string_view line, Mapping& m) {
  const std::size_t colon = line.find(':');
  if (colon == line.npos) return;
  for (const Row& row : kRows) {
    if (line.substr(0, colon) != row.name) continue;
    const std::size_t digits = line.find_first_not_of(' ', colon + 1);
    if (digits == line.npos) return;
    line.remove_prefix(digits);
    std::uint64_t kib = 0;
    if (take_number(line, 10, kib)) m.*row.value = kib * 1024;
    return;
  }
}

}  // namespace

std::vector<Mapping> parse_smaps(std::string_view text) {
  std::vector<Mapping> mappings;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    // heads start with a small hexadecimal digit, the rows below them with a capital letter
    const bool row = !line.empty() && line.front() >= 'A' && line.front() <= 'Z';
    Mapping mapping;
    if (row && !mappings.empty()) parse_value(line, mappings.back());
    else if (!row && parse_head(line, mapping)) mappings.push_back(std::move(mapping));
  }
  return mappings;
}

}  // namespace ashlar::reader
