// tool: the view of `ashlar top` by functions, of a process with a profile.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tool/profile_live.h"
#include "tool/profile_stacks.h"
#include "tool/top.h"

namespace ashlar::tool {

namespace {

struct Row {
  std::string name;
  SiteSample now;
  std::optional<double> growth, allocated, allocations;  // per second
};

std::vector<Row> rows_of(const Change& change, Sort sort) {
  std::vector<Row> rows;
  const bool comparable = change.before && change.before->sites;
  for (const auto& [name, now] : *change.now.sites) {
    Row row{name, now, {}, {}, {}};
    if (comparable) {
      const auto found = change.before->sites->find(name);
      const SiteSample before = found != change.before->sites->end() ? found->second : SiteSample{};
      const auto rate = [&](std::uint64_t SiteSample::*figure) {
        return change.rate(static_cast<double>(row.now.*figure), static_cast<double>(before.*figure));
      };
      row.growth = rate(&SiteSample::in_use);
      row.allocated = rate(&SiteSample::allocated);
      row.allocations = rate(&SiteSample::allocated_objects);
    }
    rows.push_back(std::move(row));
  }
  std::sort(rows.begin(), rows.end(), [&](const Row& a, const Row& b) {
    const double by_growth = std::fabs(a.growth.value_or(0)) - std::fabs(b.growth.value_or(0));
    if (sort == Sort::kGrowth && by_growth != 0) return by_growth > 0;
    return a.now.in_use != b.now.in_use ? a.now.in_use > b.now.in_use : a.name < b.name;
  });
  return rows;
}

SiteSample sample_of(const Figures& figures) {
  return {figures.in_use.now, figures.objects.now, figures.allocated.now, figures.allocated_objects.now};
}

void add(SiteSample& sum, const SiteSample& more) {
  sum.in_use += more.in_use;
  sum.objects += more.objects;
  sum.allocated += more.allocated;
  sum.allocated_objects += more.allocated_objects;
}

}  // namespace

std::optional<std::map<std::string, SiteSample>> sites_of(reader::Source& source) {
  if (!reader::was_sampled(source)) return std::nullopt;
  const Profile profile = read_samples_of(source);
  const Stacks stacks = stacks_of(profile, names_of(profile));
  std::map<std::string, SiteSample> sites;
  for (const StackFigures& stack : stacks.all) {
    add(sites[stacks.functions[stack.functions.front()]], sample_of(stack.figures));
  }
  return sites;
}

void add_site_lines(std::vector<Line>& lines, const Change& change, Sort sort) {
  if (!change.now.sites) {
    lines.push_back({{fmt::format("No profile was started in it: \"ashlar profile {} --keep\" does.", change.now.pid),
                      Style::kYellow}});
    return;
  }
  constexpr const char* kRow = "{:>10} {:>13} {:>10} {:>13} {:>10}  {}";
  lines.push_back(
      {{fmt::format(kRow, "in use", "growth", "objects", "allocated", "allocs/s", "function"), Style::kBold}});
  for (const Row& row : rows_of(change, sort)) {
    lines.push_back({{fmt::format(kRow, human_bytes(row.now.in_use), byte_rate(row.growth), row.now.objects,
                                  byte_rate(row.allocated), object_rate(row.allocations), row.name),
                      style_of(row.growth)}});
  }
}

nlohmann::ordered_json sites_json(const Change& change) {
  if (!change.now.sites) return nullptr;
  nlohmann::ordered_json sites = nlohmann::ordered_json::array();
  const auto rate = [](const std::optional<double>& value) {
    return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
  };
  for (const Row& row : rows_of(change, Sort::kSize)) {
    sites.push_back({{"function", row.name},
                     {"in_use_bytes", row.now.in_use},
                     {"in_use_bytes_per_second", rate(row.growth)},
                     {"in_use_objects", row.now.objects},
                     {"allocated_bytes", row.now.allocated},
                     {"allocated_bytes_per_second", rate(row.allocated)},
                     {"allocated_objects", row.now.allocated_objects},
                     {"allocated_objects_per_second", rate(row.allocations)}});
  }
  return sites;
}

}  // namespace ashlar::tool
