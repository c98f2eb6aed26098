// tool, reader: looking things up in a model.
#include "tool/reader/model.h"

#include <algorithm>

namespace ashlar::reader {

namespace {

constexpr std::string_view kSlabDebugLetters = "FZPUT";  // by bit

}  // namespace

std::string slab_debug_letters(std::uint64_t bits) {
  std::string letters;
  for (unsigned bit = 0; bit < kSlabDebugLetters.size(); ++bit) {
    if ((bits >> bit & 1) != 0) letters += kSlabDebugLetters[bit];
  }
  return letters;
}

const Arena* Model::arena_at(std::uint64_t address) const {
  return around(arenas, address, [](const Arena& arena) { return arena.range; });
}

const Block* Model::block_at(std::uint64_t address) const {
  const Arena* const arena = arena_at(address);
  if (arena == nullptr) return nullptr;
  return around(arena->blocks, address, [](const Block& block) { return Range{block.start, block.end()}; });
}

const Area* Model::area_at(std::uint64_t address) const { return around(areas, address); }

std::uint64_t Span::slot_at(std::uint64_t address) const {
  const std::uint64_t first = start + header;
  return address < first ? slots.size() : std::min<std::uint64_t>((address - first) / slot_bytes, slots.size());
}

const Span* Model::span_at(std::uint64_t address) const { return around(spans, address); }

const Guarded* Model::guarded_at(std::uint64_t address) const { return around(guarded, address); }

const SlobBlock* Model::slob_at(std::uint64_t address) const { return around(slob, address); }

const SampledSlots* Model::sampled_at(std::uint64_t address) const { return around(sampled, address); }

std::uint32_t Model::free_for_ms(const Block& block) const {
  if (now_ms == 0) return 0;
  const auto passed = static_cast<std::uint32_t>(now_ms) - block.age_ms;
  return passed <= INT32_MAX ? passed : 0;  // 0 if it became free after the clock was read
}

const Option* Model::option(std::string_view name) const {
  const auto found = std::find_if(options.begin(), options.end(), [&](const Option& o) { return o.name == name; });
  return found != options.end() ? &*found : nullptr;
}

const char* Option::from() const {
  switch (origin) {
    case Origin::kDefault: return "default";
    case Origin::kEnvironment: return "ASHLAR_OPTIONS";
    case Origin::kMallopt: return "mallopt";
    case Origin::kRequest: return "ashlar set";
    case Origin::kProgram: return "the program";
    case Origin::kSystemFile: return "/etc/ashlar.conf";
    case Origin::kUserFile: return "the user's ashlar.conf";
    case Origin::kUnknown: break;
  }
  return value == normal ? "default" : "unknown";
}

std::string Option::text(std::uint64_t n) const {
  if (type == Type::kText) return n == 0 ? "none" : pattern;
  if (type == Type::kSwap) return n == 0 ? "none" : std::to_string(n) + (n == 1 ? " area" : " areas");
  if (type == Type::kSlabDebug) {
    const std::string letters = slab_debug_letters(n);
    return letters.empty() ? "off" : letters;
  }
  if (type == Type::kFlag || type == Type::kChoice) {
    std::size_t at = 0;
    for (std::uint64_t i = 0; i < n && at != std::string::npos; ++i) {
      at = unit.find('|', at);
      if (at != std::string::npos) ++at;
    }
    if (at != std::string::npos) return unit.substr(at, unit.find('|', at) - at);
  }
  if ((type == Type::kBytes || type == Type::kRate) && n != 0) {
    for (const auto& [shift, suffix] : {std::pair{40, 't'}, {30, 'g'}, {20, 'm'}, {10, 'k'}}) {
      if (n % (std::uint64_t{1} << shift) == 0) return std::to_string(n >> shift) + suffix;
    }
  }
  return std::to_string(n);
}

}  // namespace ashlar::reader
