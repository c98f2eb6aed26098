// heap: zones behind large blocks, and poison in those that were just freed.
#include "heap/redzone.h"

#include <bit>
#include <cstring>

#include "base/hints.h"

namespace ashlar::heap {

namespace {

constexpr std::size_t kRedZone = 32;                      // bytes that are looked at
constexpr unsigned char kPattern = 0xcc, kPoison = 0x6b;  // the kernel's (include/linux/poison.h)

// What a run's taker keeps in its descriptor (page::Page::owner). All zero, as pages leave it: no zone. Its lowest bits
// are clear, as those of a pointer: in realm_blocks.cc the lowest one tells a chunk from all else that a thread may
// read in a descriptor that another one changes.
struct Note {
  std::uint16_t unused = 0;
  unsigned char byte = 0;  // that the zone consists of
  bool set = false;
  std::uint32_t slack = 0;  // bytes of the run behind the block
};
static_assert(sizeof(Note) == sizeof(void*));
static_assert((std::bit_cast<std::uintptr_t>(Note{.byte = 0xff, .set = true, .slack = ~std::uint32_t{0}}) & 1) == 0);

Note note_of(PageId first) { return std::bit_cast<Note>(page::descriptor_of(first)->owner); }
void set_note(PageId first, Note note) { page::descriptor_of(first)->owner = std::bit_cast<void*>(note); }

std::size_t red_zone_bytes(Note note) { return note.slack < kRedZone ? note.slack : kRedZone; }

// True if a whole zone consists of a byte.
bool is_whole(const unsigned char* at, unsigned char byte) {
  std::uint64_t words[kRedZone / sizeof(std::uint64_t)];
  std::memcpy(words, at, kRedZone);
  const std::uint64_t wanted = byte * 0x0101010101010101u;
  return ((words[0] ^ wanted) | (words[1] ^ wanted) | (words[2] ^ wanted) | (words[3] ^ wanted)) == 0;
}

// The first of the bytes from `at` on that is another, or null.
const unsigned char* find_other(const unsigned char* at, std::size_t bytes, unsigned char byte) {
  if (bytes == kRedZone && is_whole(at, byte)) [[likely]]
    return nullptr;
  for (std::size_t i = 0; i < bytes; ++i) {
    if (at[i] != byte) return at + i;
  }
  return nullptr;
}

const unsigned char* bytes_at(std::uintptr_t address) { return reinterpret_cast<const unsigned char*>(address); }

[[noreturn, gnu::cold]] void die_of_overflow(PageId first, std::size_t size, const unsigned char* wrong,
                                             const char* caller) {
  Text<300> line;
  line << caller << ": corrupt memory at ";
  line.pointer(wrong) << ": a write beyond the end of the block of " << size << " bytes at ";
  line.hex(first.address());
  os::say(line.view());
  os::die();
}

[[noreturn, gnu::cold]] void die_of_underflow(PageId first, const char* caller) {
  Text<300> line;
  line << caller << ": corrupt memory before ";
  line.hex(first.address()) << ": a write before the block that starts there";
  os::say(line.view());
  os::die();
}

[[noreturn, gnu::cold]] void die_of_late_write(PageId first) {
  Text<300> line;
  line << "free(): corrupt memory at ";
  line.hex(first.address()) << ": a write after the block that started there was freed";
  os::say(line.view());
  os::die();
}

[[ASHLAR_ALWAYS_RUN]] bool ends_with_zeros(PageId page) {
  return is_whole(bytes_at(page.address() + kPageBytes - kRedZone), 0);
}

// As they were left, or zero, after the page went back to the system. That may happen at any moment, after MADV_FREE
// and while another thread purges the page, but once only: so poison is asked for first.
[[ASHLAR_ALWAYS_RUN]] bool is_intact(PageId page) {
  const unsigned char* const at = bytes_at(page.address());
  if (is_whole(at, kPoison)) return true;
  std::atomic_signal_fence(std::memory_order_seq_cst);  // the page is read again
  return is_whole(at, 0);
}

constinit const page::Watcher watcher{is_intact, die_of_late_write};

// Set when the first run was freed. Relaxed: doing it twice is harmless.
// In .data, on a page that the dynamic linker writes anyway: every process looks here when it ends, also one that
// allocates nothing.
[[gnu::section(".data")]] constinit std::atomic<bool> watching{false};

void watch() {
  if (watching.load(std::memory_order_relaxed)) return;
  page::set_watcher(watcher);
  watching.store(true, std::memory_order_relaxed);
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] void set_red_zone(PageId first, PageCount count, bool zeroed, std::size_t size) {
  Note note{.byte = zeroed ? static_cast<unsigned char>(0) : kPattern,
            .set = true,
            .slack = static_cast<std::uint32_t>(count.bytes() - size)};
  set_note(first, note);
  if (!zeroed) std::memset(reinterpret_cast<void*>(first.address() + size), kPattern, red_zone_bytes(note));
}

[[ASHLAR_ALWAYS_RUN]] void check_red_zone(PageId first, PageCount count, const char* caller) {
  const Note note = note_of(first);
  if (!note.set) return;
  const std::size_t size = count.bytes() - note.slack;
  const unsigned char* const wrong = find_other(bytes_at(first.address() + size), red_zone_bytes(note), note.byte);
  if (wrong != nullptr) [[unlikely]]
    die_of_overflow(first, size, wrong, caller);
}

[[ASHLAR_ALWAYS_RUN]] void forget_red_zone(PageId first) { set_note(first, {}); }

[[ASHLAR_ALWAYS_RUN]] bool release_run(PageId first, PageCount count, const char* caller) {
  check_red_zone(first, count, caller);
  watch();
  std::memset(first.pointer(), kPoison, kRedZone);
  const page::RunEnd end = page::free_watched_run(first, ends_with_zeros);
  if (end == page::RunEnd::kRefused) [[unlikely]]
    die_of_underflow(first, caller);
  return end == page::RunEnd::kDone;
}

[[ASHLAR_ALWAYS_RUN]] void check_freed_runs() {
  if (watching.load(std::memory_order_relaxed)) page::check_watched();
}

}  // namespace ashlar::heap
