// tool: `ashlar page`: everything about one address.
#include <algorithm>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "tool/reader/frame.h"
#include "tool/reader/free_objects.h"
#include "tool/reader/profile.h"
#include "tool/reader/purpose.h"
#include "tool/target.h"

namespace ashlar::tool {

namespace {

using nlohmann::json;
using reader::Block;
using reader::Model;
using reader::Source;
using reader::Use;

// The facts, in order: a name, and a value for people and for programs.
class Facts {
 public:
  void add(const char* name, std::string text, json value) {
    rows_.emplace_back(name, std::move(text));
    value_[name] = std::move(value);
  }
  void add(const char* name, const std::string& text) { add(name, text, text); }
  void add(const char* name, std::uint64_t n) { add(name, std::to_string(n), n); }
  void address(const char* name, std::uint64_t n) { add(name, fmt::format("0x{:x}", n), n); }

  [[nodiscard]] const json& value() const { return value_; }
  void print(const Output& output) const {
    Table table({{"", Table::Align::kLeft}, {"", Table::Align::kLeft}});
    for (const auto& [name, text] : rows_) table.add({name, text});
    table.print(output);
  }

 private:
  std::vector<std::pair<std::string, std::string>> rows_;
  json value_ = json::object();
};

const char* name_of(Use use) {
  switch (use) {
    case Use::kSlab: return "slab";
    case Use::kRun: return "run";
    case Use::kFree: return "free block";
    case Use::kExtent: return "free extent";
    case Use::kPcp: return "free, in a processor's list";
    case Use::kIsolated: return "free, being returned to the system";
    case Use::kRest: return "never used";
    case Use::kUnknown: break;
  }
  return "changing";
}

void add_object(Facts& facts, Source& source, const Model& model, const Block& slab, std::uint64_t address) {
  const reader::Cache& cache = model.caches[slab.cache];
  const std::uint64_t index = (address - slab.start) / cache.object_size;
  facts.add("cache", cache.name);
  facts.add("object_size", cache.object_size);
  facts.add("slab_objects",
            fmt::format("{} outside, {} free, {} never used, of {}", slab.in_use, slab.free_objects,
                        slab.capacity - slab.in_use - slab.free_objects, slab.capacity),
            {{"out", slab.in_use}, {"free", slab.free_objects}, {"capacity", slab.capacity}});
  if (index >= slab.capacity) {
    facts.add("state", "behind the last object of the slab");
    return;
  }
  facts.add("object_index", index);
  facts.address("object_start", slab.start + index * cache.object_size);
  facts.add("offset_in_object", (address - slab.start) % cache.object_size);
  if (index >= std::uint64_t{slab.in_use} + slab.free_objects) {
    facts.add("state", "never used");
    return;
  }
  bool whole = true;
  const auto free = reader::find_free_objects(
      source, model, [&](std::uint16_t c) { return c == slab.cache; }, &slab, whole);
  const auto found = free.find(slab.start + index * cache.object_size);
  if (found == free.end()) facts.add("state", whole ? "live" : "live, or changing just now");
  else if (found->second == reader::Holder::kSlab) facts.add("state", "free, on its slab's list");
  else if (found->second == reader::Holder::kMagazine) facts.add("state", "free, in a thread's magazine");
  else facts.add("state", "free, in the depot");
}

// Adds the facts about a checked block. Returns false if there is none at the address.
bool add_checked(Facts& facts, const Model& model, std::uint64_t address) {
  if (const reader::Guarded* const block = model.guarded_at(address)) {
    facts.add("use", "checked block with pages of its own");
    facts.address("block", block->block);
    facts.add("requested", block->requested);
    facts.add("state", block->live ? "live" : "free, in the quarantine");
    return true;
  }
  const reader::Span* const span = model.span_at(address);
  if (span == nullptr) return false;
  facts.add("use", "checked blocks");
  facts.address("span", span->start);
  if (span->cache != reader::kNoCache) facts.add("cache", model.caches[span->cache].name);
  const std::uint64_t index = span->slot_at(address);
  if (index == span->slots.size()) {
    facts.add("state", "beside the blocks of the span");
    return true;
  }
  constexpr const char* kStates[] = {"never used", "free", "free, in the quarantine or at hand", "live"};
  const reader::Slot& slot = span->slots[index];
  const bool known = slot.state != reader::Slot::State::kFresh;
  facts.address("slot", span->slot_start(index));
  facts.add("slot_bytes", span->slot_bytes);
  if (known) facts.address("block", span->slot_start(index) + slot.offset);
  if (known) facts.add("requested", slot.requested);
  facts.add("state", kStates[static_cast<std::size_t>(slot.state)]);
  return true;
}

void add_slob(Facts& facts, const reader::SlobBlock& block, std::uint64_t address) {
  facts.add("use", "blocks of any size (slob)");
  facts.address("pages", block.start);
  if (!block.is_used(address)) {
    facts.add("state", "free");
    return;
  }
  std::uint64_t start = address / 16 * 16, end = start + 16;
  while (start > block.start && !block.is_start(start)) start -= 16;
  while (end < block.end && block.is_used(end) && !block.is_start(end)) end += 16;
  facts.address("block", start);
  facts.add("block_bytes", end - start);
  facts.add("state", "live");
}

void add_sampled(Facts& facts, Source& source, const Model& model, const reader::SampledSlots& slots,
                 std::uint64_t address) {
  const std::uint64_t index = (address - slots.start) / slots.slot_bytes;
  const std::uint64_t block = slots.start + index * slots.slot_bytes;
  facts.add("use", "blocks that a profile samples");
  facts.add("cache", model.caches[slots.cache].name);
  facts.address("pages", slots.start);
  facts.address("block", block);
  facts.add("block_bytes", slots.slot_bytes);
  const reader::SampledBlocks known = reader::read_sampled_blocks(
      source, [=](std::uint64_t at) { return at == block; }, 1);
  if (!known.blocks.empty()) facts.add("requested", known.blocks.front().requested);
  facts.add("state", slots.is_used(index) ? "live" : "free");
}

// A block of a heap that the program made.
void add_heap_block(Facts& facts, Source& source, std::uint64_t address) {
  const reader::AllHeapPlaces all = reader::read_heap_places(source);
  const auto behind =
      std::upper_bound(all.places.begin(), all.places.end(), address,
                       [](std::uint64_t at, const reader::HeapPlaces& places) { return at < places.start; });
  if (behind == all.places.begin() || address >= (behind - 1)->end()) {
    facts.add("state", all.places.empty() ? "the heap's: which of its blocks are live is not known" : "free");
    return;
  }
  const reader::HeapPlaces& places = *(behind - 1);
  const std::uint64_t index = (address - places.start) / places.bytes;
  facts.add("heap", all.names[places.heap]);
  facts.add("object_size", places.bytes);
  facts.address("object_start", places.start + index * places.bytes);
  facts.add("offset_in_object", (address - places.start) % places.bytes);
  const bool free = places.free[index];
  facts.add("state", all.approximate ? (free ? "free, or changing just now" : "live, or changing just now")
                                     : (free ? "free" : "live"));
}

void add_block(Facts& facts, Source& source, const Model& model, const reader::Arena& arena, std::uint64_t address) {
  const reader::Zone& zone = model.zones[arena.zone];
  facts.add("section", address >> 32);
  facts.address("arena", arena.range.start);
  facts.add("arena_bytes", arena.range.bytes());
  facts.add("zone", fmt::format("node {}, {}", zone.node, zone.name));
  facts.add("dirty", arena.is_dirty(address) ? "yes: it was used" : "no", arena.is_dirty(address));
  const Block* const block = model.block_at(address);
  if (block == nullptr) return;
  if (block->use == Use::kRun && add_checked(facts, model, address)) return;
  if (const reader::SlobBlock* const slob = model.slob_at(address)) {
    add_slob(facts, *slob, address);
    return;
  }
  if (const reader::SampledSlots* const slots = model.sampled_at(address)) {
    add_sampled(facts, source, model, *slots, address);
    return;
  }
  facts.add("use", block->of_heap ? "pages of a heap that the program made" : name_of(block->use));
  facts.address("block", block->start);
  facts.add("block_pages", block->pages);
  if (block->use == Use::kSlab || block->use == Use::kFree) facts.add("order", block->order);
  const bool free = block->use == Use::kFree || block->use == Use::kExtent;
  if (free && model.now_ms != 0) facts.add("free_since_ms", model.free_for_ms(*block));
  if (block->use == Use::kSlab) add_object(facts, source, model, *block, address);
  else if (block->of_heap) add_heap_block(facts, source, address);
  else if (block->use == Use::kRun) facts.add("state", "live");
  else if (block->use != Use::kUnknown) facts.add("state", "free");
}

void add_place(Facts& facts, Source& source, const Model& model, std::uint64_t address) {
  if (const reader::Arena* const arena = model.arena_at(address)) {
    add_block(facts, source, model, *arena, address);
  } else if (add_checked(facts, model, address)) {
    return;
  } else if (const reader::Area* const area = model.area_at(address)) {
    facts.add("use", "vmalloc");
    facts.address("block", area->start);
    facts.add("block_pages", area->bytes() / reader::kPage);
    facts.add("state", area->kept ? "free, kept for blocks to come" : "live");
  } else if (model.area_at(address - reader::kPage) != nullptr) {
    facts.add("use", "guard page");
    facts.address("block", model.area_at(address - reader::kPage)->start);
  }
}

int page(const Output& output, const Target& target) {
  const auto source = target.open();
  const std::uint64_t address = target.address();
  const Model model = reader::read_model(*source);
  Facts facts;
  facts.address("address", address);
  const reader::Mapping* const mapping = source->mapping_at(address);
  if (mapping == nullptr) {
    facts.add("mapping", "none: nothing is mapped there", nullptr);
  } else {
    const auto number = static_cast<std::size_t>(mapping - source->mappings().data());
    facts.add("mapping", fmt::format("{:x}-{:x} {}", mapping->start, mapping->end, mapping->name),
              {{"start", mapping->start}, {"end", mapping->end}, {"name", mapping->name}});
    const reader::Purpose purpose = reader::purposes_of(*source, model)[number];
    facts.add("purpose", (purpose.ashlar ? "Ashlar's: " : "not Ashlar's: ") + purpose.text, purpose.text);
    facts.add("ashlar", purpose.ashlar ? "yes" : "no", purpose.ashlar);
    add_place(facts, *source, model, address);
    if (!source->is_core()) {
      const reader::Frame frame = reader::frame_of(source->pid(), address);
      facts.add("memory", frame.state);
      if (frame.number != 0) facts.address("frame", frame.number);
      if (!frame.flags.empty()) facts.add("frame_flags", frame.flags);
    }
  }
  if (output.json()) output.print_json(facts.value());
  else facts.print(output);
  return 0;
}

}  // namespace

Action declare_page(CLI::App& command) { return declare_report(command, page, &Target::declare_with_address); }

}  // namespace ashlar::tool
