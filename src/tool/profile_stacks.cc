// tool: a profile by stacks of functions.
#include "tool/profile_stacks.h"

#include <map>
#include <tuple>
#include <unordered_map>

#include <fmt/format.h>

namespace ashlar::tool {

namespace {

// Texts, each of which is kept once.
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

Figures figures_of(const ProfileSite& site) {
  return {left(site.allocated.requested, site.freed.requested), left(site.allocated.blocks, site.freed.blocks),
          site.allocated.requested, site.allocated.blocks};
}

std::string title_of(const ProfileThread* thread) {
  return thread == nullptr ? "[unknown]" : fmt::format("{} ({})", thread->name, thread->number);
}

class Collector {
 public:
  void add(const Profile& profile, const Names& names) {
    for (const ProfileSite& site : profile.sites) {
      std::vector<std::size_t> functions;
      for (const std::uint64_t address : site.stack) {
        functions.push_back(functions_.index_of(names.functions[names.function_of(address)]));
      }
      if (functions.empty()) functions.push_back(functions_.index_of(kNoStack));
      const std::size_t thread = threads_.index_of(title_of(profile.thread(site.thread)));
      all_[{std::move(functions), thread, site.size_class}].add(figures_of(site));
    }
  }

  Stacks take() {
    Stacks out{functions_.take(), threads_.take(), {}};
    for (const auto& [key, figures] : all_) {
      const auto& [functions, thread, size_class] = key;
      out.all.push_back({functions, thread, size_class, figures});
    }
    return out;
  }

 private:
  using Key = std::tuple<std::vector<std::size_t>, std::size_t, std::uint64_t>;

  Texts functions_, threads_;
  std::map<Key, Figures> all_;
};

}  // namespace

Stacks stacks_of(const Profile& profile, const Names& names) {
  Collector collector;
  collector.add(profile, names);
  return collector.take();
}

}  // namespace ashlar::tool
