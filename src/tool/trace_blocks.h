// tool: which block an address of a trace is.
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
  std::uint32_t id = 0;  // what follows the blocks keeps its own of each
  std::uint32_t thread = 0;
  std::uint32_t resizes = 0;
  std::uint8_t alignment = 0;
  Op op = Op::kEnd;
};

// From addresses to what is live there: open addressing, without marks of what is gone.
class LiveBlocks {
 public:
  LiveBlocks() : slots_(1u << 12) {}
  // Null where nothing is live.
  [[nodiscard]] Block* find(std::uint64_t address);
  // The block that was live there before, if there was one.
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

// What happens to blocks, in order. A block that a call of which nothing is known freed, as a signal handler's may be,
// ends where its address is handed out again.
class BlockEvents {
 public:
  virtual ~BlockEvents() = default;
  // The block that is made; its id may be set.
  virtual void made(const Event& event, Block& block) = 0;
  // A block of before, or null: one that was made before the trace, or was inherited by the child of a fork.
  virtual void freed(const Event& event, const Block* block) = 0;
  virtual void resized(const Event& event, Block& block, std::uint64_t old_size) = 0;
  // The call failed; `block` is what realloc was asked for.
  virtual void refused(const Event& event, const Block* block) = 0;
  // The block lives when the process exits; the event tells how much of it was used.
  virtual void left(const Event&, const Block&) {}
  // Where a block of this id ended unseen, before another was made there.
  virtual void vanished(const Event& event, const Block& block) = 0;

  void follow(const TraceFile& trace);
  [[nodiscard]] const LiveBlocks& live() const { return live_; }

 protected:
  // Called before what happens at an event. False ends it.
  virtual bool before(const Event&) { return true; }
  // Calls visit(Block&) for each that lives, or is being resized.
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
