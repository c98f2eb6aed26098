// tool: the picture's view by functions, of a process with a profile: where live samples lie, and which functions
// allocated them.
#pragma once

#include <cstdint>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "tool/map_data.h"

namespace ashlar::tool {

class Samples {
 public:
  // Fills `sites` with the functions that hold memory, the largest first. `sites` stays empty if no profile was
  // started.
  Samples(reader::Source& source, std::vector<MapSite>& sites);

  [[nodiscard]] bool known() const { return known_; }
  // Returns the samples of a range, in the form of `samples` (map_data.h).
  [[nodiscard]] nlohmann::ordered_json in(const reader::Range& range) const;

 private:
  struct Sample {
    std::uint64_t address = 0, bytes = 0;
    std::size_t site = 0;
    [[nodiscard]] std::uint64_t first_page() const { return address / reader::kPage; }
    [[nodiscard]] std::uint64_t end_page() const { return (address + bytes - 1) / reader::kPage + 1; }
  };

  bool known_ = false;
  std::vector<Sample> all_;  // by address
};

}  // namespace ashlar::tool
