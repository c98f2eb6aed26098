// api: distinguishes glibc's blocks from stray pointers by the header before the block. Source: glibc 2.36,
// malloc/malloc.c ("struct malloc_chunk", "Sizes and flags") and malloc/arena.c ("heap_info").
//
//   p - 16  previous chunk's size, or a mapped chunk's offset in its mapping
//   p - 8   chunk size, a multiple of 16 | main arena: 0, other arena: 4 | mapped: 2 | previous in use: 1
//
// A mapped chunk's size extends to the end of its mapping. Since glibc 2.43 it is 16 bytes less, as for other chunks.
// Where the chunk ends shows which of the two it is, whatever the version.
#include "api/foreign.h"

#include "base/misuse.h"
#include "os/os.h"

namespace ashlar::api::foreign {

namespace {

enum class Kind {
  kNone,       // does not look like a chunk
  kForward,    // a chunk of this process's glibc, or one that any glibc can free
  kElsewhere,  // a chunk of another glibc's main arena (dlmopen): no code here may free it
};

struct Chunk {
  Kind kind = Kind::kNone;
  std::size_t usable = 0;
};

constexpr std::size_t kMapped = 2, kOtherArena = 4, kPreviousInUse = 1, kFlags = 7;
constexpr std::size_t kHeader = 16, kMinChunk = 32;
// HEAP_MAX_SIZE, to which arenas other than the main one are aligned: the usual value, and the values with huge pages
// of 2 MiB or 1 GiB (glibc.malloc.hugetlb=2), which are four huge pages.
constexpr std::size_t kHeapMax[] = {64_MiB, 8_MiB, 4_GiB};

std::size_t word_at(std::uintptr_t address) { return *reinterpret_cast<const std::size_t*>(address); }

bool readable(std::uintptr_t address, std::size_t n) { return os::readable(reinterpret_cast<const void*>(address), n); }

bool in_heap(std::uintptr_t chunk, std::size_t size, std::size_t max) {
  const std::uintptr_t heap = round_down(chunk, max);
  // heap_info: arena, previous heap, size, …
  if (!readable(heap, 4 * sizeof(std::size_t))) return false;
  const std::size_t heap_size = word_at(heap + 2 * sizeof(std::size_t));
  return word_at(heap) != 0 && heap_size <= max && heap_size % kPageBytes == 0 && chunk + size <= heap + heap_size;
}

bool in_other_arena(std::uintptr_t chunk, std::size_t size) {
  for (const std::size_t max : kHeapMax) {
    if (in_heap(chunk, size, max)) return true;
  }
  return false;
}

Chunk classify_mapped(std::uintptr_t chunk, std::size_t size) {
  const std::size_t before = word_at(chunk);
  if (before >= size + chunk || (chunk - before) % kPageBytes != 0) return {};
  const std::size_t beyond = (before + size) % kPageBytes;
  if (beyond == 0) return {Kind::kForward, size - kHeader};
  return beyond == kPageBytes - kHeader ? Chunk{Kind::kForward, size - 8} : Chunk{};
}

Chunk classify(const void* p) {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  if (address % kMinAlign != 0 || address < kPageBytes || !readable(address - kHeader, 2 * kHeader)) return {};
  const std::uintptr_t chunk = address - kHeader;
  const std::size_t flags = word_at(chunk + 8) & kFlags;
  const std::size_t size = word_at(chunk + 8) - flags;
  if (size < kMinChunk || size % kMinAlign != 0 || size > PTRDIFF_MAX) return {};
  if ((flags & kMapped) != 0) return classify_mapped(chunk, size);
  if ((flags & kOtherArena) != 0) {
    return in_other_arena(chunk, size) ? Chunk{Kind::kForward, size - 8} : Chunk{};
  }
  if (os::in_break(p)) return {Kind::kForward, size - 8};
  // another glibc's main arena is in mappings; the next chunk must say that this one is in use
  if (!readable(chunk + size, kHeader)) return {};
  const std::size_t next = word_at(chunk + size + 8);
  const bool plausible = (next & kPreviousInUse) != 0 && (next & ~kFlags) >= kMinAlign && (next & kMapped) == 0 &&
                         (next & ~kFlags) < (std::size_t{1} << kAddressBits);
  return plausible ? Chunk{Kind::kElsewhere, size - 8} : Chunk{};
}

[[noreturn]] void die_of_stray(const void* p, const char* caller) {
  MisuseLine line = not_a_start(caller, p);
  line << (reinterpret_cast<std::uintptr_t>(p) >> kAddressBits == 0 ? " (no heap of this process holds it)"
                                                                    : " (no program has addresses above 48 bits)");
  os::say(line.view());
  os::die();
}

// The two words before an address decide whether it looks like a chunk, and an attacker may have written them. Where
// glibc's malloc was behind ours from the start, nothing has blocks of it, except by the option deepbind.
bool may_have_blocks() {
  if (!os::has_glibc() || ashlar_libc_symbol == nullptr || os::is_static()) return false;
  return options.harden == 0 || options.deepbind != 0 || !os::comes_before_libc();
}

Chunk classify_or_die(const void* p, const char* caller) {
  const Chunk chunk = may_have_blocks() ? classify(p) : Chunk{};
  if (chunk.kind == Kind::kNone) die_of_stray(p, caller);
  return chunk;
}

}  // namespace

void free(void* p, const char* caller) {
  if (classify_or_die(p, caller).kind == Kind::kElsewhere) return;  // the block is lost, which is harmless
  using Free = void (*)(void*);
  // Looked up at each call, since it is rare. dlsym may allocate, which is safe here as no lock is held.
  if (auto* const next = reinterpret_cast<Free>(ashlar_libc_symbol("__libc_free"))) next(p);
}

std::size_t usable_bytes(const void* p, const char* caller) { return classify_or_die(p, caller).usable; }

}  // namespace ashlar::api::foreign
