// tool, reader: finding the root block.
//
// The root block lies in the relocated data of libashlar.so, or of a program or library that Ashlar was linked into. So
// its magic is searched in the data of mapped files, and only in pages that are in memory already: first in files named
// libashlar, then in the program, then in all others. No symbol table is needed, so stripped, static and deleted files
// work.
#include "tool/reader/root.h"

#include <elf.h>

#include <algorithm>
#include <cstring>

#include "base/units.h"
#include "tool/error.h"

namespace ashlar::reader {

namespace {

using tool::Exit;
using tool::Failure;

constexpr std::uint64_t kChunk = 1_MiB;
constexpr std::size_t kMaxRoots = 16;
constexpr std::uint64_t kMaxSearched = 1_GiB;  // a damaged core file may claim any length

bool base_name_has(const std::string& name, std::string_view wanted) {
  const std::size_t slash = name.rfind('/');
  return slash != name.npos && name.find(wanted, slash) != name.npos;
}

// Returns whether a block, whose head was read, has a format that this command reads.
bool fits(const format::Root& root) {
  constexpr unsigned kMaxRows = 1024;
  return root.version >= format::kOldestVersion && root.version <= format::kVersion && root.page_shift == 12 &&
         root.classes <= format::kMaxClasses && root.tables_used >= format::kFirstTables &&
         root.fields_used >= format::kFirstFields && root.tables_used < kMaxRows && root.fields_used < kMaxRows;
}

class Search {
 public:
  explicit Search(Source& source) : source_(source) {}

  // Searches the data of all files that `wanted` accepts.
  template <class Wanted>
  void look(Wanted wanted) {
    const auto& mappings = source_.mappings();
    for (std::size_t i = 0; i < mappings.size(); ++i) {
      const Mapping& m = mappings[i];
      if (!m.readable || m.executable || m.shared || m.inode == 0 || m.name.empty() || !wanted(m)) continue;
      // the relocated part precedes the writable one of the same file
      const bool before_writable = i + 1 < mappings.size() && mappings[i + 1].writable &&
                                   mappings[i + 1].name == m.name && mappings[i + 1].start == m.end;
      if (m.writable || before_writable) look_at(m);
    }
  }

  std::vector<FoundRoot> found;
  bool everything = false;  // also search pages of files that are not in the process's memory

 private:
  void look_at(const Range& range) {
    std::vector<PageStretch> stretches;
    if (everything || !source_.pages(range, stretches)) stretches = {{range, PageStretch::State::kResident}};
    for (const PageStretch& stretch : stretches) {
      for (std::uint64_t at = stretch.start; at < stretch.end && searched_ < kMaxSearched; at += kChunk) {
        if (!look_at_bytes(at, std::min(kChunk, stretch.end - at))) break;
      }
    }
  }

  // Searches n bytes. The magic is at a multiple of its 16 bytes, so it never crosses from one chunk into the next.
  // Returns false if the bytes cannot be read.
  bool look_at_bytes(std::uint64_t address, std::uint64_t n) {
    buffer_.resize(n);
    searched_ += n;
    if (!source_.read(address, buffer_.data(), n)) return false;
    for (std::uint64_t at = 0; at + 16 <= n; at += alignof(format::Root)) {
      if (std::memcmp(buffer_.data() + at, format::kMagic, sizeof format::kMagic) == 0) look_at_root(address + at);
    }
    return true;
  }

  void look_at_root(std::uint64_t address) {
    if (found.size() == kMaxRoots) return;  // a process may contain any number of fakes
    FoundRoot here;
    here.address = address;
    constexpr std::size_t kHead = offsetof(format::Root, tables);
    if (!source_.read(address, &here.root, kHead)) return;
    // a copy of the block, for instance in a buffer into which its file was read, has the magic but not its own address
    if (reinterpret_cast<std::uintptr_t>(here.root.self) != address) return;
    if (fits(here.root) && !read_rows(address, here.root)) return;
    for (char& c : here.root.library_version) {
      if (c != '\0' && (c < ' ' || c > '~')) c = '?';
    }
    here.root.library_version[sizeof here.root.library_version - 1] = '\0';
    found.push_back(here);
  }

  // Reads the rows that this command knows. Rows that the block lacks are zero.
  bool read_rows(std::uint64_t address, format::Root& root) {
    const std::uint64_t tables = address + offsetof(format::Root, tables);
    const std::uint64_t fields = tables + root.tables_used * sizeof(format::TableInfo);
    const std::uint64_t sizes = fields + root.fields_used * sizeof(format::FieldInfo);
    root.tables_used = std::min(root.tables_used, static_cast<std::uint16_t>(format::Table::kCount));
    root.fields_used = std::min(root.fields_used, static_cast<std::uint16_t>(format::Field::kCount));
    return source_.read(tables, root.tables, root.tables_used * sizeof(format::TableInfo)) &&
           source_.read(fields, root.fields, root.fields_used * sizeof(format::FieldInfo)) &&
           source_.read(sizes, root.class_sizes, sizeof root.class_sizes);
  }

  Source& source_;
  std::vector<char> buffer_;
  std::uint64_t searched_ = 0;
};

}  // namespace

std::uint64_t FoundRoot::value(const char* entry, format::Field f) const {
  std::uint64_t n = 0;
  std::memcpy(&n, entry + offset(f), std::min<std::size_t>(size(f), sizeof n));  // little-endian, like the core reader
  return n;
}

FoundRoot find_root(Source& source) {
  Search search(source);
  const Mapping* const program = source.mapping_at(source.entry());
  const std::string program_name = program != nullptr ? program->name : "";
  const auto is_library = [](const Mapping& m) { return base_name_has(m.name, "libashlar"); };
  search.look(is_library);
  search.look([&](const Mapping& m) { return !is_library(m) && m.name == program_name; });
  if (search.found.empty()) search.look([&](const Mapping& m) { return !is_library(m) && m.name != program_name; });
  if (search.found.empty()) {
    search.everything = true;
    search.look([&](const Mapping& m) { return is_library(m) || m.name == program_name; });
  }
  if (search.found.empty()) throw Failure(Exit::kNoAshlar, source.title() + ": Ashlar is not loaded in it");
  std::erase_if(search.found, [](const FoundRoot& one) { return fits(one.root) && !holds_together(one.root); });
  if (search.found.empty()) {
    throw Failure(Exit::kFailed, source.title() + ": the root block of its Ashlar is damaged");
  }
  // prefers a block that can be read, and among these one whose Ashlar serves malloc
  const auto readable =
      std::find_if(search.found.begin(), search.found.end(), [](const FoundRoot& one) { return fits(one.root); });
  FoundRoot best = readable != search.found.end() ? *readable : search.found.front();
  if (!fits(best.root)) {
    throw Failure(Exit::kVersion, source.title() + ": its Ashlar, version " + best.root.library_version +
                                      ", has format " + std::to_string(best.root.version) +
                                      "; this command reads format " + std::to_string(format::kVersion) +
                                      ", of version " ASHLAR_VERSION);
  }
  for (const FoundRoot& other : search.found) {
    char taken = 0;
    if (!fits(other.root) || !source.read(other.table(format::Table::kHeapState), &taken, 1) || taken == 0) continue;
    best = other;
    break;
  }
  best.others = static_cast<unsigned>(search.found.size()) - 1;
  return best;
}

std::vector<Range> find_image(Source& source, const FoundRoot& found) {
  const Mapping* const mapping = source.mapping_at(found.address);
  if (mapping == nullptr) return {};
  std::uint64_t base = mapping->start;
  for (const Mapping& m : source.mappings()) {
    if (m.name == mapping->name && m.offset == 0) {
      base = m.start;
      break;
    }
  }
  std::vector<Range> image;
  Elf64_Ehdr head{};
  std::vector<Elf64_Phdr> segments;
  if (source.read_constant(base, &head, sizeof head) && std::memcmp(head.e_ident, ELFMAG, SELFMAG) == 0 &&
      head.e_phnum < 64) {
    segments.resize(head.e_phnum);
    if (!source.read_constant(base + head.e_phoff, segments.data(), segments.size() * sizeof segments[0]))
      segments.clear();
  }
  const std::uint64_t bias = head.e_type == ET_DYN ? base : 0;
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type != PT_LOAD) continue;
    const std::uint64_t start = (bias + segment.p_vaddr) / kPage * kPage;
    const std::uint64_t end = (bias + segment.p_vaddr + segment.p_memsz + kPage - 1) / kPage * kPage;
    if (start < end) image.push_back({start, end});
  }
  if (!image.empty()) return image;
  for (const Mapping& m : source.mappings()) {
    if (m.name == mapping->name) image.push_back(m);
  }
  return image;
}

bool Bytes::read(std::uint64_t address, std::size_t n, std::vector<char>& into) {
  into.assign(n, 0);
  if (n == 0) return true;
  std::vector<PageStretch> stretches;
  const Range range{address / kPage * kPage, (address + n + kPage - 1) / kPage * kPage};
  if (!source_.pages(range, stretches)) return source_.read(address, into.data(), n);
  std::vector<Piece> pieces;
  for (const PageStretch& stretch : stretches) {
    const std::uint64_t start = std::max(stretch.start, address), end = std::min(stretch.end, address + n);
    if (start < end && stretch.state != PageStretch::State::kZero) {
      pieces.push_back({start, into.data() + (start - address), end - start});
    }
  }
  source_.read_all(pieces);
  return std::all_of(pieces.begin(), pieces.end(), [](const Piece& piece) { return piece.done; });
}

}  // namespace ashlar::reader
