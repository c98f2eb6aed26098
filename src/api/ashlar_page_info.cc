// api: what lies at an address, as ashlar_page_describe of include/ashlar/pages.h says.
#define ASHLAR_ADDRESS_ONLY(parameter)  // GCC wants it of all callees, or warns
#include "ashlar/pages.h"

#include <bit>
#include <cerrno>
#include <cstring>

#include "api/ashlar_cache.h"
#include "check/check.h"
#include "heap/kernel_api.h"
#include "heap/named_bins.h"
#include "profile/profile.h"

namespace api = ashlar::api;
namespace check = ashlar::check;
namespace heap = ashlar::heap;
namespace page = ashlar::page;
namespace profile = ashlar::profile;
namespace slab = ashlar::slab;
using ashlar::Order;
using ashlar::PageId;

namespace {

void set_name(char (&into)[64], std::string_view name) {
  std::memcpy(into, name.data(), name.size());
  into[name.size()] = 0;
}

void name_class(ashlar_page_info& info) {
  ashlar::Text<40> name;
  name << "malloc-" << static_cast<std::uint64_t>(info.object_size);
  set_name(info.cache, name.view());
}

// Describes an address in a span of checked objects or in a sample's slots. Both are reported like slabs.
[[nodiscard]] bool describe_span(const void* p, ashlar_page_info& info) {
  check::SpanAround span;
  if (!check::may_have_blocks() || !check::find_span(p, span)) return false;
  info.state = ASHLAR_PAGE_SLAB;
  info.start = reinterpret_cast<void*>(span.start);
  info.bytes = span.bytes;
  info.object_size = span.slot_bytes;
  info.objects = span.slots;
  info.objects_taken = span.live;
  if (span.named != 0) api::write_cache_names(span.named, info.cache, sizeof info.cache);
  else name_class(info);
  return true;
}

[[nodiscard]] bool describe_slots(const void* p, ashlar_page_info& info) {
  profile::SlotsAround slots;
  if (!profile::active() || !profile::find_slots(p, slots)) return false;
  info.state = ASHLAR_PAGE_SLAB;
  info.start = reinterpret_cast<void*>(slots.start);
  info.bytes = slots.bytes;
  info.object_size = slab::size_of(slots.size_class);
  info.objects = slots.slots;
  info.objects_taken = slots.live;
  name_class(info);
  return true;
}

void describe_slab(const void* p, ashlar_page_info& info) {
  const page::Page* const page = page::slab_of(p);
  const slab::NamedCache* const named = heap::named_around(p);
  info.state = ASHLAR_PAGE_SLAB;
  info.order = page->order.raw;
  info.start = reinterpret_cast<void*>(page::page_address(page));
  info.bytes = page->order.bytes();
  info.objects = page->slab.capacity;
  info.objects_taken = page->slab.in_use;
  if (named != nullptr) {
    info.object_size = named->info.size;
    api::write_cache_names(named->info.number, info.cache, sizeof info.cache);
    return;
  }
  info.object_size = slab::size_of(page::class_of(p));
  name_class(info);
}

void describe_run(const page::Run& run, ashlar_page_info& info) {
  info.state = run.from_alloc_pages ? ASHLAR_PAGE_BLOCK : ASHLAR_PAGE_RUN;
  info.start = run.first.pointer();
  info.bytes = run.count.bytes();
  if (std::has_single_bit(run.count.raw)) info.order = Order::holding(run.count).raw;
}

[[nodiscard]] bool describe_area(const void* p, ashlar_page_info& info) {
  const void* start = nullptr;
  if (!heap::find_area_around(p, start, info.bytes)) return false;
  info.state = ASHLAR_PAGE_VMALLOC;
  info.start = const_cast<void*>(start);
  info.node = -1;
  return true;
}

}  // namespace

int ashlar_page_describe(const void* address, struct ashlar_page_info* info) noexcept {
  *info = {};
  info->node = heap::node_number_of(address);
  if (const char* const zone = heap::zone_name_of(address)) std::memcpy(info->zone, zone, std::strlen(zone) + 1);
  if (describe_span(address, *info) || describe_slots(address, *info) || describe_area(address, *info)) return 0;
  const PageId id = PageId::of(address);
  if (page::descriptor_of(id) == nullptr) {
    errno = ENOENT;
    return -1;
  }
  if (page::class_of(address).raw != 0 || page::named_of(address) != 0) {
    describe_slab(address, *info);
  } else if (const page::Run run = page::find_run_around(id)) {
    describe_run(run, *info);
  } else {
    info->state = ASHLAR_PAGE_FREE;
    info->start = id.pointer();
    info->bytes = ASHLAR_PAGE_SIZE;
  }
  return 0;
}
