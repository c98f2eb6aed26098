// tool: names for the addresses of a profile.
#include "tool/profile_names.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include <fmt/format.h>

#include "tool/perf_map.h"
#include "tool/reader/names.h"
#include "tool/source_places.h"

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
    Location& location = locations.emplace_back();
    location.address = address;
    location.mapping = mapping == nullptr ? none : static_cast<std::size_t>(mapping - profile.mappings.data());
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

std::vector<std::string> Names::functions_of(const std::vector<std::uint64_t>& stack) const {
  std::vector<std::string> out;
  for (const std::uint64_t address : stack) {
    for (const NamedPlace& place : locations[location_of(address)].places) out.push_back(functions[place.function]);
  }
  return out;
}

namespace {

using Places = std::vector<SourcePlace>;  // of one location

// Looks up what earlier calls did not, so that `top` does not read a file's DWARF data at each of its looks: that takes
// seconds in a large program.
std::vector<Places> known_places(const reader::FileNames& file) {
  constexpr std::size_t kMaxKnown = 1 << 16;
  static std::map<std::pair<std::string, std::string>, std::unordered_map<std::uint64_t, Places>> all;
  auto& known = all[{file.debug_file, file.build_id}];
  if (known.size() > kMaxKnown) known.clear();
  std::vector<std::uint64_t> unknown;
  for (const std::uint64_t address : file.addresses) {
    if (!known.contains(address)) unknown.push_back(address);
  }
  if (!unknown.empty()) {
    std::vector<Places> found = places_in_file(file.debug_file, unknown);
    for (std::size_t i = 0; i < unknown.size(); ++i) known[unknown[i]] = std::move(found[i]);
  }
  std::vector<Places> places;
  for (const std::uint64_t address : file.addresses) places.push_back(known[address]);
  return places;
}

// Finds names of functions in the symbols of files, and those of inlined functions and lines in their DWARF data.
class FromFiles {
 public:
  FromFiles(const Profile& profile, Names& out, std::vector<Places>& places)
      : profile_(profile), out_(out), places_(places) {}

  void add_all() {
    std::map<std::string, std::vector<std::size_t>> files;  // the locations in each
    for (std::size_t i = 0; i < out_.locations.size(); ++i) {
      const std::size_t mapping = out_.locations[i].mapping;
      const bool file = mapping != profile_.mappings.size() && profile_.mappings[mapping].name.starts_with('/');
      if (file) files[profile_.mappings[mapping].name].push_back(i);
    }
    for (const auto& [file, locations] : files) add(file, locations);
  }

 private:
  void add(const std::string& file, const std::vector<std::size_t>& locations) {
    std::vector<std::uint64_t> offsets;
    for (const std::size_t i : locations) {
      const Location& location = out_.locations[i];
      offsets.push_back(offset_of(profile_.mappings[location.mapping], location.address));
    }
    const reader::FileNames found = reader::names_in_file(profile_.root, file, offsets);
    std::vector<Places> sources = known_places(found);
    out_.lacks_libdw |= found.has_dwarf && !finds_places();
    out_.lacks_liblzma |= found.is_packed;
    for (std::size_t n = 0; n < locations.size(); ++n) {
      const std::size_t mapping = out_.locations[locations[n]].mapping;
      out_.build_ids[mapping] = found.build_id;
      Places& places = places_[locations[n]] = std::move(sources[n]);
      if (places.empty()) places.emplace_back();
      if (!found.names[n].empty()) places.back().function = found.names[n];
      if (!places.back().function.empty()) out_.named[mapping] = true;
    }
  }

  const Profile& profile_;
  Names& out_;
  std::vector<Places>& places_;
};

bool is_unnamed(const Places& places) { return places.empty() || places.back().function.empty(); }

// Fills in the names of functions that the process compiled itself, where no file has one.
void add_names_of_compiled_code(const Profile& profile, const Names& out, std::vector<Places>& places) {
  std::vector<std::uint64_t> addresses;
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (is_unnamed(places[i])) addresses.push_back(out.locations[i].address);
  }
  const std::vector<std::string> found = names_in_perf_map(profile.perf_map, addresses);
  std::size_t n = 0;
  for (Places& one : places) {
    if (!is_unnamed(one)) continue;
    if (one.empty()) one.emplace_back();
    one.back().function = found[n++];
  }
}

}  // namespace

Names names_of(const Profile& profile) {
  Names out;
  out.locations = locations_of(profile);
  out.build_ids.resize(profile.mappings.size());
  out.named.resize(profile.mappings.size());
  std::vector<Places> places(out.locations.size());
  FromFiles(profile, out, places).add_all();
  add_names_of_compiled_code(profile, out, places);
  std::unordered_map<std::string, std::size_t> functions;
  for (std::size_t i = 0; i < places.size(); ++i) {
    for (const SourcePlace& place : places[i]) {
      const std::string name = place.function.empty() ? fallback(profile, out.locations[i]) : place.function;
      const auto [at, added] = functions.emplace(name, out.functions.size());
      if (added) {
        out.functions.push_back(name);
        out.sources.push_back(place.file);
      }
      out.locations[i].places.push_back({at->second, place.line});
    }
  }
  return out;
}

}  // namespace ashlar::tool
