// Is a process that is hard to report on, or that tries to harm a report. Usage: hostile MODE [COUNT]
//
//   names       a cache whose name is HTML
//   twins       two caches whose names print alike
//   arenas      COUNT more arenas of 1 GiB in its table, where nothing is mapped, all described by the same memory
//   mapped      the same where address space is mapped, though never touched
//   later       the same with descriptors of their own, at the next line of its input
//   shared      the same with descriptors of their own, which are one piece of memory mapped again and again
//   zones       COUNT more arenas, each of a zone of its own, of which two have the same node
//   swap        swap areas that nobody can read, that start at no page, that are mapped nowhere, that overlap, and two
//               with paths that are unsafe for a terminal, of which one does not end
//   waits       at the next line of its input, an arena whose zone nobody can read before the process ends
//   roots       COUNT copies of the root block that name themselves
//   reserve     COUNT MiB in use of 64 reserved ones at a multiple of 64 MiB, like some garbage collectors
//   arena       the same with the header of one of glibc's arenas
//   sites       a profile of 2^18 sites of 256 frames
//   chunks      a profile whose table of threads has a chunk of 4 GiB
//   heaps-ring, heaps-ring-of-chunks, heaps-ring-of-large, heaps-outside, heaps-sizes
//               a heap of its own that is its own successor, or whose chunks or large blocks are, or whose lists lead
//               to unmapped addresses, or whose figures have the largest values
//   exec        executes itself again at the next line of its input, with COUNT MiB
//
// It prints "ready", or "cannot" if the system has no userfaultfd(2) for it, and waits for its input to end.
#include <fcntl.h>
#include <link.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "stats/format.h"

namespace {

using namespace ashlar::format;

constexpr std::size_t kPages = 1 << 18, kDescriptor = 32, kPage = 4096;

std::size_t at(const Root& root, Field field) { return root.fields[static_cast<unsigned>(field)].offset; }

template <class T>
void put(char* entry, std::size_t offset, T value) {
  std::memcpy(entry + offset, &value, sizeof value);
}

char* map(std::size_t bytes, int protection, int flags, int file) {
  void* const p = mmap(nullptr, bytes, protection, flags | MAP_NORESERVE, file, 0);
  if (p == MAP_FAILED) std::exit(1);
  return static_cast<char*>(p);
}

// Descriptors of kPages runs of one page each.
char* runs(const Root& root, int file) {
  const int flags = file >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
  char* const all = map(kPages * kDescriptor, PROT_READ | PROT_WRITE, flags, file);
  for (std::size_t i = 0; i < kPages; ++i) {
    put(all + i * kDescriptor, at(root, Field::kPageState), PageState::kRun);
    put(all + i * kDescriptor, at(root, Field::kRunPages), std::uint32_t{1});
  }
  return all;
}

void add_arenas(const Root& root, const std::string& mode, std::size_t count) {
  const TableInfo& table = root.tables[static_cast<unsigned>(Table::kArenas)];
  char* const arenas = static_cast<char*>(const_cast<void*>(table.start));
  const int file = mode == "shared" ? memfd_create("descriptors", 0) : -1;
  if (file >= 0 && ftruncate(file, kPages * kDescriptor) != 0) std::exit(1);
  char* descriptors = runs(root, file);
  for (std::size_t i = 1; i <= count; ++i) {
    char* const entry = arenas + i * table.stride;
    std::uint64_t base = 0x100000000000 + i * kPages * kPage;
    if (mode != "arenas") {
      base = reinterpret_cast<std::uintptr_t>(map(kPages * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1));
    }
    if (mode == "later" && i > 1) descriptors = runs(root, -1);
    if (mode == "shared" && i > 1) descriptors = map(kPages * kDescriptor, PROT_READ, MAP_SHARED, file);
    std::memcpy(entry, arenas, table.stride);
    put(entry, at(root, Field::kArenaBase), base);
    put(entry, at(root, Field::kArenaPages), static_cast<std::uint32_t>(kPages));
    put(entry, at(root, Field::kArenaDescriptors), descriptors);
  }
}

// Arenas of one page each. Their zones are adjacent.
void add_zones(const Root& root, std::size_t count, char* zones) {
  const TableInfo& table = root.tables[static_cast<unsigned>(Table::kArenas)];
  const std::size_t zone_bytes = root.tables[static_cast<unsigned>(Table::kZones)].stride;
  char* const arenas = static_cast<char*>(const_cast<void*>(table.start));
  char* const descriptors = map(count * kDescriptor, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  char* const memory = map(count * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  for (std::size_t i = 0; i < count; ++i) {
    char* const entry = arenas + (i + 1) * table.stride;
    std::memcpy(entry, arenas, table.stride);
    put(entry, at(root, Field::kArenaBase), memory + i * kPage);
    put(entry, at(root, Field::kArenaPages), std::uint32_t{1});
    put(entry, at(root, Field::kArenaDescriptors), descriptors + i * kDescriptor);
    put(entry, at(root, Field::kArenaZone), zones + i * zone_bytes);
  }
}

void add_zones_of_nodes(const Root& root, std::size_t count) {
  const std::size_t zone_bytes = root.tables[static_cast<unsigned>(Table::kZones)].stride;
  char* const zones = map(count * zone_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  const FieldInfo node = root.fields[static_cast<unsigned>(Field::kZoneNode)];
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t number = i / 2;
    std::memcpy(zones + i * zone_bytes + node.offset, &number, std::min<std::size_t>(node.size, sizeof number));
  }
  add_zones(root, count, zones);
}

void add_swap_areas(const Root& root) {
  constexpr std::size_t kMiB = 1 << 20;
  const std::size_t stride = root.fields[static_cast<unsigned>(Field::kSwapStride)].size;
  const std::size_t path_bytes = root.fields[static_cast<unsigned>(Field::kSwapPath)].size;
  const TableInfo& table = root.tables[static_cast<unsigned>(Table::kSwapAreas)];
  char* const areas = map(8 * stride, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  char* const memory = map(4 * kMiB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  const auto start = reinterpret_cast<std::uintptr_t>(memory);
  const struct {
    std::uint64_t base, bytes;
  } made[] = {{start + 1, kMiB}, {0x200000000000, kMiB}, {start, ~std::uint64_t{0} - 4095},
              {start, 2 * kMiB}, {start + kMiB, kMiB},   {start + 2 * kMiB, kMiB}};
  std::uint64_t addresses[32] = {0x1000};
  for (std::size_t i = 0; i < sizeof made / sizeof made[0]; ++i) {
    char* const area = areas + i * stride;
    put(area, at(root, Field::kSwapBase), made[i].base);
    put(area, at(root, Field::kSwapBytes), made[i].bytes);
    put(area, at(root, Field::kSwapPriority), std::int32_t{-2147483647});
    std::memset(area + at(root, Field::kSwapPath), 0xff, path_bytes);
    addresses[i + 1] = reinterpret_cast<std::uintptr_t>(area);
  }
  constexpr char kPath[] = "/\x1b[2J \n\xe2\x80\xae";
  std::memcpy(areas + 5 * stride + at(root, Field::kSwapPath), kPath, sizeof kPath);
  for (std::size_t i = 7; i < 32; ++i) addresses[i] = addresses[4];  // repeated
  std::memcpy(const_cast<void*>(table.start), addresses, sizeof addresses);
}

void say(std::string_view line) {
  if (write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::exit(1);
}

// Prints "waits" as soon as a reader waits.
void add_zone_that_waits(const Root& root) {
  char* const page = map(kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  const int faults = static_cast<int>(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK));
  uffdio_api api{};
  api.api = UFFD_API;
  uffdio_register part{};
  part.range = {reinterpret_cast<std::uintptr_t>(page), kPage};
  part.mode = UFFDIO_REGISTER_MODE_MISSING;
  if (faults < 0 || ioctl(faults, UFFDIO_API, &api) != 0 || ioctl(faults, UFFDIO_REGISTER, &part) != 0) {
    return say("cannot\n");
  }
  add_zones(root, 1, page);
  say("ready\n");
  pollfd events[] = {{faults, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
  if (poll(events, 2, -1) > 0 && events[0].revents != 0) say("waits\n");
}

// In the program's own data, which the reader searches after the library's.
alignas(16) char copies[64 << 20] = {1};
void add_roots(const Root& root, std::size_t count) {
  constexpr std::size_t kStep = 48;
  for (std::size_t i = 0; i < count && (i + 1) * kStep + sizeof root <= sizeof copies; ++i) {
    auto* const copy = reinterpret_cast<Root*>(copies + i * kStep);
    std::memcpy(static_cast<void*>(copy), &root, kStep);
    copy->self = copy;
  }
}

void add_cache(const char* name, std::size_t size) {
  using Create = void* (*)(const char*, std::size_t, std::size_t, unsigned, void (*)(void*));
  using Take = void* (*)(void*);
  const auto create = reinterpret_cast<Create>(dlsym(RTLD_DEFAULT, "ashlar_cache_create"));
  const auto take = reinterpret_cast<Take>(dlsym(RTLD_DEFAULT, "ashlar_cache_alloc"));
  void* const cache = create != nullptr ? create(name, size, 8, 1, nullptr) : nullptr;
  if (cache == nullptr || take(cache) == nullptr) std::exit(1);
}

void add_twins() {
  add_cache("twin\xe2\x80\xae", 1024);  // U+202E
  add_cache("twin\\u202e", 2048);
}

void reserve(std::size_t mib, bool with_header) {
  constexpr std::size_t kHeap = 64 << 20;
  char* const place = map(2 * kHeap, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  char* const heap = place + (kHeap - reinterpret_cast<std::uintptr_t>(place) % kHeap) % kHeap;
  if (mprotect(heap, mib << 20, PROT_READ | PROT_WRITE) != 0) std::exit(1);
  std::memset(heap, 0x5a, mib << 20);
  const std::uint64_t head[4] = {reinterpret_cast<std::uintptr_t>(heap) + 48, 0, mib << 20, mib << 20};
  if (with_header) std::memcpy(heap, head, sizeof head);
}

// In a profile that was never started.
void add_profile(const Root& root, const std::string& mode) {
  constexpr std::size_t kSites = 1 << 18, kWords = 2048;
  static char state[1 << 17], buckets[1 << 14];
  static std::uint64_t words[kWords];
  Root& writable = const_cast<Root&>(root);
  const auto size = [&](Field field) -> std::uint16_t& { return writable.fields[static_cast<unsigned>(field)].size; };
  const auto start = reinterpret_cast<std::uintptr_t>(&root) / kPage * kPage;
  const std::size_t bytes = reinterpret_cast<std::uintptr_t>(&root + 1) - start;
  if (mprotect(reinterpret_cast<void*>(start), bytes, PROT_READ | PROT_WRITE) != 0) std::exit(1);
  if (mode == "sites") {
    words[1] = 256;
    for (std::size_t i = 2; i < kWords; ++i) words[i] = 0x1000 + i;
    put(state, at(root, Field::kProfileStacks), words);
    put(state, at(root, Field::kProfileStacksUsed), static_cast<std::uint32_t>(kWords));
    const std::size_t in_chunk = size(Field::kProfileBuckets), stride = size(Field::kBucketStride);
    for (std::size_t i = 0; i < in_chunk; ++i) {
      put(buckets + i * stride, at(root, Field::kBucketStack), std::uint32_t{1});
      put(buckets + i * stride, at(root, Field::kBucketAllocated) + 8, 1.0);
    }
    for (std::size_t i = 0; i < kSites / in_chunk; ++i) {
      put(state, at(root, Field::kProfileBuckets) + i * sizeof(void*), &buckets[0]);
    }
    put(state, at(root, Field::kProfileBucketsUsed), static_cast<std::uint32_t>(kSites));
  } else {
    size(Field::kProfileThreads) = size(Field::kProfiledThreadStride) = 65535;
    put(state, at(root, Field::kProfileThreadsUsed), std::uint32_t{2});
  }
  put(state, at(root, Field::kProfileRate), std::uint64_t{1});
  const void* const on = root.tables[static_cast<unsigned>(Table::kProfileOn)].start;
  const void* const leads = root.tables[static_cast<unsigned>(Table::kProfile)].start;
  put(static_cast<char*>(const_cast<void*>(on)), 0, std::uint64_t{1});
  put(static_cast<char*>(const_cast<void*>(leads)), 0, &state[0]);
}

// A heap that nothing made, with a name that a terminal would act upon.
void add_heap(const Root& root, const std::string& mode) {
  alignas(16) static char heap[1 << 14], chunk[1 << 12], block[1 << 10];
  put(heap, at(root, Field::kRealmName), "\x1b[31m\xff");
  put(heap, at(root, Field::kRealmBytes), ~std::uint64_t{0});
  if (mode == "heaps-ring") {
    put(heap, at(root, Field::kRealmNext), &heap[0]);
  } else if (mode == "heaps-ring-of-chunks") {
    put(chunk, at(root, Field::kRealmBlockNext), &chunk[0]);
    put(heap, at(root, Field::kRealmOpen), &chunk[0]);
    put(heap, at(root, Field::kRealmFull), &chunk[0]);
  } else if (mode == "heaps-ring-of-large") {  // also a name without an end
    std::memset(heap + at(root, Field::kRealmName), 'x', root.fields[static_cast<unsigned>(Field::kRealmName)].size);
    put(block, at(root, Field::kRealmBlockStart), std::uint64_t{1} << 30);
    put(block, at(root, Field::kRealmBlockBytes), std::uint64_t{kPage});
    put(block, at(root, Field::kRealmBlockNext), &block[0]);
    put(heap, at(root, Field::kRealmLarge), &block[0]);
  } else if (mode == "heaps-outside") {
    put(heap, at(root, Field::kRealmOpen), std::uint64_t{0x100});
    put(heap, at(root, Field::kRealmLarge), ~std::uint64_t{0});
    put(heap, at(root, Field::kRealmNext), std::uint64_t{7});
  } else {
    std::memset(chunk + at(root, Field::kRealmChunkUsed), 0xff, sizeof chunk - at(root, Field::kRealmChunkUsed));
    put(block, at(root, Field::kRealmBlockStart), std::uint64_t{kPage});
    put(block, at(root, Field::kRealmBlockBytes), ~std::uint64_t{0});
    std::memset(heap + at(root, Field::kRealmLoaded), 0xff, 64);
    put(heap, at(root, Field::kRealmOpen), &chunk[0]);
    put(heap, at(root, Field::kRealmLarge), &block[0]);
  }
  const void* const list = root.tables[static_cast<unsigned>(Table::kRealms)].start;
  put(static_cast<char*>(const_cast<void*>(list)), 0, &heap[0]);
}

void hold(std::size_t mib) {
  for (std::size_t i = 0; i < mib * 16; ++i) std::memset(std::malloc(1 << 16), 1, 1 << 16);
}

// The root block is not a symbol. Like the command, this code searches for its magic and its own address in the
// library's data.
int find_root(dl_phdr_info* library, std::size_t /*size*/, void* found) {
  if (std::strstr(library->dlpi_name, "libashlar") == nullptr) return 0;
  for (int i = 0; i < library->dlpi_phnum; ++i) {
    const auto& part = library->dlpi_phdr[i];
    if (part.p_type != PT_LOAD || (part.p_flags & PF_W) == 0) continue;
    const std::uintptr_t start = library->dlpi_addr + part.p_vaddr;
    for (std::uintptr_t at = (start + 15) / 16 * 16; at + sizeof(Root) <= start + part.p_memsz; at += 16) {
      const auto* const root = reinterpret_cast<const Root*>(at);
      if (std::memcmp(root->magic, ashlar::format::kMagic, sizeof root->magic) != 0 || root->self != root) continue;
      *static_cast<const Root**>(found) = root;
      return 1;
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  const std::size_t count = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 0;
  std::free(std::malloc(100));
  const Root* root = nullptr;
  if (dl_iterate_phdr(find_root, &root) != 1) return 1;
  if (mode == "names") add_cache("<img/src/onerror=alert(1)>", 100);
  else if (mode == "twins") add_twins();
  else if (mode == "zones") add_zones_of_nodes(*root, count);
  else if (mode == "swap") add_swap_areas(*root);
  else if (mode == "roots") add_roots(*root, count);
  else if (mode == "reserve" || mode == "arena") reserve(count, mode == "arena");
  else if (mode == "exec") hold(count);
  else if (mode == "sites" || mode == "chunks") add_profile(*root, mode);
  else if (mode.starts_with("heaps-")) add_heap(*root, mode);
  else if (mode != "later" && mode != "waits") add_arenas(*root, mode, count);
  say("ready\n");
  for (char c = 0; read(STDIN_FILENO, &c, 1) == 1;) {
    if (mode == "exec") execl("/proc/self/exe", argv[0], argv[1], argv[2], nullptr);
    if (mode == "waits") add_zone_that_waits(*root);
    if (mode != "later") continue;
    add_arenas(*root, mode, count);
    say("ready\n");
  }
  return 0;
}
