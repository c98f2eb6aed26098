// vmalloc: the invariants of the table of areas.
#include "os/os.h"
#include "vmalloc/areas.h"

namespace ashlar::vmalloc {

namespace {

Broken check(const Area& area, bool kept) {
  if (area.kept != kept) return broken("an area is kept if it is on the list of kept ones", &area);
  if (area.start % os::page_bytes() != 0 || area.bytes % os::page_bytes() != 0 || area.bytes == 0)
    return broken("an area is made of whole pages", &area);
  if (area.asked > area.bytes) return broken("an area is as long as was asked for at least", &area);
  return {};
}

}  // namespace

Broken validate() {
  const Guard guard(table.lock);
  std::uint64_t areas = 0, kept_areas = 0;
  std::size_t bytes = 0, kept_bytes = 0;
  for (std::size_t bucket = 0; bucket <= kBuckets; ++bucket) {
    const bool kept = bucket == kBuckets;
    for (const Area* area = table.buckets[bucket]; area != nullptr; area = area->next) {
      if (const Broken b = check(*area, kept)) return b;
      if (!kept && bucket_index(area->start) != bucket) return broken("an area is in the bucket of its address", area);
      (kept ? kept_areas : areas) += 1;
      (kept ? kept_bytes : bytes) += area->bytes;
      if (areas > table.counts.areas || kept_areas > table.counts.kept_areas)
        return broken("the table counts its areas", area);
    }
  }
  if (areas != table.counts.areas || bytes != table.counts.bytes) return broken("the table counts its areas", &table);
  if (kept_areas != table.counts.kept_areas || kept_bytes != table.counts.kept_bytes)
    return broken("the table counts the areas that it keeps", &table);
  return {};
}

}  // namespace ashlar::vmalloc
