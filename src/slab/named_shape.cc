// slab: from what a program wants of a named cache to its objects and slabs.
#include "slab/named_shape.h"

#include "slab/cache.h"

namespace ashlar::slab {

namespace {

// Largest slab: 1 MiB, so that a granule's number fits 16 bits. Four of the largest objects fit.
constexpr Order kLargestSlab{8};
static_assert(kLargestSlab.bytes() / kMinAlign <= page::kNoObject + std::size_t{1},
              "the granules of a slab must have numbers of 16 bits");

Order smallest_order(std::size_t size) {
  Order order = Order::holding(PageCount::ceil(size));
  while (order < kLargestSlab && detail::waste(size, order) > order.bytes() / 8) order = Order(order.raw + 1u);
  return order;
}

Order largest_order(std::size_t size) {
  if (size <= kMaxSmall) return detail::largest_order(size);
  Order order = Order::holding(PageCount::ceil(size * 4));
  if (order > kLargestSlab) order = kLargestSlab;
  while (order < kLargestSlab && detail::waste(size, order) > order.bytes() / 8) order = Order(order.raw + 1u);
  return order;
}

// The largest order up to `order` in which no link lies in the granule that stands for "none". That is the last one of
// the largest slab, where the link of a constructed object lies if the objects fill the slab.
Order with_links(Order order, const ClassInfo& info) {
  while (order > info.min_order) {
    const std::size_t last = (order.bytes() / info.size - 1) * info.size + info.link;
    if (last / kMinAlign < page::kNoObject) break;
    order = Order(order.raw - 1u);
  }
  return order;
}

}  // namespace

// mm/slab_common.c, calculate_alignment: small objects share a line, as long as none straddles two.
std::size_t alignment_of(const Wanted& wanted) {
  std::size_t alignment = wanted.alignment > kMinAlign ? wanted.alignment : kMinAlign;
  if (wanted.line_aligned) {
    std::size_t line = kCacheLine;
    while (wanted.size <= line / 2) line /= 2;
    if (line > alignment) alignment = line;
  }
  return alignment;
}

NamedCache shape_of(const Wanted& wanted) {
  const std::size_t own = wanted.ctor != nullptr ? wanted.size + sizeof(Object) : wanted.size;
  const std::size_t size = round_up(own, alignment_of(wanted));
  NamedCache named;
  named.ctor = wanted.ctor;
  named.info.size = static_cast<std::uint32_t>(size);
  named.info.inverse = static_cast<std::uint32_t>(((std::uint64_t{1} << 32) + size - 1) / size);
  named.info.magazine = detail::magazine_objects(size);
  named.info.link = static_cast<std::uint32_t>(wanted.ctor != nullptr ? size - sizeof(Object) : 0);
  named.info.min_order = smallest_order(size);
  named.info.max_order = with_links(largest_order(size), named.info);
  named.usable = static_cast<std::uint32_t>(wanted.ctor != nullptr ? size - sizeof(Object) : size);
  return named;
}

}  // namespace ashlar::slab
