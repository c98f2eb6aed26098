// tool: `ashlar walk`: the blocks that a program holds, one per line.
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "tool/arguments.h"
#include "tool/error.h"
#include "tool/heap_scan.h"
#include "tool/target.h"

namespace ashlar::tool {

namespace {

using nlohmann::json;
using reader::Blocks;
using reader::HeapBlock;
using reader::Model;

struct Settings {
  Output output;
  Target target;
  std::string only;  // the class to list; empty: all
  std::uint64_t min = 0;
};

json value_of(const Model& model, const HeapBlock& block) {
  json row = {{"address", block.start}, {"bytes", block.bytes}, {"class", class_of(model, block)}};
  if (block.requested != 0) row["requested"] = block.requested;
  return row;
}

// Writes one line at a time, as there may be millions of blocks. The JSON is a list with one block per line.
int walk(const Settings& settings) {
  const auto source = settings.target.open();
  const Model model = reader::read_model(*source);
  if (!settings.only.empty() && !is_class(*source, model, settings.only)) {
    throw Failure(Exit::kUsage, fmt::format("walk: --class \"{}\": the process has no such class, cache or heap "
                                            "(heap:NAME); ashlar slabinfo and ashlar heaps list them",
                                            settings.only));
  }
  const Blocks blocks(*source, model);
  const Output& output = settings.output;
  bool first = true;
  if (output.json()) output.print("[");
  blocks.for_live([&](std::size_t number) {
    const HeapBlock block = blocks.at(number);
    if (block.bytes < settings.min || (!settings.only.empty() && settings.only != class_of(model, block))) return;
    if (output.json()) output.print((first ? "\n" : ",\n") + value_of(model, block).dump());
    else if (block.requested == 0)
      output.print(fmt::format("0x{:x} {} {}\n", block.start, block.bytes, class_of(model, block)));
    else
      output.print(fmt::format("0x{:x} {} {} {}\n", block.start, block.bytes, class_of(model, block), block.requested));
    first = false;
  });
  if (output.json()) output.print("\n]\n");
  return 0;
}

}  // namespace

Action declare_walk(CLI::App& command) {
  const auto settings = std::make_shared<Settings>();
  settings->output.declare(command);
  settings->target.declare(command);
  command.add_option("--class", settings->only, "Show only the blocks of this class or cache")->type_name("NAME");
  add_bytes(command, "--min", settings->min, "Leave out blocks smaller than this");
  return [settings] { return walk(*settings); };
}

}  // namespace ashlar::tool
