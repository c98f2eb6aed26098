// tool, reader: the blocks that a program holds. Each has a number, and is found by any address within it. A block
// takes one byte, which holds its marks, so that a large heap takes little memory here.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tool/reader/model.h"

namespace ashlar::reader {

struct HeapBlock {
  enum class Kind : std::uint8_t { kObject, kRun, kArea, kChecked, kGuarded, kSlob, kSampled, kOfHeap };
  std::uint64_t start = 0, bytes = 0;
  std::uint64_t requested = 0;  // bytes asked for; 0: not recorded
  std::uint16_t cache = kNoCache;
  Kind kind = Kind::kObject;
  std::shared_ptr<const std::string> heap;  // kOfHeap: what its heap is called
  [[nodiscard]] Range range() const { return {start, start + bytes}; }
};

class Blocks {
 public:
  static constexpr std::size_t kNone = ~std::size_t{0};

  // Precondition: the model was read from the source as it is now. It must outlive this object.
  Blocks(Source& source, const Model& model);

  // Returns the number of the live block around an address, or kNone if there is none.
  [[nodiscard]] std::size_t find(std::uint64_t address) const {
    const std::size_t number = place_of(address);
    return number == kNone || (marks_[number] & kFree) != 0 ? kNone : number;
  }
  // The same for a block that is live or free.
  [[nodiscard]] std::size_t place_of(std::uint64_t address) const;
  [[nodiscard]] bool is_free(std::size_t number) const { return (marks_[number] & kFree) != 0; }
  [[nodiscard]] HeapBlock at(std::size_t number) const;
  [[nodiscard]] bool is_of_heap(std::size_t number) const { return group_of(number).kind == HeapBlock::Kind::kOfHeap; }
  // Whether all lists of free objects could be followed to their ends. If not, some free objects pass for live ones.
  [[nodiscard]] bool whole() const { return whole_; }
  // Returns whether an address may lie in a block. This is cheaper than find().
  [[nodiscard]] bool may_hold(std::uint64_t address) const { return address >= lowest_ && address < highest_; }

  // Marks that the user of this class may set, from bit kFirstMark on.
  static constexpr std::uint8_t kFirstMark = 4;
  [[nodiscard]] bool has(std::size_t number, std::uint8_t mark) const { return (marks_[number] & mark) != 0; }
  void set(std::size_t number, std::uint8_t mark) { marks_[number] |= mark; }
  void clear(std::size_t number, std::uint8_t mark) { marks_[number] &= static_cast<std::uint8_t>(~mark); }

  // Calls visit with the number of each live block, in the order of their addresses.
  template <class Visit>
  void for_live(Visit visit) const {
    for (std::size_t number = 0; number < marks_.size(); ++number) {
      if ((marks_[number] & (kFree | kInner)) == 0) visit(number);
    }
  }

 private:
  static constexpr std::uint8_t kFree = 1;   // no block is there, or a free one
  static constexpr std::uint8_t kInner = 2;  // it belongs to the block before

  // Adjacent places of one size: a slab, a span, or a single block.
  struct Group {
    std::uint64_t start = 0, bytes = 0;  // of one place
    std::size_t first = 0;               // the number of the first place
    std::uint32_t count = 0;
    std::uint32_t entry = 0;  // in the model's list of its kind, or in places_
    std::uint16_t cache = kNoCache;
    HeapBlock::Kind kind = HeapBlock::Kind::kObject;
    [[nodiscard]] std::uint64_t end() const { return start + bytes * count; }
    [[nodiscard]] bool has(std::size_t number) const { return number >= first && number < first + count; }
  };

  void add_slab(Source& source, const Block& slab);
  void add_heaps(Source& source);
  [[nodiscard]] bool is_of_heap(const Range& area) const;
  // What lies in a run or an area.
  void add_whole(const Range& range, HeapBlock::Kind kind);
  bool add_parts(const Range& range);
  void add_group(const Group& group) {
    if (group.count != 0 && group.bytes != 0) groups_.push_back(group);
  }
  void number_groups();
  void mark_free();
  void mark_free(const Group& group);
  [[nodiscard]] const Group* group_at(std::uint64_t address) const;
  [[nodiscard]] const Group& group_of(std::size_t number) const;

  const Model& model_;
  std::vector<HeapPlaces> places_;                         // of heaps that the program made, by address
  std::vector<std::shared_ptr<const std::string>> heaps_;  // their names
  std::vector<Group> groups_;                              // by address
  std::vector<std::uint8_t> marks_;
  std::uint64_t lowest_ = 0, highest_ = 0;
  bool whole_ = true;
  mutable std::size_t last_ = 0, last_numbered_ = 0;  // hints: the groups that were found last
};

}  // namespace ashlar::reader
