// page: what a zone learns of its program, see the header.
#include "page/feedback.h"

#include <algorithm>

#include "base/base.h"
#include "base/hints.h"

namespace ashlar::page {

namespace {

constexpr PageCount kMinShrink = PageCount::floor(2_MiB);  // a smaller heap never leaves its height
constexpr PageCount kMinHold = PageCount::floor(256_KiB);  // a smaller hold is none
constexpr std::uint64_t kLateMs = 1000;                    // a thread looks at the clock before it waits for the lock
constexpr std::uint32_t kFewWindows = 8, kManyWindows = 128;  // how long patience lasts at first, and at most

PageCount dirty_min() { return PageCount::floor(static_cast<std::size_t>(options.dirty_min)); }

}  // namespace

// What a heap of some height may keep that never refaulted.
[[ASHLAR_ALWAYS_RUN]] PageCount Feedback::slack_of(PageCount height) const {
  if (margins_ == Margins::kNone) return {};
  return dirty_min() + height / 100 * static_cast<std::size_t>(options.dirty_ratio);
}

[[ASHLAR_ALWAYS_RUN]] PageCount Feedback::over(Use use) const { return use.dirty.above(slack_of(use.live)); }

PageCount Feedback::recent_peak() const { return std::max(recent_[0].max_live, recent_[1].max_live); }

// Mappings are taken whole, so that what a new one cannot use stays beside it.
[[ASHLAR_ALWAYS_RUN]] PageCount Feedback::max_hold() const {
  const PageCount height = std::max(recent_peak(), height_);
  return margins_ == Margins::kNone ? height + height / 4 : height;
}

[[ASHLAR_ALWAYS_RUN]] void Feedback::note_time(std::uint64_t now_ms) {
  const std::uint64_t decay_ms = options.decay_ms;  // read once: it may change
  if (decay_ms == 0) return;
  // A window ends further away than a decay time where the option became smaller, or where the clock went back: the
  // process was restored from a file, or is the child of one that entered a time namespace.
  if (window_ms_ > now_ms + decay_ms + kLateMs) window_ms_ = now_ms;
  if (now_ms < window_ms_) return;
  const std::uint64_t windows = (now_ms - window_ms_) / decay_ms + 1;
  window_ms_ += windows * decay_ms;
  end_window(windows < 64 ? static_cast<std::size_t>(windows) : 64);
}

[[ASHLAR_RUN_LATER]] void Feedback::end_window(std::size_t windows) {
  learn_patience();
  const PageCount needed = std::max(recent_[0].needed, recent_[1].needed);
  // the windows after the first were silent
  for (std::size_t i = 0; i < windows && hold_.raw > 0; ++i) {
    const PageCount floor = i == 0 ? needed : i == 1 ? recent_[0].needed : PageCount();
    hold_ = std::max(floor, hold_ / 2);
    if (hold_ < kMinHold) hold_ = {};
  }
  recent_[1] = windows == 1 ? recent_[0] : Window{use_.live};
  recent_[0] = Window{use_.live};
  high_over_ = over(use_);
}

// Pages that had aged and were wanted again at once: the next ones may wait longer. Each time that this is forgotten
// too soon, it is remembered for twice as long.
[[ASHLAR_ALWAYS_RUN]] void Feedback::learn_patience() {
  const Window& window = recent_[0];
  if (window.age_refaults > kMinHold) {
    patience_ = 1;
    next_patience_ = std::min(std::max(2 * next_patience_, kFewWindows), kManyWindows);
    patient_windows_ = next_patience_;
  } else if (patient_windows_ > 0 && --patient_windows_ == 0) {
    patience_ = 0;
  }
}

[[ASHLAR_ALWAYS_RUN]] bool Feedback::note_freed(Use use, bool helped) {
  use_ = use;
  high_over_ = std::max(high_over_, over(use));
  const PageCount low = helped ? std::max(use.live, recent_peak()) : use.live;
  const PageCount expected = hold_.raw != 0 ? hold_ + dirty_min() : PageCount();
  if (height_ < kMinShrink || low > height_ / 2 || use.live + expected > height_ / 2) return false;
  height_ = low;
  return true;
}

[[ASHLAR_ALWAYS_RUN]] void Feedback::note_taken(Use use, PageCount clean) {
  use_ = use;
  height_ = std::max(height_, use.live);
  recent_[0].max_live = std::max(recent_[0].max_live, use.live);
  if (hold_.raw != 0) {
    recent_[0].needed = std::max(recent_[0].needed, std::min(high_over_.above(over(use)), hold_));
  }
  for (Window& window : recent_) {
    const PageCount again = std::min(clean, window.purged);
    if (again.raw == 0) continue;
    const PageCount others = std::min(again, window.purged - window.aged);
    window.purged -= again;
    window.aged -= again - others;
    clean -= again;
    refaults_ += again.raw;
    hold_ += others;
    recent_[0].age_refaults += again - others;
    hold_ = std::min(hold_, max_hold());
    recent_[0].needed = hold_;
  }
}

[[ASHLAR_ALWAYS_RUN]] void Feedback::note_purged(PageCount pages, bool aged) {
  recent_[0].purged += pages;
  if (aged) recent_[0].aged += pages;
}

[[ASHLAR_ALWAYS_RUN]] PageCount Feedback::may_stay(PageCount live, bool helped) const {
  if (options.decay_ms == 0) return {};
  // without margins a single thread keeps nothing but what it learned: it may be silent from now on
  if (margins_ == Margins::kNone && !helped) return hold_;
  const PageCount height = helped ? std::max(height_, recent_peak()) : height_;
  return slack_of(height) + std::max(height.above(live), hold_);
}

[[ASHLAR_ALWAYS_RUN]] AgeMs Feedback::old_after() const { return AgeMs(options.decay_ms * (1 + patience_)); }

}  // namespace ashlar::page
