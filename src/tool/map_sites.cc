// tool: the functions of the picture.
#include "tool/map_sites.h"

#include <algorithm>
#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "tool/heap_scan.h"
#include "tool/profile_stacks.h"
#include "tool/top.h"

namespace ashlar::tool {

namespace {

constexpr std::size_t kMaxSamples = 1 << 20;
constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 40;  // of a sample: the process's data are not trusted

std::vector<MapSite> sites_by_size(const std::map<std::string, SiteSample>& known) {
  std::vector<MapSite> sites;
  for (const auto& [name, figures] : known) {
    if (figures.in_use != 0) sites.push_back({name, figures.in_use, figures.objects});
  }
  std::stable_sort(sites.begin(), sites.end(), [](const MapSite& a, const MapSite& b) { return a.in_use > b.in_use; });
  return sites;
}

}  // namespace

Samples::Samples(reader::Source& source, std::vector<MapSite>& sites) {
  const auto known = sites_of(source);
  if (!known) return;
  known_ = true;
  sites = sites_by_size(*known);
  std::map<std::string, std::size_t> numbers;
  for (std::size_t i = 0; i < sites.size(); ++i) numbers[sites[i].name] = i;
  const reader::SampledBlocks sampled = reader::read_sampled_blocks(
      source, [](std::uint64_t) { return true; }, kMaxSamples);
  const auto functions = functions_of(source, sampled.sites);
  for (const reader::SampledBlock& block : sampled.blocks) {
    const auto& stack = functions[block.site];
    const auto [at, added] = numbers.try_emplace(stack.empty() ? kNoStack : stack.front(), sites.size());
    if (added) sites.push_back({at->first});  // allocated since the figures were read
    all_.push_back({block.address, std::clamp<std::uint64_t>(block.requested, 1, kMaxBytes), at->second});
  }
  std::sort(all_.begin(), all_.end(), [](const Sample& a, const Sample& b) { return a.address < b.address; });
}

nlohmann::ordered_json Samples::in(const reader::Range& range) const {
  nlohmann::ordered_json out = nlohmann::ordered_json::array();
  const std::uint64_t start = range.start / reader::kPage, end = range.end / reader::kPage;
  auto at = std::lower_bound(all_.begin(), all_.end(), range.start,
                             [](const Sample& sample, std::uint64_t address) { return sample.address < address; });
  std::uint64_t free_from = start;
  while (at != all_.end() && at->address < range.end) {
    // Of all samples that start in this page, take the function with most bytes, up to the end of its last sample.
    const std::uint64_t page = at->first_page();
    std::map<std::size_t, std::uint64_t> bytes, ends;
    for (; at != all_.end() && at->first_page() == page; ++at) {
      bytes[at->site] += at->bytes;
      ends[at->site] = std::max(ends[at->site], at->end_page());
    }
    const auto largest =
        std::max_element(bytes.begin(), bytes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    const std::uint64_t first = std::max(page, free_from), last = std::min(ends[largest->first], end);
    if (last <= first) continue;
    for (const std::uint64_t number : {first - start, last - first, std::uint64_t{largest->first}})
      out.push_back(number);
    free_from = last;
  }
  return out;
}

}  // namespace ashlar::tool
