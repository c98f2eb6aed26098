// page, private: the few free pages of a zone that are watched: the layer that freed them looks at them when they
// are handed out again. This layer itself never looks into pages.
//
// Locking: the zone's lock.
#pragma once

#include "page/page.h"

namespace ashlar::page {

class Watch {
 public:
  static constexpr unsigned kMax = 8;

  // Watches one more page; the oldest is forgotten if there are too many.
  void add(PageId page);

  // Stops watching the pages of [first, first + count), which were just taken. Returns a modified one, or page 0.
  PageId end(PageId first, PageCount count) { return count_ == 0 ? PageId() : end_some(first, count); }

  // One that is not as it was left, or 0.
  PageId find_damaged() const;

 private:
  PageId end_some(PageId first, PageCount count);

  PageId pages_[kMax];
  unsigned next_ = 0, count_ = 0;
};

// Whether a watched page is neither as it was left nor zero.
bool is_damaged(PageId page);

// Tells the watcher of a page, with no lock held; nothing for page 0.
void tell_damaged(PageId page);

}  // namespace ashlar::page
