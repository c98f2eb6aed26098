// tool: a profile as a table of functions, as folded stacks and as JSON.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "tool/output.h"
#include "tool/profile_stacks.h"

namespace ashlar::tool {

struct TextForm {
  Output output;
  bool allocated = false;  // order, shares and folded stacks are by what was allocated, and not by what is in use
  std::size_t rows = 20;   // maximum in the table
};

// A profile, and the earlier one that it is compared with.
struct Subject {
  Profile profile;
  std::optional<Profile> base;
  std::string base_file;  // empty: `base` is of the same process when its growth began
};

// Returns the lines about the profile as a whole.
std::string head_of(const Subject& subject);

// Returns a figure's change as a number of JSON.
nlohmann::ordered_json number_of(const Amount& amount);

void print_table(const TextForm& form, const Subject& subject, const Stacks& stacks);

// Prints a line per stack, the outermost function first, in the format of flamegraph.pl. If there is an earlier
// profile, its figure precedes the current one.
void print_folded(const TextForm& form, const Stacks& stacks);

void print_json(const TextForm& form, const Subject& subject, const Stacks& stacks);

}  // namespace ashlar::tool
