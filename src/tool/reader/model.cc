// tool, reader: looking things up in a model.
#include "tool/reader/model.h"

#include <algorithm>

namespace ashlar::reader {

namespace {

// The entry of an ascending vector around an address, or null.
template <class T, class Start>
const T* around(const std::vector<T>& entries, std::uint64_t address, Start start) {
  const auto behind = std::upper_bound(entries.begin(), entries.end(), address,
                                       [&](std::uint64_t a, const T& entry) { return a < start(entry); });
  return behind == entries.begin() ? nullptr : &*(behind - 1);
}

}  // namespace

const Arena* Model::arena_at(std::uint64_t address) const {
  const Arena* const arena = around(arenas, address, [](const Arena& a) { return a.range.start; });
  return arena != nullptr && arena->range.contains(address) ? arena : nullptr;
}

const Block* Model::block_at(std::uint64_t address) const {
  const Arena* const arena = arena_at(address);
  if (arena == nullptr) return nullptr;
  const Block* const block = around(arena->blocks, address, [](const Block& b) { return b.start; });
  return block != nullptr && address < block->end() ? block : nullptr;
}

const Area* Model::area_at(std::uint64_t address) const {
  const Area* const area = around(areas, address, [](const Area& a) { return a.start; });
  return area != nullptr && area->contains(address) ? area : nullptr;
}

std::string Option::text(std::uint64_t n) const {
  if (type == Type::kChoice) {
    std::size_t at = 0;
    for (std::uint64_t i = 0; i < n && at != std::string::npos; ++i) {
      at = unit.find('|', at);
      if (at != std::string::npos) ++at;
    }
    if (at != std::string::npos) return unit.substr(at, unit.find('|', at) - at);
  }
  if (type == Type::kBytes && n != 0) {
    for (const auto& [shift, suffix] : {std::pair{40, 't'}, {30, 'g'}, {20, 'm'}, {10, 'k'}}) {
      if (n % (std::uint64_t{1} << shift) == 0) return std::to_string(n >> shift) + suffix;
    }
  }
  return std::to_string(n);
}

}  // namespace ashlar::reader
