// tool: finds the block that an address of a trace belongs to.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "tool/trace_file.h"

namespace ashlar::tool {

struct Block {
  std::uint64_t size = 0;
  std::uint64_t number = 0;  // of the call that made it
  std::uint64_t ns = 0;
  std::uint32_t id = 0;  // set and used by the class that derives from BlockEvents
  std::uint32_t thread = 0;
  std::uint32_t resizes = 0;
  std::uint8_t alignment = 0;
  Op op = Op::kEnd;
};

// A hash table from addresses to live blocks: open addressing, without tombstones.
class LiveBlocks {
 public:
  LiveBlocks() : slots_(1u << 12) {}
  // Returns null if no block is live there.
  [[nodiscard]] Block* find(std::uint64_t address);
  // Both return the block that was live there before, if there was one.
  std::optional<Block> insert(std::uint64_t address, const Block& block);
  std::optional<Block> remove(std::uint64_t address);
  [[nodiscard]] std::size_t size() const { return used_; }
  template <class Visit>
  void for_each(Visit visit) {
    for (Slot& slot : slots_) {
      if (slot.address != 0) visit(slot.block);
    }
  }

 private:
  struct Slot {
    std::uint64_t address = 0;
    Block block;
  };
  [[nodiscard]] std::size_t place_of(std::uint64_t address) const;
  [[nodiscard]] std::size_t find_slot(std::uint64_t address) const;
  void grow();

  std::vector<Slot> slots_;
  std::size_t used_ = 0;
};

// Reports what happens to blocks, in order. A trace may lack the call that freed a block, for instance one of a signal
// handler. Such a block ends when its address is allocated again.
class BlockEvents {
 public:
  virtual ~BlockEvents() = default;
  // A block is allocated. `block.id` may be set.
  virtual void made(const Event& event, Block& block) = 0;
  // A block is freed. `block` is null if it was allocated before the trace, or inherited by the child of a fork.
  virtual void freed(const Event& event, const Block* block) = 0;
  virtual void resized(const Event& event, Block& block, std::uint64_t old_size) = 0;
  // A call failed. `block` is the block that realloc was called with.
  virtual void refused(const Event& event, const Block* block) = 0;
  // The block is live when the process exits. The event has how much of it was used.
  virtual void left(const Event&, const Block&) {}
  // The end of `block` was not recorded, and another block is about to be made at its address.
  virtual void vanished(const Event& event, const Block& block) = 0;

  void follow(const TraceFile& trace);
  [[nodiscard]] const LiveBlocks& live() const { return live_; }

 protected:
  // Called before the functions for an event. Returning false ends follow().
  virtual bool before(const Event&) { return true; }
  // Calls visit(Block&) for each block that is live or being resized.
  template <class Visit>
  void for_each_block(Visit visit) {
    live_.for_each(visit);
    for (auto& [thread, block] : moving_) {
      if (block) visit(*block);
    }
  }

 private:
  void note(const Event& event);
  void make(const Event& event);
  void end_resize(const Event& event);

  LiveBlocks live_;
  std::unordered_map<std::uint32_t, std::optional<Block>> moving_;  // by thread
};

}  // namespace ashlar::tool
