// tool, reader, private: finding the root block (stats/format.h) in a process, and reading by it.
#pragma once

#include <unordered_map>

#include "stats/format.h"
#include "tool/reader/model.h"

namespace ashlar::reader {

// Of a field, in bytes.
inline std::uint32_t offset_of(const format::Root& root, format::Field f) {
  return std::uint32_t{root.fields[static_cast<unsigned>(f)].offset} * format::unit_of(root.version, f);
}
inline std::uint32_t size_of(const format::Root& root, format::Field f) {
  return std::uint32_t{root.fields[static_cast<unsigned>(f)].size} * format::unit_of(root.version, f);
}

// The block's address and contents, and how many more of its kind there are.
struct FoundRoot {
  std::uint64_t address = 0;
  format::Root root{};
  unsigned others = 0;

  [[nodiscard]] std::uint64_t table(format::Table t) const {
    return reinterpret_cast<std::uintptr_t>(root.tables[static_cast<unsigned>(t)].start);
  }
  [[nodiscard]] std::uint32_t stride(format::Table t) const { return root.tables[static_cast<unsigned>(t)].stride; }
  [[nodiscard]] std::uint32_t count(format::Table t) const { return root.tables[static_cast<unsigned>(t)].count; }
  [[nodiscard]] std::uint32_t offset(format::Field f) const { return offset_of(root, f); }
  [[nodiscard]] std::uint32_t size(format::Field f) const { return size_of(root, f); }

  // Whether the block has a row, which one of an older version may lack.
  [[nodiscard]] bool has(format::Table t) const { return static_cast<unsigned>(t) < root.tables_used; }
  [[nodiscard]] bool has(format::Field f) const { return static_cast<unsigned>(f) < root.fields_used; }

  // A field of an entry that was read into `entry`: an unsigned number of 1, 2, 4 or 8 bytes.
  [[nodiscard]] std::uint64_t value(const char* entry, format::Field f) const;
};

// Throws a tool::Failure when there is none, or one of another format.
FoundRoot find_root(Source& source);

// Whether the block's numbers fit each other: each field within its entry, no table larger than any has reason to be.
// Of a block that fits this command's format.
bool holds_together(const format::Root& root);

// The mappings of the file that the root lies in, with its .bss.
std::vector<Range> find_image(Source& source, const FoundRoot& found);

// Bytes of the process, of which what was never touched reads as zero without being touched by the reader.
class Bytes {
 public:
  explicit Bytes(Source& source) : source_(source) {}
  // Fills `into` from an address on. False if some of it could not be read; it is zero then.
  bool read(std::uint64_t address, std::size_t n, std::vector<char>& into);

 private:
  Source& source_;
};

}  // namespace ashlar::reader
