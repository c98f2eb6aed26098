// Checks from inside a program what harden promises of blocks: hardened CASE. Prints a figure, or ends with status 0
// when nothing stopped a misuse.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <vector>

namespace {

constexpr size_t kLarge = 40000;
constexpr char kSecret[] = "secret";
constexpr int kMany = 33000;  // large blocks: more than may have guards

void* (*volatile allocate)(size_t) = malloc;
void (*volatile release)(void*) = free;
void* (*volatile resize)(void*, size_t) = realloc;

char* get(size_t size) { return static_cast<char*>(allocate(size)); }
void write_at(char* p) { *static_cast<volatile char*>(p) = 'A'; }

std::vector<char*> get_many(int n, size_t size) {
  std::vector<char*> blocks(static_cast<size_t>(n));
  for (char*& p : blocks) p = get(size);
  return blocks;
}

// The last of many large blocks are freed and taken again: how many still show what the others held.
int many_large_old_data() {
  std::vector<char*> blocks = get_many(kMany, kLarge);
  const size_t first = blocks.size() - 500;
  for (size_t i = first; i < blocks.size(); ++i) strcpy(blocks[i] + 5000, kSecret);
  for (size_t i = first; i < blocks.size(); ++i) release(blocks[i]);
  int old = 0;
  for (size_t i = first; i < blocks.size(); ++i) old += strcmp(get(kLarge) + 5000, kSecret) == 0;
  printf("%d\n", old);
  return 0;
}

int many_large_overflow() {
  char* const p = get_many(kMany, kLarge).back();
  write_at(p + kLarge);
  release(p);
  return 0;
}

// Of 100 successive pairs of blocks those of which the second begins less than twice the size behind the first.
int percent_adjacent(size_t size) {
  const std::vector<char*> blocks = get_many(501, size);
  int adjacent = 0;
  for (size_t i = 1; i < blocks.size(); ++i) {
    const auto distance = reinterpret_cast<uintptr_t>(blocks[i]) - reinterpret_cast<uintptr_t>(blocks[i - 1]);
    adjacent += distance < 2 * size;
  }
  printf("%d\n", adjacent / 5);
  return 0;
}

// How many addresses a block has that grows to 2 MiB in steps of 4 KiB, and whether each step is zero and all is kept.
int addresses_of_growth() {
  std::set<char*> addresses;
  size_t size = 4096;
  char* p = get(size);
  memset(p, 1, size);
  for (; size < size_t{2} << 20; size += 4096) {
    p = static_cast<char*>(resize(p, size + 4096));
    addresses.insert(p);
    if (p[0] != 1 || p[size - 1] != 1) return 1;
    if (std::any_of(p + size, p + size + 4096, [](char c) { return c != 0; })) return 2;
    memset(p + size, 1, 4096);
  }
  printf("%zu\n", addresses.size());
  return 0;
}

int addresses_of_same_size(size_t size) {
  std::set<void*> addresses;
  void* p = get(size);
  for (int i = 0; i < 100; ++i) addresses.insert(p = resize(p, size - static_cast<size_t>(i % 2)));
  printf("%zu\n", addresses.size());
  return 0;
}

// A block that was given less in its place, and a byte behind what it has now.
int overflow_of_shrunk(size_t from, size_t to) {
  char* const p = static_cast<char*>(resize(get(from), to));
  write_at(p + to);
  release(p);
  return 0;
}

// What a block gains must be zero, though it held data before.
int regained(size_t size, size_t less) {
  char* p = get(size);
  memset(p, 1, size);
  p = static_cast<char*>(resize(resize(p, less), size));
  const bool kept = std::all_of(p, p + less, [](char c) { return c == 1; });
  printf("%d\n", kept && std::all_of(p + less, p + size, [](char c) { return c == 0; }));
  return 0;
}

size_t resident_kib() {
  FILE* const file = fopen("/proc/self/statm", "r");
  size_t all = 0, resident = 0;
  if (fscanf(file, "%zu %zu", &all, &resident) != 2) abort();
  fclose(file);
  return resident * 4;
}

// Percent of what was resident that still is, some time after nearly half of all blocks were freed, with some activity
// meanwhile.
int percent_kept() {
  std::vector<char*> blocks = get_many(6000, 20000);
  for (char* const p : blocks) memset(p, 1, 20000);
  const size_t before = resident_kib();
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (i < blocks.size() * 45 / 100) release(blocks[i]);
  }
  size_t after = before;
  // On a busy machine a step of purging, which ends after 60 us, may be a few pages.
  for (int round = 0; round < 400 && after > before * 3 / 4; ++round) {
    for (int i = 0; i < 200; ++i) release(get(200));
    const timespec pause = {0, 50'000'000};
    nanosleep(&pause, nullptr);
    after = resident_kib();
  }
  printf("%zu\n", after * 100 / before);
  return 0;
}

struct Case {
  const char* name;
  int (*run)();
};
const Case kCases[] = {
    {"many_large_old_data", many_large_old_data},
    {"many_large_overflow", many_large_overflow},
    {"adjacent_1000", [] { return percent_adjacent(1000); }},
    {"adjacent_8000", [] { return percent_adjacent(8000); }},
    {"adjacent_30000", [] { return percent_adjacent(30000); }},
    {"adjacent_100000", [] { return percent_adjacent(100000); }},
    {"addresses_of_growth", addresses_of_growth},
    {"same_size_40", [] { return addresses_of_same_size(40); }},
    {"same_size_2000000", [] { return addresses_of_same_size(2000000); }},
    {"shrunk_100", [] { return overflow_of_shrunk(110, 100); }},
    {"shrunk_150000", [] { return overflow_of_shrunk(200000, 150000); }},
    {"regained_100", [] { return regained(110, 100); }},
    {"regained_100_for_20", [] { return regained(100, 20); }},
    {"regained_200000", [] { return regained(200000, 150000); }},
    {"regained_200000_for_100", [] { return regained(200000, 100); }},
    {"percent_kept", percent_kept},
};

}  // namespace

int main(int argc, char** argv) {
  for (const Case& c : kCases) {
    if (argc == 2 && strcmp(argv[1], c.name) == 0) return c.run();
  }
  fputs("usage: hardened CASE\n", stderr);
  return 2;
}
