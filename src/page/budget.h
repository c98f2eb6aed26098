// page, private: how much of reclaim's work one caller does.
#pragma once

#include <cstddef>
#include <cstdint>

#include "os/os.h"

namespace ashlar::page {

class Budget {
 public:
  // All that there is, in ranges of any length: for malloc_trim, and where memory is short.
  static Budget all() { return {PageCount::all(), 0, kAny}; }

  // A small step, for a thread that came for something else: a call of the interface does one at most. A gigabyte of
  // pages takes the kernel 0.1 s, so that the last range, too, ends within 100 us.
  static Budget step() { return {PageCount(1024), os::now_ns() + 60000, 64}; }

  // What the helper does at a time. No length of range lets others wait for the address space for long.
  static Budget helper() { return {PageCount::all(), 0, 512}; }

  // Pages of a range that is given to the system in one call, at most.
  [[nodiscard]] std::uint32_t range() const { return range_; }

  [[nodiscard, gnu::always_inline]] bool spent() const {
    return pages_.raw == 0 || (until_ns_ != 0 && os::now_ns() >= until_ns_);
  }

  void use(PageCount pages) { pages_ = pages_.above(pages); }

 private:
  static constexpr std::uint32_t kAny = UINT32_MAX;

  Budget(PageCount pages, std::uint64_t until_ns, std::uint32_t range)
      : pages_(pages), until_ns_(until_ns), range_(range) {}

  PageCount pages_;
  std::uint64_t until_ns_;  // 0: never
  std::uint32_t range_;
};

}  // namespace ashlar::page
