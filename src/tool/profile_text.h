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
  std::size_t rows = 20;   // the most in the table
};

// A profile, and the earlier one that it is compared with.
struct Subject {
  Profile profile;
  std::optional<Profile> base;
  std::string base_file;  // empty: `base` is of the same process when its growth began
};

// What is known of all of it, a line each.
std::string head_of(const Subject& subject);

// A figure's change as a number of JSON.
nlohmann::ordered_json number_of(const Amount& amount);

void print_table(const TextForm& form, const Subject& subject, const Stacks& stacks);

// One line a stack, the outermost function first, as flamegraph.pl and its kin read them: with what it was before what
// it is if there is an earlier profile.
void print_folded(const TextForm& form, const Stacks& stacks);

void print_json(const TextForm& form, const Subject& subject, const Stacks& stacks);

}  // namespace ashlar::tool
