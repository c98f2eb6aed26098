// page, private: what a zone learns of its program: how many free pages may stay resident, and for how long.
//
// A purge is a bet that the pages will not be needed soon. Those that are needed again within the decay time are
// refaults (the kernel's mm/workingset.c): they raise the hold, which falls back while nothing uses it. Pages carry no
// mark: of the clean pages that are taken, as many are refaults as were purged shortly before, since so many faults
// would have been saved without the purge.
//
//   may stay = dirty_min + dirty_ratio % of the height + the larger of (height - live) and the hold
//
//   height   the most pages that were in use lately. A program that stays below it has come to another phase: with
//            a helper that purges by age that shows after two decay times, else as soon as half of it is free and
//            the hold does not say that it comes back.
//   hold     rises by each refault, and halves with each decay time in which less of it was of use.
//   patience 1 after pages that had aged were wanted again, for some decay times: decay_ms then counts twice.
//
// One function of its events: no system call, no clock, no lock of its own. Under the zone's lock.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/types.h"

namespace ashlar {
struct RootLayout;
}

namespace ashlar::page {

// Pages in use, and free ones that may be resident.
struct Use {
  PageCount live, dirty;
};

class Feedback {
  friend struct ashlar::RootLayout;

 public:
  // Whether dirty_min and dirty_ratio count, or nothing stays that was not learned. A zone's is all zero.
  enum class Margins : bool { kOptions, kNone };
  constexpr explicit Feedback(Margins margins = Margins::kOptions) : margins_(margins) {}

  // Passes the clock on: before what is noted with the other functions, wherever it is at hand.
  void note_time(std::uint64_t now_ms);

  // Pages were freed. True when the program has come to another phase: the height then is what is in use.
  bool note_freed(Use use, bool helped);

  // Pages were taken; `clean` of them have to be faulted in.
  void note_taken(Use use, PageCount clean);

  // Pages were given to the system, since there were too many or since they were old.
  void note_purged(PageCount pages, bool aged);

  // How many free pages may stay resident. `helped`: a helper purges by age, with no call of the program.
  [[nodiscard]] PageCount may_stay(PageCount live, bool helped) const;

  // The age from which on a free page is old.
  [[nodiscard]] AgeMs old_after() const;

  [[nodiscard]] PageCount hold() const { return hold_; }
  [[nodiscard]] std::uint64_t refaults() const { return refaults_; }
  [[nodiscard]] PageCount height() const { return height_; }
  // True when pages were purged within the last decay times that may be wanted again.
  [[nodiscard]] bool expects_refaults() const { return (recent_[0].purged + recent_[1].purged).raw != 0; }

 private:
  // What happened in a decay time.
  struct Window {
    PageCount max_live{};
    PageCount needed{};        // of the hold
    PageCount purged{};        // and not wanted since
    PageCount aged{};          // of these, those that were purged by age
    PageCount age_refaults{};  // of those purged by age
  };

  [[nodiscard]] PageCount recent_peak() const;
  [[nodiscard]] PageCount max_hold() const;
  [[nodiscard]] PageCount slack_of(PageCount height) const;
  [[nodiscard]] PageCount over(Use use) const;
  void end_window(std::size_t windows);
  void learn_patience();

  Margins margins_;
  PageCount height_, hold_;
  Use use_;                      // after what was noted last
  PageCount high_over_;          // the most by which free pages passed what a program without a hold may keep
  Window recent_[2];             // the current decay time, and the one before
  std::uint64_t window_ms_ = 0;  // when the current one ends
  std::uint64_t refaults_ = 0;
  std::uint32_t patience_ = 0, patient_windows_ = 0, next_patience_ = 0;
};

}  // namespace ashlar::page
