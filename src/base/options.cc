// base: the option table and its parser.
#include "base/options.h"

#include <cstring>

#include "base/hints.h"
#include "base/text.h"

namespace ashlar {

constinit Options options;

namespace {

using Type = OptionInfo::Type;
using Line = Text<400>;

constexpr std::uint64_t kDayMs = 24ull * 3600 * 1000;
constexpr std::uint64_t kMaxInterval = std::uint64_t{1} << 40;

constexpr auto kAtStart = OptionInfo::Changes::kNever, kLive = OptionInfo::Changes::kAtRunTime;

constexpr OptionInfo kTable[] = {
    {"help", Type::kFlag, kAtStart, "0|1", 0, 1, offsetof(Options, help),
     "print the options and their defaults to stderr at the start"},
    {"stats", Type::kFlag, kLive, "0|1|json", 0, 2, offsetof(Options, stats),
     "write a short report to stderr when the program exits; json writes it as one line of JSON"},
    {"leaks", Type::kFlag, kLive, "0|1", 0, 1, offsetof(Options, leaks),
     "when the program exits, run the command ashlar leaks on it, which must be in PATH and reports the blocks that "
     "nothing points to on stderr"},
    {"decay_ms", Type::kNumber, kLive, "milliseconds", 0, kDayMs, offsetof(Options, decay_ms),
     "age at which a free page that is still resident returns to the system; 0 returns it at once"},
    {"dirty_ratio", Type::kNumber, kLive, "percent", 0, 1000, offsetof(Options, dirty_ratio),
     "how much free memory may stay resident beyond the recent peak, as a percentage of that peak; what exceeds that "
     "is purged at once"},
    {"dirty_min", Type::kBytes, kLive, "bytes", 0, 1_TiB, offsetof(Options, dirty_min),
     "how much free memory may stay resident, however little is in use, until it is older than decay_ms"},
    {"purge", Type::kChoice, kLive, "dontneed|free", 0, 1, offsetof(Options, purge),
     "how pages return to the system: dontneed (MADV_DONTNEED) lowers RSS at once; free (MADV_FREE) lowers it when "
     "the kernel needs memory"},
    {"kswapd", Type::kFlag, kAtStart, "0|1", 0, 1, offsetof(Options, kswapd),
     "start a helper thread that purges aged pages, in processes that have several threads"},
    {"memcg", Type::kFlag, kLive, "0|1", 0, 1, offsetof(Options, memcg),
     "fail with ENOMEM when the heap would exceed the memory cgroup's limit, before the OOM killer acts"},
    {"mmap_only", Type::kFlag, kAtStart, "0|1", 0, 1, offsetof(Options, mmap_only),
     "make no system calls except mmap, munmap and futex, for seccomp filters that kill the process at others; there "
     "is then no helper thread, no use of memory cgroups, and one node"},
    {"mmap_threshold", Type::kBytes, kLive, "bytes", 64_KiB, 32_MiB, offsetof(Options, mmap_threshold),
     "blocks of this size and larger get a mapping of their own (M_MMAP_THRESHOLD)"},
    {"hugepages", Type::kChoice, kLive, "never|dense|always", 0, 2, offsetof(Options, hugepages),
     "use transparent huge pages (MADV_HUGEPAGE): dense uses them in a zone Huge, which serves requests first once "
     "32 MiB are in use; always uses them for all arenas and mappings; the reserved pool (MAP_HUGETLB) is never used, "
     "because fork loses its pages"},
    {"perturb", Type::kNumber, kLive, "byte value", 0, 255, offsetof(Options, perturb),
     "fill freed memory with this byte and new memory with its complement; 0 is off (M_PERTURB)"},
    {"slob", Type::kFlag, kAtStart, "0|1", 0, 1, offsetof(Options, slob),
     "serve blocks up to 8 KiB from pages that all sizes share; for tiny processes: it saves memory and costs time"},
    {"numa", Type::kFlag, kAtStart, "0|1", 0, 1, offsetof(Options, numa),
     "on a machine with several NUMA nodes, take each thread's memory from its own node, after a second thread "
     "allocates"},
    {"numa_fake", Type::kNumber, kAtStart, "nodes", 0, 64, offsetof(Options, numa_fake),
     "for tests: simulate this many NUMA nodes, assigned to threads in turn; 0 is off"},
    {"cpus_fake", Type::kNumber, kAtStart, "processors", 0, 1024, offsetof(Options, cpus_fake),
     "for tests: simulate this many processors, assigned to threads in turn; 0 is off"},
    {"slab_debug", Type::kSlabDebug, kAtStart, "[FZPUT][,cache...]", 0, 31, offsetof(Options, slab_debug),
     "check blocks like the kernel's slab_debug: F consistency on free, Z red zones, P poison, U stacks that "
     "allocated and freed, T trace; no letters mean FZPU; applies to all caches, or to those named (malloc-64, "
     "my_cache, my_*)"},
    {"slab_nomerge", Type::kFlag, kLive, "0|1", 0, 1, offsetof(Options, slab_nomerge),
     "named caches that are created from now on share slabs with no other cache, so that each has its own figures"},
    {"debug_continue", Type::kFlag, kLive, "0|1", 0, 1, offsetof(Options, debug_continue),
     "repair the errors that slab_debug, harden and guard_sample find and continue, instead of aborting"},
    {"harden", Type::kFlag, kAtStart, "0|1", 0, 1, offsetof(Options, harden),
     "defend the heap in production: checked pointers, canaries, zero on free, delayed reuse, random order, guard "
     "pages"},
    {"mismatch", Type::kFlag, kLive, "0|1", 0, 1, offsetof(Options, mismatch),
     "under slab_debug and harden, report a block that is freed by the wrong function or with the wrong size"},
    {"guard_sample", Type::kNumber, kLive, "allocations", 0, kMaxInterval, offsetof(Options, guard_sample),
     "place about one in this many blocks between guard pages, and report overflows and uses after free; 0 is off"},
    {"deepbind", Type::kFlag, kAtStart, "0|1", 0, 1, offsetof(Options, deepbind),
     "let dlopen honour RTLD_DEEPBIND: the opened library then uses glibc's malloc, and must not free the program's "
     "blocks; 0 removes the flag"},
    {"failslab", Type::kFault, kAtStart, "percent[:interval[:min-max[:times]]]", 0, 100, offsetof(Options, failslab),
     "make calls of malloc for min to max bytes fail: this percentage of every interval-th call, and at most this "
     "many times"},
    {"profile", Type::kRate, kLive, "bytes", 0, 1_TiB, offsetof(Options, profile),
     "sample one in about this many allocated bytes with its stack (ashlar_profile_dump); the name alone means 512k; "
     "1 records each block; 0 is off"},
    {"profile_file", Type::kText, kLive, "path", 0, kMaxPattern, offsetof(Options, profile_file),
     "write the profile to this file when the program exits; %p stands for the process's number, %n for the count of "
     "files written"},
    {"profile_every", Type::kBytes, kLive, "bytes", 0, 1_TiB, offsetof(Options, profile_every),
     "also write profile_file each time that about this many bytes were allocated while a profile is on; 0 is off"},
    {"profile_peak", Type::kBytes, kLive, "bytes", 0, 1_TiB, offsetof(Options, profile_peak),
     "also write profile_file when the bytes in use, as the profile estimates them, exceed the last such peak by "
     "about this many; 0 is off"},
    {"profile_signal", Type::kChoice, kLive, "none|hup|usr1|usr2|urg|winch|pwr", 0, 6,
     offsetof(Options, profile_signal),
     "also write profile_file when the process gets this signal, unless the program catches it itself"},
    {"record", Type::kText, kAtStart, "path", 0, kMaxPattern, offsetof(Options, record),
     "record each call of malloc and its relatives in this file, for ashlar trace and ashlar replay; if the file "
     "exists, the process's number is appended to its name"},
    {"swap", Type::kSwap, kAtStart, "path:bytes[:priority]", 0, kMaxSwapWishes, offsetof(Options, swap),
     "make a swap area of this size, in a folder or as a new file, for memory beyond what limits allow; may be given "
     "32 times, and areas of higher priority are used first; the path must not contain a comma, colon or blank; none "
     "drops the areas before it; an area is encrypted if its file system is"},
    {"cold", Type::kChoice, kLive, "off|cold|pageout", 0, 2, offsetof(Options, cold),
     "tell the kernel that blocks of ashlar_malloc_cold are idle, decay_ms after they were allocated: cold (MADV_COLD) "
     "makes it take their pages first when memory is short, pageout (MADV_PAGEOUT) at once"},
};

static_assert(std::size(kTable) <= kMaxOptions, "each option has its origin");

[[ASHLAR_OFTEN_RUN]] constexpr bool is_separator(char c) {
  return c == ',' || c == ':' || c == ' ' || c == '\t' || c == '\n';
}

// Reads digits and, for bytes, a suffix k, m, g or t (powers of 1024). Returns false if the text holds anything else.
[[ASHLAR_OFTEN_RUN]] bool parse_number(std::string_view text, bool with_suffix, std::uint64_t& out) {
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

[[ASHLAR_OFTEN_RUN]] bool parse_choice(std::string_view text, std::string_view choices, std::uint64_t& out) {
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

// Reads the letters of slab_debug: "-" and "off" mean none of the checks, an empty text means the usual ones.
bool parse_letters(std::string_view text, std::uint64_t& out) {
  std::uint64_t bits = 0;
  for (const char c : text == "-" || text == "off" ? std::string_view() : text) {
    const std::size_t bit = std::string_view("fzput").find(static_cast<char>(c | 0x20));
    if (bit == std::string_view::npos) return false;
    bits |= std::uint64_t{1} << bit;
  }
  out = text.empty() ? kSlabDebugUsual : bits;
  return true;
}

// Returns the text up to the first separator, and removes both from `text`.
[[ASHLAR_OFTEN_RUN]] std::string_view take_part(std::string_view& text) {
  std::size_t end = 0;
  while (end < text.size() && !is_separator(text[end]) && text[end] != ';') ++end;
  const std::string_view part = first(text, end);
  text.remove_prefix(end < text.size() ? end + 1 : end);
  return part;
}

[[ASHLAR_OFTEN_RUN]] bool parse_slab_debug(std::string_view text, Options& into) {
  std::uint64_t letters = 0;
  if (!parse_letters(take_part(text), letters)) return false;
  CacheNames names;
  while (!text.empty()) {
    const std::string_view name = take_part(text);
    if (name.empty()) continue;
    if (names.length + name.size() + 1 > sizeof names.text) return false;
    if (names.length != 0) names.text[names.length++] = ',';
    for (const char c : name) names.text[names.length++] = c;
  }
  into.slab_debug = letters;
  into.slab_debug_caches = names;
  return true;
}

bool parse_fault(std::string_view text, Options& into) {
  std::uint64_t percent = 0;
  FaultAttributes fail;
  const std::string_view chance = take_part(text);
  if (chance != "off" && (!parse_number(chance, false, percent) || percent > 100)) return false;
  if (!text.empty() && (!parse_number(take_part(text), false, fail.interval) || fail.interval == 0)) return false;
  if (!text.empty()) {
    const std::string_view range = take_part(text);
    const std::size_t dash = range.find('-');
    const std::string_view max = dash == std::string_view::npos ? range : after(range, dash + 1);
    if (!parse_number(first(range, dash), false, fail.min) || !parse_number(max, false, fail.max)) return false;
    if (fail.min > fail.max) return false;
  }
  if (!text.empty() && !parse_number(take_part(text), false, fail.times)) return false;
  if (!text.empty()) return false;
  into.failslab = percent;
  into.fail = fail;
  return true;
}

// The areas that all lists ask for. A list may be read twice, so an area that is already here is used again.
[[ASHLAR_SPARSE]] constinit SwapWish wishes[2 * kMaxSwapWishes] = {};
constinit std::uint8_t wishes_used = 0;

// Returns the index of an area in `wishes`, which is added if it is new. Returns the size of `wishes` if that is full.
std::uint8_t place_of(std::string_view path, std::uint64_t bytes, int priority) {
  std::uint8_t i = 0;
  for (; i < wishes_used; ++i) {
    if (wishes[i].bytes == bytes && wishes[i].priority == priority && path == wishes[i].path) return i;
  }
  if (i == std::size(wishes)) return i;
  wishes[i].bytes = bytes;
  wishes[i].priority = priority;
  std::memcpy(wishes[i].path, path.data(), path.size());
  ++wishes_used;
  return i;
}

// Adds an area. "none" drops the areas before it.
bool parse_swap(std::string_view text, Options& into) {
  if (text == "none") {
    into.swap = 0;
    return true;
  }
  const std::string_view path = take_part(text);
  std::uint64_t bytes = 0, priority = 0;
  if (path.empty() || path.size() > kMaxPattern || into.swap == kMaxSwapWishes) return false;
  if (!parse_number(take_part(text), true, bytes) || bytes == 0 || bytes > kMaxSwapWish) return false;
  const bool has_priority = !text.empty();
  if (has_priority && (!parse_number(text, false, priority) || priority > kMaxWishedPriority)) return false;
  const std::uint8_t place = place_of(path, bytes, has_priority ? static_cast<int>(priority) : -1);
  if (place == std::size(wishes)) return false;
  into.swap_wishes[into.swap] = place;
  into.swap = into.swap + 1;
  return true;
}

// Returns where the characters of an option are whose value is the length of a text.
Option<const char*>& text_of(const OptionInfo& info, Options& of) {
  return info.place == offsetof(Options, record) ? of.record_path : of.profile_pattern;
}

// Points the option to the characters in `text`, which must outlive it.
bool parse_text(const OptionInfo& info, std::string_view text, Options& into) {
  if (text.empty() || text.size() > kMaxPattern) return false;
  value_of(info, into) = text == "none" ? 0 : text.size();
  text_of(info, into) = text.data();
  return true;
}

// Copies the text, because programs write over their environment to set their title.
void keep_text(const OptionInfo& info, Options& into) {
  [[ASHLAR_SPARSE]] static constinit char texts[2][kMaxPattern + 1];
  char* const copy = texts[info.place == offsetof(Options, record) ? 1 : 0];
  const std::uint64_t length = value_of(info, into);
  std::memcpy(copy, text_of(info, into), length);
  copy[length] = '\0';
  text_of(info, into) = copy;
}

bool parse_value(const OptionInfo& info, std::string_view text, std::uint64_t& out) {
  switch (info.type) {
    case Type::kFlag:
      return parse_choice(text, info.unit, out) || parse_choice(text, "off|on", out) ||
             parse_choice(text, "false|true", out) || parse_choice(text, "no|yes", out);
    case Type::kChoice: return parse_choice(text, info.unit, out);
    case Type::kNumber: return parse_number(text, false, out) && out >= info.min && out <= info.max;
    case Type::kRate:
      if (text.empty()) {
        out = kUsualRate;
        return true;
      }
      [[fallthrough]];
    case Type::kBytes: return parse_number(text, true, out) && out >= info.min && out <= info.max;
    case Type::kSlabDebug:
    case Type::kText:
    case Type::kSwap:
    case Type::kFault: break;  // they set more than a number
  }
  return false;
}

// Sets an option from its text. Returns false and sets nothing if the text is not a value of the option.
bool set_value(const OptionInfo& info, std::string_view text, Options& into) {
  if (info.type == Type::kSlabDebug) return parse_slab_debug(text, into);
  if (info.type == Type::kFault) return parse_fault(text, into);
  if (info.type == Type::kText) return parse_text(info, text, into);
  if (info.type == Type::kSwap) return parse_swap(text, into);
  std::uint64_t parsed = 0;
  if (!parse_value(info, text, parsed)) return false;
  value_of(info, into) = parsed;
  return true;
}

void append_expected(Line& line, const OptionInfo& info) {
  if (info.type == Type::kText) {
    line << "a " << info.unit << " of at most " << info.max << " bytes";
    return;
  }
  if (info.type == Type::kSwap) {
    line << info.unit << ", a path of at most " << kMaxPattern << " bytes, 1 to 256g bytes, a priority of at most "
         << std::uint64_t{kMaxWishedPriority} << ", and no more than " << info.max << " areas";
    return;
  }
  if (info.type == Type::kSlabDebug || info.type == Type::kFault) {
    line << info.unit;
    return;
  }
  if (info.type == Type::kFlag || info.type == Type::kChoice) {
    line << "one of " << info.unit;
    return;
  }
  line << "a number from " << info.min << " to " << info.max << " (" << info.unit << ")";
  if (info.type == Type::kBytes || info.type == Type::kRate) line << ", optionally followed by k, m, g or t";
}

[[ASHLAR_OFTEN_RUN]] void append_value(Line& line, const OptionInfo& info, std::uint64_t value) {
  if (info.type == Type::kText || info.type == Type::kSwap) {
    line << "none";
    return;
  }
  if (info.type == Type::kSlabDebug || info.type == Type::kFault) {
    line << "off";  // only the default is ever written
    return;
  }
  if (info.type != Type::kChoice) {
    line << value;
    return;
  }
  std::string_view choices = info.unit;
  for (; value > 0; --value) choices.remove_prefix(choices.find('|') + 1);
  line << first(choices, choices.find('|'));
}

void append_known(Line& line) {
  const char* separator = " ";
  for (const OptionInfo& info : kTable) {
    line << separator << info.name;
    separator = ", ";
  }
}

[[ASHLAR_OFTEN_RUN]] const OptionInfo* find_option(std::string_view name) {
  for (const OptionInfo& info : kTable) {
    if (info.name == name) return &info;
  }
  return nullptr;
}

// Sets an option from "name=value", or from its name alone.
[[ASHLAR_OFTEN_RUN]] bool set_item(const OptionInfo& info, std::string_view item, Options& into) {
  const std::size_t equals = item.find('=');
  if (equals == std::string_view::npos && info.type == Type::kFlag) {
    value_of(info, into) = 1;
    return true;
  }
  return set_value(info, equals == std::string_view::npos ? std::string_view() : after(item, equals + 1), into);
}

// Appends what is wrong with a value: NAME="TEXT": expected …
[[ASHLAR_OFTEN_RUN]] void append_wrong(Line& line, const OptionInfo& info, std::string_view item) {
  const std::size_t equals = item.find('=');
  const std::string_view text = equals == std::string_view::npos ? std::string_view() : after(item, equals + 1);
  line << info.name << "=\"" << first(text, 60) << "\": expected ";
  append_expected(line, info);
}

std::string_view name_of(Origin from) {
  switch (from) {
    case Origin::kProgram: return "ashlar_options of the program";
    case Origin::kSystemFile: return "/etc/ashlar.conf";
    case Origin::kUserFile: return "ashlar.conf of the user";
    case Origin::kDefault:
    case Origin::kEnvironment:
    case Origin::kMallopt:
    case Origin::kRequest: break;
  }
  return "ASHLAR_OPTIONS";
}

[[ASHLAR_OFTEN_RUN]] void parse_item(std::string_view item, Options& into, void (*report)(std::string_view),
                                     Origin from) {
  const std::string_view name = first(item, item.find('='));
  Line line;
  line << name_of(from) << ": ";
  const OptionInfo* const info = find_option(name);
  if (info == nullptr) {
    line << "unknown option \"" << first(name, 60) << "\"; known options:";
    append_known(line);
    report(line.view());
    return;
  }
  if (set_item(*info, item, into)) {
    if (info->type == Type::kText) keep_text(*info, into);
    origin_of(*info, into) = from;
    return;
  }
  append_wrong(line, *info, item);
  if (info->type == Type::kSwap) {  // the other areas are kept
    line << "; this area is not made";
    return report(line.view());
  }
  line << ", using the default ";
  value_of(*info, into) = value_of(*info, Options{});
  origin_of(*info, into) = Origin::kDefault;
  append_value(line, *info, value_of(*info, into));
  report(line.view());
}

std::size_t item_length(std::string_view list) {
  std::size_t n = 0;
  while (n < list.size() && !is_separator(list[n])) ++n;
  return n;
}

// Returns whether an item belongs to the option before it: a number to failslab, the name of a cache to slab_debug, and
// any text after a colon, valid or not, to swap.
bool belongs_to(const OptionInfo& info, std::string_view item, bool behind_colon) {
  if (item.find('=') != std::string_view::npos) return false;
  if (info.type == Type::kSlabDebug) return find_option(item) == nullptr;
  if (info.type == Type::kSwap) return behind_colon && find_option(item) == nullptr;
  for (const char c : item) {
    if ((c < '0' || c > '9') && c != '-') return false;
  }
  return info.type == Type::kFault;
}

// Returns the length of the first item, with all items that belong to it.
std::size_t whole_length(std::string_view list) {
  std::size_t end = item_length(list);
  const OptionInfo* const info = find_option(first(first(list, end), first(list, end).find('=')));
  if (info == nullptr) return end;
  if (info->type != Type::kSlabDebug && info->type != Type::kFault && info->type != Type::kSwap) return end;
  while (end < list.size()) {
    std::size_t next = end;
    while (next < list.size() && is_separator(list[next])) ++next;
    const std::size_t n = item_length(after(list, next));
    if (n == 0 || !belongs_to(*info, first(after(list, next), n), list[end] == ':')) break;
    end = next + n;
  }
  return end;
}

}  // namespace

[[ASHLAR_OFTEN_RUN]] std::span<const OptionInfo> option_table() { return kTable; }
constinit const OptionRows option_rows{kTable, std::size(kTable)};

[[ASHLAR_OFTEN_RUN]] void parse_options(std::string_view list, Options& into, void (*report)(std::string_view line),
                                        Origin from) {
  while (!list.empty()) {
    const std::size_t end = whole_length(list);
    if (end > 0) parse_item(first(list, end), into, report, from);
    list.remove_prefix(end < list.size() ? end + 1 : end);
  }
}

[[ASHLAR_SELDOM_RUN]] const OptionInfo* parse_option(std::string_view item, Options& into,
                                                     void (*report)(std::string_view line)) {
  const std::string_view name = first(item, item.find('='));
  const OptionInfo* const info = find_option(name);
  Line line;
  if (info == nullptr) {
    line << first(name, 60) << ": unknown option";
  } else if (info->changes != OptionInfo::Changes::kAtRunTime) {
    line << name << ": it cannot change at run time; give it in ASHLAR_OPTIONS";
  } else if (!set_item(*info, item, into)) {
    append_wrong(line, *info, item);
  } else {
    return info;
  }
  report(line.view());
  return nullptr;
}

[[ASHLAR_OFTEN_RUN]] const SwapWish& swap_wish(const Options& of, std::uint64_t n) { return wishes[of.swap_wishes[n]]; }

[[ASHLAR_OFTEN_RUN]] Option<Origin>& origin_of(const OptionInfo& info, Options& of) {
  return of.origins[&info - kTable];
}

[[ASHLAR_OFTEN_RUN]] void describe_options(void (*line)(std::string_view)) {
  for (const OptionInfo& info : kTable) {
    Line out;
    out << info.name << "=";
    append_value(out, info, value_of(info, Options{}));
    out << "  (" << info.unit << ")  " << info.meaning;
    if (info.changes == OptionInfo::Changes::kAtRunTime) out << "; can change at run time";
    line(out.view());
  }
}

}  // namespace ashlar
