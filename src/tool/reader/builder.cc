// tool, reader: the model's zones, options, metadata and large blocks.
#include "tool/reader/builder.h"

#include <time.h>

#include <algorithm>
#include <cstring>

namespace ashlar::reader {

namespace {

// Returns the origin for a number, and a default for a number that only a later version has.
Option::Origin origin_of(unsigned number) {
  return static_cast<Option::Origin>(std::min(number, static_cast<unsigned>(Option::Origin::kUnknown)));
}

constexpr std::size_t kMaxStoreMappings = 1 << 16;
constexpr std::size_t kMaxAreas = 1 << 17;
constexpr std::size_t kMaxOptions = 256;

std::uint64_t word_at(const std::vector<char>& bytes, std::size_t at) {
  std::uint64_t n = 0;
  if (at <= bytes.size() && sizeof n <= bytes.size() - at) std::memcpy(&n, bytes.data() + at, sizeof n);
  return n;
}

}  // namespace

std::vector<char> Builder::read_table(Table table, std::size_t count) {
  std::vector<char> bytes;
  if (!bytes_.read(found_.table(table), found_.stride(table) * count, bytes)) model_.approximate = true;
  return bytes;
}

bool Builder::is_private(std::uint64_t address, std::uint64_t bytes) const {
  for (const std::uint64_t end = address + bytes; address < end;) {
    const Mapping* const mapping = source_.mapping_at(address);
    if (mapping == nullptr || mapping->inode != 0 || mapping->shared) return false;
    address = mapping->end;
  }
  return true;
}

bool Builder::is_mapped(const Range& range) const {
  const auto& mappings = source_.mappings();
  auto at = std::upper_bound(mappings.begin(), mappings.end(), range.start,
                             [](std::uint64_t address, const Mapping& m) { return address < m.end; });
  std::uint64_t mapped = 0;
  for (; at != mappings.end() && at->start < range.end; ++at) {
    mapped += std::min(at->end, range.end) - std::max(at->start, range.start);
  }
  return mapped >= range.bytes() / 2;
}

unsigned Builder::add_zone(std::uint64_t address, const char* entry) {
  Zone zone;
  zone.node = static_cast<unsigned>(value(entry, Field::kZoneNode));
  zone.name = zone_name(address, entry);
  zone.present = value(entry, Field::kZonePresent);
  zone.free = value(entry, Field::kZoneFree);
  zone.dirty_free = value(entry, Field::kZoneDirtyFree);
  zone.isolated = value(entry, Field::kZoneIsolated);
  zone.max_live = value(entry, Field::kZoneMaxLive);
  zone.height = value(entry, Field::kZoneHeight);
  zone.purged = value(entry, Field::kZonePurged);
  zone.high_watermark = value(entry, Field::kZoneHigh);
  // a library without the field purges down to three quarters
  zone.low_watermark =
      found_.has(Field::kZoneLow) ? value(entry, Field::kZoneLow) : zone.high_watermark - zone.high_watermark / 4;
  zone.hold = value(entry, Field::kZoneHold);
  zone.refaults = value(entry, Field::kZoneRefaults);
  zone.patience = value(entry, Field::kZonePatience) != 0 ? 2 : 1;
  if (found_.has(Field::kZoneRefused)) {  // an older library does not tell
    zone.advised = value(entry, Field::kZoneAdvised);
    zone.advice_refused = static_cast<std::uint32_t>(value(entry, Field::kZoneRefused));
  }
  if (found_.has(Field::kZoneFromPool)) zone.from_pool = value(entry, Field::kZoneFromPool);
  const std::uint64_t start = value(entry, Field::kZoneReserved), end = value(entry, Field::kZoneReservedEnd);
  if (start < end && end <= kAddressEnd) zone.reserved = {start, end};
  if (zone.free > zone.present || zone.isolated > zone.present - zone.free) {
    model_.approximate = true;
    zone.free = std::min(zone.free, zone.present);
    zone.isolated = 0;
  }
  model_.zones.push_back(zone);
  zone_addresses_.push_back(address);
  rests_.push_back({value(entry, Field::kZoneLast), static_cast<std::uint32_t>(value(entry, Field::kZoneRest)),
                    static_cast<std::uint32_t>(value(entry, Field::kZoneRestEnd))});
  return static_cast<unsigned>(model_.zones.size() - 1);
}

void Builder::add_zones() {
  const std::vector<char> zone = read_table(Table::kZones, 1);
  add_zone(found_.table(Table::kZones), zone.data());
  std::uint32_t more = 0;
  if (source_.read(found_.table(Table::kNodes), &more, sizeof more)) nodes_ = std::min(more, 1023u) + 1;
}

// A text is its length and its address, two words in either order. The smaller one is the length.
std::string Builder::read_text(const char* entry, Field field) {
  std::uint64_t words[2];
  std::memcpy(words, entry + found_.offset(field), sizeof words);
  const std::uint64_t length = std::min(words[0], words[1]), address = std::max(words[0], words[1]);
  if (length > 200) return "?";
  std::string text(length, '\0');
  if (!source_.read_constant(address, text.data(), length)) return "?";
  for (char& c : text) c = c >= ' ' && c <= '~' ? c : '?';
  return text;
}

void Builder::add_options() {
  const std::vector<char> head = read_table(Table::kOptionTable, 1);
  const std::uint64_t first = word_at(head, 0);
  const std::size_t count = std::min<std::size_t>(word_at(head, 8), kMaxOptions);
  const std::size_t stride = found_.stride(Table::kOptionTable);
  const std::vector<char> values = read_table(Table::kOptions, 1);
  std::vector<char> defaults(found_.stride(Table::kOptionDefaults));
  if (!source_.read_constant(found_.table(Table::kOptionDefaults), defaults.data(), defaults.size())) {
    model_.approximate = true;
  }
  std::vector<char> rows(count * stride);
  if (!source_.read_constant(first, rows.data(), rows.size())) return;
  for (std::size_t i = 0; i < count; ++i) {
    add_option(i, rows.data() + i * stride, values, defaults);
  }
}

void Builder::add_option(std::size_t i, const char* row, const std::vector<char>& values,
                         const std::vector<char>& defaults) {
  Option option;
  option.name = read_text(row, Field::kOptionName);
  option.unit = read_text(row, Field::kOptionUnit);
  option.type = static_cast<Option::Type>(value(row, Field::kOptionType));
  const std::uint64_t at = value(row, Field::kOptionValue);
  if (at > values.size() || values.size() - at < sizeof at) return;
  option.value = word_at(values, at);
  option.normal = word_at(defaults, at);
  if (found_.has(Field::kOptionsPattern)) {
    const std::size_t origin = found_.offset(Field::kOptionsOrigins) + i;
    option.changes = value(row, Field::kOptionChanges) != 0;
    if (origin < values.size()) option.origin = origin_of(static_cast<unsigned char>(values[origin]));
    const bool recorded = option.name == "record" && found_.has(Field::kOptionsRecordPath);
    const std::uint64_t pattern = found_.offset(recorded ? Field::kOptionsRecordPath : Field::kOptionsPattern);
    if (option.type == Option::Type::kText && option.value <= 255 && pattern + sizeof pattern <= values.size()) {
      option.pattern.resize(option.value);
      if (!source_.read(word_at(values, pattern), option.pattern.data(), option.value)) option.pattern = "?";
      option.pattern.resize(std::strlen(option.pattern.c_str()));  // it may have changed since its length was read
    }
  }
  option.has_range = found_.has(Field::kOptionMax);
  if (option.has_range) {
    option.min = value(row, Field::kOptionMin);
    option.max = value(row, Field::kOptionMax);
  }
  model_.options.push_back(std::move(option));
}

std::vector<Option> Builder::options() {
  add_options();
  return std::move(model_.options);
}

void Builder::add_metadata() {
  const std::vector<char> store = read_table(Table::kStore, 1);
  std::uint64_t next = value(store.data(), Field::kStoreNext);
  std::uint64_t mapping = value(store.data(), Field::kStoreNewest);
  std::vector<char> head(found_.size(Field::kStoreOlder) + found_.size(Field::kStoreBytes));
  for (std::size_t i = 0; mapping != 0 && i < kMaxStoreMappings; ++i) {
    if (!source_.read(mapping, head.data(), head.size())) break;
    const std::uint64_t size = value(head.data(), Field::kStoreBytes);
    if (size == 0 || (size | mapping) % kPage != 0 || size > kAddressEnd || mapping > kAddressEnd - size) break;
    const Range range{mapping, mapping + size};
    // how much was handed out is known of the current mapping only
    model_.metadata.push_back({range, range.contains(next) ? next - mapping : size});
    mapping = value(head.data(), Field::kStoreOlder);
  }
  if (mapping != 0) model_.approximate = true;
  std::sort(model_.metadata.begin(), model_.metadata.end(), [](auto& a, auto& b) { return a.start < b.start; });
  drop_overlapping(model_.metadata);
}

// Follows all chains of the hash table one step at a time, so that one system call reads many entries.
void Builder::add_areas() {
  const std::size_t buckets = found_.count(Table::kAreas);
  const std::vector<char> heads = read_table(Table::kAreas, buckets);
  std::vector<std::uint64_t> links;
  for (std::size_t i = 0; i < buckets; ++i) {
    if (const std::uint64_t link = word_at(heads, i * found_.stride(Table::kAreas))) links.push_back(link);
  }
  const std::size_t size = std::max({found_.offset(Field::kAreaNext), found_.offset(Field::kAreaStart),
                                     found_.offset(Field::kAreaBytes), found_.offset(Field::kAreaKept)}) +
                           sizeof(std::uint64_t);
  while (!links.empty() && model_.areas.size() + links.size() < kMaxAreas) {
    std::vector<char> entries(links.size() * size);
    std::vector<Piece> pieces;
    for (std::size_t i = 0; i < links.size(); ++i) pieces.push_back({links[i], entries.data() + i * size, size});
    source_.read_all(pieces);
    std::vector<std::uint64_t> next;
    for (const Piece& piece : pieces) {
      if (!piece.done) {
        model_.approximate = true;
        continue;
      }
      const char* const entry = static_cast<const char*>(piece.to);
      const std::uint64_t start = value(entry, Field::kAreaStart), bytes = value(entry, Field::kAreaBytes);
      if (start % kPage != 0 || bytes == 0 || bytes > kAddressEnd || start > kAddressEnd - bytes) {
        model_.approximate = true;
        continue;
      }
      model_.areas.push_back({{start, start + bytes}, value(entry, Field::kAreaKept) != 0});
      if (const std::uint64_t link = value(entry, Field::kAreaNext)) next.push_back(link);
    }
    links = std::move(next);
  }
  if (!links.empty()) model_.approximate = true;
  auto& areas = model_.areas;
  std::sort(areas.begin(), areas.end(), [](const Area& a, const Area& b) { return a.start < b.start; });
  drop_overlapping(areas);  // an area that moved while it was read may be in the list twice
}

Model Builder::build() {
  model_.version = static_cast<const char*>(found_.root.library_version);
  model_.others = found_.others;
  if (const Mapping* const mapping = source_.mapping_at(found_.address)) model_.path = mapping->name;
  model_.image = find_image(source_, found_);
  for (const format::TableInfo& table : found_.root.tables) {
    const auto start = reinterpret_cast<std::uintptr_t>(table.start);
    const std::uint64_t bytes = std::uint64_t{table.stride} * table.count;
    // whole pages of tables that are larger than a few
    if (model_.image.empty() || bytes < 8 * kPage || start < model_.image.front().start ||
        start >= model_.image.back().end)
      continue;
    model_.tables.push_back({(start + kPage - 1) / kPage * kPage, (start + bytes) / kPage * kPage});
  }
  std::sort(model_.tables.begin(), model_.tables.end(), [](auto& a, auto& b) { return a.start < b.start; });
  const Mapping* const program = source_.mapping_at(source_.entry());
  model_.in_program = program != nullptr && program->name == model_.path;
  const std::string_view file = std::string_view(model_.path).substr(model_.path.rfind('/') + 1);
  model_.in_library = !model_.in_program && file.starts_with("libashlar");
  if (!source_.is_core()) {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    model_.now_ms = static_cast<std::uint32_t>(static_cast<std::uint64_t>(now.tv_sec) * 1000 +
                                               static_cast<std::uint64_t>(now.tv_nsec) / 1000000);
  }
  char taken = 0;
  model_.serving = source_.read(found_.table(Table::kHeapState), &taken, 1) && taken != 0;
  std::uint8_t pressure = 0;  // stays 0 for an older library
  if (found_.has(Table::kPressure) && source_.read(found_.table(Table::kPressure), &pressure, 1))
    model_.pressure = pressure;
  add_options();
  add_swap_areas();
  add_zones();
  add_caches();
  add_metadata();
  add_arenas();
  count_swap_areas();
  name_slabs();
  add_depots();
  add_stocks();
  add_heaps();
  add_areas();
  settle();
  add_checked();
  add_slob();
  add_sampled();
  source_.settle();
  return std::move(model_);
}

std::vector<Option> read_options(Source& source) {
  const FoundRoot found = find_root(source);
  return Builder(source, found).options();
}

Model read_model(Source& source) {
  const FoundRoot found = find_root(source);
  return Builder(source, found).build();
}

}  // namespace ashlar::reader
