// tool: a profile as text.
#include "tool/profile_text.h"

#include <algorithm>
#include <limits>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace ashlar::tool {

namespace {

using nlohmann::ordered_json;

struct Row {
  std::string name;
  Figures figures;
  Amount with_callees;  // of the figure that rows are ordered by
};

struct Summary {
  Figures all;
  Wide gained = 0;        // of the figure that rows are ordered by: the sum over the stacks that grew
  std::vector<Row> rows;  // the largest change first
};

const Amount& chosen(const TextForm& form, const Figures& figures) {
  return form.allocated ? figures.allocated : figures.in_use;
}

bool is_unchanged(const Row& row) {
  const Figures& f = row.figures;
  return row.with_callees.change() == 0 && f.in_use.change() == 0 && f.objects.change() == 0 &&
         f.allocated.change() == 0 && f.allocated_objects.change() == 0;
}

Summary summary_of(const TextForm& form, const Stacks& stacks) {
  Summary out;
  for (const std::string& name : stacks.functions) out.rows.push_back({name, {}, {}});
  for (const StackFigures& stack : stacks.all) {
    const Amount& amount = chosen(form, stack.figures);
    out.all.add(stack.figures);
    out.gained += std::max<Wide>(amount.change(), 0);
    out.rows[stack.functions.front()].figures.add(stack.figures);
    // a recursive function counts once
    std::vector<std::size_t> functions = stack.functions;
    std::sort(functions.begin(), functions.end());
    functions.erase(std::unique(functions.begin(), functions.end()), functions.end());
    for (const std::size_t i : functions) out.rows[i].with_callees.add(amount);
  }
  std::stable_sort(out.rows.begin(), out.rows.end(), [&](const Row& a, const Row& b) {
    const Wide one = chosen(form, a.figures).change(), other = chosen(form, b.figures).change();
    return one != other ? one > other : a.with_callees.change() > b.with_callees.change();
  });
  std::erase_if(out.rows, is_unchanged);
  return out;
}

std::uint64_t bounded(Wide number) {
  constexpr Wide kMax = std::numeric_limits<std::uint64_t>::max();
  return static_cast<std::uint64_t>(std::clamp<Wide>(number, 0, kMax));
}

// A change has a sign.
std::string text_of(const Amount& amount, bool difference) {
  return difference ? fmt::format("{:+}", amount.change()) : std::to_string(amount.now);
}

std::string share(const Amount& amount, Wide whole) {
  return amount.change() < 0 ? "-" : percent(bounded(amount.change()), bounded(whole));
}

std::string time_of(const Profile& profile) {
  return fmt::format("{}.{:03} s", profile.milliseconds / 1000, profile.milliseconds % 1000);
}

std::string rate_of(const Profile& profile) {
  return profile.rate == 1 ? "each block recorded" : fmt::format("one in {} sampled", human_bytes(profile.rate));
}

}  // namespace

std::string head_of(const Subject& subject) {
  const Profile& profile = subject.profile;
  const bool growth = subject.base && subject.base_file.empty();
  std::string out = fmt::format("{} of process {} {} {}, {}{}.\n", growth ? "Growth" : "Profile", profile.process,
                                growth ? "in" : "after", time_of(profile), rate_of(profile),
                                profile.rate == 1 ? "" : ": figures are estimates");
  if (subject.base && !growth) {
    out += fmt::format("The figures are the differences from {}: process {} after {}, {}.\n", subject.base_file,
                       subject.base->process, time_of(*subject.base), rate_of(*subject.base));
  }
  if (profile.dropped != 0) out += fmt::format("{} samples were dropped for lack of memory.\n", profile.dropped);
  if (profile.with_earlier && !growth) {
    out += "The figures include the samples of earlier profiles of the process.\n";
  }
  return out;
}

ordered_json number_of(const Amount& amount) {
  constexpr Wide kMin = std::numeric_limits<std::int64_t>::min();
  const Wide change = amount.change();
  return change < 0 ? ordered_json(static_cast<std::int64_t>(std::max(change, kMin))) : ordered_json(bounded(change));
}

void print_table(const TextForm& form, const Subject& subject, const Stacks& stacks) {
  const Summary summary = summary_of(form, stacks);
  form.output.print(head_of(subject) + "\n");
  Table table({{"in use"},
               {"objects"},
               {"allocated"},
               {"objects"},
               {"share"},
               {"with callees"},
               {"function", Table::Align::kLeft}});
  const auto add = [&](const Row& row, Style style) {
    const Figures& f = row.figures;
    std::vector<std::string> cells;
    for (const Amount& amount : {f.in_use, f.objects, f.allocated, f.allocated_objects}) {
      cells.push_back(text_of(amount, stacks.difference));
    }
    cells.push_back(share(chosen(form, f), summary.gained));
    cells.push_back(share(row.with_callees, summary.gained));
    cells.push_back(row.name);
    table.add(std::move(cells), style);
  };
  add({"all", summary.all, chosen(form, summary.all)}, Style::kBold);
  const std::size_t shown = std::min(form.rows, summary.rows.size());
  for (std::size_t i = 0; i < shown; ++i) add(summary.rows[i], Style::kPlain);
  table.print(form.output);
  if (shown < summary.rows.size())
    form.output.print(fmt::format("{} more functions; --rows shows more.\n", summary.rows.size() - shown));
}

void print_folded(const TextForm& form, const Stacks& stacks) {
  std::map<std::vector<std::size_t>, Amount> sums;
  for (const StackFigures& stack : stacks.all) {
    const Amount& amount = chosen(form, stack.figures);
    if (amount.now == 0 && amount.base == 0) continue;
    sums[{stack.functions.rbegin(), stack.functions.rend()}].add(amount);
  }
  for (const auto& [functions, bytes] : sums) {
    std::string line;
    for (const std::size_t i : functions) {
      std::string name = stacks.functions[i];
      std::replace(name.begin(), name.end(), ';', ':');
      line += (line.empty() ? "" : ";") + name;
    }
    if (stacks.difference) line += fmt::format(" {}", bytes.base);
    form.output.print(fmt::format("{} {}\n", line, bytes.now));
  }
}

void print_json(const TextForm& form, const Subject& subject, const Stacks& stacks) {
  const Summary summary = summary_of(form, stacks);
  const auto figures = [](const Figures& f) {
    return ordered_json{{"in_use_bytes", number_of(f.in_use)},
                        {"in_use_objects", number_of(f.objects)},
                        {"allocated_bytes", number_of(f.allocated)},
                        {"allocated_objects", number_of(f.allocated_objects)}};
  };
  const auto what = [](const Profile& profile) {
    return ordered_json{{"process", profile.process},
                        {"milliseconds", profile.milliseconds},
                        {"rate", profile.rate},
                        {"dropped", profile.dropped},
                        {"with_earlier", profile.with_earlier}};
  };
  ordered_json out = what(subject.profile);
  if (subject.base) out["base"] = what(*subject.base);
  out["all"] = figures(summary.all);
  ordered_json& functions = out["functions"] = ordered_json::array();
  for (const Row& row : summary.rows) {
    ordered_json one{{"name", row.name}};
    one.update(figures(row.figures));
    one["with_callees_bytes"] = number_of(row.with_callees);
    functions.push_back(std::move(one));
  }
  form.output.print_json(out);
}

}  // namespace ashlar::tool
