// Fuzz target: reads core files. The input is either a file itself, or changes to a small complete one that is made
// here, with notes, a root block and tables after it. A file that is not a core file must be refused. Nothing may crash
// or hang.
#include <elf.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/procfs.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "fuzz/input.h"
#include "stats/format.h"
#include "tool/error.h"
#include "tool/reader/leaks.h"
#include "tool/reader/reader.h"

namespace {

using namespace ashlar;
using Bytes = std::vector<uint8_t>;

constexpr uint64_t kImage = 0x7f0000000000, kTables = 0x7f0000010000, kHeap = 0x7f1000000000;
constexpr const char kLibrary[] = "/nowhere/libashlar.so";

template <class T>
void put(Bytes& bytes, size_t at, const T& value) {
  if (bytes.size() < at + sizeof value) bytes.resize(at + sizeof value);
  memcpy(bytes.data() + at, &value, sizeof value);
}

void add_note(Bytes& notes, uint32_t type, const Bytes& content) {
  put(notes, notes.size(), Elf64_Nhdr{5, static_cast<uint32_t>(content.size()), type});
  put(notes, notes.size(), uint64_t{0x45524f43});  // "CORE"
  notes.insert(notes.end(), content.begin(), content.end());
  notes.resize((notes.size() + 3) / 4 * 4);
}

Bytes make_notes() {
  Bytes notes, content;
  prpsinfo_t process{};
  process.pr_pid = 42;
  strcpy(process.pr_fname, "program");
  put(content, 0, process);
  add_note(notes, NT_PRPSINFO, content);
  content.clear();
  prstatus_t thread{};
  thread.pr_pid = 42;
  put(content, 0, thread);
  add_note(notes, NT_PRSTATUS, content);
  content.clear();
  put(content, 0, Elf64_auxv_t{AT_ENTRY, {0x400000}});
  add_note(notes, NT_AUXV, content);
  content.clear();
  const uint64_t files[] = {1, 4096, kImage, kImage + 4 * 4096, 0};
  put(content, 0, files);
  content.insert(content.end(), std::begin(kLibrary), std::end(kLibrary));
  add_note(notes, NT_FILE, content);
  return notes;
}

// A field of an entry in the tables, at the library's own place.
void set(Bytes& memory, uint64_t entry, format::Field field, uint64_t value) {
  const format::FieldInfo& info = ashlar_root.fields[static_cast<unsigned>(field)];
  const size_t at = entry - kTables + info.offset;
  if (memory.size() < at + 8) memory.resize(at + 8);
  memcpy(memory.data() + at, &value, info.size);
}

// The root block, followed by its tables. The first table has an arena of 16 pages.
Bytes make_root(Bytes& tables) {
  format::Root root = ashlar_root;
  uint64_t next = kTables;
  for (format::TableInfo& table : root.tables) {
    table.start = reinterpret_cast<const void*>(next);
    next += (uint64_t{table.stride} * std::min(table.count, 64u) + 63) / 64 * 64;
    table.count = std::min(table.count, 64u);
  }
  root.self = reinterpret_cast<const format::Root*>(kImage);
  const auto at = [&root](format::Table t) {
    return reinterpret_cast<uintptr_t>(root.tables[static_cast<unsigned>(t)].start);
  };
  const uint64_t arena = at(format::Table::kArenas), descriptors = next;
  using Field = format::Field;
  tables.resize(descriptors - kTables + size_t{16} * 32);
  set(tables, arena, Field::kArenaBase, kHeap);
  set(tables, arena, Field::kArenaPages, 16);
  set(tables, arena, Field::kArenaZone, at(format::Table::kZones));
  set(tables, arena, Field::kArenaDescriptors, descriptors);
  set(tables, arena, Field::kArenaDirty, descriptors);
  const format::PageState states[] = {format::PageState::kSlab, format::PageState::kRun, format::PageState::kFree,
                                      format::PageState::kExtent};
  for (unsigned i = 0; i < 4; ++i) {
    set(tables, descriptors + size_t{i} * 4 * 32, Field::kPageState, static_cast<uint64_t>(states[i]));
    set(tables, descriptors + size_t{i} * 4 * 32, Field::kPageOrder, 2);
  }
  set(tables, descriptors, Field::kSlabClass, 4);
  set(tables, descriptors, Field::kSlabCapacity, 200);
  set(tables, descriptors, Field::kSlabInUse, 3);
  set(tables, descriptors, Field::kSlabFreeCount, 2);
  set(tables, descriptors + size_t{4} * 32, Field::kRunPages, 4);
  set(tables, descriptors + size_t{12} * 32, Field::kExtentPages, 4);
  Bytes image;
  put(image, 0, root);
  image.resize(size_t{4} * 4096);  // the part of a file's mapping that the core file lacks is read from the file
  return image;
}

Bytes make_core() {
  Bytes tables;
  const Bytes notes = make_notes(), image = make_root(tables), heap(256);
  Bytes core(sizeof(Elf64_Ehdr) + 4 * sizeof(Elf64_Phdr));
  Elf64_Ehdr head{};
  memcpy(head.e_ident, ELFMAG, SELFMAG);
  head.e_ident[EI_CLASS] = ELFCLASS64;
  head.e_ident[EI_DATA] = ELFDATA2LSB;
  head.e_type = ET_CORE;
  head.e_phoff = sizeof head;
  head.e_phentsize = sizeof(Elf64_Phdr);
  head.e_phnum = 4;
  put(core, 0, head);
  const struct {
    uint32_t type;
    const Bytes& content;
    uint64_t address, size;
  } parts[] = {{PT_NOTE, notes, 0, 0},
               {PT_LOAD, image, kImage, 4 * 4096},
               {PT_LOAD, tables, kTables, 64 << 20},
               {PT_LOAD, heap, kHeap, 16 * 4096}};
  for (size_t i = 0; i < 4; ++i) {
    const Elf64_Phdr segment{parts[i].type,           PF_R | PF_W,   core.size(), parts[i].address, 0,
                             parts[i].content.size(), parts[i].size, 4096};
    put(core, sizeof head + i * sizeof segment, segment);
    core.insert(core.end(), parts[i].content.begin(), parts[i].content.end());
  }
  return core;
}

// If it is 0, the input is the file. Otherwise the input is a list of changes: a place, a number of bytes, and the
// bytes.
Bytes file_of(ashlar_test::Input& input) {
  if (input.take(1) == 0) return {input.rest(), input.rest() + input.left()};
  static const Bytes whole = make_core();
  Bytes file = whole;
  while (!input.empty()) {
    // Most places are far behind, so headers, notes and the root block are made as likely as all tables.
    const size_t at = input.take(1) % 2 == 0 ? input.take(2) % 3000 : input.take(3);
    const auto count = static_cast<unsigned>(1 + input.take(1) % 8);
    const uint64_t bytes = input.take(count);
    if (at + count <= file.size()) memcpy(file.data() + at, &bytes, count);
    else file.resize(at % file.size() + 1);
  }
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ashlar_test::Input input(data, size);
  const bool is_whole = size == 1 && data[0] != 0;
  const Bytes bytes = file_of(input);
  const int file = memfd_create("core", MFD_CLOEXEC);
  FUZZ_EXPECT(file >= 0 && write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  try {
    const auto source = reader::Source::core("/proc/self/fd/" + std::to_string(file));
    const reader::Model model = reader::read_model(*source);
    reader::split_rss(*source, model);
    const reader::Roots roots = reader::find_roots(*source, model, source->threads());
    reader::Leaks(*source, model, roots).find_indirect();
    FUZZ_EXPECT(!is_whole || (model.arenas.size() == 1 && model.arenas[0].blocks.size() == 4));
  } catch (const tool::Failure& failure) {
    if (is_whole) fprintf(stderr, "%s\n", failure.what());
    FUZZ_EXPECT(!is_whole);
  }
  close(file);
  return 0;
}
