// tool: `ashlar map`: a picture of the heap as one self-contained page of HTML.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <memory>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "tool/command.h"
#include "tool/error.h"
#include "tool/html.h"
#include "tool/map_data.h"
#include "tool/map_page.h"
#include "tool/output.h"
#include "tool/output_file.h"
#include "tool/target.h"

namespace ashlar::tool {

namespace {

struct Settings {
  Target target;
  std::string file;
};

std::string legend(const MapData& data) {
  std::string rows;
  for (std::size_t i = 0; i < kKinds; ++i) {
    const KindTotal& total = data.totals[i];
    if (total.bytes == 0) continue;
    const KindInfo& info = info_of(static_cast<Kind>(i));
    rows += fmt::format(
        "<tr data-kind=\"{0}\"><td><span class=\"swatch kind{0}\"></span>{1}<small>{2}</small></td>"
        "<td>{3}</td><td>{4}</td></tr>\n",
        i, info.name, info.meaning, human_bytes(total.bytes),
        data.residence_known ? human_bytes(total.resident) : "unknown");
  }
  return rows;
}

constexpr std::size_t kSitesShown = 50;

// Returns table rows for the functions that hold most memory, by estimates.
std::string site_rows(const MapData& data) {
  std::string rows;
  for (std::size_t i = 0; i < std::min(data.sites.size(), kSitesShown); ++i) {
    const MapSite& site = data.sites[i];
    rows += fmt::format("<tr data-site=\"{}\"><td><span class=\"swatch\"></span>{}</td><td>{}</td><td>{}</td></tr>\n",
                        i, escaped(site.name), human_bytes(site.in_use), site.objects);
  }
  return rows;
}

// Returns the colours of the legend as CSS.
std::string swatches() {
  std::string rules;
  for (std::size_t i = 0; i < kKinds; ++i) {
    rules += fmt::format(".kind{} {{ background: {}; }}\n", i, info_of(static_cast<Kind>(i)).color);
  }
  return rules;
}

std::string summary(const reader::Source& source, const reader::Model& model, const MapData& data) {
  std::uint64_t resident = 0;
  for (const KindTotal& total : data.totals) resident += total.resident;
  std::string text = fmt::format("Ashlar {}, {:%Y-%m-%d %H:%M:%S}", model.version, fmt::localtime(std::time(nullptr)));
  if (data.residence_known) text += fmt::format(", {} resident", human_bytes(resident));
  if (source.is_core()) text += ", from a core file: what was resident is not known";
  if (model.approximate) text += "; some figures changed while they were read";
  return text;
}

std::string page_of(reader::Source& source) {
  const reader::Model model = reader::read_model(source);
  nlohmann::ordered_json json;
  const MapData data = map_data(source, model, json);
  for (std::size_t i = 0; i < kKinds; ++i) {
    const KindInfo& info = info_of(static_cast<Kind>(i));
    json["kinds"].push_back({{"name", info.name}, {"color", info.color}});
  }
  return filled(kMapPage, {{"NONCE", nonce()},
                           {"TITLE", escaped(source.title())},
                           {"SUMMARY", escaped(summary(source, model, data))},
                           {"SWATCHES", swatches()},
                           {"LEGEND", legend(data)},
                           {"SITES", site_rows(data)},
                           {"DATA", script_data(json)}});
}

int map(const Settings& settings) {
  const std::string page = page_of(*settings.target.open());
  if (settings.file == "-") {
    Output().print(page);
    return 0;
  }
  OutputFile(settings.file).write(page);
  return 0;
}

}  // namespace

Action declare_map(CLI::App& command) {
  const auto settings = std::make_shared<Settings>();
  settings->target.declare(command);
  command.add_option("-o,--output", settings->file, "The file to write; - means standard output")
      ->required()
      ->type_name("FILE");
  return [settings] { return map(*settings); };
}

}  // namespace ashlar::tool
