// tool: whether a process can be asked to set an option.
#include "tool/option_check.h"

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include <fmt/format.h>

namespace ashlar::tool {

namespace {

using reader::Option;
using Type = Option::Type;

constexpr std::size_t kMaxName = 60, kMaxText = 255, kMaxItem = 299;  // as the process writes and takes them

bool is_among(std::string_view text, std::string_view choices) {
  for (;;) {
    const std::size_t end = choices.find('|');
    if (text == choices.substr(0, end)) return true;
    if (end == std::string_view::npos) return false;
    choices.remove_prefix(end + 1);
  }
}

// Reads digits and, for bytes, one of the letters k, m, g and t.
bool read_number(std::string_view text, bool with_suffix, std::uint64_t& n) {
  n = 0;
  std::size_t i = 0;
  for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) {
    if (__builtin_mul_overflow(n, 10, &n)) return false;
    if (__builtin_add_overflow(n, static_cast<std::uint64_t>(text[i] - '0'), &n)) return false;
  }
  if (i == 0) return false;
  if (!with_suffix || i + 1 != text.size()) return i == text.size();
  const std::size_t power = std::string_view("kmgt").find(static_cast<char>(text[i] | 0x20));
  return power != std::string_view::npos && !__builtin_mul_overflow(n, std::uint64_t{1} << (10 * (power + 1)), &n);
}

bool is_flag(const Option& option, std::string_view text) {
  for (const std::string_view words : {std::string_view(option.unit), std::string_view("off|on"),
                                       std::string_view("false|true"), std::string_view("no|yes")}) {
    if (is_among(text, words)) return true;
  }
  return false;
}

bool is_in_range(const Option& option, std::string_view text) {
  std::uint64_t n = 0;
  if (!read_number(text, option.type != Type::kNumber, n)) return false;
  return !option.has_range || (n >= option.min && n <= option.max);
}

bool takes(const Option& option, std::string_view text, bool name_alone) {
  switch (option.type) {
    case Type::kFlag: return name_alone || is_flag(option, text);
    case Type::kChoice: return is_among(text, option.unit);
    case Type::kNumber:
    case Type::kBytes: return is_in_range(option, text);
    case Type::kRate: return text.empty() || is_in_range(option, text);
    case Type::kText: return !text.empty() && text.size() <= kMaxText;
    case Type::kSlabDebug:
    case Type::kFault:
    case Type::kSwap: break;
  }
  return true;
}

std::string expected(const Option& option) {
  if (option.type == Type::kText) return fmt::format("a {} of at most {} bytes", option.unit, kMaxText);
  if (option.type == Type::kFlag || option.type == Type::kChoice) return "one of " + option.unit;
  const char* const suffix = option.type == Type::kNumber ? "" : ", optionally followed by k, m, g or t";
  const std::string range =
      option.has_range ? fmt::format("a number from {} to {}", option.min, option.max) : std::string("a number");
  return fmt::format("{} ({}){}", range, option.unit, suffix);
}

}  // namespace

const Option* option_of(const std::vector<Option>& options, const std::string& item) {
  const std::string name = item.substr(0, item.find('='));
  for (const Option& option : options) {
    if (option.name == name) return &option;
  }
  return nullptr;
}

std::string fault_of(const std::vector<Option>& options, const std::string& item) {
  if (options.empty()) return {};
  const Option* const option = option_of(options, item);
  const std::size_t equals = item.find('=');
  if (option == nullptr)
    return item.substr(0, std::min(equals, kMaxName)) + ": unknown option; `ashlar options` lists them";
  if (!option->changes) return option->name + ": it cannot change at run time; give it in ASHLAR_OPTIONS";
  const std::string text = equals == std::string::npos ? std::string() : item.substr(equals + 1);
  if (!takes(*option, text, equals == std::string::npos))
    return fmt::format("{}=\"{}\": expected {}", option->name, text.substr(0, kMaxName), expected(*option));
  if (item.size() <= kMaxItem) return {};
  return fmt::format("{}: its value has {} bytes, which is too long", option->name, text.size());
}

}  // namespace ashlar::tool
