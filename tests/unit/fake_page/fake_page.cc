#include "fake_page/fake_page.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>

#include "page/hugetlb.h"
#include "page/zone.h"

// A function that the real header does not declare is not part of the layer. The fake then needs an update.
#pragma GCC diagnostic error "-Wmissing-declarations"

namespace ashlar::fake_page {

namespace {

constexpr std::size_t kBytes = 512_MiB;

struct Region {
  Region() {
    constexpr std::size_t kBlock = std::size_t{1} << page::kStrideShift;
    void* const p =
        mmap(nullptr, kBytes + kBlock, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) std::abort();
    base = round_up(reinterpret_cast<std::uintptr_t>(p), kBlock);
    next = base;
    pages = static_cast<page::Page*>(std::calloc(kBytes >> kPageShift, sizeof(page::Page)));
    for (std::uintptr_t at = base; at < base + kBytes; at += kBlock) {
      enter(at, pages + ((at - base) >> kPageShift));
    }
  }

  void enter(std::uintptr_t at, page::Page* first) {
    auto& offset = page::root.offset[at >> page::kSectionShift];
    if (offset == 0) {
      void* const section = std::calloc(1, sizeof(page::Section));
      sections.push_back(section);  // the table holds no pointer that a leak checker could see
      offset = static_cast<std::intptr_t>(reinterpret_cast<std::uintptr_t>(section) -
                                          reinterpret_cast<std::uintptr_t>(page::root.nowhere));
    }
    page::section_of(at)->descriptors[page::page_in_section(at) / page::kPagesPerStride] = first;
  }

  std::uintptr_t base = 0, next = 0;
  page::Page* pages = nullptr;
  std::vector<void*> sections;
  std::vector<void*> metadata;  // neither returned nor lost to a leak checker
  std::mutex mutex;
  std::map<std::uintptr_t, Order> live;
  std::vector<std::uintptr_t> unused[page::kMaxOrder.raw + 1];
};

Region& region() {
  static Region& the_one = *new Region;  // never destroyed: blocks may outlive every test
  return the_one;
}

State current_state;
page::Zone zone;
// The nodes form a ring: each falls back on those after it in turn. A block's descriptor says on which node it is.
std::deque<page::Node> nodes = [] {
  std::deque<page::Node> one;
  one.emplace_back(NodeId(0), zone);
  return one;
}();
std::vector<NodeId> ring;

std::uintptr_t pick(Order order) {
  auto& unused = region().unused[order.raw];
  std::uintptr_t address = round_up(region().next, order.bytes());
  if (!unused.empty()) {
    address = unused.back();
    unused.pop_back();
  } else if (address + order.bytes() <= region().base + kBytes) {
    region().next = address + order.bytes();
  } else {
    std::abort();  // the test needs more than the fake has
  }
  return address;
}

}  // namespace

State& state() { return current_state; }

bool is_fresh(const void* start, std::size_t bytes) {
  const auto* const at = static_cast<const unsigned char*>(start);
  return std::all_of(at, at + bytes, [](unsigned char byte) { return byte == kFresh; });
}

void set_nodes(unsigned n) {
  nodes.clear();
  ring.clear();
  for (unsigned i = 0; i < 2 * n; ++i) ring.emplace_back(i % n);
  for (unsigned i = 0; i < n; ++i) nodes.emplace_back(NodeId(i), zone, nullptr, static_cast<int>(i), &ring[i]);
  page::nodes.published = n - 1;
}

page::Page* take(Order order, NodeId node) {
  const std::lock_guard guard(region().mutex);
  if (order > current_state.largest || current_state.block_budget == 0) return nullptr;
  if (current_state.empty_nodes >> node.raw & 1) return nullptr;
  if (current_state.block_budget != SIZE_MAX) --current_state.block_budget;
  const std::uintptr_t address = pick(order);
  std::memset(reinterpret_cast<void*>(address), kFresh, order.bytes());
  region().live[address] = order;
  current_state.taken.push_back(order);
  ++current_state.live_blocks;
  page::Page* const head = region().pages + ((address - region().base) >> kPageShift);
  head->state = page::PageState::kSlab;
  head->order = order;
  head->arena = node.raw;
  return head;
}

void give(page::Page* block, std::size_t touched) {
  const std::lock_guard guard(region().mutex);
  const std::uintptr_t address = page::page_address(block);
  const auto it = region().live.find(address);
  if (it == region().live.end() || it->second != block->order) {
    current_state.errors.emplace_back("a block that is not taken is freed");
    return;
  }
  for (std::size_t page = 0; page < it->second.pages().raw; ++page) {
    const auto* const p = reinterpret_cast<const void*>(address + page * kPageBytes);
    if (page::class_of(p).raw != 0) current_state.errors.emplace_back("a block is freed that has a class");
    if (page >= touched && !is_fresh(p, kPageBytes))
      current_state.errors.emplace_back("a touched page is called untouched");
  }
  current_state.freed.push_back({address, it->second, touched});
  region().unused[it->second.raw].push_back(address);
  region().live.erase(it);
  --current_state.live_blocks;
  block->state = page::PageState::kNone;
}

page::Node& node_at(NodeId id) { return nodes[id.raw]; }
std::uintptr_t address_of(const page::Page* block) {
  return region().base + (static_cast<std::uintptr_t>(block - region().pages) << kPageShift);
}

}  // namespace ashlar::fake_page

namespace ashlar::page {

using fake_page::state;

constinit SectionRoot root;
constinit Signals signals;

constinit Nodes nodes;
Node& node_at(NodeId id) { return fake_page::node_at(id); }
NodeId node_of(const Page* page) { return NodeId(page->arena); }
Node& local_node() { return node_at(NodeId(0)); }
Page* alloc_slab_pages(Node& node, Order order, Fallback) {
  if (auto* const other = fake_page::state().during_take.exchange(nullptr)) other();
  return fake_page::take(order, node.id);
}
void free_slab_pages(Page* slab, PageCount touched) { fake_page::give(slab, touched.raw); }
// A run is a block of the order that holds it. Its count is in the descriptor.
Run alloc_run(Node& node, PageCount count, std::size_t alignment, Fallback) {
  const PageCount least = PageCount::ceil(alignment);
  Page* const head = fake_page::take(Order::holding(count < least ? least : count), node.id);
  if (head == nullptr) return {};
  head->state = PageState::kRun;
  head->run.pages = static_cast<std::uint32_t>(count.raw);
  return {PageId(page_address(head) >> kPageShift), count};
}

Run alloc_growing_run(Node& node, PageCount count) { return alloc_run(node, count, kPageBytes, Fallback::kZonelist); }

bool free_run(PageId first) {
  Page* const head = descriptor_of(first);
  if (head->state != PageState::kRun) {
    state().errors.emplace_back("a run that is none is freed");
    return false;
  }
  fake_page::give(head, head->order.pages().raw);
  return true;
}

void mark_slob(PageId first, PageCount count, bool slobs) {
  Section* const section = section_of(first.address());
  std::memset(section->orders + page_in_section(first.address()), slobs ? kSlobMark : 0, count.raw);
}

std::uintptr_t page_address(const Page* page) { return fake_page::address_of(page); }

void mark_slab(PageId first, Order order, SizeClass size_class) {
  Section* const section = section_of(first.address());
  const std::size_t page = page_in_section(first.address());
  std::memset(section->classes + page, size_class.raw, order.pages().raw);
  std::memset(section->orders + page, order.raw, order.pages().raw);
}

void mark_named(PageId first, Order order, CacheNumber number) {
  auto* const section = reinterpret_cast<Section*>(section_address(first.address()));
  std::fill_n(section->named + page_in_section(first.address()), order.pages().raw, number);
}

void* metadata_alloc(std::size_t bytes, std::size_t alignment) {
  if (state().metadata_refused) return nullptr;
  void* const p = std::aligned_alloc(alignment, round_up(bytes, alignment));
  if (p == nullptr) return nullptr;
  const std::lock_guard guard(fake_page::region().mutex);
  fake_page::region().metadata.push_back(p);
  return std::memset(p, 0, bytes);
}

PageCount live_hint() { return PageCount(state().live_pages); }
bool threaded() { return state().threaded; }
bool far_below_peak() { return state().far_below_peak; }
void request_shrink() { ++state().shrink_requests; }
void note_cached() {}
bool has_helper() { return state().has_helper; }
void* take_from_pool(std::size_t, int) { return nullptr; }
bool return_to_pool(void*) { return false; }

bool over_memory_limit(PageCount wanted) { return state().outside_pages + wanted.raw > state().limit_pages; }
void account_outside(PageCount added, PageCount removed) { state().outside_pages += added.raw - removed.raw; }

}  // namespace ashlar::page
