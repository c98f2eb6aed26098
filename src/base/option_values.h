// base, private: the values of options, from text and to text.
#pragma once

#include "base/options.h"
#include "base/text.h"

namespace ashlar {

using OptionLine = Text<440>;

// Whether a character stands between two options, or between an option and what belongs to it.
constexpr bool is_separator(char c) { return c == ',' || c == ':' || c == ' ' || c == '\t' || c == '\n'; }

// Sets an option from its text. Returns false and sets nothing if the text is not a value of the option.
bool set_value(const OptionInfo& info, std::string_view text, Options& into);

// Copies the text of an option, because programs write over their environment to set their title.
void keep_text(const OptionInfo& info, Options& into);

// Appends which values an option takes.
void append_expected(OptionLine& line, const OptionInfo& info);

// Appends a value as a list of options has it.
void append_value(OptionLine& line, const OptionInfo& info, std::uint64_t value);

}  // namespace ashlar
