// The os layer without an operating system: what unit tests of the layers above link in the place of ashlar_os.
// Address space is a book of ranges at addresses that nobody may touch; the clock, the size of a page, the memory
// cgroup's limit and every refusal are the test's to set. Memory for Ashlar's own structures (os::map) is real.
//
// A call that breaks the contract of os/os.h (an unmapping of what is not mapped, a purge outside of committed memory
// or with a lock held, ...) is noted in `errors`, which a test expects to stay empty.
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
  // To set:
  std::size_t page_bytes = 4096;
  std::uint64_t now_ms = 1000;
  unsigned processor = 0;
  bool single_threaded = false;  // what the system knows of the process
  std::size_t memory_limit = SIZE_MAX;
  std::size_t charged_bytes = SIZE_MAX;  // to the memory cgroup; SIZE_MAX: as `charge` says
  std::size_t (*charge)() = nullptr;
  os::Pressure pressure = os::Pressure::kNone;
  bool huge_pages_everywhere = false;
  bool is_vfork_child = false;
  std::size_t largest_reserve = SIZE_MAX;  // a larger one is refused
  std::size_t largest_commit = SIZE_MAX;
  std::size_t commit_budget = SIZE_MAX;  // bytes that may still be committed
  std::size_t map_budget = SIZE_MAX;     // bytes that os::map may still give
  std::size_t skew = 0;                  // added to the address of the next reservations, a multiple of page_bytes
  std::vector<std::uint16_t> nodes;      // the kernel's numbers
  std::vector<std::vector<std::uint8_t>> distances;
  int current_node = 0;
  int first_page_node = -1;  // where node_of_page says that pages are
  bool has_policy = false;   // the process was given a memory policy
  bool refuse_purge = false;
  std::uintptr_t locked_page = 0;  // no range that it lies in is purged
  bool refuse_remap = false;
  bool refuse_threads = false;
  std::size_t refused_threads = 0;
  bool unmap_needs_no_lock = false;  // an unmap with a lock held is an error
  std::uint64_t ns_per_look = 0;     // by which the fine clock goes on with each look at it
  bool thread_exists = false;
  void (*when_asleep)() = nullptr;     // what another thread does when one has gone to sleep without a time-out
  void (*during_purge)() = nullptr;    // what another thread does while a purge is under way
  void (*during_reserve)() = nullptr;  // and while address space is reserved

  // Of swap areas' files: pages of disk that are left, and an errno for the next file. A file's pages that have room,
  // by its number and place.
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
  int files = 0;                             // made so far: their numbers count from 1
  std::map<int, std::uintptr_t> swap_bases;  // where it is mapped, by its number
  std::set<std::pair<int, std::uint64_t>> backed;
  std::set<int> open_files;
  std::vector<std::string> paths;

  // To look at:
  struct Preferred {
    Range range;
    int node;
  };
  std::vector<Preferred> preferred;  // by prefer_node
  std::vector<Range> reserves, commits, purges, huge, no_huge;
  std::vector<Range> own_purges;    // of memory that os::map gave
  std::vector<void (*)()> threads;  // started, none of them has run: the test calls them
  std::vector<std::uint64_t> sleeps;
  unsigned endless_sleeps = 0, wakes = 0;
  std::uint64_t ns = 0;
  std::vector<std::string> said;
  unsigned limit_reads = 0;
  std::vector<std::string> errors;
};

State& state();

// A fresh state and an empty address space. Addresses rise from test to test.
void reset();

// Bytes of address space in use, and how much of it is committed.
std::size_t reserved_bytes();
std::size_t committed_bytes();

// True when all of the range is committed.
bool is_committed(std::uintptr_t start, std::size_t bytes);

// What the functions of os/os.h are made of.
std::uintptr_t add(std::size_t bytes);
std::uintptr_t add_aligned(std::size_t bytes, std::size_t alignment);
bool add_at(std::uintptr_t start, std::size_t bytes);  // false if something is there
bool set_committed(std::uintptr_t start, std::size_t bytes);
void note_mapped(std::uintptr_t start, std::size_t bytes);
bool is_mapped(std::uintptr_t start, std::size_t bytes);
// Unmaps what os::map gave, once the layer above has forgotten it.
void drop_mapped();
void erase(std::uintptr_t start, std::size_t bytes);
void expect_no_lock(const char* call);
void note_lock(bool taken);

}  // namespace ashlar::fake_os
