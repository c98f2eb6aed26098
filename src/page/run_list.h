// page, private: a few free runs that one processor has at hand. The newest of the length asked for serves. Where runs
// may be cut, the best fit serves else, after neighbours were joined if none is long enough:
//
//   │ taken │ rest, at hand │        │ at hand │ at hand │ ──► │ at hand           │
//
// The zone's lock is not needed for that, as only descriptors of the list's own pages change. The first page of a run
// at hand has the state kPcp and the run's length; no other page of it heads anything.
//
// Locking: the owner's.
#pragma once

#include "page/zone.h"

namespace ashlar::page {

class RunList {
 public:
  static constexpr unsigned kMax = 32;  // runs: a search reads 768 bytes

  struct Entry {
    PageId first;
    PageId watched;  // the first page of the part that was put in last, until it is taken; or 0
    std::uint32_t pages;
    Moment since;  // about when its pages were put in, in the mean
  };

  // Which runs are cut.
  enum class Cut : bool { kNone, kAny };

  // Takes `count` pages of the node; page 0 if no run serves, which is remembered. `watched` is set to a watched page
  // among them, if there is one.
  PageId take(std::uint32_t count, NodeId node, Cut cut, PageId& watched);

  // Whether a run of so many pages is wanted: two that could be cut from it were missed lately, or one like it is in
  // use or at hand.
  [[nodiscard]] bool wants(std::uint32_t pages, Cut cut) const;

  // The longest run that was missed lately.
  [[nodiscard]] std::uint32_t longest_missed() const;

  // Puts in a run that is at hand by its state already. There must be room for one more.
  void put(Page* page, PageId first, Moment now);

  // Joins all neighbours.
  void join_all();

  // Takes a run out, whole. The oldest has the index 0.
  Entry remove(unsigned index);

  [[nodiscard]] unsigned count() const { return count_; }
  [[nodiscard]] std::size_t pages() const { return pages_; }
  [[nodiscard]] const Entry& operator[](unsigned index) const { return entries_[index]; }

  // Forgets all, whose pages are lost.
  void forget() { count_ = 0, pages_ = 0; }

  // The first rule that does not hold.
  [[nodiscard, gnu::cold]] Broken validate() const;

 private:
  static constexpr unsigned kMissed = 8;
  static constexpr unsigned kWanted = 2;  // of the last kMissed misses

  [[nodiscard]] unsigned find(std::uint32_t count, NodeId node, Cut cut) const;
  [[nodiscard]] PageId cut_off(Entry& entry, std::uint32_t count);

  std::uint32_t count_ = 0;
  bool may_join_ = false;  // one was put in since all neighbours were joined
  std::uint32_t next_missed_ = 0;
  std::size_t pages_ = 0;
  std::size_t taken_ = 0;               // pages that have not come back yet
  std::uint32_t last_taken_ = 0;        // the length, if none of it was missed since
  std::uint32_t missed_[kMissed] = {};  // lengths; 0: none
  Entry entries_[kMax];                 // the newest at the end
};

}  // namespace ashlar::page
