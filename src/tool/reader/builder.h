// tool, reader, private: builds the model from the tables that the root block names. Every walk over the process's
// lists is bounded by counts, and every address checked before it is followed: the process changes them meanwhile.
#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include "tool/reader/claims.h"
#include "tool/reader/root.h"

namespace ashlar::reader {

class Builder {
 public:
  Builder(Source& source, const FoundRoot& found) : source_(source), found_(found), bytes_(source) {}
  Model build();
  std::vector<Option> options();

 private:
  using Field = format::Field;
  using Table = format::Table;

  // Reads a whole table, stride * count bytes. Bytes that cannot be read are zero, and the model is then approximate.
  std::vector<char> read_table(Table table, std::size_t count);
  // Returns whether [address, address + bytes) is private memory of the process. A process may map the same memory many
  // times at no cost, but the reader would need memory for each mapping.
  [[nodiscard]] bool is_private(std::uint64_t address, std::uint64_t bytes) const;
  // Returns whether a range is mapped. Gaps of some pages are allowed, as a core file may leave out inaccessible pages.
  [[nodiscard]] bool is_mapped(const Range& range) const;
  void add_chain(const Chain& chain);
  [[nodiscard]] std::uint64_t value(const char* entry, Field field) const { return found_.value(entry, field); }

  // builder.cc
  void add_zones();
  unsigned add_zone(std::uint64_t address, const char* entry);
  void add_options();
  void add_option(std::size_t i, const char* row, const std::vector<char>& values, const std::vector<char>& defaults);
  void add_metadata();
  void add_areas();
  // Removes ranges that overlap the preceding one. The ranges are in ascending order.
  template <class T>
  void drop_overlapping(std::vector<T>& ranges) {
    const auto overlaps = [](const T& a, const T& b) { return b.start < a.end; };
    const auto last = std::unique(ranges.begin(), ranges.end(), overlaps);
    if (last != ranges.end()) model_.approximate = true;
    ranges.erase(last, ranges.end());
  }
  std::string read_text(const char* entry, Field field);
  // builder_swap.cc
  void add_swap_areas();
  void add_swap_area(std::uint64_t address);
  [[nodiscard]] std::string zone_name(std::uint64_t address, const char* entry) const;
  void count_swap_areas();
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
  void name_slabs();
  void count_slabs();
  void settle();
  // builder_heaps.cc
  void add_depots();
  void add_stocks();
  void add_shelf(const char* shelf, std::size_t size_class);
  void add_heaps();
  void add_heap(std::uint64_t address, const std::vector<char>& heap);
  void add_named_bins(ThreadHeap& info, std::uint64_t address);
  void add_drained_bins(ThreadHeap& info, const std::vector<char>& heap);
  [[nodiscard]] std::pair<std::uint64_t, std::uint16_t> loaded_at(const std::vector<char>& bins, Field first,
                                                                  Field room, std::size_t index) const;
  struct BinFields;
  void add_bin(ThreadHeap& info, const std::vector<char>& bins, const BinFields& fields, std::size_t index,
               std::size_t cache);
  // builder_checked.cc
  void add_checked();
  template <class Add>
  void for_list(Table table, Field size, Field next, std::size_t max, Add add);
  [[nodiscard]] bool holds_checked(const Range& range) const;
  std::uint16_t cache_of(std::uint64_t handle, std::uint64_t size_class);
  void add_span(const char* entry);
  void add_slots(Span& span, std::uint64_t count, std::uint64_t cells, std::uint64_t free_at);
  void add_guarded(const char* entry);
  void count_spans();
  void add_slob();
  void add_sampled();
  void count_sampled();
  [[nodiscard]] std::uint64_t option_value(std::string_view name) const {
    const Option* const found = model_.option(name);
    return found != nullptr ? found->value : 0;
  }

  Source& source_;
  const FoundRoot& found_;
  Bytes bytes_;
  Model model_;
  Claims arenas_, entries_;  // address space of arenas; descriptors, heaps, bins and depots
  std::vector<std::uint64_t> zone_addresses_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> run_owners_;  // of runs: start, and the address of the owner
  struct Depot {
    std::size_t cache = 0;
    std::uint64_t address = 0;
    std::uint32_t count = 0;
  };
  std::vector<Depot> depots_;
  std::size_t nodes_ = 1;
  std::vector<std::uint16_t> named_;  // by number: the index of the cache; 0: none
  struct Rest {
    std::uint64_t last = 0;  // address of the arena's entry
    std::uint32_t first = 0, end = 0;
  };
  std::vector<Rest> rests_;  // by zone
};

}  // namespace ashlar::reader
