// tool: a profile by stacks of functions.
#include "tool/profile_stacks.h"

#include <map>
#include <tuple>
#include <unordered_map>

#include <fmt/format.h>

namespace ashlar::tool {

namespace {

// Interned texts.
class Texts {
 public:
  std::size_t index_of(const std::string& text) {
    const auto [at, added] = indices_.emplace(text, all_.size());
    if (added) all_.push_back(text);
    return at->second;
  }
  std::vector<std::string> take() { return std::move(all_); }

 private:
  std::unordered_map<std::string, std::size_t> indices_;
  std::vector<std::string> all_;
};

using Side = std::uint64_t Amount::*;

Figures figures_of(const ProfileSite& site, Side side) {
  Figures out;
  out.in_use.*side = left(site.allocated.requested, site.freed.requested);
  out.objects.*side = left(site.allocated.blocks, site.freed.blocks);
  out.allocated.*side = site.allocated.requested;
  out.allocated_objects.*side = site.allocated.blocks;
  return out;
}

class Collector {
 public:
  // `with_numbers`: threads are told apart by their numbers too. Threads of two processes can only be matched by names.
  explicit Collector(bool with_numbers) : with_numbers_(with_numbers) {}

  void add(const Profile& profile, const Names& names, Side side) {
    for (const ProfileSite& site : profile.sites) {
      std::vector<std::size_t> functions;
      for (const std::string& name : names.functions_of(site.stack)) functions.push_back(functions_.index_of(name));
      if (functions.empty()) functions.push_back(functions_.index_of(kNoStack));
      const std::size_t thread = threads_.index_of(title_of(profile.thread(site.thread)));
      all_[{std::move(functions), thread, site.size_class}].add(figures_of(site, side));
    }
  }

  Stacks take(bool difference) {
    Stacks out{difference, functions_.take(), threads_.take(), {}};
    for (const auto& [key, figures] : all_) {
      const auto& [functions, thread, size_class] = key;
      out.all.push_back({functions, thread, size_class, figures});
    }
    return out;
  }

 private:
  [[nodiscard]] std::string title_of(const ProfileThread* thread) const {
    if (thread == nullptr) return "[unknown]";
    return with_numbers_ ? fmt::format("{} ({})", thread->name, thread->number) : thread->name;
  }

  using Key = std::tuple<std::vector<std::size_t>, std::size_t, std::uint64_t>;

  const bool with_numbers_;
  Texts functions_, threads_;
  std::map<Key, Figures> all_;
};

}  // namespace

Stacks stacks_of(const Profile& profile, const Names& names) {
  Collector collector(true);
  collector.add(profile, names, &Amount::now);
  return collector.take(false);
}

Stacks compared(const Profile& profile, const Names& names, const Profile& base, const Names& base_names) {
  Collector collector(profile.process == base.process);
  collector.add(profile, names, &Amount::now);
  collector.add(base, base_names, &Amount::base);
  return collector.take(true);
}

}  // namespace ashlar::tool
