// base: the values of options, from text and to text (option_values.h).
#include "base/option_values.h"

#include <cstring>
#include <iterator>

#include "base/hints.h"

namespace ashlar {

namespace {

using Type = OptionInfo::Type;

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

}  // namespace

[[ASHLAR_OFTEN_RUN]] void keep_text(const OptionInfo& info, Options& into) {
  [[ASHLAR_SPARSE]] static constinit char texts[2][kMaxPattern + 1];
  char* const copy = texts[info.place == offsetof(Options, record) ? 1 : 0];
  const std::uint64_t length = value_of(info, into);
  std::memcpy(copy, text_of(info, into), length);
  copy[length] = '\0';
  text_of(info, into) = copy;
}

namespace {

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

}  // namespace

[[ASHLAR_OFTEN_RUN]] bool set_value(const OptionInfo& info, std::string_view text, Options& into) {
  if (info.type == Type::kSlabDebug) return parse_slab_debug(text, into);
  if (info.type == Type::kFault) return parse_fault(text, into);
  if (info.type == Type::kText) return parse_text(info, text, into);
  if (info.type == Type::kSwap) return parse_swap(text, into);
  std::uint64_t parsed = 0;
  if (!parse_value(info, text, parsed)) return false;
  value_of(info, into) = parsed;
  return true;
}

[[ASHLAR_OFTEN_RUN]] void append_expected(OptionLine& line, const OptionInfo& info) {
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

[[ASHLAR_OFTEN_RUN]] void append_value(OptionLine& line, const OptionInfo& info, std::uint64_t value) {
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

[[ASHLAR_OFTEN_RUN]] const SwapWish& swap_wish(const Options& of, std::uint64_t n) { return wishes[of.swap_wishes[n]]; }

}  // namespace ashlar
