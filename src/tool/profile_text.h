// tool: a profile as a table of functions, as folded stacks and as JSON.
#pragma once

#include <string>

#include "tool/output.h"
#include "tool/profile_stacks.h"

namespace ashlar::tool {

struct TextForm {
  Output output;
  bool allocated = false;  // order, shares and folded stacks are by what was allocated, and not by what is in use
  std::size_t rows = 20;   // the most in the table
};

// What is known of all of a profile, a line each.
std::string head_of(const Profile& profile);

void print_table(const TextForm& form, const Profile& profile, const Stacks& stacks);

// One line a stack, the outermost function first, as flamegraph.pl and its kin read them.
void print_folded(const TextForm& form, const Stacks& stacks);

void print_json(const TextForm& form, const Profile& profile, const Stacks& stacks);

}  // namespace ashlar::tool
