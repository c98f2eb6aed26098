// page: runs of swap areas that are idle, see the header.
#include "page/cold.h"

#include "base/hints.h"
#include "page/kswapd.h"
#include "page/swap_area.h"

namespace ashlar::page {

void ColdRuns::add(const Place& place, AgeMs nearly) {
  if (count_ != 0) {
    Place& last = places_[(first_ + count_ - 1) % kMax];
    if (place.told == last.told && place.given - last.given <= nearly &&
        last.start + PageCount(last.pages).bytes() == place.start) {
      last.pages += place.pages;
      return;
    }
  }
  if (count_ < kMax) places_[(first_ + count_++) % kMax] = place;
}

void ColdRuns::add_told(Place place, Moment now, AgeMs nearly) {
  place.given = now;
  place.told = true;
  if (count_ + 1 < kMax) add(place, nearly);
}

ColdRuns::Place ColdRuns::take(Moment now, AgeMs min_age) {
  if (count_ == 0) return {};
  const Place oldest = places_[first_];
  if (count_ < kMax && now - oldest.given < min_age) return {};
  first_ = (first_ + 1) % kMax;
  --count_;
  return oldest;
}

namespace {

AgeMs nearly() { return AgeMs(options.decay_ms) / 4; }

ColdRuns::Place take_idle(SwapArea& area) {
  const Guard guard(area.zone.lock);
  if (options.cold == Cold::kOff) area.cold.forget();
  return area.cold.take(Moment(os::now_ms()), AgeMs(options.decay_ms));
}

void advise(SwapArea& area, const ColdRuns::Place& place) {
  const std::size_t bytes = PageCount(place.pages).bytes();
  const bool out = options.cold == Cold::kPageOut;
  const int error = os::advise_idle(place.start, bytes, out);
  area.refused.store(static_cast<std::uint32_t>(error), std::memory_order_relaxed);
  if (error != 0 || place.told) return;
  area.advised.fetch_add(bytes, std::memory_order_relaxed);
  if (!out) return;
  const Guard guard(area.zone.lock);
  area.cold.add_told(place, Moment(os::now_ms()), nearly());
}

bool advise_idle_of(SwapArea& area) {
  // another thread may add places as fast as they are taken
  for (unsigned i = 0; i < ColdRuns::kMax; ++i) {
    const ColdRuns::Place idle = take_idle(area);
    if (!idle) break;
    advise(area, idle);
  }
  const Guard guard(area.zone.lock);
  return !area.cold.empty();
}

}  // namespace

[[ASHLAR_SELDOM_RUN]] bool advise_cold_runs() {
  bool more = false;
  for_swap_areas([&](SwapArea& area) { more |= advise_idle_of(area); });
  return more;
}

[[ASHLAR_SELDOM_RUN]] void note_cold_run(const Run& run) {
  SwapArea& area = *arena_of(descriptor_of(run.first)).zone->swap;
  advise_idle_of(area);
  const ColdRuns::Place place{run.first.address(), static_cast<std::uint32_t>(run.count.raw), Moment(os::now_ms()),
                              false};
  {
    const Guard guard(area.zone.lock);
    area.cold.add(place, nearly());
  }
  if (helped()) rouse_kswapd();
}

}  // namespace ashlar::page
