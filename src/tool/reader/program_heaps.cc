// tool, reader: the heaps that a program made (ashlar/heap.h), and their contents. A list is followed until an entry
// overlaps one that was read before, and no further than kMaxHeaps and kMaxBlocks.
#include <algorithm>
#include <cstring>

#include "base/utf8.h"
#include "tool/error.h"
#include "tool/reader/claims.h"
#include "tool/reader/root.h"

namespace ashlar::reader {

namespace {

using Field = format::Field;
using Table = format::Table;

constexpr std::size_t kMaxHeaps = 1 << 16;
constexpr std::size_t kMaxBlocks = 1 << 20;  // of all heaps together
constexpr std::uint64_t kSpanClass = 255;
constexpr std::uint64_t kMaxSlab = 1 << 20;     // bytes; one has some pages
constexpr std::uint64_t kMaxObjects = 1 << 26;  // of all heaps together
constexpr std::uint64_t kMinObject = 16;

// Replaces bytes that are not UTF-8, and control characters, as JSON allows neither.
std::string shown(std::string_view name) {
  std::string text;
  for_utf8(name, [&](std::string_view piece, bool valid) {
    text += valid && (piece.size() > 1 || (piece[0] >= ' ' && piece[0] != '\x7f')) ? std::string(piece) : "?";
  });
  return text;
}

class HeapReader {
 public:
  // `places` may be null.
  HeapReader(Source& source, const FoundRoot& found, AllHeapPlaces* places)
      : source_(source), found_(found), bytes_(source), places_(places) {}

  ProgramHeaps read() {
    std::vector<char> entry(found_.size(Field::kRealmStride));
    std::uint64_t next = 0;
    if (!source_.read(found_.table(Table::kRealms), &next, sizeof next)) all_.approximate = true;
    while (next != 0) {
      if (all_.heaps.size() == kMaxHeaps || !read_entry(next, entry)) {
        all_.approximate = true;
        break;
      }
      add(next, entry);
      next = value(entry, Field::kRealmNext);
    }
    std::reverse(all_.heaps.begin(), all_.heaps.end());  // the list starts with the newest
    // the page of this table stays untouched in a process that deletes no heap
    if (!bytes_.read(found_.table(Table::kLeftRealm), entry.size(), entry)) all_.approximate = true;
    else if (value(entry, Field::kRealmBytes) != 0) add(0, entry);
    return std::move(all_);
  }

 private:
  [[nodiscard]] std::uint64_t value(const std::vector<char>& entry, Field field, std::size_t at = 0) const {
    return found_.value(entry.data() + at, field);
  }

  bool read_entry(std::uint64_t address, std::vector<char>& entry) {
    return address % 8 == 0 && entries_.claim(address, entry.size()) &&
           source_.read(address, entry.data(), entry.size());
  }

  void add(std::uint64_t address, const std::vector<char>& entry) {
    ProgramHeap heap;
    heap.address = address;
    const char* const name = entry.data() + found_.offset(Field::kRealmName);
    heap.name = shown({name, strnlen(name, found_.size(Field::kRealmName))});
    heap.owned = value(entry, Field::kRealmOwner) != 0;
    heap.bytes = value(entry, Field::kRealmBytes);
    heap.max_bytes = value(entry, Field::kRealmMaxBytes);
    heap.limit = value(entry, Field::kRealmLimit);
    const std::size_t first_place = begin_places(heap);
    add_chunks(heap, entry, Field::kRealmOpen);
    add_chunks(heap, entry, Field::kRealmFull);
    add_large(heap, entry);
    take_off_kept(heap, entry);
    free_kept_places(entry, first_place);
    if (chunk_bytes_ + heap.large_bytes != heap.bytes) all_.approximate = true;
    chunk_bytes_ = 0;
    all_.heaps.push_back(std::move(heap));
  }

  // Calls visit with each block of a list. Skips a block whose memory overlaps an earlier one.
  template <class Visit>
  void for_blocks(const std::vector<char>& heap, Field list, std::size_t entry_bytes, Visit visit) {
    std::uint64_t next = value(heap, list);
    std::vector<char> block(entry_bytes);
    while (next != 0) {
      if (blocks_++ == kMaxBlocks || !read_entry(next, block)) {
        all_.approximate = true;
        return;
      }
      const std::uint64_t start = value(block, Field::kRealmBlockStart), bytes = value(block, Field::kRealmBlockBytes);
      if (start % kPage != 0 || start > kAddressEnd || bytes > kAddressEnd - start || !pages_.claim(start, bytes))
        all_.approximate = true;
      else visit(block, bytes);
      next = value(block, Field::kRealmBlockNext);
    }
  }

  void add_chunks(ProgramHeap& heap, const std::vector<char>& entry, Field list) {
    for_blocks(entry, list, found_.size(Field::kRealmChunkStride), [&](const std::vector<char>& chunk, auto bytes) {
      ++heap.chunks;
      chunk_bytes_ += bytes;
      for (std::size_t page = 0; page < found_.size(Field::kRealmChunkHead); ++page) add_slab(heap, chunk, page);
    });
  }

  // Adds what starts on a page of a chunk.
  void add_slab(ProgramHeap& heap, const std::vector<char>& chunk, std::size_t page) {
    const auto head = static_cast<unsigned char>(chunk[found_.offset(Field::kRealmChunkHead) + page]);
    if (page >= 64 || (value(chunk, Field::kRealmChunkUsed) >> page & 1) == 0 || head != page) return;
    const std::size_t at = found_.offset(Field::kRealmChunkSlabs) + page * found_.size(Field::kRealmSlabStride);
    const std::uint64_t c = value(chunk, Field::kRealmSlabClass, at);
    const std::uint64_t in_use = value(chunk, Field::kRealmSlabInUse, at);
    if (c == kSpanClass) {
      ++heap.spans;
      const std::uint64_t start = value(chunk, Field::kRealmBlockStart) + page * kPage;
      add_place(start, value(chunk, Field::kRealmSlabMade, at) * kPage, in_use == 0);
      heap.used_bytes += in_use * value(chunk, Field::kRealmSlabMade, at) * kPage;
    } else if (c != 0 && c < found_.root.classes) {
      ++heap.slabs;
      add_slab_places(chunk, page, at, found_.root.class_sizes[c]);
      heap.used_bytes += in_use * found_.root.class_sizes[c];
    } else {
      all_.approximate = true;
      return;
    }
    heap.blocks += in_use;
  }

  void add_large(ProgramHeap& heap, const std::vector<char>& entry) {
    for_blocks(entry, Field::kRealmLarge, found_.size(Field::kRealmBlockStride), [&](const auto& block, auto bytes) {
      add_place(value(block, Field::kRealmBlockStart), bytes, false);
      ++heap.large;
      ++heap.blocks;
      heap.large_bytes += bytes;
      heap.used_bytes += bytes;
    });
  }

  // --- Places

  std::size_t begin_places(const ProgramHeap& heap) {
    if (places_ == nullptr) return 0;
    places_->names.push_back(heap.address != 0 ? "heap:" + heap.name : "deleted heap");
    return places_->places.size();
  }

  void add_place(std::uint64_t start, std::uint64_t bytes, bool free) {
    if (places_ == nullptr || bytes == 0 || bytes > kAddressEnd) return;
    places_->places.push_back({start, bytes, static_cast<std::uint32_t>(places_->names.size() - 1), {free}});
  }

  // Objects are free that are on the slab's list, within its memory.
  void add_slab_places(const std::vector<char>& chunk, std::size_t page, std::size_t at, std::uint64_t size) {
    const std::uint64_t made = value(chunk, Field::kRealmSlabMade, at);
    if (places_ == nullptr || made == 0) return;
    if (size < kMinObject || made > kMaxSlab / size || (objects_ += made) > kMaxObjects) {
      all_.approximate = true;
      return;
    }
    add_place(value(chunk, Field::kRealmBlockStart) + page * kPage, size, false);
    HeapPlaces& places = places_->places.back();
    places.free.resize(made);
    std::vector<char> memory(made * size);
    if (!source_.read(places.start, memory.data(), memory.size())) {
      all_.approximate = true;
      return;
    }
    std::uint64_t next = value(chunk, Field::kRealmSlabFree, at);
    while (next != 0 && take_off(places, next)) std::memcpy(&next, memory.data() + (next - places.start), sizeof next);
  }

  // False where the address starts no place, or one that is free already: the list changed while it was read.
  bool take_off(HeapPlaces& places, std::uint64_t address) {
    const std::uint64_t offset = address - places.start, i = offset / places.bytes;
    if (address < places.start || offset % places.bytes != 0 || i >= places.free.size() || places.free[i]) {
      all_.approximate = true;
      return false;
    }
    places.free[i] = true;
    return true;
  }

  // Those in the owner's bins.
  void free_kept_places(const std::vector<char>& entry, std::size_t first) {
    if (places_ == nullptr) return;
    std::vector<HeapPlaces>& all = places_->places;
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first);
    std::sort(begin, all.end(), [](const HeapPlaces& a, const HeapPlaces& b) { return a.start < b.start; });
    for (std::size_t at = 0; at < found_.size(Field::kRealmFirst); at += sizeof(std::uint64_t)) {
      std::uint64_t next = value_at(entry, found_.offset(Field::kRealmFirst) + at);
      while (next != 0) {
        auto places = std::upper_bound(
            begin, all.end(), next, [](std::uint64_t address, const HeapPlaces& one) { return address < one.start; });
        if (places == begin || !take_off(*--places, next) || !source_.read(next, &next, sizeof next)) {
          all_.approximate = true;
          break;
        }
      }
    }
  }

  static std::uint64_t value_at(const std::vector<char>& entry, std::size_t offset) {
    std::uint64_t word = 0;
    std::memcpy(&word, entry.data() + offset, sizeof word);
    return word;
  }

  // What is in the owner's bins counts as in use of its slabs. A bin may be a few objects ahead of them.
  void take_off_kept(ProgramHeap& heap, const std::vector<char>& entry) {
    const std::size_t classes = found_.size(Field::kRealmLoaded) / sizeof(std::uint32_t);
    std::uint64_t kept = 0;
    for (std::size_t c = 1; c < classes && c < found_.root.classes; ++c) {
      std::uint32_t loaded = 0;
      std::memcpy(&loaded, entry.data() + found_.offset(Field::kRealmLoaded) + c * sizeof loaded, sizeof loaded);
      kept += loaded;
      heap.kept_bytes += std::uint64_t{loaded} * found_.root.class_sizes[c];
    }
    if (kept > heap.blocks || heap.kept_bytes > heap.used_bytes) all_.approximate = true;
    heap.kept_bytes = std::min(heap.kept_bytes, heap.used_bytes);
    heap.blocks -= std::min(kept, heap.blocks);
    heap.used_bytes -= heap.kept_bytes;
  }

  Source& source_;
  const FoundRoot& found_;
  Bytes bytes_;
  AllHeapPlaces* places_;
  ProgramHeaps all_;
  Claims entries_, pages_;
  std::size_t blocks_ = 0;
  std::uint64_t objects_ = 0;
  std::uint64_t chunk_bytes_ = 0;  // of the heap that is being read
};

}  // namespace

ProgramHeaps read_program_heaps(Source& source) {
  const FoundRoot found = find_root(source);
  if (!found.has(Table::kLeftRealm) || !found.has(Field::kRealmSlabStride)) {
    throw tool::Failure(tool::Exit::kVersion, source.title() + ": its Ashlar, version " + found.root.library_version +
                                                  ", does not tell of heaps that the program made");
  }
  return HeapReader(source, found, nullptr).read();
}

AllHeapPlaces read_heap_places(Source& source) {
  AllHeapPlaces all;
  const FoundRoot found = find_root(source);
  if (!found.has(Field::kRealmSlabFree)) return all;
  all.approximate = HeapReader(source, found, &all).read().approximate;
  std::sort(all.places.begin(), all.places.end(),
            [](const HeapPlaces& a, const HeapPlaces& b) { return a.start < b.start; });
  return all;
}

}  // namespace ashlar::reader
