// Tests the reports of the ashlar command that come from the reader, their JSON and the form of their texts, on a
// program that waits.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "child.h"

namespace {

using ashlar_test::Child;
using ashlar_test::Said;
using nlohmann::json;

class Commands : public testing::Test {
 protected:
  Commands() : child_({KNOWN}, LIBRARY) {
    child_.wait_until_ready();
    child_.step();
    said_ = child_.wait_until_ready();
  }

  std::string text(const std::string& command, std::vector<std::string> more = {}) {
    std::vector<std::string> words{TOOL, command, std::to_string(child_.pid())};
    words.insert(words.end(), more.begin(), more.end());
    std::string out;
    EXPECT_EQ(ashlar_test::run(words, out), 0) << out;
    return out;
  }
  json value(const std::string& command, std::vector<std::string> more = {}) {
    more.emplace_back("--json");
    return json::parse(text(command, more));
  }
  json page(const char* kind) {
    std::ostringstream address;
    address << "0x" << std::hex << said_.addresses.at(kind);
    return value("page", {address.str()});
  }

  Child child_;
  Said said_;
};

TEST_F(Commands, DoctorAddsUp) {
  const json doctor = value("doctor");
  EXPECT_EQ(doctor["ashlar"]["serving"], true);
  EXPECT_EQ(doctor["approximate"], false);
  const json& split = doctor["split"];
  std::int64_t sum = 0;
  for (const char* const part :
       {"live_slab", "live_runs", "live_vmalloc", "slab_free", "slab_uncarved", "slab_tail", "magazines", "depot",
        "live_checked", "quarantine", "checked_free", "dirty_free", "clean_free", "metadata", "image", "unknown"}) {
    sum += split.at(part).get<std::int64_t>();
  }
  EXPECT_EQ(sum, split.at("sum").get<std::int64_t>());
  const auto rss = doctor["smaps"]["ashlar_rss"].get<std::int64_t>();
  EXPECT_EQ(rss - sum, doctor["smaps"]["difference"].get<std::int64_t>());
  EXPECT_LE(std::abs(rss - sum), rss / 100);
  EXPECT_EQ(doctor["options"]["decay_ms"]["value"], "1000");
  EXPECT_NE(text("doctor").find("It serves malloc"), std::string::npos);
}

TEST_F(Commands, SlabinfoHasTheKernelsForm) {
  std::istringstream lines(text("slabinfo"));
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "slabinfo - version: 2.1");
  std::getline(lines, line);
  EXPECT_EQ(
      line.rfind("# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables", 0), 0u);
  unsigned rows = 0;
  for (; std::getline(lines, line); ++rows) {
    char name[64];
    unsigned long active = 0, total = 0, size = 0, per_slab = 0, pages = 0, limit = 0, batch = 0, shared = 0;
    unsigned long active_slabs = 0, slabs = 0, available = 0;
    ASSERT_EQ(std::sscanf(line.c_str(), "%63s %lu %lu %lu %lu %lu : tunables %lu %lu %lu : slabdata %lu %lu %lu", name,
                          &active, &total, &size, &per_slab, &pages, &limit, &batch, &shared, &active_slabs, &slabs,
                          &available),
              12)
        << line;
    EXPECT_LE(active, total);
    EXPECT_LE(active_slabs, slabs);
    EXPECT_LE(per_slab * size, pages * 4096);
  }
  EXPECT_GE(rows, 9u);
}

TEST_F(Commands, SlabinfoCountsLiveObjects) {
  const json info = value("slabinfo");
  for (const auto& [size, count] : said_.blocks) {
    if (size > 32768) continue;
    std::uint64_t live = 0;
    for (const json& cache : info["caches"])
      live += cache["object_size"] == size ? cache["live"].get<std::uint64_t>() : 0;
    EXPECT_GE(live, count) << size;
    EXPECT_LE(live, count + 4) << size;  // and what libc holds
  }
}

TEST_F(Commands, BuddyinfoAndZoneinfoHaveTheKernelsForm) {
  const std::string buddy = text("buddyinfo");
  EXPECT_EQ(buddy.rfind("Node 0, zone   Normal ", 0), 0u) << buddy;
  std::istringstream numbers(buddy.substr(22));
  unsigned orders = 0;
  for (std::uint64_t n = 0; numbers >> n;) ++orders;
  EXPECT_EQ(orders, 14u);

  const std::string zone = text("zoneinfo");
  EXPECT_EQ(zone.rfind("Node 0, zone   Normal\n  pages free     ", 0), 0u) << zone;
  const json z = value("zoneinfo")["zones"][0];
  EXPECT_EQ(z["present"].get<std::uint64_t>(),
            z["nr_live"].get<std::uint64_t>() + z["free"].get<std::uint64_t>() + z["nr_isolated"].get<std::uint64_t>());
  EXPECT_LE(z["pressure"].get<unsigned>(), 2u);
  EXPECT_EQ(z["nr_live"].get<std::uint64_t>(), z["nr_slab"].get<std::uint64_t>() + z["nr_run"].get<std::uint64_t>());
  EXPECT_EQ(z["free"].get<std::uint64_t>(), z["nr_free_blocks_pages"].get<std::uint64_t>() +
                                                z["nr_extent_pages"].get<std::uint64_t>() +
                                                z["nr_never_used"].get<std::uint64_t>());
}

TEST_F(Commands, VmallocinfoHasTheKernelsForm) {
  std::istringstream lines(text("vmallocinfo"));
  unsigned rows = 0;
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line[0], '#') << line;
  for (; std::getline(lines, line); ++rows) {
    unsigned long start = 0, end = 0, bytes = 0, pages = 0, resident = 0;
    ASSERT_EQ(
        std::sscanf(line.c_str(), "0x%lx-0x%lx %lu pages=%lu vmalloc N0=%lu", &start, &end, &bytes, &pages, &resident),
        5)
        << line;
    EXPECT_EQ(end - start, bytes);
    EXPECT_EQ(bytes, (pages + 1) * 4096);  // with the guard page, as the kernel counts
    EXPECT_EQ(resident, pages);
  }
  EXPECT_EQ(rows, 2u);
}

TEST_F(Commands, SmapsNamesWhatIsAshlars) {
  const json mappings = value("smaps")["mappings"];
  std::map<std::string, std::uint64_t> rss;
  for (const json& m : mappings) {
    std::istringstream names(m["purpose"].get<std::string>());  // "arena, metadata" where the kernel joined them
    for (std::string name; std::getline(names >> std::ws, name, ',');) rss[name] += m["rss"].get<std::uint64_t>();
  }
  EXPECT_GE(rss["vmalloc"], 72u << 20);
  EXPECT_GT(rss["arena"], 6u << 20);
  EXPECT_GT(rss["metadata"], 0u);
  EXPECT_GT(rss["library"], 0u);
  EXPECT_GT(rss["main stack"], 0u);
  EXPECT_NE(text("smaps").find("Ashlar's mappings"), std::string::npos);
}

TEST_F(Commands, PageTellsWhatIsAtAnAddress) {
  json at = page("live-slab");
  EXPECT_EQ(at["state"], "live");
  EXPECT_EQ(at["use"], "slab");
  EXPECT_EQ(at["cache"], "malloc-256");
  EXPECT_EQ(at["offset_in_object"], 7);
  EXPECT_EQ(at["memory"], "resident");
  EXPECT_EQ(page("live-large-slab")["cache"], "malloc-32768");
  EXPECT_EQ(page("live-run")["use"], "run");
  EXPECT_EQ(page("live-run")["block_pages"], 25);
  EXPECT_EQ(page("live-vmalloc")["use"], "vmalloc");
  EXPECT_EQ(page("vmalloc-guard")["use"], "guard page");
  EXPECT_EQ(page("foreign")["ashlar"], false);
  EXPECT_EQ(value("page", {"0x10"})["mapping"], nullptr);
}

// What doctor tells of options can be given to a process again.
TEST(Options, AreWrittenAsTheyAreTaken) {
  const std::vector<std::pair<std::string, std::string>> options = {
      {"stats", "json"},  {"kswapd", "0"},       {"purge", "free"}, {"dirty_min", "5m"},
      {"decay_ms", "77"}, {"slab_debug", "FZP"}, {"failslab", "0"}};
  std::string list;
  for (const auto& [name, value] : options) list += name + "=" + value + ",";
  setenv("ASHLAR_OPTIONS", list.c_str(), 1);
  Child child({KNOWN}, LIBRARY);
  unsetenv("ASHLAR_OPTIONS");
  child.wait_until_ready();
  std::string text;
  ASSERT_EQ(ashlar_test::run({TOOL, "doctor", std::to_string(child.pid()), "--json"}, text), 0) << text;
  const json told = json::parse(text)["options"];
  for (const auto& [name, value] : options) EXPECT_EQ(told.at(name).at("value"), value) << name;
  EXPECT_EQ(told.at("slab_debug").at("default"), "off");
}

}  // namespace
