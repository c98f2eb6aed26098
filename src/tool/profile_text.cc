// tool: a profile as text.
#include "tool/profile_text.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ashlar::tool {

namespace {

struct Row {
  std::string name;
  Figures figures;
  std::uint64_t with_callees = 0;  // of what the order is by
};

struct Summary {
  Figures all;
  std::vector<Row> rows;  // the largest first
};

std::uint64_t chosen(const TextForm& form, const Figures& figures) {
  return form.allocated ? figures.allocated : figures.in_use;
}

Summary summary_of(const TextForm& form, const Stacks& stacks) {
  Summary out;
  for (const std::string& name : stacks.functions) out.rows.push_back({name, {}});
  for (const StackFigures& stack : stacks.all) {
    out.all.add(stack.figures);
    out.rows[stack.functions.front()].figures.add(stack.figures);
    // a function that calls itself counts once
    std::vector<std::size_t> functions = stack.functions;
    std::sort(functions.begin(), functions.end());
    functions.erase(std::unique(functions.begin(), functions.end()), functions.end());
    for (const std::size_t i : functions) {
      std::uint64_t& sum = out.rows[i].with_callees;
      sum = added(sum, chosen(form, stack.figures));
    }
  }
  std::stable_sort(out.rows.begin(), out.rows.end(), [&](const Row& a, const Row& b) {
    const std::uint64_t one = chosen(form, a.figures), other = chosen(form, b.figures);
    return one != other ? one > other : a.with_callees > b.with_callees;
  });
  std::erase_if(out.rows, [](const Row& row) { return row.with_callees == 0 && row.figures.allocated == 0; });
  return out;
}

}  // namespace

std::string head_of(const Profile& profile) {
  std::string out = fmt::format("Profile of process {} after {}.{:03} s, ", profile.process,
                                profile.milliseconds / 1000, profile.milliseconds % 1000);
  out += profile.rate == 1 ? "each block recorded.\n"
                           : fmt::format("one in {} sampled: figures are estimates.\n", human_bytes(profile.rate));
  if (profile.dropped != 0) out += fmt::format("{} samples were dropped for want of room.\n", profile.dropped);
  if (profile.with_earlier) out += "The figures include the samples of earlier profiles of the process.\n";
  return out;
}

void print_table(const TextForm& form, const Profile& profile, const Stacks& stacks) {
  const Summary summary = summary_of(form, stacks);
  const std::uint64_t whole = chosen(form, summary.all);
  form.output.print(head_of(profile) + "\n");
  Table table({{"in use"},
               {"objects"},
               {"allocated"},
               {"objects"},
               {"share"},
               {"with callees"},
               {"function", Table::Align::kLeft}});
  const auto add = [&](const Row& row, Style style) {
    const Figures& f = row.figures;
    table.add({std::to_string(f.in_use), std::to_string(f.objects), std::to_string(f.allocated),
               std::to_string(f.allocated_objects), percent(chosen(form, f), whole), percent(row.with_callees, whole),
               row.name},
              style);
  };
  add({"all", summary.all, whole}, Style::kBold);
  const std::size_t shown = std::min(form.rows, summary.rows.size());
  for (std::size_t i = 0; i < shown; ++i) add(summary.rows[i], Style::kPlain);
  table.print(form.output);
  if (shown < summary.rows.size())
    form.output.print(fmt::format("{} more functions; --rows shows more.\n", summary.rows.size() - shown));
}

void print_folded(const TextForm& form, const Stacks& stacks) {
  std::map<std::vector<std::size_t>, std::uint64_t> sums;
  for (const StackFigures& stack : stacks.all) {
    if (chosen(form, stack.figures) == 0) continue;
    std::uint64_t& sum = sums[{stack.functions.rbegin(), stack.functions.rend()}];
    sum = added(sum, chosen(form, stack.figures));
  }
  for (const auto& [functions, bytes] : sums) {
    std::string line;
    for (const std::size_t i : functions) {
      std::string name = stacks.functions[i];
      std::replace(name.begin(), name.end(), ';', ':');
      line += (line.empty() ? "" : ";") + name;
    }
    form.output.print(fmt::format("{} {}\n", line, bytes));
  }
}

void print_json(const TextForm& form, const Profile& profile, const Stacks& stacks) {
  const Summary summary = summary_of(form, stacks);
  const auto figures = [](const Figures& f) {
    return nlohmann::ordered_json{{"in_use_bytes", f.in_use},
                                  {"in_use_objects", f.objects},
                                  {"allocated_bytes", f.allocated},
                                  {"allocated_objects", f.allocated_objects}};
  };
  nlohmann::ordered_json out{
      {"process", profile.process}, {"milliseconds", profile.milliseconds}, {"rate", profile.rate},
      {"dropped", profile.dropped}, {"with_earlier", profile.with_earlier}, {"all", figures(summary.all)}};
  nlohmann::ordered_json& functions = out["functions"] = nlohmann::ordered_json::array();
  for (const Row& row : summary.rows) {
    nlohmann::ordered_json one{{"name", row.name}};
    one.update(figures(row.figures));
    one["with_callees_bytes"] = row.with_callees;
    functions.push_back(std::move(one));
  }
  form.output.print_json(out);
}

}  // namespace ashlar::tool
