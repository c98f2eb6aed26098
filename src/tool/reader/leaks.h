// tool, reader: blocks that nothing points to, and what points to a block. Any word that is an address within a block
// counts as a pointer to it, whatever the word means. So a block in use is reported as a leak only if the program keeps
// its address in another form, or if only the kernel has the address. A page's descriptor (ashlar_page, ashlar/pages.h)
// is such another form: a program that keeps only the descriptor of a run of pages keeps no address within the run.
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

  // Returns the addresses of the blocks that were not reached, in ascending order.
  [[nodiscard]] std::vector<std::uint64_t> addresses() const;
  // Marks as reached all blocks whose addresses an earlier scan did not return, and the blocks that they lead to.
  void keep_those_of(const std::vector<std::uint64_t>& earlier);
  // Finds the blocks that other leaked blocks point to: they are leaked indirectly. Of blocks in a cycle, the one with
  // the lowest address counts as leaked directly.
  void find_indirect();

  // Calls visit(block, direct) for each block that was not reached.
  template <class Visit>
  void for_each(Visit visit) const {
    blocks_.for_live([&](std::size_t number) {
      if (!blocks_.has(number, kReached)) visit(blocks_.at(number), !blocks_.has(number, kIndirect));
    });
  }
  // Returns whether an address lies in a block that was not reached.
  [[nodiscard]] bool is_leaked(std::uint64_t address) const {
    const std::size_t number = blocks_.find(address);
    return number != Blocks::kNone && !blocks_.has(number, kReached);
  }
  // Returns whether all lists of free objects could be followed to their ends (Blocks::whole).
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
  std::uint64_t value = 0;  // its contents
  HeapBlock block;          // kBlock: the block that contains it
  pid_t thread = 0;         // kRegister, kStack
};

// Returns the words that point into a range, up to a maximum number. `more` becomes the number of further ones.
std::vector<Reference> find_references(Source& source, const Blocks& blocks, const Roots& roots, const Range& target,
                                       std::size_t max, std::uint64_t& more);

}  // namespace ashlar::reader
