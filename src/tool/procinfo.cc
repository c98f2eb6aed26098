// tool: the reports in the formats of the kernel's files: `ashlar slabinfo`, `buddyinfo`, `zoneinfo`, `vmallocinfo`,
// `swapinfo`. ashlar(1) says what each column means here.
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <numeric>

#include "tool/printable.h"
#include "tool/target.h"

namespace ashlar::tool {

namespace {

using nlohmann::json;
using reader::Model;
using reader::Source;

using Text = std::string (*)(Source& source, const Model& model);
using Value = json (*)(Source& source, const Model& model);

Action declare_info(CLI::App& command, Text text, Value value) {
  return declare_report(command, [text, value](const Output& output, const Target& target) {
    const auto source = target.open();
    const Model model = reader::read_model(*source);
    if (output.json()) output.print_json(value(*source, model));
    else output.print(text(*source, model));
    return 0;
  });
}

// --- slabinfo: mm/slab_common.c, slabinfo_show

std::vector<const reader::Cache*> used_caches(const Model& model) {
  std::vector<const reader::Cache*> used;
  for (const reader::Cache& cache : model.caches) {
    if (cache.object_size != 0 && (cache.slabs != 0 || !cache.is_size_class)) used.push_back(&cache);
  }
  return used;
}

std::uint64_t objects_per_slab(const reader::Cache& cache) {
  return (reader::kPage << cache.max_order) / cache.object_size;
}

std::string slabinfo_text(Source& /*source*/, const Model& model) {
  std::string text =
      "slabinfo - version: 2.1\n"
      "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> "
      "<batchcount> "
      "<sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>\n";
  for (const reader::Cache* const c : used_caches(model)) {
    text += fmt::format("{:<17} {:6} {:6} {:6} {:4} {:4} : tunables {:4} {:4} {:4} : slabdata {:6} {:6} {:6}\n",
                        c->name, c->live(), c->capacity, c->object_size, objects_per_slab(*c),
                        std::uint64_t{1} << c->max_order, c->magazine_limit, c->magazine_limit, c->depot_magazines,
                        c->active_slabs, c->slabs, c->magazines + c->depot + c->waiting);
  }
  return text;
}

json slabinfo_value(Source& /*source*/, const Model& model) {
  json rows = json::array();
  for (const reader::Cache* const c : used_caches(model)) {
    rows.push_back({{"name", c->name},
                    {"node", c->node},
                    {"object_size", c->object_size},
                    {"live", c->live()},
                    {"capacity", c->capacity},
                    {"in_magazines", c->magazines},
                    {"in_depot", c->depot},
                    {"depot_magazines", c->depot_magazines},
                    {"in_quarantine", c->waiting},
                    {"free_in_slabs", c->free_objects},
                    {"never_used", c->capacity - c->out - c->free_objects},
                    {"slabs", c->slabs},
                    {"active_slabs", c->active_slabs},
                    {"pages", c->pages},
                    {"magazine_limit", c->magazine_limit}});
    if (!c->is_size_class) rows.back()["checks"] = c->checks;
  }
  return {{"approximate", model.approximate}, {"caches", rows}};
}

// --- buddyinfo: mm/vmstat.c, frag_show_print

std::string buddyinfo_text(Source& /*source*/, const Model& model) {
  std::string text;
  for (const reader::Zone& zone : model.zones) {
    text += fmt::format("Node {}, zone {:>8} ", zone.node, zone.name);
    for (unsigned order = 0; order < reader::kOrders; ++order) {
      text += fmt::format("{:6} ", zone.clean_blocks[order] + zone.dirty_blocks[order]);
    }
    text += "\n";
  }
  return text;
}

json buddyinfo_value(Source& /*source*/, const Model& model) {
  json rows = json::array();
  for (const reader::Zone& zone : model.zones) {
    rows.push_back({{"node", zone.node},
                    {"zone", zone.name},
                    {"clean", zone.clean_blocks},
                    {"dirty", zone.dirty_blocks},
                    {"dirty_pages", zone.dirty_pages},
                    {"extents", zone.extents},
                    {"extent_pages", zone.extent_pages},
                    {"never_used_pages", zone.rest}});
  }
  return {{"approximate", model.approximate}, {"zones", rows}};
}

// --- zoneinfo: mm/vmstat.c, zoneinfo_show_print

struct ZoneRow {
  const char* name;
  std::uint64_t pages;
};

std::uint64_t decay_ms(const Model& model) {
  const reader::Option* const option = model.option("decay_ms");
  return option != nullptr ? option->value : 0;
}

std::vector<ZoneRow> zone_rows(const Model& model, unsigned number) {
  const reader::Zone& zone = model.zones[number];
  std::uint64_t slabs = 0, runs = 0, arenas = 0, free_blocks = 0;
  for (const reader::Arena& arena : model.arenas) {
    if (arena.zone != number) continue;
    ++arenas;
    for (const reader::Block& block : arena.blocks) {
      if (block.use == reader::Use::kSlab) slabs += block.pages;
      if (block.use == reader::Use::kRun) runs += block.pages;
      if (block.use == reader::Use::kFree) free_blocks += block.pages;
    }
  }
  return {{"nr_free_pages", zone.free},
          {"nr_free_blocks_pages", free_blocks},
          {"nr_extent_pages", zone.extent_pages},
          {"nr_free_pcp", zone.pcp},
          {"nr_never_used", zone.rest},
          {"nr_dirty_free", zone.dirty_free},
          {"nr_clean_free", zone.free > zone.dirty_free ? zone.free - zone.dirty_free : 0},
          {"nr_isolated", zone.isolated},
          {"nr_live", zone.live()},
          {"nr_slab", slabs},
          {"nr_run", runs},
          {"nr_live_max", zone.max_live},
          {"nr_live_recent_max", zone.height},
          {"nr_purged", zone.purged},
          {"nr_refaults", zone.refaults},
          {"nr_hold", zone.hold},
          {"nr_advised", zone.advised},
          {"nr_hugetlb", zone.from_pool},
          {"decay_ms", zone.patience * decay_ms(model)},
          {"pressure", model.pressure},
          {"nr_extents", zone.extents},
          {"nr_arenas", arenas}};
}

std::uint64_t min_watermark(const Model& model) {
  const reader::Option* const option = model.option("dirty_min");
  return option != nullptr ? option->value / reader::kPage : 0;
}

std::uint64_t start_of(const Model& model, unsigned number) {
  for (const reader::Arena& arena : model.arenas) {
    if (arena.zone == number) return arena.range.start / reader::kPage;
  }
  return 0;
}

std::string zoneinfo_text(Source& /*source*/, const Model& model) {
  std::string text;
  for (unsigned i = 0; i < model.zones.size(); ++i) {
    const reader::Zone& zone = model.zones[i];
    text += fmt::format("Node {}, zone {:>8}\n", zone.node, zone.name);
    text += fmt::format("  pages free     {}\n", zone.free);
    const auto row = [&](const char* name, std::uint64_t pages) {
      text += fmt::format("        {:<8} {}\n", name, pages);
    };
    row("min", min_watermark(model));
    row("low", zone.low_watermark);
    row("high", zone.high_watermark);
    row("spanned", zone.present + zone.reserved.bytes() / reader::kPage);
    row("present", zone.present);
    row("managed", zone.present);
    for (const ZoneRow& r : zone_rows(model, i)) text += fmt::format("      {:<12} {}\n", r.name, r.pages);
    text += fmt::format("  start_pfn:           {}\n", start_of(model, i));
  }
  return text;
}

json zoneinfo_value(Source& /*source*/, const Model& model) {
  json zones = json::array();
  for (unsigned i = 0; i < model.zones.size(); ++i) {
    const reader::Zone& zone = model.zones[i];
    json row = {{"node", zone.node},
                {"zone", zone.name},
                {"free", zone.free},
                {"min", min_watermark(model)},
                {"low", zone.low_watermark},
                {"high", zone.high_watermark},
                {"spanned", zone.present + zone.reserved.bytes() / reader::kPage},
                {"present", zone.present},
                {"managed", zone.present},
                {"start_pfn", start_of(model, i)}};
    for (const ZoneRow& r : zone_rows(model, i)) row[r.name] = r.pages;
    zones.push_back(std::move(row));
  }
  return {{"approximate", model.approximate}, {"zones", zones}};
}

// --- vmallocinfo: mm/vmalloc.c, vmalloc_info_show

// Returns the resident bytes of each area, or nothing if residence is not known.
std::vector<std::uint64_t> resident_of(Source& source, const Model& model) {
  std::vector<std::uint64_t> all;
  for (const reader::Area& area : model.areas) {
    std::vector<reader::PageStretch> stretches;
    if (!source.pages(area, stretches)) return {};
    all.push_back(std::accumulate(stretches.begin(), stretches.end(), std::uint64_t{0}, [](auto sum, const auto& s) {
      return sum + (s.state == reader::PageStretch::State::kResident ? s.bytes() : 0);
    }));
  }
  return all;
}

std::string vmallocinfo_text(Source& source, const Model& model) {
  const std::vector<std::uint64_t> resident = resident_of(source, model);
  std::string text =
      "# address range, bytes with the guard page, pages, use (free: kept for later blocks), resident pages (N0)\n";
  for (std::size_t i = 0; i < model.areas.size(); ++i) {
    const reader::Area& area = model.areas[i];
    text += fmt::format("0x{:016x}-0x{:016x} {:7} pages={} vmalloc", area.start, area.end + reader::kPage,
                        area.bytes() + reader::kPage, area.bytes() / reader::kPage);
    if (area.kept) text += " free";
    if (!resident.empty()) text += fmt::format(" N0={}", resident[i] / reader::kPage);
    text += "\n";
  }
  return text;
}

json vmallocinfo_value(Source& source, const Model& model) {
  const std::vector<std::uint64_t> resident = resident_of(source, model);
  json rows = json::array();
  for (std::size_t i = 0; i < model.areas.size(); ++i) {
    const reader::Area& area = model.areas[i];
    json row = {{"start", area.start}, {"bytes", area.bytes()}, {"guard", reader::kPage}, {"free", area.kept}};
    if (!resident.empty()) row["resident"] = resident[i];
    rows.push_back(std::move(row));
  }
  return {{"approximate", model.approximate}, {"areas", rows}};
}

// --- swapinfo: mm/swapfile.c, swap_show

// Escapes blanks, tabs, newlines and backslashes like the kernel's mangle_path, and also characters that a terminal
// might act upon.
std::string octal_escaped(const std::string& path) {
  std::string out;
  for (const char c : path) {
    const bool plain = (c > ' ' && c < '\x7f' && c != '\\') || (c & 0x80) != 0;
    if (plain) out += c;
    else out += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
  }
  return printable(out);
}

std::string swapinfo_text(Source& /*source*/, const Model& model) {
  std::string text = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
  const auto column = [](std::uint64_t kib) { return fmt::format("{}{}", kib, kib < 10000000 ? "\t" : ""); };
  for (const reader::SwapArea& area : model.swap_areas) {
    if (!area.on) continue;
    text += fmt::format("{:<39} file\t\t{}\t{}\t{}\n", octal_escaped(area.path), column(area.bytes() / 1024),
                        column(area.used / 1024), area.priority);
  }
  return text;
}

json swapinfo_value(Source& /*source*/, const Model& model) {
  json rows = json::array();
  for (const reader::SwapArea& area : model.swap_areas) {
    if (!area.on) continue;
    rows.push_back({{"filename", area.path},
                    {"type", "file"},
                    {"size", area.bytes()},
                    {"used", area.used},
                    {"backed", area.backed},
                    {"advised", area.advised},
                    {"priority", area.priority}});
  }
  return {{"approximate", model.approximate}, {"areas", rows}};
}

}  // namespace

Action declare_slabinfo(CLI::App& command) { return declare_info(command, slabinfo_text, slabinfo_value); }
Action declare_buddyinfo(CLI::App& command) { return declare_info(command, buddyinfo_text, buddyinfo_value); }
Action declare_zoneinfo(CLI::App& command) { return declare_info(command, zoneinfo_text, zoneinfo_value); }
Action declare_vmallocinfo(CLI::App& command) { return declare_info(command, vmallocinfo_text, vmallocinfo_value); }
Action declare_swapinfo(CLI::App& command) { return declare_info(command, swapinfo_text, swapinfo_value); }

}  // namespace ashlar::tool
