// The os layer without an operating system. Unit tests of the layers above link it instead of ashlar_os. Address space
// is a record of ranges at addresses that must not be touched. The test sets the clock, the size of a page, the memory
// cgroup's limit and every refusal. Memory for Ashlar's own structures (os::map) is real.
//
// A call that breaks the contract of os/os.h is noted in `errors`, which a test expects to stay empty. Examples are an
// unmapping of what is not mapped, and a purge outside of committed memory or with a lock held.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/base.h"
#include "os/os.h"

namespace ashlar::fake_os {

struct Range {
  std::uintptr_t start;
  std::size_t bytes;
  bool operator==(const Range&) const = default;
};

struct State {
  // Set by the test:
  std::size_t page_bytes = 4096;
  std::uint64_t now_ms = 1000;
  unsigned processor = 0;
  bool single_threaded = false;  // what the system knows of the process
  std::size_t memory_limit = SIZE_MAX;
  std::size_t charged_bytes = SIZE_MAX;  // charged to the memory cgroup; SIZE_MAX: the value of `charge`
  std::size_t (*charge)() = nullptr;
  os::Pressure pressure = os::Pressure::kNone;
  bool huge_pages_everywhere = false;
  bool is_vfork_child = false;
  std::size_t largest_reserve = SIZE_MAX;  // a larger one is refused
  std::size_t largest_commit = SIZE_MAX;
  std::size_t commit_budget = SIZE_MAX;  // bytes that may still be committed
  std::size_t map_budget = SIZE_MAX;     // bytes that os::map may still return
  std::size_t skew = 0;                  // added to the address of the next reservations, a multiple of page_bytes
  std::vector<std::uint16_t> nodes;      // the kernel's numbers of the nodes
  std::vector<std::vector<std::uint8_t>> distances;
  int current_node = 0;
  int first_page_node = -1;  // the node that node_of_page returns
  bool has_policy = false;   // whether the process has a memory policy
  bool refuse_purge = false;
  std::uintptr_t locked_page = 0;  // no range that contains it is purged
  bool refuse_remap = false;
  bool refuse_threads = false;
  std::size_t refused_threads = 0;
  bool unmap_needs_no_lock = false;  // an unmap with a lock held is an error
  std::uint64_t ns_per_look = 0;     // the time that each reading of the fine clock adds
  bool thread_exists = false;
  void (*when_asleep)() = nullptr;     // called when a thread has gone to sleep without a time-out, as another thread
  void (*during_purge)() = nullptr;    // called while a purge is under way, as another thread
  void (*during_reserve)() = nullptr;  // called while address space is reserved, as another thread

  // For the reserved pool: its free bytes, and its mappings by their start.
  std::size_t pool_free = 0;
  bool refuse_pool_fill = false, refuse_leaving = false;
  std::map<std::uintptr_t, std::size_t> pool_mappings;

  // For the files of swap areas: the free pages of the disk, an errno for the next file, and the pages that have room,
  // by the file's number and place.
  std::size_t swap_room = SIZE_MAX;
  int refuse_file = 0;
  struct Advice {
    std::uintptr_t start;
    std::size_t bytes;
    bool out;
    bool operator==(const Advice&) const = default;
  };
  std::vector<Advice> advice;  // that pages of swap areas are idle
  int refuse_advice = 0;
  int files = 0;                             // the number of files made, which are numbered from 1
  std::map<int, std::uintptr_t> swap_bases;  // where each is mapped, by its number
  std::set<std::pair<int, std::uint64_t>> backed;
  std::set<int> open_files;
  std::vector<std::string> paths;  // and kinds, of the files made
  std::vector<os::SwapFileKind> kinds;

  // Read by the test:
  struct Preferred {
    Range range;
    int node;
  };
  std::vector<Preferred> preferred;  // by calls of prefer_node
  std::vector<Range> reserves, commits, purges, huge, no_huge;
  std::vector<Range> own_purges;    // of memory that os::map returned
  std::vector<void (*)()> threads;  // started threads; none has run until the test calls it
  std::vector<std::uint64_t> sleeps;
  unsigned endless_sleeps = 0, wakes = 0;
  std::uint64_t ns = 0;
  std::vector<std::string> said;
  unsigned limit_reads = 0;
  std::vector<std::string> errors;
};

State& state();

// Makes a fresh state and an empty address space. Addresses rise from test to test.
void reset();

// Returns the bytes of address space in use, and how many of them are committed.
std::size_t reserved_bytes();
std::size_t committed_bytes();

// Returns whether all of the range is committed.
bool is_committed(std::uintptr_t start, std::size_t bytes);

// The parts of the functions of os/os.h.
std::uintptr_t add(std::size_t bytes);
std::uintptr_t add_aligned(std::size_t bytes, std::size_t alignment);
bool add_at(std::uintptr_t start, std::size_t bytes);  // returns false if something is there
bool set_committed(std::uintptr_t start, std::size_t bytes);
void note_mapped(std::uintptr_t start, std::size_t bytes);
bool is_mapped(std::uintptr_t start, std::size_t bytes);
// Unmaps what os::map returned, after the layer above has forgotten it.
void drop_mapped();
void erase(std::uintptr_t start, std::size_t bytes);
void expect_no_lock(const char* call);
void note_lock(bool taken);

}  // namespace ashlar::fake_os
