// tool, reader: following lists of free objects.
#include "tool/reader/free_objects.h"

namespace ashlar::reader {

namespace {

struct Step {
  std::uint64_t link_at = 0;  // address of the link
  std::uint32_t left = 0;     // objects of the list from this one on
  std::uint16_t cache = kNoCache;
  Holder holder = Holder::kSlab;
  std::uint64_t link = 0;  // what was read
};

std::vector<Step> first_steps(const Model& model, const std::function<bool(std::uint16_t)>& wanted, const Block* slab) {
  std::vector<Step> steps;
  for (const Chain& chain : model.chains) {
    if (chain.count == 0 || !wanted(chain.cache)) continue;
    steps.push_back({chain.first, chain.count, chain.cache, chain.in_depot ? Holder::kDepot : Holder::kMagazine});
  }
  const auto add_slab = [&](const Block& block) {
    if (block.use != Use::kSlab || block.free_objects == 0 || !wanted(block.cache)) return;
    const std::uint64_t first = std::uint64_t{block.first_free} * 16 + model.caches[block.cache].link % 16;
    steps.push_back({block.start + first, block.free_objects, block.cache});
  };
  if (slab != nullptr) {
    add_slab(*slab);
    return steps;
  }
  for (const Arena& arena : model.arenas) {
    for (const Block& block : arena.blocks) add_slab(block);
  }
  return steps;
}

// Returns the object that a link belongs to, or 0 if it is not an object of the cache.
std::uint64_t object_of(const Model& model, const Step& step) {
  const Cache& cache = model.caches[step.cache];
  const Block* const block = model.block_at(step.link_at);
  if (block == nullptr || block->use != Use::kSlab || block->cache != step.cache) return 0;
  const std::uint64_t object = step.link_at - cache.link;
  return object >= block->start && (object - block->start) % cache.object_size == 0 ? object : 0;
}

}  // namespace

bool follow_free_lists(Source& source, const Model& model, const std::function<bool(std::uint16_t)>& wanted,
                       const Block* slab, const std::function<bool(std::uint64_t, Holder)>& note) {
  bool whole = true;
  std::vector<Step> steps = first_steps(model, wanted, slab);
  while (!steps.empty()) {
    std::vector<Step> next;
    std::vector<Piece> pieces;
    next.reserve(steps.size());
    for (const Step& step : steps) {
      // an object that was found before: the lists changed while they were read, and following on might not end
      const std::uint64_t object = object_of(model, step);
      if (object == 0 || !note(object, step.holder)) whole = false;
      else if (step.left > 1) next.push_back(step);
    }
    pieces.reserve(next.size());
    for (Step& step : next) {
      pieces.push_back({step.link_at, &step.link, sizeof step.link});
    }
    source.read_all(pieces);
    steps.clear();
    for (std::size_t i = 0; i < next.size(); ++i) {
      if (!pieces[i].done) {
        whole = false;
        continue;
      }
      steps.push_back({next[i].link, next[i].left - 1, next[i].cache, next[i].holder, 0});
    }
  }
  return whole;
}

FreeObjects find_free_objects(Source& source, const Model& model, const std::function<bool(std::uint16_t)>& wanted,
                              const Block* slab, bool& whole) {
  FreeObjects found;
  const auto note = [&](std::uint64_t object, Holder holder) { return found.emplace(object, holder).second; };
  if (!follow_free_lists(source, model, wanted, slab, note)) whole = false;
  return found;
}

}  // namespace ashlar::reader
