// tool: scanning a heap for pointers.
#include "tool/heap_scan.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "tool/arguments.h"
#include "tool/error.h"
#include "tool/profile_live.h"
#include "tool/profile_names.h"

namespace ashlar::tool {

namespace {

// Adds registers from a text like "123:7f0012345678,0", which a debugger that has stopped the process passes.
void add_registers(reader::Roots& roots, const std::string& text) {
  const std::size_t colon = text.find(':');
  pid_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + std::min(colon, text.size()), number);
  if (colon == text.npos || error != std::errc() || end != text.data() + colon || number <= 0) {
    throw Failure(Exit::kUsage, "\"" + text + "\": expected the number of a thread, a colon, and words in hexadecimal");
  }
  const auto thread = std::find_if(roots.threads.begin(), roots.threads.end(),
                                   [number = number](const auto& one) { return one.number == number; });
  std::vector<std::uint64_t> given;
  for (std::size_t at = colon + 1; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    given.push_back(address_of(text.substr(at, comma - at)));
    at = comma + 1;
  }
  if (thread == roots.threads.end()) throw Failure(Exit::kUsage, fmt::format("--registers {}: no such thread", number));
  std::vector<std::uint64_t>& words = thread->registers;
  for (const std::uint64_t word : given) {  // the kernel may have reported some of them
    if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
  }
  thread->whole = true;
}

const char* name_of(reader::HeapBlock::Kind kind) {
  using Kind = reader::HeapBlock::Kind;
  switch (kind) {
    case Kind::kRun: return "run";
    case Kind::kArea: return "vmalloc";
    case Kind::kGuarded: return "guarded";
    case Kind::kSlob: return "slob";
    case Kind::kOfHeap:
    case Kind::kSampled:
    case Kind::kObject:
    case Kind::kChecked: break;
  }
  return "checked";
}

}  // namespace

void ScanOptions::declare(CLI::App& command) {
  command.add_flag("--stop", stop_, "Stop the process while it is scanned, so that its registers are known");
  command.add_option("--registers", registers_, "The contents of a thread's registers: its number, a colon, and words")
      ->type_name("THREAD:WORD,...")
      ->expected(1)
      ->take_all();
}

std::unique_ptr<reader::Stopped> ScanOptions::stop(const reader::Source& source) const {
  if (!stop_) return nullptr;
  if (source.is_core()) throw Failure(Exit::kUsage, "--stop is for a process; nothing runs in a core file");
  return std::make_unique<reader::Stopped>(source);
}

reader::Roots ScanOptions::roots(reader::Source& source, const reader::Model& model,
                                 const reader::Stopped* stopped) const {
  reader::Roots roots = reader::find_roots(source, model, stopped != nullptr ? stopped->threads() : source.threads());
  for (const std::string& text : registers_) add_registers(roots, text);
  return roots;
}

void print_doubts(const Output& output, std::size_t threads_in_part, std::size_t threads, bool approximate,
                  bool running) {
  if (threads_in_part != 0) {
    output.print(
        fmt::format("Registers of {} of {} threads are not known, as they are not stopped: with --stop they are.\n",
                    threads_in_part, threads));
  }
  if (approximate) {
    output.print(
        fmt::format("It was busy while it was read: what changed meanwhile may be missing, or shown though it is {}\n",
                    running ? "in use or free; with --stop nothing changes." : "free."));
  }
}

std::string class_of(const reader::Model& model, const reader::HeapBlock& block) {
  if (block.cache != reader::kNoCache) return model.caches[block.cache].name;
  return block.kind == reader::HeapBlock::Kind::kOfHeap ? *block.heap : name_of(block.kind);
}

bool is_class(reader::Source& source, const reader::Model& model, const std::string& name) {
  using Kind = reader::HeapBlock::Kind;
  for (const Kind kind : {Kind::kRun, Kind::kArea, Kind::kGuarded, Kind::kSlob, Kind::kChecked}) {
    if (name == name_of(kind)) return true;
  }
  const auto is_it = [&](const auto& one) { return one.name == name; };
  if (std::any_of(model.caches.begin(), model.caches.end(), is_it)) return true;
  const std::vector<std::string> heaps = reader::read_heap_places(source).names;
  return std::find(heaps.begin(), heaps.end(), name) != heaps.end();
}

std::vector<std::vector<std::string>> functions_of(const reader::Source& source,
                                                   const std::vector<reader::SampledSite>& sites) {
  Profile profile;
  profile.sites = sites;
  profile.mappings = source.mappings();
  if (!source.is_core()) {
    profile.root = root_of(source.pid());
    profile.perf_map = perf_map_of(source.pid(), profile.root);
  }
  const Names names = names_of(profile);
  std::vector<std::vector<std::string>> all;
  for (const reader::SampledSite& site : sites) all.push_back(names.functions_of(site.stack));
  return all;
}

}  // namespace ashlar::tool
