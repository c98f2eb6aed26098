// tool, reader, private: builds the model from the tables that the root block names. Every walk over the process's
// lists is bounded by counts, and every address checked before it is followed: the process changes them meanwhile.
#pragma once

#include <array>

#include "tool/reader/claims.h"
#include "tool/reader/root.h"

namespace ashlar::reader {

class Builder {
 public:
  Builder(Source& source, const FoundRoot& found) : source_(source), found_(found), bytes_(source) {}
  Model build();

 private:
  using Field = format::Field;
  using Table = format::Table;

  // Reads a whole table, stride * count bytes; what cannot be read is zero, and the model approximate.
  std::vector<char> read_table(Table table, std::size_t count);
  // Whether [address, address + bytes) is memory that belongs to the process alone: what many mappings may share costs
  // the process nothing, and would cost the reader as much as there are mappings.
  [[nodiscard]] bool is_private(std::uint64_t address, std::uint64_t bytes) const;
  // Whether all of a range is mapped, but for some of its pages (a core file may leave out inaccessible ones).
  [[nodiscard]] bool is_mapped(const Range& range) const;
  void add_chain(const Chain& chain);
  [[nodiscard]] std::uint64_t value(const char* entry, Field field) const { return found_.value(entry, field); }

  // builder.cc
  void add_zones();
  unsigned add_zone(std::uint64_t address, const char* entry);
  void add_options();
  void add_metadata();
  void add_areas();
  template <class T>
  void drop_overlapping(std::vector<T>& ranges);
  std::string read_text(const char* entry, Field field);
  // builder_arenas.cc
  void add_arenas();
  bool add_arena(const char* entry);
  void add_blocks(Arena& arena, const std::vector<char>& descriptors);
  Block block_at(const Arena& arena, const char* descriptor, std::uint32_t index, std::uint32_t& pages);
  void add_unknown(Arena& arena, std::uint32_t index);
  void count_in_zone(Zone& zone, const Block& block);
  // builder_caches.cc
  void add_caches();
  void add_cache(Cache cache, const char* entry);
  void add_part(std::size_t number, const char* entry);
  void add_named_caches();
  void add_handles();
  void add_depots();
  void add_heaps();
  void add_heap(std::uint64_t address, const std::vector<char>& heap);
  void add_named_bins(ThreadHeap& info, std::uint64_t address);
  struct BinFields;
  void add_bin(ThreadHeap& info, const std::vector<char>& bins, const BinFields& fields, std::size_t index,
               std::size_t cache);
  void name_slabs();
  void count_slabs();
  void settle();

  Source& source_;
  const FoundRoot& found_;
  Bytes bytes_;
  Model model_;
  Claims arenas_, entries_;  // address space of arenas; descriptors, heaps, bins and depots
  std::vector<std::uint64_t> zone_addresses_;
  struct Depot {
    std::size_t cache = 0;
    std::uint64_t address = 0;
    std::uint32_t count = 0;
  };
  std::vector<Depot> depots_;
  std::size_t nodes_ = 1;
  std::array<std::uint16_t, 256> named_{};  // by number: the index of the cache; 0: none
  struct Rest {
    std::uint64_t last = 0;  // address of the arena's entry
    std::uint32_t first = 0, end = 0;
  };
  std::vector<Rest> rests_;  // by zone
};

}  // namespace ashlar::reader
