// tool: `ashlar who`: what points to a block.
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "tool/arguments.h"
#include "tool/error.h"
#include "tool/heap_scan.h"
#include "tool/reader/purpose.h"
#include "tool/target.h"

namespace ashlar::tool {

namespace {

using nlohmann::json;
using reader::Blocks;
using reader::HeapBlock;
using reader::Model;
using reader::Reference;
using reader::Source;
using reader::Use;

struct Settings {
  Output output;
  Target target;
  ScanOptions scan;
  std::size_t top = 20;
};

struct Found {
  std::uint64_t address = 0;
  HeapBlock block;
  bool free = false;
  bool approximate = false;
  bool running = false;                    // it was not stopped
  std::vector<reader::SampledSite> sites;  // where a sampled block was allocated
  std::vector<Reference> references;
  std::uint64_t more = 0;  // further references, which are not listed
  std::size_t threads = 0, threads_in_part = 0;
};

// Returns what an address lies in if it is not in a block.
std::string place_of(Source& source, const Model& model, std::uint64_t address) {
  const reader::Mapping* const mapping = source.mapping_at(address);
  if (mapping == nullptr) return "nothing is mapped there";
  if (const reader::Area* const area = model.area_at(address))
    return area->kept ? "its pages are free, and kept for later blocks" : "it is beside a block";
  if (const reader::Block* const block = model.block_at(address)) {
    if (block->use == Use::kSlab) return "it is in a part of a slab that holds no object";
    if (block->of_heap) return "it is in a part of a heap that holds no block";
    if (block->use == Use::kRun) return "it is beside the blocks of its pages";
    return block->use == Use::kRest ? "its pages were never used" : "its pages are free";
  }
  const auto number = static_cast<std::size_t>(mapping - source.mappings().data());
  const reader::Purpose purpose = reader::purposes_of(source, model)[number];
  const std::string name = mapping->name.empty() ? "" : ", " + mapping->name;
  return fmt::format("it is in {} ({}{})", purpose.ashlar ? "Ashlar's own memory" : "memory that is not Ashlar's",
                     purpose.text, name);
}

Found find(const Settings& settings, Source& source, const Model& model, std::uint64_t address,
           const reader::Stopped* stopped) {
  const Blocks blocks(source, model);
  const std::size_t number = blocks.place_of(address);
  if (number == Blocks::kNone) {
    throw Failure(Exit::kFailed, fmt::format("{}: there is no block at 0x{:x}: {}", source.title(), address,
                                             place_of(source, model, address)));
  }
  Found found;
  found.address = address;
  found.block = blocks.at(number);
  found.free = blocks.is_free(number);
  found.approximate = model.approximate || !blocks.whole();
  const auto in_block = [&](std::uint64_t at) { return found.block.range().contains(at); };
  const reader::SampledBlocks sampled = reader::read_sampled_blocks(source, in_block, 1);
  if (!sampled.blocks.empty() && !found.free) {
    found.block.requested = sampled.blocks.front().requested;
    found.sites = {sampled.sites[sampled.blocks.front().site]};
  }
  const reader::Roots roots = settings.scan.roots(source, model, stopped);
  found.references = reader::find_references(source, blocks, roots, found.block.range(), settings.top, found.more);
  found.threads = roots.threads.size();
  found.threads_in_part = roots.threads_in_part();
  return found;
}

std::string where(Source& source, const Model& model, const Reference& reference) {
  switch (reference.in) {
    case Reference::In::kRegister: return fmt::format("a register of thread {}", reference.thread);
    case Reference::In::kStack: return fmt::format("the stack of thread {}", reference.thread);
    case Reference::In::kBlock:
      return fmt::format("block 0x{:x} + {} ({})", reference.block.start, reference.at - reference.block.start,
                         class_of(model, reference.block));
    case Reference::In::kMemory: break;
  }
  const reader::Mapping* const mapping = source.mapping_at(reference.at);
  if (mapping == nullptr || mapping->name.empty()) return "memory of the program's own";
  return fmt::format("{} + 0x{:x}", mapping->name, reference.at - mapping->start + mapping->offset);
}

// Returns the functions, the innermost first. Empty if the block was not sampled.
std::vector<std::string> stack_of(const Source& source, const Found& found) {
  return found.sites.empty() ? std::vector<std::string>() : functions_of(source, found.sites).front();
}

void print(const Settings& settings, Source& source, const Model& model, const Found& found) {
  const Output& output = settings.output;
  const HeapBlock& block = found.block;
  std::string size = fmt::format("{} bytes", block.bytes);
  if (block.requested != 0) size += fmt::format(", {} asked for", block.requested);
  output.print(
      fmt::format("0x{:x} is in the {} block 0x{:x} + {} of {}: {}.\n", found.address, found.free ? "free" : "live",
                  block.start, static_cast<std::int64_t>(found.address - block.start), class_of(model, block), size),
      Style::kBold);
  if (const std::vector<std::string> stack = stack_of(source, found); !stack.empty()) {
    output.print("It was allocated by:\n");
    for (const std::string& function : stack) output.print("  " + function + "\n");
  }
  print_doubts(output, found.threads_in_part, found.threads, found.approximate, found.running);
  if (found.references.empty()) {
    output.print("Nothing points to it.\n");
    return;
  }
  output.print("\n");
  Table table({{"at"}, {"points to"}, {"in", Table::Align::kLeft}});
  for (const Reference& reference : found.references) {
    table.add({reference.at != 0 ? fmt::format("0x{:x}", reference.at) : "",
               fmt::format("{:+}", static_cast<std::int64_t>(reference.value - block.start)),
               where(source, model, reference)});
  }
  table.print(output);
  if (found.more != 0) output.print(fmt::format("{} more; --top shows more.\n", found.more));
}

void print_json(const Settings& settings, Source& source, const Model& model, const Found& found) {
  constexpr const char* kIn[] = {"memory", "block", "register", "stack"};
  json out;
  out["process"] = {{"pid", source.pid()}, {"name", source.name()}, {"core", source.is_core()}};
  out["approximate"] = found.approximate;
  out["address"] = found.address;
  out["block"] = {{"address", found.block.start},
                  {"bytes", found.block.bytes},
                  {"class", class_of(model, found.block)},
                  {"state", found.free ? "free" : "live"}};
  if (found.block.requested != 0) out["block"]["requested"] = found.block.requested;
  if (const std::vector<std::string> stack = stack_of(source, found); !stack.empty()) out["stack"] = stack;
  out["threads"] = {{"all", found.threads}, {"registers_not_known", found.threads_in_part}};
  json& references = out["references"] = json::array();
  for (const Reference& reference : found.references) {
    json row = {{"in", kIn[static_cast<std::size_t>(reference.in)]},
                {"value", reference.value},
                {"text", where(source, model, reference)}};
    if (reference.at != 0) row["at"] = reference.at;
    if (reference.thread != 0) row["thread"] = reference.thread;
    if (reference.in == Reference::In::kBlock) row["block"] = reference.block.start;
    references.push_back(std::move(row));
  }
  out["more"] = found.more;
  settings.output.print_json(out);
}

int who(const Settings& settings) {
  const auto source = settings.target.open();
  const std::uint64_t address = settings.target.address();
  auto stopped = settings.scan.stop(*source);
  if (stopped != nullptr) source->refresh();
  const Model model = reader::read_model(*source);
  Found found = find(settings, *source, model, address, stopped.get());
  found.running = stopped == nullptr && !source->is_core();
  stopped.reset();  // before anything is written, as the stopped process may be the one that displays the output
  if (settings.output.json()) print_json(settings, *source, model, found);
  else print(settings, *source, model, found);
  return 0;
}

}  // namespace

Action declare_who(CLI::App& command) {
  const auto settings = std::make_shared<Settings>();
  settings->output.declare(command);
  settings->target.declare_with_address(command);
  settings->scan.declare(command);
  add_count(
      command, "--top", [&top = settings->top](std::uint32_t n) { top = n; }, 0, kMaxRows,
      "How many pointers to show; default: 20");
  return [settings] { return who(*settings); };
}

}  // namespace ashlar::tool
