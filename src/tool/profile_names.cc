// tool: names for the addresses of a profile.
#include "tool/profile_names.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include <fmt/format.h>

#include "tool/reader/names.h"

namespace ashlar::tool {

namespace {

std::vector<Location> locations_of(const Profile& profile) {
  std::vector<std::uint64_t> addresses;
  for (const ProfileSite& site : profile.sites) {
    for (const std::uint64_t address : site.stack) addresses.push_back(address - 1);
  }
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  std::vector<Location> locations;
  for (const std::uint64_t address : addresses) {
    const reader::Mapping* const mapping = reader::around(profile.mappings, address);
    const std::size_t none = profile.mappings.size();
    locations.push_back(
        {address, mapping == nullptr ? none : static_cast<std::size_t>(mapping - profile.mappings.data())});
  }
  return locations;
}

std::string without_controls(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = '?';
  }
  return text;
}

std::uint64_t offset_of(const reader::Mapping& mapping, std::uint64_t address) {
  return address - mapping.start + mapping.offset;
}

std::string fallback(const Profile& profile, const Location& location) {
  if (location.mapping == profile.mappings.size()) return fmt::format("{:#x}", location.address);
  const reader::Mapping& mapping = profile.mappings[location.mapping];
  if (mapping.name.empty()) return fmt::format("{:#x}", location.address);
  const std::string file = mapping.name.substr(mapping.name.rfind('/') + 1);
  return fmt::format("{}+{:#x}", without_controls(file), offset_of(mapping, location.address));
}

}  // namespace

std::size_t Names::location_of(std::uint64_t return_address) const {
  const auto found =
      std::lower_bound(locations.begin(), locations.end(), return_address - 1,
                       [](const Location& location, std::uint64_t address) { return location.address < address; });
  return static_cast<std::size_t>(found - locations.begin());
}

Names names_of(const Profile& profile) {
  Names out;
  out.locations = locations_of(profile);
  out.build_ids.resize(profile.mappings.size());
  out.named.resize(profile.mappings.size());
  std::map<std::string, std::vector<std::size_t>> files;  // the locations in each
  for (std::size_t i = 0; i < out.locations.size(); ++i) {
    const std::size_t mapping = out.locations[i].mapping;
    const bool file = mapping != profile.mappings.size() && profile.mappings[mapping].name.starts_with('/');
    files[file ? profile.mappings[mapping].name : ""].push_back(i);
  }
  std::unordered_map<std::string, std::size_t> functions;
  for (const auto& [file, places] : files) {
    std::vector<std::uint64_t> offsets;
    for (const std::size_t i : places) {
      const Location& location = out.locations[i];
      offsets.push_back(file.empty() ? 0 : offset_of(profile.mappings[location.mapping], location.address));
    }
    const reader::FileNames found =
        file.empty() ? reader::FileNames{} : reader::names_in_file(profile.root + file, offsets);
    for (std::size_t n = 0; n < places.size(); ++n) {
      Location& location = out.locations[places[n]];
      const bool known = !file.empty() && !found.names[n].empty();
      const std::string name = known ? found.names[n] : fallback(profile, location);
      const auto [at, added] = functions.emplace(name, out.functions.size());
      if (added) out.functions.push_back(name);
      location.function = at->second;
      if (file.empty()) continue;
      out.build_ids[location.mapping] = found.build_id;
      if (known) out.named[location.mapping] = true;
    }
  }
  return out;
}

}  // namespace ashlar::tool
