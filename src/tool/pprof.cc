// tool: writes profile.proto. The field numbers are those of the .proto file.
#include "tool/pprof.h"

#include <algorithm>
#include <limits>
#include <new>
#include <unordered_map>

#include <zlib.h>

#include "base/units.h"
#include "tool/printable.h"

namespace ashlar::tool {

namespace {

// A message of protocol buffers: a sequence of fields.
class Message {
 public:
  // Adds a number. 0 is left out, as a missing field means 0.
  void number(unsigned field, std::uint64_t value) {
    if (value == 0) return;
    append(std::uint64_t{field} << 3);
    append(value);
  }
  void text(unsigned field, const std::string& bytes) {
    append(std::uint64_t{field} << 3 | 2);
    append(bytes.size());
    bytes_ += bytes;
  }
  void message(unsigned field, const Message& inner) { text(field, inner.bytes_); }
  void numbers(unsigned field, const std::vector<std::uint64_t>& values) {
    Message packed;
    for (const std::uint64_t value : values) packed.append(value);
    message(field, packed);
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  void append(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

// Values are signed in the .proto file.
std::uint64_t positive(std::uint64_t value) {
  return std::min<std::uint64_t>(value, std::numeric_limits<std::int64_t>::max());
}

std::uint64_t mean(std::uint64_t sum, std::uint64_t n) { return sum / n + (sum % n >= n - n / 2 ? 1 : 0); }

class Writer {
 public:
  Writer(const Profile& profile, const Names& names) : profile_(profile), names_(names) { index_of(""); }

  std::string write() {
    out_.message(1, type("alloc_objects", "count"));
    out_.message(1, type("alloc_space", "bytes"));
    out_.message(1, type("inuse_objects", "count"));
    out_.message(1, type("inuse_space", "bytes"));
    for (const ProfileSite& site : profile_.sites) write_sample(site);
    write_mappings();
    write_locations();
    write_functions();
    out_.number(10, std::min(profile_.milliseconds, kMaxMs) * 1'000'000);
    out_.message(11, type("space", "bytes"));
    out_.number(12, positive(profile_.rate));
    out_.number(14, index_of("inuse_space"));
    for (const std::string& text : strings_) out_.text(6, printable(text));
    return out_.bytes();
  }

 private:
  static constexpr std::uint64_t kMaxMs = std::uint64_t{1} << 43;

  std::uint64_t index_of(const std::string& text) {
    const auto [at, added] = indices_.emplace(text, strings_.size());
    if (added) strings_.push_back(text);
    return at->second;
  }

  Message type(const std::string& name, const std::string& unit) {
    Message out;
    out.number(1, index_of(name));
    out.number(2, index_of(unit));
    return out;
  }

  Message label(const std::string& key, const std::string& text, std::uint64_t number, const std::string& unit = "") {
    Message out;
    out.number(1, index_of(key));
    out.number(2, index_of(text));
    out.number(3, positive(number));
    out.number(4, index_of(unit));
    return out;
  }

  void write_sample(const ProfileSite& site) {
    Message sample;
    std::vector<std::uint64_t> locations;
    for (const std::uint64_t address : site.stack) locations.push_back(names_.location_of(address) + 1);
    sample.numbers(1, locations);
    sample.numbers(2, {positive(site.allocated.blocks), positive(site.allocated.requested),
                       positive(left(site.allocated.blocks, site.freed.blocks)),
                       positive(left(site.allocated.requested, site.freed.requested))});
    if (site.size_class != 0) sample.message(3, label("size_class", "", site.size_class, "bytes"));
    write_block_sizes(sample, site.allocated);
    if (const ProfileThread* const thread = profile_.thread(site.thread)) {
      if (!thread->name.empty()) sample.message(3, label("thread", thread->name, 0));
      sample.message(3, label("thread_id", "", thread->number));
    }
    out_.message(2, sample);
  }

  // Of the mean block of a sample. Google's tcmalloc has the same labels: "bytes" is the rounded size.
  void write_block_sizes(Message& sample, const ProfileSums& sums) {
    if (sums.blocks == 0) return;
    sample.message(3, label("request", "", mean(sums.requested, sums.blocks), "bytes"));
    sample.message(3, label("bytes", "", mean(sums.usable, sums.blocks), "bytes"));
  }

  void write_mappings() {
    std::vector<bool> used(profile_.mappings.size() + 1);
    for (const Location& location : names_.locations) used[location.mapping] = true;
    for (std::size_t i = 0; i < profile_.mappings.size(); ++i) {
      if (!used[i]) continue;
      const reader::Mapping& mapping = profile_.mappings[i];
      Message out;
      out.number(1, i + 1);
      out.number(2, mapping.start);
      out.number(3, mapping.end);
      out.number(4, mapping.offset);
      out.number(5, index_of(mapping.name));
      out.number(6, index_of(names_.build_ids[i]));
      out.number(7, names_.named[i] ? 1 : 0);
      out_.message(3, out);
    }
  }

  void write_locations() {
    for (std::size_t i = 0; i < names_.locations.size(); ++i) {
      const Location& location = names_.locations[i];
      Message out;
      out.number(1, i + 1);
      out.number(2, location.mapping == profile_.mappings.size() ? 0 : location.mapping + 1);
      out.number(3, location.address);
      for (const NamedPlace& place : location.places) {
        Message line;
        line.number(1, place.function + 1);
        line.number(2, place.line);
        out.message(4, line);
      }
      out_.message(4, out);
    }
  }

  void write_functions() {
    for (std::size_t i = 0; i < names_.functions.size(); ++i) {
      Message out;
      out.number(1, i + 1);
      out.number(2, index_of(names_.functions[i]));
      out.number(3, index_of(names_.functions[i]));
      out.number(4, index_of(names_.sources[i]));
      out_.message(5, out);
    }
  }

  const Profile& profile_;
  const Names& names_;
  Message out_;
  std::vector<std::string> strings_;
  std::unordered_map<std::string, std::uint64_t> indices_;
};

std::string gzipped(const std::string& bytes) {
  constexpr int kWindow = MAX_WBITS + 16, kMemory = 8;  // 16: a gzip header and not zlib's
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kWindow, kMemory, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // zlib only reads it
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  // zlib counts in 32 bits, so larger inputs take several calls
  constexpr std::size_t kMax = 1_GiB;
  std::size_t in = bytes.size(), room = out.size();
  int result = Z_OK;
  while (result == Z_OK) {
    stream.avail_in = static_cast<uInt>(std::min(in, kMax));
    stream.avail_out = static_cast<uInt>(std::min(room, kMax));
    in -= stream.avail_in, room -= stream.avail_out;
    result = deflate(&stream, in == 0 ? Z_FINISH : Z_NO_FLUSH);
    in += stream.avail_in, room += stream.avail_out;
  }
  out.resize(out.size() - room);
  deflateEnd(&stream);
  return out;
}

}  // namespace

std::string pprof_of(const Profile& profile, const Names& names) { return gzipped(Writer(profile, names).write()); }

}  // namespace ashlar::tool
