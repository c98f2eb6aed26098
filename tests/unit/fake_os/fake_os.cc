// Implements the functions of os/os.h and the lock without an operating system.
#include "fake_os/fake_os.h"

#include <sched.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <map>
#include <stdexcept>
#include <utility>

#include "os/huge_pool.h"
#include "os/os.h"
#include "os/wait.h"

// A function that the real header does not declare is not part of the layer. The fake then needs an update.
#pragma GCC diagnostic error "-Wmissing-declarations"

namespace ashlar::fake_os {

namespace {

struct Extent {
  std::uintptr_t end;
  bool committed;
};
using Space = std::map<std::uintptr_t, Extent>;

Space space;
State current_state;
std::uintptr_t next_address = 0x100000000000;

void complain(const char* what, std::uintptr_t start, std::size_t bytes) {
  char line[160];
  std::snprintf(line, sizeof line, "%s: [0x%zx, +0x%zx)", what, std::size_t{start}, bytes);
  current_state.errors.emplace_back(line);
}

// Makes an address a border between extents.
void cut(std::uintptr_t at) {
  auto after = space.upper_bound(at);
  if (after == space.begin()) return;
  auto& [start, extent] = *std::prev(after);
  if (start == at || extent.end <= at) return;
  space.emplace_hint(after, at, Extent{extent.end, extent.committed});
  extent.end = at;
}

// Calls visit for each extent of a range, cut to the range. Returns false if the range has holes.
template <class Visit>
bool for_extents(std::uintptr_t start, std::uintptr_t end, Visit visit) {
  cut(start);
  cut(end);
  std::uintptr_t at = start;
  for (auto it = space.lower_bound(start); it != space.end() && it->first < end;) {
    if (it->first != at) return false;
    at = it->second.end;
    it = visit(it);
  }
  return at == end;
}

std::size_t total(bool committed_only) {
  std::size_t bytes = 0;
  for (const auto& [start, extent] : space) bytes += extent.committed || !committed_only ? extent.end - start : 0;
  return bytes;
}

thread_local unsigned locks_held = 0;  // counted in debug builds, as the order of locks is checked there

}  // namespace

State& state() { return current_state; }

void reset() {
  current_state = {};
  space.clear();
}

std::size_t reserved_bytes() { return total(false); }
std::size_t committed_bytes() { return total(true); }

bool is_committed(std::uintptr_t start, std::size_t bytes) {
  bool all = true;
  return for_extents(start, start + bytes,
                     [&](Space::iterator it) {
                       all &= it->second.committed;
                       return ++it;
                     }) &&
         all;
}

// Real memory outlives the tests of a process, since the layers above keep it.
std::vector<Range> mapped;

void note_mapped(std::uintptr_t start, std::size_t bytes) { mapped.push_back({start, bytes}); }
bool is_mapped(std::uintptr_t start, std::size_t bytes) {
  for (const Range range : mapped) {
    if (start >= range.start && start + bytes <= range.start + range.bytes) return true;
  }
  return false;
}
void drop_mapped() {
  for (const Range range : mapped) munmap(reinterpret_cast<void*>(range.start), range.bytes);
  mapped.clear();
}

void expect_no_lock(const char* call) {
  if (locks_held != 0) complain(call, locks_held, 0);
}
void note_lock(bool taken) { taken ? ++locks_held : --locks_held; }
void erase(std::uintptr_t start, std::size_t bytes) {
  if (start % current_state.page_bytes != 0) complain("unmap off a page", start, bytes);
  if (!for_extents(start, start + bytes, [](Space::iterator it) { return space.erase(it); }))
    complain("unmap of a hole", start, bytes);
}
std::uintptr_t add(std::size_t bytes) {
  next_address = round_up(next_address, current_state.page_bytes) + current_state.skew;
  return add_aligned(bytes, current_state.page_bytes);
}
std::uintptr_t add_aligned(std::size_t bytes, std::size_t alignment) {
  next_address = round_up(next_address, alignment);
  const std::uintptr_t start = next_address;
  next_address += bytes + 1_MiB;  // never adjacent, so that merging across is an error
  space[start] = {start + bytes, false};
  return start;
}
bool add_at(std::uintptr_t start, std::size_t bytes) {
  auto after = space.lower_bound(start);
  if (after != space.end() && after->first < start + bytes) return false;
  if (after != space.begin() && std::prev(after)->second.end > start) return false;
  space[start] = {start + bytes, false};
  return true;
}
bool set_committed(std::uintptr_t start, std::size_t bytes) {
  return for_extents(start, start + bytes, [](Space::iterator it) {
    it->second.committed = true;
    return ++it;
  });
}

}  // namespace ashlar::fake_os

namespace ashlar {

using fake_os::state;

namespace os {

namespace {

std::uintptr_t address_of(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }
std::size_t whole(std::size_t bytes) { return round_up(bytes, state().page_bytes); }

bool spend(std::size_t& budget, std::size_t bytes) {
  if (bytes > budget) return false;
  if (budget != SIZE_MAX) budget -= bytes;
  return true;
}

}  // namespace

std::size_t page_bytes() { return state().page_bytes; }
unsigned processor() { return state().processor; }
std::uint64_t now_ms() { return state().now_ms; }

MemoryLimits memory_limits() {
  fake_os::expect_no_lock("memory_limits with a lock held");
  const fake_os::State& s = state();
  ++state().limit_reads;
  if (s.memory_limit == SIZE_MAX) return {SIZE_MAX, SIZE_MAX, s.pressure};
  const std::size_t charged = s.charged_bytes != SIZE_MAX || s.charge == nullptr ? s.charged_bytes : s.charge();
  return {s.memory_limit, s.memory_limit > charged ? s.memory_limit - charged : 0, s.pressure};
}

void* reserve(std::size_t bytes) {
  if (bytes == 0) state().errors.emplace_back("reserve of nothing");
  if (bytes > state().largest_reserve) return nullptr;
  const std::uintptr_t start = fake_os::add(whole(bytes));
  state().reserves.push_back({start, bytes});
  return reinterpret_cast<void*>(start);
}

void* reserve_charged(std::size_t bytes) { return reserve(bytes); }
std::size_t max_mappings() { return 65530; }

void* reserve_aligned(std::size_t bytes, std::size_t alignment) {
  if (bytes % alignment != 0) state().errors.emplace_back("an aligned reservation of odd size");
  if (auto* const other = std::exchange(state().during_reserve, nullptr)) other();
  if (bytes > state().largest_reserve) return nullptr;
  const std::uintptr_t start = fake_os::add_aligned(whole(bytes), alignment);
  state().reserves.push_back({start, bytes});
  return reinterpret_cast<void*>(start);
}

bool commit(void* start, std::size_t bytes) {
  if (address_of(start) % state().page_bytes != 0) state().errors.emplace_back("commit off a page");
  if (bytes > state().largest_commit || !spend(state().commit_budget, bytes)) return false;
  if (!fake_os::set_committed(address_of(start), whole(bytes))) state().errors.emplace_back("commit of a hole");
  state().commits.push_back({address_of(start), bytes});
  return true;
}

void* map(std::size_t bytes) {
  if (!spend(state().map_budget, bytes)) return nullptr;
  void* const p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) return nullptr;
  fake_os::note_mapped(address_of(p), bytes);
  return p;
}

void* map_guarded(std::size_t bytes) {
  void* const p = reserve(whole(bytes) + state().page_bytes);
  if (p == nullptr) return nullptr;
  if (commit(p, whole(bytes))) return p;
  unmap_guarded(p, bytes);
  return nullptr;
}

bool map_at(void* start, std::size_t bytes) {
  if (!fake_os::add_at(address_of(start), whole(bytes))) return false;
  if (commit(start, whole(bytes))) return true;
  fake_os::erase(address_of(start), whole(bytes));
  return false;
}
bool move_pages(void*, std::size_t, void*) { return false; }
bool mostly_used(const void*, std::size_t) { return true; }
bool copy_used(void*, const void*, std::size_t) { return false; }

void* remap_guarded(void* start, std::size_t old_bytes, std::size_t new_bytes) {
  fake_os::expect_no_lock("remap with a lock held");
  if (state().refuse_remap) return nullptr;
  void* const target = map_guarded(new_bytes);
  if (target != nullptr) unmap_guarded(start, old_bytes);
  return target;
}

void* map_from_pool(std::size_t bytes, std::size_t page) {
  if (bytes % page != 0) state().errors.emplace_back("a part of a huge page of the pool");
  if (page != kHugeBytes || bytes > state().pool_free) return nullptr;
  state().pool_free -= bytes;
  const std::uintptr_t start = fake_os::add_aligned(bytes, page);
  fake_os::set_committed(start, bytes);
  state().pool_mappings[start] = bytes;
  return reinterpret_cast<void*>(start);
}
void* set_aside_in_pool(std::size_t bytes, std::size_t page) { return map_from_pool(bytes, page); }
bool fill_from_pool(void*, std::size_t) { return !state().refuse_pool_fill; }
bool leave_pool(void* start, std::size_t) {
  if (state().refuse_leaving) return false;
  state().pool_mappings.erase(address_of(start));
  return true;
}

void unmap(void* start, std::size_t bytes) {
  if (const auto found = state().pool_mappings.find(address_of(start)); found != state().pool_mappings.end()) {
    if (found->second != bytes) state().errors.emplace_back("unmap of a part of a mapping of the pool");
    state().pool_free += found->second;
    state().pool_mappings.erase(found);
  }
  if (state().unmap_needs_no_lock) fake_os::expect_no_lock("unmap with a lock held");
  fake_os::erase(address_of(start), whole(bytes));
}

void unmap_guarded(void* start, std::size_t bytes) { unmap(start, whole(bytes) + state().page_bytes); }

// Ashlar's own structures are in real memory, which reads as zero afterwards. They may be purged with a lock held.
static bool purge_own(std::uintptr_t start, std::size_t bytes) {
  std::memset(reinterpret_cast<void*>(start), 0, bytes);
  state().own_purges.push_back({start, bytes});
  return true;
}

bool purge(std::uintptr_t& start, std::size_t& bytes, PurgeMode, const char*) {
  const std::uintptr_t first = round_up(start, state().page_bytes);
  const std::uintptr_t last = round_down(start + bytes, state().page_bytes);
  const bool own = fake_os::is_mapped(start, bytes);
  if (auto* const other = own ? nullptr : state().during_purge) {
    state().during_purge = nullptr;
    other();
  }
  const std::uintptr_t locked = state().locked_page;
  if (state().refuse_purge || first >= last || (first <= locked && locked < last)) return false;
  start = first;
  bytes = last - first;
  if (own) return purge_own(start, bytes);
  fake_os::expect_no_lock("purge with a lock held");
  if (!fake_os::is_committed(start, bytes)) state().errors.emplace_back("purge of what is not committed");
  state().purges.push_back({start, bytes});
  return true;
}

void name_memory(void*, std::size_t, const char*) {}
bool huge_pages_everywhere() { return state().huge_pages_everywhere; }
void avoid_huge(void* start, std::size_t bytes) { state().no_huge.push_back({address_of(start), bytes}); }
void advise_huge(void* start, std::size_t bytes) { state().huge.push_back({address_of(start), bytes}); }

unsigned memory_nodes(std::uint16_t* numbers, unsigned most) {
  fake_os::expect_no_lock("memory_nodes with a lock held");
  unsigned n = 0;
  for (const std::uint16_t number : state().nodes) {
    if (n < most) numbers[n++] = number;
  }
  return n;
}

bool node_distances(unsigned from, const std::uint16_t* to, std::uint8_t* distances, unsigned count) {
  if (state().distances.empty()) return false;
  const auto place = [](unsigned number) {
    std::size_t i = 0;
    while (state().nodes.at(i) != number) ++i;
    return i;
  };
  for (unsigned i = 0; i < count; ++i) distances[i] = state().distances.at(place(from)).at(place(to[i]));
  return true;
}

int current_node() { return state().current_node; }
int node_of_page(const void*) { return state().first_page_node; }
bool has_default_policy() { return !state().has_policy; }

bool prefer_node(void* start, std::size_t bytes, int node) {
  state().preferred.push_back({{address_of(start), bytes}, node});
  return true;
}

const char* environment(const char*) { return nullptr; }
bool is_set_id() { return false; }
void keep_stderr() {}
void write_error(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

void say(std::string_view text) {
  state().said.emplace_back(text);
  std::fprintf(stderr, "ashlar: %.*s\n", static_cast<int>(text.size()), text.data());
}

void die() { std::abort(); }

bool start_thread(void (*run)()) {
  fake_os::expect_no_lock("start_thread with a lock held");
  if (state().refuse_threads) {
    ++state().refused_threads;
    return false;
  }
  state().threads.push_back(run);
  return true;
}

void set_thread_name(const char (&)[kThreadName]) {}

bool is_known_process() { return !state().is_vfork_child; }
bool is_noted_process() { return !state().is_vfork_child; }
void note_process_in_thread() {}

// Time passes only here and where a test sets it.
bool single_threaded() { return state().single_threaded; }

void sleep_ms(std::uint64_t ms) {
  fake_os::expect_no_lock("sleep with a lock held");
  state().sleeps.push_back(ms);
  state().now_ms += ms;
}

void pause() { state().now_ms += 1; }
void prepare_fences() {}
bool fence_all_threads() { return true; }

std::uint64_t now_ns() { return state().now_ms * 1000000 + (state().ns += state().ns_per_look); }

std::uint32_t thread_number() { return 1; }
bool thread_exists(std::uint32_t) { return state().thread_exists; }

void wait_while(const std::atomic<std::uint32_t>& word, std::uint32_t value, std::uint64_t ms) {
  fake_os::expect_no_lock("wait with a lock held");
  if (word.load() != value) return;
  if (ms != kForever) return sleep_ms(ms);
  ++state().endless_sleeps;
  if (auto* const wake = state().when_asleep) wake();
  if (word.load() == value) throw std::runtime_error("nobody wakes it");
}

void wake_all(const std::atomic<std::uint32_t>&) { ++state().wakes; }

bool all_mapped(const void*, std::size_t) { return true; }
bool readable(const void*, std::size_t) { return false; }
bool in_break(const void*) { return false; }

// --- Swap areas

int make_swap_file(const char* path, std::uint64_t, SwapFileKind kind, SwapFile& made) {
  if (const int error = std::exchange(state().refuse_file, 0)) return error;
  made.number = ++state().files;
  state().open_files.insert(made.number);
  state().paths.emplace_back(path);
  state().kinds.push_back(kind);
  return 0;
}

int map_swap_file(const SwapFile& file, void* at, std::size_t bytes) {
  state().swap_bases[file.number] = address_of(at);
  return fake_os::set_committed(address_of(at), bytes) ? 0 : ENOMEM;
}

int reserve_swap(const SwapFile& file, std::uint64_t offset, std::size_t bytes) {
  fake_os::expect_no_lock("a file grows with a lock held");
  for (std::uint64_t at = offset; at < offset + bytes; at += kPageBytes) {
    if (state().swap_room == 0) return ENOSPC;
    if (!state().backed.insert({file.number, at}).second) state().errors.emplace_back("a page gets room twice");
    --state().swap_room;
  }
  return 0;
}

bool punch(std::uintptr_t& start, std::size_t& bytes) {
  if (!fake_os::is_committed(start, bytes)) state().errors.emplace_back("a hole in what is not mapped");
  state().swap_room += std::erase_if(state().backed, [&](const auto& page) {
    const std::uintptr_t at = state().swap_bases[page.first] + page.second;
    return at >= start && at < start + bytes;
  });
  return true;
}

int advise_idle(std::uintptr_t start, std::size_t bytes, bool out) {
  fake_os::expect_no_lock("advice is given with a lock held");
  state().advice.push_back({start, bytes, out});
  return std::exchange(state().refuse_advice, 0);
}

int copy_swap(const SwapFile& from, const SwapFile& to, std::uint64_t offset, std::size_t bytes, const void*) {
  for (std::uint64_t at = offset; at < offset + bytes; at += kPageBytes) {
    if (!state().backed.contains({from.number, at})) state().errors.emplace_back("a hole is copied");
    state().backed.insert({to.number, at});
  }
  return 0;
}

std::string_view text_of(int error) { return error == ENOSPC ? "no space is left on the device" : ""; }

void close_swap_file(const SwapFile& file) {
  if (state().open_files.erase(file.number) == 0) state().errors.emplace_back("a file is closed twice");
}

bool seal(void* start, std::size_t bytes) {
  fake_os::erase(address_of(start), bytes);
  return fake_os::add_at(address_of(start), bytes);
}

bool is_special_file(const char*) { return false; }
void remove_file(const char*) {}
std::uint32_t process_number() { return 1; }
bool current_folder(char* into, std::size_t) {
  std::strcpy(into, "/fake");
  return true;
}

}  // namespace os

void die_of_assertion(const Assertion& failed) {
  std::fprintf(stderr, "%s:%u: assertion failed: %s (%s)\n", failed.file, failed.line, failed.sentence,
               failed.condition);
  std::abort();
}

void LockWord::wait() {
  for (Word expected = kFree; !state_.compare_exchange_strong(expected, kHeld); expected = kFree) sched_yield();
}
void LockWord::wake() {}
void LockWord::note_taken(LockRank, bool) { fake_os::note_lock(true); }
void LockWord::note_tried(LockRank) { fake_os::note_lock(true); }
void LockWord::note_released(LockRank) { fake_os::note_lock(false); }

}  // namespace ashlar
