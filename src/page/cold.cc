// page: runs that are idle, see the header.
#include "page/cold.h"

#include <new>

#include "base/hints.h"
#include "page/hugetlb.h"
#include "page/kswapd.h"
#include "page/swap_area.h"

namespace ashlar::page {

[[ASHLAR_ALWAYS_RUN]] void ColdRuns::add(const Place& place, AgeMs nearly) {
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

[[ASHLAR_ALWAYS_RUN]] void ColdRuns::add_told(Place place, Moment now, AgeMs nearly) {
  place.given = now;
  place.told = true;
  if (count_ + 1 < kMax) add(place, nearly);
}

[[ASHLAR_ALWAYS_RUN]] ColdRuns::Place ColdRuns::take(Moment now, AgeMs min_age) {
  if (count_ == 0) return {};
  const Place oldest = places_[first_];
  if (count_ < kMax && now - oldest.given < min_age) return {};
  first_ = (first_ + 1) % kMax;
  --count_;
  return oldest;
}

namespace {

AgeMs nearly() { return AgeMs(options.decay_ms) / 4; }

ColdRuns::Place take_idle(Zone& zone) {
  const Guard guard(zone.lock);
  if (zone.cold == nullptr) return {};
  if (options.cold == Cold::kOff) zone.cold->forget();
  return zone.cold->take(Moment(os::now_ms()), AgeMs(options.decay_ms));
}

// Tells the kernel of one stretch of pages. False if it refuses.
[[ASHLAR_ALWAYS_RUN]] bool advise_pages(Zone& zone, const ColdRuns::Place& place, std::uintptr_t start,
                                        std::size_t bytes) {
  if (const Arena* const arena = uses_pool() ? arena_around(PageId(start >> kPageShift)) : nullptr;
      arena != nullptr && arena->pinned)
    return false;  // the kernel does not swap such pages
  const int error = os::advise_idle(start, bytes, options.cold == Cold::kPageOut);
  zone.advice_refused.store(static_cast<std::uint32_t>(error), std::memory_order_relaxed);
  if (error == 0 && !place.told) zone.advised.fetch_add(PageCount::ceil(bytes).raw, std::memory_order_relaxed);
  return error == 0;
}

// The same for what of a place is still in runs. False also if nothing is.
bool advise_runs(Zone& zone, const ColdRuns::Place& place) {
  const std::uintptr_t end = place.start + PageCount(place.pages).bytes();
  std::uintptr_t from = place.start, at = from;
  bool done = false;
  const auto tell = [&] {
    if (from != at) done |= advise_pages(zone, place, from, at - from);
  };
  while (at < end) {
    const Run run = find_run(PageId::of(at));
    if (run && at + run.count.bytes() <= end) {
      at += run.count.bytes();
      continue;
    }
    tell();
    from = at += kPageBytes;
  }
  tell();
  return done;
}

void advise(Zone& zone, const ColdRuns::Place& place) {
  const bool done = zone.swap != nullptr ? advise_pages(zone, place, place.start, PageCount(place.pages).bytes())
                                         : advise_runs(zone, place);
  if (!done || place.told || options.cold != Cold::kPageOut) return;
  const Guard guard(zone.lock);
  zone.cold->add_told(place, Moment(os::now_ms()), nearly());
}

[[ASHLAR_ALWAYS_RUN]] bool advise_idle_of(Zone& zone) {
  // another thread may add places as fast as they are taken
  for (unsigned i = 0; i < ColdRuns::kMax; ++i) {
    const ColdRuns::Place idle = take_idle(zone);
    if (!idle) break;
    advise(zone, idle);
  }
  const Guard guard(zone.lock);
  return zone.cold != nullptr && !zone.cold->empty();
}

// Makes the zone's list, which most processes do without. False without memory.
bool prepare_list(Zone& zone) {
  {
    const Guard guard(zone.lock);
    if (zone.cold != nullptr) return true;
  }
  void* const place = metadata_alloc(sizeof(ColdRuns), alignof(ColdRuns));
  if (place == nullptr) return false;
  const Guard guard(zone.lock);
  if (zone.cold == nullptr) zone.cold = new (place) ColdRuns;
  return true;
}

}  // namespace

[[ASHLAR_SELDOM_RUN]] bool advise_cold_runs() {
  bool more = false;
  for_all_zones([&](Zone& zone) { more |= advise_idle_of(zone); });
  return more;
}

[[ASHLAR_SELDOM_RUN]] void note_cold_run(const Run& run) {
  Zone& zone = *arena_of(descriptor_of(run.first)).zone;
  if (!prepare_list(zone)) return;
  advise_idle_of(zone);
  const ColdRuns::Place place{run.first.address(), static_cast<std::uint32_t>(run.count.raw), Moment(os::now_ms()),
                              false};
  {
    const Guard guard(zone.lock);
    zone.cold->add(place, nearly());
  }
  signals.cold_is_noted.store(true, std::memory_order_relaxed);
  if (helped()) rouse_kswapd();
}

}  // namespace ashlar::page
