// tool, reader: blocks that nothing points to, and what points to a block. A word is a pointer to a block if it is an
// address within it, whatever else it may mean: so nothing that is in use is taken for a leak, except blocks whose
// address is kept in another form, or by the kernel alone. Another form is a page's descriptor as well (ashlar_page,
// ashlar/pages.h): a program that keeps nothing else of a run of pages keeps no address in it.
#pragma once

#include <cstdint>
#include <vector>

#include "tool/reader/blocks.h"
#include "tool/reader/roots.h"

namespace ashlar::reader {

class Leaks {
 public:
  // Follows the pointers from the roots through the blocks. What a block of a heap that the program made points to is
  // reached in any case, except others of such heaps: the program may visit a heap's blocks, and ends them with it. All
  // must outlive this, and be of the same moment.
  Leaks(Source& source, const Model& model, const Roots& roots);

  // The addresses of the blocks that were not reached, in ascending order.
  [[nodiscard]] std::vector<std::uint64_t> addresses() const;
  // Takes as reached what is not among the addresses of an earlier scan, and what those blocks lead to.
  void keep_those_of(const std::vector<std::uint64_t>& earlier);
  // Tells which blocks are reached from others that were not: they are leaked indirectly. Of blocks in a circle the one
  // of the lowest address counts as the one that was lost.
  void find_indirect();

  // Calls visit(block, direct) for each block that was not reached.
  template <class Visit>
  void for_each(Visit visit) const {
    blocks_.for_live([&](std::size_t number) {
      if (!blocks_.has(number, kReached)) visit(blocks_.at(number), !blocks_.has(number, kIndirect));
    });
  }
  // Whether an address lies in a block that was not reached.
  [[nodiscard]] bool is_leaked(std::uint64_t address) const {
    const std::size_t number = blocks_.find(address);
    return number != Blocks::kNone && !blocks_.has(number, kReached);
  }
  // Whether it is known of every place whether a block is there: all lists of free objects could be followed.
  [[nodiscard]] bool whole() const { return blocks_.whole(); }

  struct Count {
    std::uint64_t blocks = 0, bytes = 0;
  };
  [[nodiscard]] Count live() const { return live_; }

 private:
  static constexpr std::uint8_t kReached = Blocks::kFirstMark, kIndirect = kReached << 1, kCovered = kReached << 2;

  bool reach(std::size_t number);
  void flood_from_roots(const Roots& roots);
  void flood_from_heaps();
  // Follows the pointers of the blocks in `next`; `enter` says which block is new, and marks it.
  template <class Enter>
  void flood(std::vector<std::size_t>& next, Enter enter);
  void mark_pointed();
  void cover(std::vector<std::size_t> from);

  Source& source_;
  Blocks blocks_;
  Count live_;
};

// A word that points to a block.
struct Reference {
  enum class In : std::uint8_t { kMemory, kBlock, kRegister, kStack };
  In in = In::kMemory;
  std::uint64_t at = 0;     // its address
  std::uint64_t value = 0;  // what it is
  HeapBlock block;          // kBlock: that it lies in
  pid_t thread = 0;         // kRegister, kStack; 0: not known whose register it is
};

// The words that point into a range, at most so many; `more` becomes the number of others.
std::vector<Reference> find_references(Source& source, const Blocks& blocks, const Roots& roots, const Range& target,
                                       std::size_t most, std::uint64_t& more);

}  // namespace ashlar::reader
