// tool: doctor's advice. Each piece has a condition that a healthy process does not meet.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/units.h"
#include "tool/doctor.h"
#include "tool/limits.h"
#include "tool/output.h"
#include "tool/reader/symbols.h"

namespace ashlar::tool {

namespace {

using reader::Cache;
using reader::Model;
using reader::Source;
using reader::Split;

bool is_on(const Model& model, std::string_view name) {
  const reader::Option* const o = model.option(name);
  return o != nullptr && o->value != 0 && o->value != o->normal;
}

std::uint64_t other(const Split& split, std::string_view what) {
  for (const Split::Other& o : split.others) {
    if (o.what == what) return o.rss;
  }
  return 0;
}

class Adviser {
 public:
  Adviser(Source& source, const Model& model, const Split& split) : source_(source), model_(model), split_(split) {}

  std::vector<Advice> all() {
    about_service();
    about_free_pages();
    about_caches();
    about_fragmentation();
    about_the_system();
    about_options();
    about_limits();
    return std::move(advice_);
  }

 private:
  void say(const char* about, std::string text) { advice_.push_back({about, std::move(text)}); }

  // Returns the files that define malloc, except Ashlar's and glibc's own.
  std::vector<std::string> other_allocators() {
    std::vector<std::string> files = reader::files_that_define(source_, "malloc");
    std::erase_if(files, [&](const std::string& file) {
      const std::string name = file.substr(file.rfind('/') + 1);
      return file == model_.path || name.starts_with("libashlar") || name.starts_with("libc.so") ||
             name.starts_with("ld-linux");
    });
    return files;
  }

  void about_service() {
    const std::vector<std::string> others = other_allocators();
    const std::string names = fmt::format("{}", fmt::join(others, ", "));
    if (!model_.serving && !others.empty()) {
      say("serving",
          fmt::format("Ashlar is loaded, but nothing was allocated from it: {} defines malloc as well, and comes "
                      "first in the order of symbol search.",
                      names));
    } else if (!model_.serving) {
      say("serving",
          "Ashlar is loaded, but nothing was allocated from it. Either the process has not called malloc yet, or it "
          "calls a malloc that is linked into it and not exported.");
    } else if (!others.empty()) {
      say("allocators", fmt::format("{} defines malloc as well, so the process has two allocators.", names));
    }
    const std::uint64_t glibc = other(split_, "brk heap") + other(split_, "glibc arenas");
    if (model_.serving && glibc > 1_MiB) {
      say("glibc",
          fmt::format("{} are resident in glibc's own heap, or in memory that another user of brk(2) took. These are "
                      "blocks that were allocated before Ashlar was loaded, or by a library that uses another "
                      "malloc.",
                      human_bytes(glibc)));
    }
  }

  void about_free_pages() {
    const std::uint64_t live = split_.live();
    if (split_.dirty_free > 8_MiB && split_.dirty_free > live / 2) {
      say("dirty_free",
          fmt::format("{} of free pages are still resident, {} of the live memory. They return to the system "
                      "after decay_ms, when the process calls malloc, or if it has several threads and "
                      "kswapd is on. malloc_trim(0) returns them at once. Smaller values of dirty_min "
                      "and dirty_ratio keep fewer of them.",
                      human_bytes(split_.dirty_free), percent(split_.dirty_free, live)));
    }
    if (split_.clean_free > 8_MiB) say("clean_free", human_bytes(split_.clean_free) + " of " + why_clean_free());
  }

  [[nodiscard]] std::string why_clean_free() const {
    const reader::Option* const purge = model_.option("purge");
    if (purge != nullptr && purge->text(purge->value) == "free") {
      return "free pages were returned with purge=free. They stay resident until the system needs memory, and "
             "it can then take them at no cost.";
    }
    if (split_.hugetlb != 0)
      return "pages that were never used are resident, because a page of the reserved pool is filled as a whole when "
             "it is "
             "taken (hugepages=reserved).";
    if (split_.huge != 0)
      return "pages that were never used are resident, because they share huge pages with used ones.";
    return "pages that were never used are resident, and none of them is in a huge page: memory is or was locked "
           "(mlock(2)).";
  }

  void about_caches() {
    const std::uint64_t cached = split_.magazines + split_.depot;
    if (cached > 8_MiB && cached > split_.live() / 4) {
      say("cached", fmt::format("{} of free objects are in {} threads' magazines and in depots. Idle threads keep "
                                "theirs until their next call. Fewer threads keep less.",
                                human_bytes(cached), model_.heaps.size()));
    }
  }

  // Advises on caches whose live objects are spread over many slabs that are nearly empty.
  void about_fragmentation() {
    std::vector<std::pair<std::uint64_t, const Cache*>> sparse;
    for (const Cache& cache : model_.caches) {
      const std::uint64_t held = cache.pages * reader::kPage, live = cache.live() * cache.object_size;
      if (held > 4_MiB && live < held / 2) sparse.emplace_back(held - live, &cache);
    }
    std::sort(sparse.begin(), sparse.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    if (sparse.size() > 3) sparse.resize(3);
    for (const auto& [wasted, cache] : sparse) say("fragmentation", why_sparse(*cache));
  }

  static std::string why_sparse(const Cache& cache) {
    const std::uint64_t held = cache.pages * reader::kPage, cached = cache.magazines + cache.depot;
    if (cached > cache.live()) {
      return fmt::format(
          "{}: {} free objects in magazines and depots, and {} live ones, keep {} in {} slabs. "
          "malloc_trim(0) returns the slabs that hold no live object.",
          cache.name, cached, cache.live(), human_bytes(held), cache.slabs);
    }
    return fmt::format(
        "{}: {} live objects of {} bytes keep {} in {} slabs, {} used. Objects are never moved. "
        "More of them were live once, and the remaining ones are spread over these slabs.",
        cache.name, cache.live(), cache.object_size, human_bytes(held), cache.slabs,
        percent(cache.live() * cache.object_size, held));
  }

  void about_the_system() {
    if (split_.swapped > 4_MiB) {
      say("swapped",
          fmt::format("{} of the heap are swapped out. The first access to each such page waits until it is read back.",
                      human_bytes(split_.swapped)));
    }
    if (split_.huge > 0 && split_.huge > split_.ashlar_rss / 2) {
      say("huge", fmt::format("{} are in huge pages. Memory that is freed there returns to the system as whole pages "
                              "of 2 MiB first. When only a part of one returns, the kernel splits it.",
                              human_bytes(split_.huge)));
    }
  }

  void about_options() {
    if (is_on(model_, "perturb")) {
      say("perturb",
          "perturb is on: every call takes the slow path and fills memory. This finds mistakes, and costs time.");
    }
    const reader::Option* const kswapd = model_.option("kswapd");
    if (kswapd != nullptr && kswapd->value == 0 && model_.heaps.size() > 1) {
      say("kswapd", "kswapd is off: freed memory returns to the system only when threads call malloc or free again.");
    }
    const auto refused = std::find_if(model_.zones.begin(), model_.zones.end(),
                                      [](const reader::Zone& zone) { return zone.advice_refused != 0; });
    if (refused != model_.zones.end() && is_on(model_, "cold")) {
      say("cold",
          fmt::format(
              "The option cold has no effect: the kernel refuses MADV_COLD and MADV_PAGEOUT here (errno {}, {}).",
              refused->advice_refused, std::strerror(static_cast<int>(refused->advice_refused))));
    }
    const reader::Option* const decay = model_.option("decay_ms");
    if (decay != nullptr && decay->value < 50) {
      say("decay_ms",
          "decay_ms is very small: memory that is used again soon is purged meanwhile, and causes page faults each "
          "time.");
    }
  }

  // The library does not report files that it cannot read.
  void about_limits() {
    const reader::Option* const memcg = model_.option("memcg");
    if (source_.is_core() || memcg == nullptr || memcg->value == 0) return;
    if (const std::string file = unknown_limit(source_.pid()); !file.empty()) {
      say("memcg",
          fmt::format("The limit of its memory cgroup cannot be read ({}), so malloc does not fail before the OOM "
                      "killer acts.",
                      file));
    }
    if (const std::string file = unknown_pressure(source_.pid()); !file.empty()) {
      say("pressure", fmt::format("The pressure on memory cannot be read ({}), so free pages stay as long as if memory "
                                  "were not short.",
                                  file));
    }
  }

  Source& source_;
  const Model& model_;
  const Split& split_;
  std::vector<Advice> advice_;
};

}  // namespace

std::vector<Advice> advice_on(Source& source, const Model& model, const Split& split) {
  return Adviser(source, model, split).all();
}

}  // namespace ashlar::tool
