// tool, reader: what live processes and core files have in common.
#include "tool/reader/source.h"

#include <algorithm>

namespace ashlar::reader {

const Mapping* Source::mapping_at(std::uint64_t address) const {
  const auto behind = std::upper_bound(mappings_.begin(), mappings_.end(), address,
                                       [](std::uint64_t a, const Mapping& mapping) { return a < mapping.start; });
  if (behind == mappings_.begin()) return nullptr;
  const Mapping& mapping = *(behind - 1);
  return mapping.contains(address) ? &mapping : nullptr;
}

bool Source::read(std::uint64_t address, void* to, std::size_t n) {
  Piece piece{address, to, n};
  read_all({&piece, 1});
  return piece.done;
}

}  // namespace ashlar::reader
