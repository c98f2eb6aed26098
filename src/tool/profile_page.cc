// tool: fills in the page of a profile, profile_page.html.
#include "tool/profile_page.h"

#include <map>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tool/html.h"
#include "tool/printable.h"
#include "tool/profile_page_text.h"

namespace ashlar::tool {

namespace {

using nlohmann::ordered_json;

ordered_json printable_names(const std::vector<std::string>& names) {
  ordered_json out = ordered_json::array();
  for (const std::string& name : names) out.push_back(printable(name));
  return out;
}

// Stacks that share their outer functions share nodes: node 0 is all, node n + 1 is the n-th here.
class Tree {
 public:
  std::size_t node_of(const std::vector<std::size_t>& functions) {
    std::size_t node = 0;
    for (auto at = functions.rbegin(); at != functions.rend(); ++at) {
      const auto [found, added] = nodes_.emplace(std::pair(node, *at), nodes_.size() + 1);
      if (added) {
        flat_.push_back(node);
        flat_.push_back(*at);
      }
      node = found->second;
    }
    return node;
  }
  ordered_json take() { return std::move(flat_); }

 private:
  std::map<std::pair<std::size_t, std::size_t>, std::size_t> nodes_;  // by outer node and function
  ordered_json flat_ = ordered_json::array();
};

// Returns the data that the page's script reads:
//   difference          whether figures are changes, which may be below 0
//   allocated           whether it begins with what was allocated
//   functions, threads  names
//   nodes               [outer node, function, …]
//   figures             [node, thread, size class, bytes in use, objects in use, bytes allocated, objects allocated, …]
ordered_json data_of(const Stacks& stacks, bool allocated) {
  Tree tree;
  ordered_json figures = ordered_json::array();
  for (const StackFigures& stack : stacks.all) {
    const Figures& f = stack.figures;
    for (const std::size_t number : {tree.node_of(stack.functions), stack.thread, stack.size_class}) {
      figures.push_back(number);
    }
    for (const Amount& amount : {f.in_use, f.objects, f.allocated, f.allocated_objects}) {
      figures.push_back(number_of(amount));
    }
  }
  return {{"difference", stacks.difference},
          {"allocated", allocated},
          {"functions", printable_names(stacks.functions)},
          {"threads", printable_names(stacks.threads)},
          {"nodes", tree.take()},
          {"figures", std::move(figures)}};
}

}  // namespace

std::string page_of(const Subject& subject, const Stacks& stacks, bool allocated) {
  return filled(kProfilePage, {{"NONCE", nonce()},
                               {"TITLE", fmt::format("Profile of process {}", subject.profile.process)},
                               {"SUMMARY", escaped(head_of(subject))},
                               {"FLAME_GRAPH", kFlameGraph},
                               {"DATA", script_data(data_of(stacks, allocated))}});
}

}  // namespace ashlar::tool
