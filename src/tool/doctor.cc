// tool: `ashlar doctor`: is Ashlar serving a process, and what is the process's memory used for?
#include "tool/doctor.h"

#include <optional>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "tool/reader/profile.h"
#include "tool/target.h"

namespace ashlar::tool {

namespace {

using nlohmann::json;
using reader::Model;
using reader::Source;
using reader::Split;

// The rows of the split, for people and for JSON.
struct Row {
  const char* name;  // in JSON; null for a sum
  const char* text;
  std::uint64_t bytes;
};

std::vector<Row> rows_of(const Split& s) {
  return {
      {"", "live", s.live()},
      {"live_slab", "  objects of slabs", s.live_slab},
      {"live_runs", "  blocks of whole pages", s.live_runs},
      {"live_vmalloc", "  blocks with a mapping of their own", s.live_vmalloc},
      {"live_checked", "  checked blocks", s.live_checked},
      {"", "free", s.free()},
      {"slab_free", "  objects in slabs", s.slab_free},
      {"slab_uncarved", "  parts of slabs that were never used", s.slab_uncarved},
      {"slab_tail", "  remainders at the ends of slabs", s.slab_tail},
      {"magazines", "  objects in threads' magazines", s.magazines},
      {"depot", "  objects in the depots", s.depot},
      {"quarantine", "  checked blocks in the quarantine", s.quarantine},
      {"checked_free", "  free places for checked blocks", s.checked_free},
      {"dirty_free", "  dirty free pages", s.dirty_free},
      {"clean_free", "  clean free pages (in huge pages, or returned by purge=free)", s.clean_free},
      {"", "Ashlar's own", s.own()},
      {"metadata", "  metadata", s.metadata},
      {"image", "  code and data of the library", s.image},
      {"unknown", "  changed while it was read", s.unknown},
  };
}

// The requested sizes that a profile knows: those of live blocks that were allocated while it was on.
struct Rounding {
  std::uint64_t usable = 0, requested = 0;
  bool exact = false;  // each block was recorded
  [[nodiscard]] std::uint64_t bytes() const { return usable > requested ? usable - requested : 0; }
};

std::optional<Rounding> rounding_of(Source& source) {
  const std::optional<reader::SampledProfile> profile = reader::read_samples(source);
  if (!profile) return std::nullopt;
  Rounding known;
  for (const reader::SampledSite& site : profile->sites) {
    const auto in_use = [](std::uint64_t allocated, std::uint64_t freed) {
      return allocated > freed ? allocated - freed : 0;
    };
    known.usable += in_use(site.allocated.usable, site.freed.usable);
    known.requested += in_use(site.allocated.requested, site.freed.requested);
  }
  known.exact = profile->rate == 1 && profile->dropped == 0;
  return known;
}

// Returns the bytes of blocks of which the kernel was told that they are idle.
std::uint64_t advised_bytes(const Model& model) {
  std::uint64_t pages = 0;
  for (const reader::Zone& zone : model.zones) pages += zone.advised;
  return pages * reader::kPage;
}

json json_of(const Source& source, const Model& model, const Split& s, const std::optional<Rounding>& rounding,
             const std::vector<Advice>& advice) {
  json out;
  out["process"] = {{"pid", source.pid()}, {"name", source.name()}, {"core", source.is_core()}};
  out["ashlar"] = {{"version", model.version},      {"file", model.path},         {"serving", model.serving},
                   {"threads", model.heaps.size()}, {"copies", model.others + 1}, {"linked_in", model.in_program}};
  out["approximate"] = model.approximate;
  json& options = out["options"] = json::object();
  for (const reader::Option& option : model.options) {
    options[option.name] = {{"value", option.text(option.value)},
                            {"default", option.text(option.normal)},
                            {"changed", option.value != option.normal},
                            {"from", option.from()}};
  }
  json& split = out["split"] = json::object();
  split["residence_known"] = s.known;
  for (const Row& row : rows_of(s)) {
    if (*row.name != '\0') split[row.name] = row.bytes;
  }
  split["live"] = s.live();
  split["free"] = s.free();
  split["sum"] = s.attributed();
  split["rounding_estimate"] = s.rounding;
  if (rounding) {
    out["profiled"] = {{"in_use", rounding->usable}, {"requested", rounding->requested}, {"exact", rounding->exact}};
  }
  out["advised"] = advised_bytes(model);
  if (const reader::SwapArea swap = model.swap_sum(); swap.on) {
    out["swap_areas"] = {{"size", swap.bytes()}, {"used", swap.used}, {"backed", swap.backed}};
  }
  if (s.known) {
    split["swapped"] = s.swapped;
    split["huge"] = s.huge;
    split["hugetlb"] = s.hugetlb;
    out["smaps"] = {{"ashlar_rss", s.ashlar_rss},
                    {"difference", static_cast<std::int64_t>(s.ashlar_rss) - static_cast<std::int64_t>(s.attributed())},
                    {"process_rss", s.process_rss},
                    {"process_swap", s.process_swap},
                    {"not_ashlar", s.not_ashlar()}};
    for (const Split::Other& other : s.others) out["smaps"]["others"][other.what] = other.rss;
  }
  json& words = out["advice"] = json::array();
  for (const Advice& a : advice) words.push_back({{"about", a.about}, {"text", a.text}});
  return out;
}

std::string service_of(const Model& model) {
  if (!model.heaps.empty()) {
    return fmt::format("It serves malloc: {} thread{} with a heap.\n", model.heaps.size(),
                       model.heaps.size() == 1 ? "" : "s");
  }
  if (!model.slob.empty()) return "It serves malloc from shared pages (slob); no thread has a heap.\n";
  if (!model.spans.empty() || !model.guarded.empty()) {
    return "It serves malloc and checks every block; no thread keeps free blocks.\n";
  }
  return "It serves malloc; no thread has a heap at the moment.\n";
}

void print_head(const Output& output, const Source& source, const Model& model) {
  output.print(fmt::format("{}: Ashlar {} {}\n", source.title(), model.version,
                           model.in_program ? "is linked into it" : "is loaded from " + model.path));
  if (!model.serving) output.print("No block was ever allocated from it.\n", Style::kYellow);
  std::string text = model.serving ? service_of(model) : "";
  if (model.others != 0) text += fmt::format("There are {} further copies of Ashlar in the process.\n", model.others);
  std::string changed;
  for (const reader::Option& option : model.options) {
    if (option.value == option.normal) continue;
    changed += fmt::format("  {}={} (default {}), from {}\n", option.name, option.text(option.value),
                           option.text(option.normal), option.from());
  }
  text += changed.empty() ? "All options have their defaults.\n" : "Options that differ from the defaults:\n" + changed;
  output.print(text + "\n");
}

// Requested sizes are known of checked blocks, and of blocks that were allocated while a profile was on.
void print_rounding(const Output& output, const Split& s, const std::optional<Rounding>& known) {
  if (known && known->usable != 0) {
    output.print(fmt::format("Of the {} in use that were allocated while a profile was on, {} ({}) is rounding{}.\n",
                             human_bytes(known->usable), human_bytes(known->bytes()),
                             percent(known->bytes(), known->usable),
                             known->exact ? "" : ", estimated from its samples"));
  } else if (s.live_slab != 0) {
    output.print(fmt::format("Requested sizes are not recorded: of the live objects of slabs, about {} is rounding.\n",
                             human_bytes(s.rounding)));
  } else if (s.live_checked != 0) {
    output.print(
        fmt::format("Of the checked blocks, {} is rounding and zones around them.\n", human_bytes(s.rounding)));
  }
}

void print_split(const Output& output, const Split& s, const Model& model) {
  Table table({{s.known ? "resident" : "in the heap, resident or not", Table::Align::kLeft}, {"bytes"}, {""}, {""}});
  const std::uint64_t whole = s.attributed();
  for (const Row& row : rows_of(s)) {
    const bool detail = row.text[0] == ' ';
    if (detail && row.bytes == 0) continue;
    table.add({row.text, std::to_string(row.bytes), human_bytes(row.bytes), percent(row.bytes, whole)},
              detail ? Style::kPlain : Style::kBold);
  }
  const auto add = [&](const char* text, std::uint64_t bytes, Style style = Style::kPlain) {
    table.add({text, std::to_string(bytes), human_bytes(bytes)}, style);
  };
  add("sum", whole, Style::kBold);
  if (s.known) {
    add("smaps counts for these mappings", s.ashlar_rss);
    const auto difference = static_cast<std::int64_t>(s.ashlar_rss) - static_cast<std::int64_t>(whole);
    table.add({"difference", std::to_string(difference)});
    add("not Ashlar's", s.not_ashlar(), Style::kBold);
    for (const Split::Other& other : s.others) add(("  " + other.what).c_str(), other.rss);
    add("the process's resident memory", s.process_rss, Style::kBold);
    if (s.huge != 0) add("of Ashlar's, in huge pages", s.huge);
    if (s.hugetlb != 0) add("of Ashlar's, in huge pages of the reserved pool (not in RSS)", s.hugetlb);
    if (s.swapped != 0) add("of Ashlar's, swapped out (not in the sums)", s.swapped);
  }
  if (const reader::SwapArea swap = model.swap_sum(); swap.on) {  // its pages in memory are in the sums
    add("swap areas of the process", swap.bytes());
    add("  in use, resident or in the file", swap.used);
  }
  if (const std::uint64_t advised = advised_bytes(model); advised != 0)
    add("reported to the kernel as idle (cold)", advised);
  table.print(output);
}

int doctor(const Output& output, const Target& target) {
  const auto source = target.open();
  const Model model = reader::read_model(*source);
  const Split split = reader::split_rss(*source, model);
  const std::vector<Advice> advice = advice_on(*source, model, split);
  const std::optional<Rounding> rounding = rounding_of(*source);
  if (output.json()) {
    output.print_json(json_of(*source, model, split, rounding, advice));
    return 0;
  }
  print_head(output, *source, model);
  print_split(output, split, model);
  print_rounding(output, split, rounding);
  if (model.approximate) output.print("It was busy while it was read: figures may be off by what changed meanwhile.\n");
  if (!split.known)
    output.print("It is not known which part is resident: this is a core file, or the pagemap may not be read.\n");
  if (!advice.empty()) {
    output.print("\n");
    output.print("What stands out\n", Style::kBold);
  }
  for (const Advice& a : advice) output.print(fmt::format("- {}\n", a.text));
  return 0;
}

}  // namespace

Action declare_doctor(CLI::App& command) { return declare_report(command, doctor); }

}  // namespace ashlar::tool
