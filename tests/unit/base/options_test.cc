// base: tests the option table and its parser with every kind of valid and of invalid input.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/options.h"
#include "base/types.h"

namespace ashlar {
namespace {

std::vector<std::string> reports;

void note(std::string_view line) { reports.emplace_back(line); }

class OptionsTest : public testing::Test {
 protected:
  OptionsTest() { reports.clear(); }

  static Options parse(std::string_view list) {
    reports.clear();
    Options parsed;
    parse_options(list, parsed, note);
    return parsed;
  }

  // Parses what must be accepted.
  static Options good(std::string_view list) {
    const Options parsed = parse(list);
    EXPECT_TRUE(reports.empty()) << list << " gave: " << reports[0];
    return parsed;
  }

  // Parses one item that must be refused with a line that contains all of `wanted`, and must leave the default.
  static void bad(std::string_view item, const std::vector<std::string>& wanted) {
    const Options parsed = parse(item);
    ASSERT_EQ(reports.size(), 1u) << item;
    for (const std::string& part : wanted)
      EXPECT_NE(reports[0].find(part), std::string::npos) << part << " in " << reports[0];
    EXPECT_EQ(reports[0].rfind("ASHLAR_OPTIONS: ", 0), 0u) << reports[0];
    for (const OptionInfo& info : option_table())
      EXPECT_EQ(value_of(info, parsed), value_of(info, Options{})) << info.name;
  }
};

TEST_F(OptionsTest, AnEmptyListKeepsAllDefaults) {
  for (const char* const list : {"", ",", " ", ",,:: \t\n,"}) {
    const Options parsed = good(list);
    for (const OptionInfo& info : option_table()) EXPECT_EQ(value_of(info, parsed), value_of(info, Options{}));
  }
}

TEST_F(OptionsTest, AFlagIsSetByItsNameOrByAnyUsualWord) {
  EXPECT_EQ(good("stats").stats, StatsFormat::kText);
  for (const char* const word : {"1", "on", "true", "yes"})
    EXPECT_EQ(good("stats=" + std::string(word)).stats, StatsFormat::kText);
  for (const char* const word : {"0", "off", "false", "no"}) EXPECT_EQ(good("kswapd=" + std::string(word)).kswapd, 0u);
  for (const char* const word : {"2", "", "On ", "yess", "-1"}) {
    if (!std::string_view(word).ends_with(' '))
      bad("stats=" + std::string(word), {"stats=\"" + std::string(word) + "\"", "0|1"});
  }
}

TEST_F(OptionsTest, AFlagMayHaveFurtherWords) {
  EXPECT_EQ(good("stats=json").stats, StatsFormat::kJson);
  bad("stats=jso", {"stats=\"jso\"", "one of 0|1|json"});
}

TEST_F(OptionsTest, ANumberIsReadWithinItsRange) {
  EXPECT_EQ(good("decay_ms=0").decay_ms, 0u);
  EXPECT_EQ(good("decay_ms=250").decay_ms, 250u);
  EXPECT_EQ(good("decay_ms=007").decay_ms, 7u);
  EXPECT_EQ(good("perturb=255").perturb, 255u);
  bad("perturb=256", {"perturb=\"256\"", "byte value", "from 0 to 255", "using the default 0"});
  bad("decay_ms=86400001", {"86400001", "to 86400000"});
}

TEST_F(OptionsTest, WhatIsNoNumberIsRefused) {
  for (const char* const text : {"abc", "", "12x", "x12", "-1", "+1", "1.5", "0x10", "1e3", "18446744073709551616",
                                 "99999999999999999999999999", "92233720368547758085", "1k"}) {
    bad("decay_ms=" + std::string(text),
        {"decay_ms=\"" + std::string(text) + "\": expected a number from 0 to 86400000 (milliseconds)",
         "using the default 1000"});
  }
  bad("decay_ms", {"decay_ms=\"\""});
}

TEST_F(OptionsTest, BytesTakeSuffixesOfPowersOf1024) {
  EXPECT_EQ(good("dirty_min=4096").dirty_min, 4096u);
  EXPECT_EQ(good("dirty_min=8k").dirty_min, 8u << 10);
  EXPECT_EQ(good("dirty_min=8K").dirty_min, 8u << 10);
  EXPECT_EQ(good("dirty_min=3m").dirty_min, 3u << 20);
  EXPECT_EQ(good("dirty_min=2G").dirty_min, 2_GiB);
  EXPECT_EQ(good("dirty_min=1t").dirty_min, std::uint64_t{1} << 40);
  for (const char* const text : {"k", "1kb", "1kk", "1b", "1 k", "-1k", "16777216t", "18446744073709551615k", "2t"}) {
    const std::string item = "dirty_min=" + std::string(text);
    if (item.find(' ') == std::string::npos) bad(item, {item.substr(10), "bytes", "k, m, g or t"});
  }
  bad("mmap_threshold=1", {"from 65536"});
}

TEST_F(OptionsTest, AChoiceTakesItsWordsAlone) {
  EXPECT_EQ(good("purge=free").purge, PurgeMode::kFree);
  EXPECT_EQ(good("purge=free,purge=dontneed").purge, PurgeMode::kDontNeed);
  for (const char* const text : {"", "fre", "frees", "FREE", "0", "1", "dontneed|free", "|"}) {
    bad("purge=" + std::string(text), {"one of dontneed|free", "using the default dontneed"});
  }
}

TEST_F(OptionsTest, AnUnknownOptionIsNamedWithAllThatAreKnown) {
  parse("foo");
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].rfind("ASHLAR_OPTIONS: unknown option \"foo\"; known options: ", 0), 0u);
  for (const OptionInfo& info : option_table()) EXPECT_NE(reports[0].find(info.name), std::string::npos) << info.name;
  for (const char* const item : {"stat", "statss", "STATS", "=", "=1", "stats =1x"}) {
    parse(item);
    EXPECT_FALSE(reports.empty()) << item;
  }
}

TEST_F(OptionsTest, ABadItemHindersNoOther) {
  const Options parsed = parse("decay_ms=abc,nonsense,perturb=7,purge=never,stats");
  EXPECT_EQ(reports.size(), 3u);
  EXPECT_EQ(parsed.perturb, 7u);
  EXPECT_EQ(parsed.stats, StatsFormat::kText);
  EXPECT_EQ(parsed.decay_ms, Options{}.decay_ms);
}

TEST_F(OptionsTest, ItemsAreSeparatedByCommasColonsOrWhiteSpace) {
  for (const char* const list : {"stats,perturb=7", "stats:perturb=7", "stats perturb=7", "stats\tperturb=7",
                                 "stats\nperturb=7", ",,stats,,perturb=7,,", "perturb=7 , stats"}) {
    const Options parsed = good(list);
    EXPECT_EQ(parsed.stats, StatsFormat::kText) << list;
    EXPECT_EQ(parsed.perturb, 7u) << list;
  }
}

TEST_F(OptionsTest, TheLastOfSeveralCounts) { EXPECT_EQ(good("perturb=7,perturb=9").perturb, 9u); }

TEST_F(OptionsTest, AVeryLongItemGivesOneLineOfBoundedLength) {
  for (const std::string& item :
       {std::string(5000, 'x'), "decay_ms=" + std::string(5000, '9'), "purge=" + std::string(5000, '|')}) {
    parse(item);
    ASSERT_EQ(reports.size(), 1u);
    EXPECT_LT(reports[0].size(), 500u);
  }
  EXPECT_NE(parse(std::string(5000, ',') + "perturb=3").perturb, 0u);
}

TEST_F(OptionsTest, AListThatIsNoTerminatedStringIsReadToItsEndAlone) {
  EXPECT_EQ(good(std::string_view("perturb=12345").substr(0, 10)).perturb, 12u);
  const std::string_view with_zero("perturb=1\0x", 11);
  parse(with_zero);
  EXPECT_EQ(reports.size(), 1u);
}

TEST_F(OptionsTest, TheTableIsConsistent) {
  std::set<std::string_view> names;
  std::set<std::size_t> members;
  const Options defaults;
  for (const OptionInfo& info : option_table()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name << " twice";
    EXPECT_TRUE(members.insert(info.place).second) << info.name << " shares its value with another";
    EXPECT_LE(info.min, info.max) << info.name;
    EXPECT_GE(value_of(info, defaults), info.min) << info.name;
    EXPECT_LE(value_of(info, defaults), info.max) << info.name;
    EXPECT_FALSE(info.meaning.empty()) << info.name;
    EXPECT_FALSE(info.unit.empty()) << info.name;
    EXPECT_EQ(info.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789"), std::string_view::npos)
        << info.name;
    if (info.type == OptionInfo::Type::kChoice || info.type == OptionInfo::Type::kFlag) {
      const auto bars = static_cast<std::uint64_t>(std::count(info.unit.begin(), info.unit.end(), '|'));
      EXPECT_EQ(info.max, bars) << info.name << ": a value for each word";
    }
  }
  // set by failslab, slab_debug, profile_file, record and swap, and who set which
  const std::size_t more = sizeof(FaultAttributes) + sizeof(CacheNames) + sizeof(Options::profile_pattern) +
                           sizeof(Options::record_path) + sizeof(Options::origins) + sizeof(Options::swap_wishes);
  EXPECT_EQ(round_up(members.size() * sizeof(std::uint64_t) + more, alignof(Options)), sizeof(Options))
      << "a value without an entry in the table";
}

TEST_F(OptionsTest, EveryOptionTakesBothEndsOfItsRangeAndNothingBeyond) {
  for (const OptionInfo& info : option_table()) {
    if (info.type == OptionInfo::Type::kChoice || info.type == OptionInfo::Type::kSlabDebug) continue;
    if (info.type == OptionInfo::Type::kText || info.type == OptionInfo::Type::kSwap) continue;
    const std::string name(info.name);
    if (info.unit.find('|') != std::string_view::npos && info.unit != "0|1") continue;
    for (const std::uint64_t value : {info.min, info.max})
      EXPECT_EQ(value_of(info, good(name + "=" + std::to_string(value))), value);
    bad(name + "=" + std::to_string(info.max + 1), {name, std::to_string(info.max + 1)});
    if (info.min > 0) bad(name + "=" + std::to_string(info.min - 1), {name});
  }
}

TEST_F(OptionsTest, TheDescriptionNamesEachOptionWithItsDefaultUnitAndMeaningAndCanBeParsed) {
  describe_options(note);
  const std::vector<std::string> lines = reports;
  ASSERT_EQ(lines.size(), option_table().size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const OptionInfo& info = option_table()[i];
    EXPECT_EQ(lines[i].rfind(std::string(info.name) + "=", 0), 0u);
    EXPECT_NE(lines[i].find(info.unit), std::string::npos);
    EXPECT_NE(lines[i].find(info.meaning), std::string::npos) << "cut: " << lines[i];
    EXPECT_EQ(value_of(info, good(lines[i].substr(0, lines[i].find(' ')))), value_of(info, Options{}));
  }
}

TEST_F(OptionsTest, APatternIsKeptWhereTheProgramDoesNotWrite) {
  std::string list = "profile_file=/tmp/%p.%n,stats";
  const Options parsed = parse(list);
  EXPECT_TRUE(reports.empty());
  list.assign(list.size(), 'x');
  EXPECT_EQ(std::string_view(parsed.profile_pattern, parsed.profile_file), "/tmp/%p.%n");
  EXPECT_EQ(good("profile_file=" + std::string(255, 'p')).profile_file, 255u);
  EXPECT_EQ(good("profile_file=none").profile_file, 0u);
  bad("profile_file=", {"profile_file", "at most 255 bytes"});
  const Options both = good("profile_file=/tmp/a,record=/tmp/bc");
  EXPECT_EQ(std::string_view(both.profile_pattern, both.profile_file), "/tmp/a");
  EXPECT_EQ(std::string_view(both.record_path, both.record), "/tmp/bc");
  bad("profile_file=" + std::string(256, 'p'), {"profile_file", "at most 255 bytes"});
}

TEST_F(OptionsTest, HugePagesMayComeFromTheReservedPoolAndSwapFilesBeEncrypted) {
  EXPECT_EQ(good("hugepages=reserved").hugepages, HugePages::kReserved);
  EXPECT_EQ(good("hugepages=reserved1g").hugepages, HugePages::kReserved1g);
  EXPECT_EQ(good("").swap_encrypt, 0u);
  EXPECT_EQ(good("swap=/tmp:64m,swap_encrypt").swap_encrypt, 1u);
}

TEST_F(OptionsTest, SwapAddsAnAreaEachTimeItIsGiven) {
  const Options parsed = good("stats,swap=/tmp:64m,swap=/var/tmp/area:1G:7 swap=/tmp:4096:0:leaks");
  ASSERT_EQ(parsed.swap, 3u);
  EXPECT_STREQ(swap_wish(parsed, 0).path, "/tmp");
  EXPECT_EQ(swap_wish(parsed, 0).bytes, 64_MiB);
  EXPECT_EQ(swap_wish(parsed, 0).priority, -1);
  EXPECT_STREQ(swap_wish(parsed, 1).path, "/var/tmp/area");
  EXPECT_EQ(swap_wish(parsed, 1).bytes, 1_GiB);
  EXPECT_EQ(swap_wish(parsed, 1).priority, 7);
  EXPECT_EQ(swap_wish(parsed, 2).bytes, 4096u);
  EXPECT_EQ(swap_wish(parsed, 2).priority, 0);
  EXPECT_EQ(parsed.leaks, 1u);
  EXPECT_EQ(good("swap=/tmp:64m,swap=none,swap=/a:1k:32767").swap, 1u);
  std::string list;
  for (unsigned i = 0; i < 32; ++i) list += "swap=/tmp:64m,";
  EXPECT_EQ(good(list).swap, 32u);
  EXPECT_EQ(parse(list + "swap=/tmp:64m").swap, 32u);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_NE(reports[0].find("no more than 32 areas"), std::string::npos) << reports[0];
}

TEST_F(OptionsTest, AnAreaThatCannotBeIsLeftOutWithOneLine) {
  for (const char* const wrong : {"swap", "swap=", "swap=/tmp", "swap=:1g", "swap=/tmp:", "swap=/tmp:0", "swap=/tmp:1x",
                                  "swap=/tmp:257g", "swap=/tmp:1g:32768", "swap=/tmp:1g:-1", "swap=/tmp:1g:1:1"}) {
    bad(wrong, {"swap=", "expected path:bytes[:priority], a path of at most 255 bytes, 1 to 256g bytes",
                "this area is not made"});
  }
  bad("swap=/" + std::string(255, 'p') + ":1g", {"a path of at most 255 bytes"});
  EXPECT_EQ(good("swap=/tmp:64m,cold=pageout").cold, Cold::kPageOut);
  EXPECT_EQ(good("cold=cold").cold, Cold::kCold);
  bad("cold=hot", {"cold=\"hot\"", "one of off|cold|pageout", "using the default off"});
  bad("cold", {"off|cold|pageout"});
  EXPECT_EQ(parse("swap=/tmp:64m,swap=/tmp:1x,swap=/a:1k:32767").swap, 2u);  // the others stay
}

TEST_F(OptionsTest, AProfilesFileHasASignalByName) {
  EXPECT_EQ(good("profile_signal=none").profile_signal, 0u);
  EXPECT_EQ(good("profile_signal=usr2").profile_signal, 3u);
  for (const char* const wrong : {"profile_signal", "profile_signal=", "profile_signal=10", "profile_signal=kill"}) {
    bad(wrong, {"profile_signal", "one of none|hup|usr1|usr2|urg|winch|pwr"});
  }
  EXPECT_EQ(good("profile_every=2g").profile_every, 2_GiB);
  bad("profile_every=-1", {"profile_every", "a number from 0 to 1099511627776"});
}

TEST_F(OptionsTest, SlabDebugTakesTheKernelsLetters) {
  EXPECT_EQ(good("slab_debug").slab_debug, 15u);
  EXPECT_EQ(good("slab_debug=").slab_debug, 15u);
  EXPECT_EQ(good("slab_debug=FZPUT").slab_debug, 31u);
  EXPECT_EQ(good("slab_debug=zp").slab_debug, 6u);
  EXPECT_EQ(good("slab_debug=-").slab_debug, 0u);
  EXPECT_EQ(good("slab_debug=FZ").slab_debug_caches.view(), "");
  bad("slab_debug=FX", {"slab_debug=\"FX\"", "FZPUT", "using the default off"});
  bad("slab_debug=1", {"slab_debug=\"1\""});
}

TEST_F(OptionsTest, NamesBehindSlabDebugAreCachesUpToTheNextOption) {
  const Options parsed = good("slab_debug=FZ,malloc-64,malloc-large,stats,decay_ms=5");
  EXPECT_EQ(parsed.slab_debug, 3u);
  EXPECT_EQ(parsed.slab_debug_caches.view(), "malloc-64,malloc-large");
  EXPECT_EQ(parsed.stats, StatsFormat::kText);
  EXPECT_EQ(parsed.decay_ms, 5u);
  EXPECT_EQ(good("slab_debug=P;malloc-64;malloc-80").slab_debug_caches.view(), "malloc-64,malloc-80");
  const Options all_letters = good("slab_debug=,malloc-64");
  EXPECT_EQ(all_letters.slab_debug, 15u);
  EXPECT_EQ(all_letters.slab_debug_caches.view(), "malloc-64");
  bad("slab_debug=F," + std::string(300, 'x'), {"slab_debug=\"F,xxx"});
}

TEST_F(OptionsTest, FailslabTakesTheKernelsAttributes) {
  const Options whole = good("stats,failslab=10:3:16-64:7,decay_ms=5");
  EXPECT_EQ(whole.failslab, 10u);
  EXPECT_EQ(whole.fail.interval, 3u);
  EXPECT_EQ(whole.fail.min, 16u);
  EXPECT_EQ(whole.fail.max, 64u);
  EXPECT_EQ(whole.fail.times, 7u);
  EXPECT_EQ(whole.decay_ms, 5u);
  EXPECT_EQ(good("failslab=100").fail.interval, 1u);
  EXPECT_EQ(good("failslab=100").fail.times, UINT64_MAX);
  EXPECT_EQ(good("failslab=5:1:100").fail.max, 100u);
  for (const char* const text : {"101", "", "x", "5:0", "5:1:9-3", "5:1:1-2:3:4", "5:1:-"}) {
    bad("failslab=" + std::string(text), {"failslab=\"" + std::string(text) + "\"", "percent", "default off"});
  }
}

}  // namespace
}  // namespace ashlar
