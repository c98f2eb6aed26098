// Implements model.h.
#include "model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <iterator>

#include "api/api.h"

namespace ashlar_test {
namespace {

constexpr size_t kMaxLive = size_t{192} << 20;
constexpr size_t kCaches =
    size_t{1} << 20;  // bytes that the totals may count beyond the blocks: caches, and the model's own nodes
constexpr size_t kLargeRounding = 16 << 10;  // a large block counts as its mapping

[[noreturn]] void disagree(const char* what, const void* p, size_t size, size_t detail) {
  fprintf(stderr, "%s: %s: block %p of %zu bytes (%zu)\n", api.name, what, p, size, detail);
  abort();
}

}  // namespace

Model::Model() : base_(bytes_in_use()) {}

void Model::run(Input input) {
  while (!input.empty()) step(input);
  compare_totals("at the end");
  while (!live_.empty()) {
    const auto it = live_.begin();
    void* p = it->second.block.p;
    forget(it, "final free");
    api.free(p);
  }
  compare_totals("with nothing live");
}

void Model::step(Input& input) {
  switch (input.take(1) % 16) {
    default: allocate(input); break;
    case 6 ... 9: release(input); break;
    case 10 ... 11: resize(input); break;
    case 12: allocate_aligned(input); break;
    case 13: refuse(input); break;
    case 14: compare_totals("on the way"); break;
    case 15:
      if (input.take(1) < 32) api.malloc_trim(input.take(2) * 16);
      break;
  }
}

// Returns a size up to 16 MiB. All powers of two are equally likely, except that those of 24 bits or more are rarer.
size_t Model::take_size(Input& input) {
  unsigned bits = static_cast<unsigned>(input.take(1) % 25);
  if (bits > 18 && input.take(1) % 8 != 0) bits -= 10;
  return input.take(3) & ((size_t{1} << bits) - 1);
}

// Returns some live block, or the end if there is none: the first one from an address within the range of live ones.
Model::Blocks::iterator Model::take_block(Input& input) {
  if (live_.empty()) return live_.end();
  const uintptr_t low = live_.begin()->first, high = live_.rbegin()->first;
  // Half of the choices are near the end, where the latest allocations tend to be.
  const size_t pick = input.take(3);
  if (pick % 2 == 0) {
    const auto it = live_.lower_bound(low + (high - low) / (1 << 23) * (pick >> 1));
    return it == live_.end() ? live_.begin() : it;
  }
  return std::prev(live_.end(), static_cast<std::ptrdiff_t>(1 + (pick >> 1) % std::min<size_t>(live_.size(), 40)));
}

// Adds a block that the allocator returned. It must be aligned, overlap no other, and be writable up to its usable end.
void Model::adopt(void* p, size_t size, size_t alignment) {
  if (p == nullptr) disagree("NULL for a request that must succeed", p, size, static_cast<size_t>(errno));
  const auto address = reinterpret_cast<uintptr_t>(p);
  if (address % std::max<size_t>(alignment, 16) != 0) disagree("not aligned", p, size, alignment);
  const size_t usable = api.malloc_usable_size(p);
  if (usable < size) disagree("malloc_usable_size below the request", p, size, usable);
  const auto after = live_.lower_bound(address);
  if (after != live_.end() && after->first < address + std::max<size_t>(usable, 1))
    disagree("overlaps the next block", p, size, after->first);
  if (after != live_.begin()) {
    const auto& before = *std::prev(after);
    if (before.first + std::max<size_t>(before.second.usable, 1) > address)
      disagree("overlaps the block before", p, size, before.first);
  }
  const Live entry = {{static_cast<unsigned char*>(p), size, next_seed_++},
                      usable,
                      (alignment > 16 ? alignment : 0) + (usable >= (64 << 10) ? kLargeRounding : 64)};
  memset(p, 0xd7, usable < 65536 ? usable : 0);
  fill_payload(entry.block);
  live_.emplace(address, entry);
  requested_ += size;
  usable_ += usable;
  slack_ += entry.slack;
}

void Model::forget(Blocks::iterator it, const char* what) {
  const Live& entry = it->second;
  if (!payload_intact(entry.block))
    disagree(what, entry.block.p, entry.block.size, check_payload(entry.block, entry.block.size));
  if (api.malloc_usable_size(entry.block.p) != entry.usable)
    disagree("usable size changed", entry.block.p, entry.block.size, entry.usable);
  requested_ -= entry.block.size;
  usable_ -= entry.usable;
  slack_ -= entry.slack;
  live_.erase(it);
}

void Model::allocate(Input& input) {
  const size_t size = take_size(input);
  if (requested_ + size > kMaxLive) return release(input);
  if (input.take(1) % 4 != 0) return adopt(api.malloc(size), size, 16);
  const size_t count = 1 + input.take(1) % 7;
  auto* p = static_cast<unsigned char*>(api.calloc(count, size / count));
  if (p != nullptr && !all_zero(p, size / count * count)) disagree("calloc is not zero", p, size, count);
  adopt(p, size / count * count, 16);
}

void Model::allocate_aligned(Input& input) {
  const size_t alignment = size_t{1} << input.take(1) % 22, size = take_size(input);
  if (requested_ + size + alignment > kMaxLive) return release(input);
  void* p = nullptr;
  switch (input.take(1) % 3) {
    case 0: p = api.memalign(alignment, size); break;
    case 1: p = api.aligned_alloc(alignment, size); break;
    default:
      if (alignment < sizeof(void*)) return;
      if (api.posix_memalign(&p, alignment, size) != 0) p = nullptr;
  }
  adopt(p, size, alignment);
}

void Model::resize(Input& input) {
  const auto it = take_block(input);
  const size_t size = take_size(input);
  if (requested_ + size > kMaxLive) return release(input);
  if (it == live_.end()) return adopt(api.realloc(nullptr, size), size, 16);
  Block old = it->second.block;
  forget(it, "contents before realloc");
  errno = 0;
  auto* p = static_cast<unsigned char*>(api.realloc(old.p, size));
  if (size == 0) {
    if (p != nullptr) disagree("realloc to 0 gave a block", p, 0, 0);
    return;
  }
  if (p == nullptr) disagree("NULL from realloc", old.p, size, static_cast<size_t>(errno));
  old.p = p;
  if (const size_t wrong = check_payload(old, size); wrong != old.size)
    disagree("contents lost in realloc", p, size, wrong);
  adopt(p, size, 16);
}

void Model::release(Input& input) {
  const auto it = take_block(input);
  errno = 4711;
  if (it == live_.end()) {
    api.free(nullptr);
  } else {
    void* p = it->second.block.p;
    const size_t size = it->second.block.size;
    forget(it, "contents before free");
    errno = 4711;
    if (input.take(1) % 8 == 0 && api.free_sized != nullptr) {
      api.free_sized(p, size);
    } else {
      api.free(p);
    }
  }
  if (errno != 4711) disagree("free changed errno", nullptr, 0, static_cast<size_t>(errno));
}

// Makes requests that must fail, on a live block if there is one, which must not change.
void Model::refuse(Input& input) {
  const size_t huge = size_t{PTRDIFF_MAX} + input.take(3) * 4099;
  const auto it = take_block(input);
  void* p = it == live_.end() ? nullptr : it->second.block.p;
  void* got = nullptr;
  errno = 0;
  switch (input.take(1) % 4) {
    case 0: got = api.malloc(huge); break;
    case 1: got = api.calloc(huge / 3, 8); break;
    case 2: got = api.realloc(p, huge); break;
    default: got = api.reallocarray(p, huge / 5, 16); break;
  }
  if (got != nullptr || errno != ENOMEM)
    disagree("an impossible request did not end in NULL and ENOMEM", got, huge, static_cast<size_t>(errno));
  if (it != live_.end() && !payload_intact(it->second.block))
    disagree("a failed realloc changed the block", p, huge, 0);
}

void Model::compare_totals(const char* when) {
  const size_t in_use = bytes_in_use();
  const size_t most = base_ + usable_ + slack_ + live_.size() * 256 + kCaches;
  if (in_use + kCaches / 8 < requested_) disagree("totals below what is live", when, requested_, in_use);
  if (in_use > most) disagree("totals above what is live", when, usable_, in_use);
}

}  // namespace ashlar_test
