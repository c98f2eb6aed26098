// base: the option table and its parser.
#include "base/options.h"

#include "base/text.h"

namespace ashlar {

constinit Options options;

namespace {

using Type = OptionInfo::Type;
using Line = Text<400>;

constexpr std::uint64_t kDayMs = 24ull * 3600 * 1000;
constexpr std::uint64_t kTiB = 1ull << 40;

constexpr OptionInfo kTable[] = {
    {"help", Type::kFlag, "0|1", 0, 1, &Options::help, "print the options and their defaults on stderr at start"},
    {"stats", Type::kFlag, "0|1|json", 0, 2, &Options::stats,
     "write a short report to stderr when the program exits; json: as one line of JSON"},
    {"decay_ms", Type::kNumber, "milliseconds", 0, kDayMs, &Options::decay_ms,
     "age at which a free page that is still resident goes back to the OS; 0 is at once"},
    {"dirty_ratio", Type::kNumber, "percent", 0, 1000, &Options::dirty_ratio,
     "free pages that may stay resident beyond the recent height of use, in percent of it (the zone's high watermark)"},
    {"dirty_min", Type::kBytes, "bytes", 0, kTiB, &Options::dirty_min,
     "free resident memory that is kept however little is in use (the zone's min watermark)"},
    {"purge", Type::kChoice, "dontneed|free", 0, 1, &Options::purge,
     "how pages go back: MADV_DONTNEED (RSS falls at once) or MADV_FREE (when the kernel wants them)"},
    {"kswapd", Type::kFlag, "0|1", 0, 1, &Options::kswapd,
     "let a process that has threads start one more that purges aged pages while the others idle"},
    {"memcg", Type::kFlag, "0|1", 0, 1, &Options::memcg,
     "give ENOMEM when the heap would outgrow the memory cgroup's limit, instead of meeting the OOM killer"},
    {"mmap_threshold", Type::kBytes, "bytes", 65536, 32 << 20, &Options::mmap_threshold,
     "blocks from this size get a mapping of their own, which ends when they are freed (M_MMAP_THRESHOLD)"},
    {"hugepages", Type::kChoice, "never|dense|always", 0, 2, &Options::hugepages,
     "back a large heap's slabs by huge pages where they fill them (dense, MADV_COLLAPSE), or ask for transparent "
     "huge pages for all arenas and mappings (always, MADV_HUGEPAGE)"},
    {"perturb", Type::kNumber, "byte value", 0, 255, &Options::perturb,
     "fill freed memory with this byte and new memory with its complement; 0 is off (M_PERTURB)"},
    {"numa", Type::kFlag, "0|1", 0, 1, &Options::numa,
     "on a machine with several nodes, take each thread's memory from its own node (once a second thread allocates)"},
    {"numa_fake", Type::kNumber, "nodes", 0, 64, &Options::numa_fake,
     "pretend that the machine has so many nodes, given to threads in turn; for tests. 0 is off"},
};

constexpr bool is_separator(char c) { return c == ',' || c == ':' || c == ' ' || c == '\t' || c == '\n'; }

// Reads digits and, for bytes, a suffix k, m, g or t (powers of 1024). False if anything else is there.
bool parse_number(std::string_view text, bool with_suffix, std::uint64_t& out) {
  std::uint64_t n = 0;
  std::size_t i = 0;
  for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) {
    if (__builtin_mul_overflow(n, 10, &n)) return false;
    if (__builtin_add_overflow(n, static_cast<std::uint64_t>(text[i] - '0'), &n)) return false;
  }
  if (i == 0) return false;
  if (with_suffix && i + 1 == text.size()) {
    const std::size_t power = std::string_view("kmgt").find(static_cast<char>(text[i] | 0x20));
    if (power == std::string_view::npos) return false;
    if (__builtin_mul_overflow(n, std::uint64_t{1} << (10 * (power + 1)), &n)) return false;
    ++i;
  }
  out = n;
  return i == text.size();
}

bool parse_choice(std::string_view text, std::string_view choices, std::uint64_t& out) {
  for (std::uint64_t i = 0;; ++i) {
    const std::size_t end = choices.find('|');
    if (text == first(choices, end)) {
      out = i;
      return true;
    }
    if (end == std::string_view::npos) return false;
    choices.remove_prefix(end + 1);
  }
}

bool parse_value(const OptionInfo& info, std::string_view text, std::uint64_t& out) {
  switch (info.type) {
    case Type::kFlag:
      return parse_choice(text, info.unit, out) || parse_choice(text, "off|on", out) ||
             parse_choice(text, "false|true", out) || parse_choice(text, "no|yes", out);
    case Type::kChoice: return parse_choice(text, info.unit, out);
    case Type::kNumber: return parse_number(text, false, out) && out >= info.min && out <= info.max;
    case Type::kBytes: return parse_number(text, true, out) && out >= info.min && out <= info.max;
  }
  return false;
}

void append_expected(Line& line, const OptionInfo& info) {
  if (info.type == Type::kFlag || info.type == Type::kChoice) {
    line << "one of " << info.unit;
    return;
  }
  line << "a number of " << info.unit << " from " << info.min << " to " << info.max;
  if (info.type == Type::kBytes) line << ", with k, m, g or t behind it if you like";
}

void append_value(Line& line, const OptionInfo& info, std::uint64_t value) {
  if (info.type != Type::kChoice) {
    line << value;
    return;
  }
  std::string_view choices = info.unit;
  for (; value > 0; --value) choices.remove_prefix(choices.find('|') + 1);
  line << first(choices, choices.find('|'));
}

void report_unknown(std::string_view name, void (*report)(std::string_view)) {
  Line line;
  line << "ASHLAR_OPTIONS: unknown option \"" << first(name, 60) << "\"; known options:";
  const char* separator = " ";
  for (const OptionInfo& info : kTable) {
    line << separator << info.name;
    separator = ", ";
  }
  report(line.view());
}

void parse_item(std::string_view item, Options& into, void (*report)(std::string_view)) {
  const std::size_t equals = item.find('=');
  const std::string_view name = first(item, equals);
  for (const OptionInfo& info : kTable) {
    if (info.name != name) continue;
    std::uint64_t& value = into.*info.value;
    if (equals == std::string_view::npos && info.type == Type::kFlag) {
      value = 1;
      return;
    }
    const std::string_view text = equals == std::string_view::npos ? std::string_view() : after(item, equals + 1);
    std::uint64_t parsed = 0;
    if (parse_value(info, text, parsed)) {
      value = parsed;
      return;
    }
    Line line;
    line << "ASHLAR_OPTIONS: " << name << "=\"" << first(text, 60) << "\": expected ";
    append_expected(line, info);
    line << ", using the default ";
    value = Options{}.*info.value;
    append_value(line, info, value);
    report(line.view());
    return;
  }
  report_unknown(name, report);
}

}  // namespace

std::span<const OptionInfo> option_table() { return kTable; }
constinit const OptionRows option_rows{kTable, std::size(kTable)};

void parse_options(std::string_view list, Options& into, void (*report)(std::string_view line)) {
  while (!list.empty()) {
    std::size_t end = 0;
    while (end < list.size() && !is_separator(list[end])) ++end;
    if (end > 0) parse_item(first(list, end), into, report);
    list.remove_prefix(end < list.size() ? end + 1 : end);
  }
}

void describe_options(void (*line)(std::string_view)) {
  for (const OptionInfo& info : kTable) {
    Line out;
    out << info.name << "=";
    append_value(out, info, Options{}.*info.value);
    out << "  (" << info.unit << ")  " << info.meaning;
    line(out.view());
  }
}

}  // namespace ashlar
