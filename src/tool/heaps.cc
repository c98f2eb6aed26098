// tool: `ashlar heaps`: the heaps that a program made (ashlar/heap.h), and what is in them.
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "tool/target.h"

namespace ashlar::tool {

namespace {

using nlohmann::json;
using reader::ProgramHeap;
using reader::ProgramHeaps;

const char* state_of(const ProgramHeap& heap) {
  if (heap.address == 0) return "deleted";
  return heap.owned ? "owned" : "free";
}

json value_of(const ProgramHeap& heap) {
  json row = {{"name", heap.name},
              {"state", state_of(heap)},
              {"blocks", heap.blocks},
              {"used_bytes", heap.used_bytes},
              {"kept_bytes", heap.kept_bytes},
              {"bytes", heap.bytes},
              {"chunks", heap.chunks},
              {"slabs", heap.slabs},
              {"spans", heap.spans},
              {"large", heap.large},
              {"large_bytes", heap.large_bytes}};
  if (heap.address == 0) return row;
  row["address"] = heap.address;
  row["peak_bytes"] = heap.max_bytes;
  row["limit"] = heap.limit;
  return row;
}

void print_json(const Output& output, const ProgramHeaps& all) {
  json rows = json::array();
  for (const ProgramHeap& heap : all.heaps) rows.push_back(value_of(heap));
  output.print_json(json{{"approximate", all.approximate}, {"heaps", rows}});
}

void print_text(const Output& output, const ProgramHeaps& all) {
  if (all.heaps.empty()) return output.print("The program has no heap of its own (ashlar/heap.h).\n");
  using Align = Table::Align;
  Table table({{"heap", Align::kLeft},
               {"address", Align::kLeft},
               {"state", Align::kLeft},
               {"blocks"},
               {"used"},
               {"kept"},
               {"pages"},
               {"peak"},
               {"limit"},
               {"chunks"},
               {"slabs"},
               {"spans"},
               {"large"}});
  for (const ProgramHeap& heap : all.heaps) {
    const bool deleted = heap.address == 0;
    table.add({deleted ? "-" : heap.name, deleted ? "-" : fmt::format("0x{:x}", heap.address), state_of(heap),
               std::to_string(heap.blocks), human_bytes(heap.used_bytes), human_bytes(heap.kept_bytes),
               human_bytes(heap.bytes), deleted ? "-" : human_bytes(heap.max_bytes),
               heap.limit == 0 ? "-" : human_bytes(heap.limit), std::to_string(heap.chunks), std::to_string(heap.slabs),
               std::to_string(heap.spans), std::to_string(heap.large)});
  }
  table.print(output);
}

}  // namespace

Action declare_heaps(CLI::App& command) {
  return declare_report(command, [](const Output& output, const Target& target) {
    const auto source = target.open();
    const ProgramHeaps all = reader::read_program_heaps(*source);
    if (output.json()) print_json(output, all);
    else print_text(output, all);
    return 0;
  });
}

}  // namespace ashlar::tool
