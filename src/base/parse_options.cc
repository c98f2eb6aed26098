// base: lists of options, as in ASHLAR_OPTIONS: which text is whose, and what is reported of it (options.h).
#include "base/hints.h"
#include "base/option_values.h"
#include "base/options.h"

namespace ashlar {

namespace {

using Type = OptionInfo::Type;

void append_known(OptionLine& line) {
  const char* separator = " ";
  for (const OptionInfo& info : option_table()) {
    line << separator << info.name;
    separator = ", ";
  }
}

[[ASHLAR_OFTEN_RUN]] const OptionInfo* find_option(std::string_view name) {
  for (const OptionInfo& info : option_table()) {
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
[[ASHLAR_OFTEN_RUN]] void append_wrong(OptionLine& line, const OptionInfo& info, std::string_view item) {
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
  OptionLine line;
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
  OptionLine line;
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

[[ASHLAR_OFTEN_RUN]] void describe_options(void (*line)(std::string_view)) {
  for (const OptionInfo& info : option_table()) {
    OptionLine out;
    out << info.name << "=";
    append_value(out, info, value_of(info, Options{}));
    out << "  (" << info.unit << ")  " << info.meaning;
    if (info.changes == OptionInfo::Changes::kAtRunTime) out << "; can change at run time";
    line(out.view());
  }
}

}  // namespace ashlar
