// tool, reader, private: finding the root block (stats/format.h) in a process, and reading by it.
#pragma once

#include <unordered_map>

#include "stats/format.h"
#include "tool/reader/model.h"

namespace ashlar::reader {

// Return a field's offset in its entry and its size, in bytes.
inline std::uint32_t offset_of(const format::Root& root, format::Field f) {
  return std::uint32_t{root.fields[static_cast<unsigned>(f)].offset} * format::unit_of(root.version, f);
}
inline std::uint32_t size_of(const format::Root& root, format::Field f) {
  return std::uint32_t{root.fields[static_cast<unsigned>(f)].size} * format::unit_of(root.version, f);
}

// The root block's address and contents, and how many other root blocks there are.
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

  // Return whether the block has a row. A block of an older version may lack it.
  [[nodiscard]] bool has(format::Table t) const { return static_cast<unsigned>(t) < root.tables_used; }
  [[nodiscard]] bool has(format::Field f) const { return static_cast<unsigned>(f) < root.fields_used; }

  // Returns a field of an entry that was read into `entry`: an unsigned number of 1, 2, 4 or 8 bytes.
  [[nodiscard]] std::uint64_t value(const char* entry, format::Field f) const;
};

// Finds the root block. Throws a tool::Failure if there is none, or only one of another format.
FoundRoot find_root(Source& source);

// Returns whether the block's numbers are consistent: each field lies within its entry, and no table is larger than the
// largest possible one. Precondition: the block has this command's format.
bool holds_together(const format::Root& root);

// Returns the mappings of the file that the root lies in, with its .bss.
std::vector<Range> find_image(Source& source, const FoundRoot& found);

// Reads bytes of the process. Pages that were never touched read as zero, and the reader does not touch them.
class Bytes {
 public:
  explicit Bytes(Source& source) : source_(source) {}
  // Fills `into` from an address on. Returns false if some bytes could not be read; these are zero.
  bool read(std::uint64_t address, std::size_t n, std::vector<char>& into);

 private:
  Source& source_;
};

}  // namespace ashlar::reader
