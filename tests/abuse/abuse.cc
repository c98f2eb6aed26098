// Misuses the heap once per run; the argument names the misuse. Prints the pointer that it misuses first. A run that
// survives the misuse ends with status 0, which the test treats as a failure.
#include <inttypes.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

// The compiler must not know what these do: it warns of, or removes, what is wrong.
void* (*volatile allocate)(size_t) = malloc;
void (*volatile release)(void*) = free;
void* (*volatile resize)(void*, size_t) = realloc;

// Tells the test which pointer is meant, before the process dies.
void* announce(void* p) {
  // dprintf would take its buffer from the allocator: from the very block, perhaps, that was just freed
  char line[32];
  const int n = snprintf(line, sizeof line, "0x%" PRIxPTR "\n", reinterpret_cast<uintptr_t>(p));
  if (write(1, line, static_cast<size_t>(n)) != n) abort();
  return p;
}

// Misuse of a small block may be found only when the magazine that holds it is flushed: so free many of its kind.
void flush(size_t size) {
  enum { kCount = 20000 };
  static void* blocks[kCount];
  for (int round = 0; round < 20; ++round) {
    for (void*& p : blocks) p = allocate(size);
    for (void* p : blocks) release(p);
  }
}

char* inside(size_t size, size_t offset) { return static_cast<char*>(allocate(size)) + offset; }

struct Misuse {
  const char* name;
  void (*commit)();
};

void* mapping() { return mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }

// Addresses that no program has: of letters, the kernel's, one of a processor with five levels of tables, and a block's
// with a tag in the bits that most processors do not ignore.
void* letters() { return reinterpret_cast<void*>(uintptr_t{0x4141414141414140}); }
void* of_kernel() { return reinterpret_cast<void*>(uintptr_t{0xffff888000001000}); }
void* five_levels() { return reinterpret_cast<void*>(uintptr_t{0x0008000000001010}); }
void* tagged(size_t size) {
  return reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(allocate(size)) | uintptr_t{0x2a} << 56);
}
size_t (*volatile usable)(void*) = malloc_usable_size;

const Misuse kMisuses[] = {
    {"free_letters", [] { release(announce(letters())); }},
    {"realloc_letters", [] { resize(announce(letters()), 500); }},
    {"malloc_usable_size_letters", [] { usable(announce(letters())); }},
    {"free_of_kernel", [] { release(announce(of_kernel())); }},
    {"realloc_of_kernel", [] { resize(announce(of_kernel()), 500); }},
    {"malloc_usable_size_of_kernel", [] { usable(announce(of_kernel())); }},
    {"free_five_levels", [] { release(announce(five_levels())); }},
    {"realloc_five_levels", [] { resize(announce(five_levels()), 500); }},
    {"malloc_usable_size_five_levels", [] { usable(announce(five_levels())); }},
    {"free_tagged_small", [] { release(announce(tagged(40))); }},
    {"realloc_tagged_small", [] { resize(announce(tagged(40)), 40); }},
    {"malloc_usable_size_tagged_small", [] { usable(announce(tagged(40))); }},
    {"free_tagged_large", [] { release(announce(tagged(3000000))); }},
    {"realloc_tagged_large", [] { resize(announce(tagged(3000000)), 500); }},
    {"malloc_usable_size_tagged_large", [] { usable(announce(tagged(3000000))); }},
    {"free_stack",
     [] {
       alignas(64) char local[256] = {};
       release(announce(local + 64));
     }},
    {"realloc_stack",
     [] {
       alignas(64) char local[256] = {};
       resize(announce(local + 64), 500);
     }},
    {"free_static",
     [] {
       static char data[256];
       release(announce(data));
     }},
    {"free_mapping", [] { release(announce(static_cast<char*>(mapping()) + 4096)); }},
    {"realloc_mapping", [] { resize(announce(static_cast<char*>(mapping()) + 4096), 500); }},
    {"free_far_away", [] { release(announce(reinterpret_cast<void*>(uintptr_t{0x123456789ab0}))); }},
    {"free_low", [] { release(announce(reinterpret_cast<void*>(uintptr_t{16}))); }},
    {"realloc_far_away", [] { resize(announce(reinterpret_cast<void*>(uintptr_t{0x123456789ab0})), 100); }},
    {"free_inside_small",
     [] {
       release(announce(inside(96, 16)));
       flush(96);
       flush(128);  // a tiny process rounds 96 bytes up to it
     }},
    {"free_inside_small_odd",
     [] {
       release(announce(inside(96, 5)));
       flush(96);
       flush(128);  // a tiny process rounds 96 bytes up to it
     }},
    {"free_inside_1024",
     [] {
       release(announce(inside(1024, 512)));
       flush(1024);
     }},
    {"realloc_inside_small",
     [] {
       release(resize(announce(inside(96, 16)), 5000));
       flush(96);
       flush(128);  // a tiny process rounds 96 bytes up to it
     }},
    {"free_inside_middle",
     [] {
       release(announce(inside(20000, 4096)));
       flush(20000);
     }},
    {"free_inside_large", [] { release(announce(inside(8 << 20, 4096))); }},
    {"free_inside_large_odd", [] { release(announce(inside(8 << 20, 40))); }},
    {"realloc_inside_large", [] { resize(announce(inside(8 << 20, 1 << 20)), 100); }},
    {"double_free_large",
     [] {
       void* p = allocate(8 << 20);
       release(p);
       release(announce(p));
     }},
    {"double_free_huge",
     [] {
       void* p = allocate(300 << 20);
       release(p);
       release(announce(p));
     }},
    {"overflow_large",
     [] {
       auto* p = static_cast<char*>(allocate(100000));
       announce(p + 100000);
       p[100000] = 'x';
       release(p);
     }},
    {"overflow_of_reused",
     [] {
       release(memset(allocate(100000), 1, 100000));  // so that the next one is of pages that were used
       auto* p = static_cast<char*>(allocate(99000));
       announce(p + 99007);
       p[99007] = 0;
       release(p);
     }},
    {"overflow_of_grown",
     [] {
       auto* p = static_cast<char*>(resize(memset(allocate(100000), 1, 100000), 110000));
       announce(p + 110000);
       p[110000] = 1;
       resize(p, 130000);
     }},
    {"underflow_large",
     [] {
       auto* p = static_cast<char*>(allocate(5 << 20));
       announce(p);
       p[-1] = 'x';
       release(p);
     }},
    {"late_write_large",
     [] {
       auto* p = static_cast<char*>(allocate(4 << 20));
       release(p);
       announce(p);
       p[3] = 'x';
       allocate(4 << 20);
     }},
    {"late_write_reused_by_slabs",
     [] {
       auto* p = static_cast<char*>(allocate(100000));
       release(p);
       announce(p);
       p[3] = 'x';
       flush(200);
     }},
    {"late_write_until_exit",
     [] {
       auto* p = static_cast<char*>(allocate(4 << 20));
       release(p);
       announce(p);
       p[3] = 'x';
     }},
    {"double_free_of_0_bytes",
     [] {
       void* p = allocate(0);
       release(p);
       release(announce(p));
     }},
    {"realloc_freed_0_bytes",
     [] {
       void* p = allocate(0);
       release(p);
       resize(announce(p), 100);
     }},
    {"free_inside_0_bytes", [] { release(announce(inside(0, 8))); }},
    {"realloc_freed_large",
     [] {
       void* p = allocate(8 << 20);
       release(p);
       resize(announce(p), 100);
     }},
};

// All that a program may do with blocks of whole pages, to their last byte.
void use_large_blocks_well() {
  enum { kBlocks = 20 };
  char* blocks[kBlocks] = {};
  unsigned seed = 1;
  for (int i = 0; i < 6000; ++i) {
    seed = seed * 1664525u + 1013904223u;
    char*& p = blocks[seed >> 8 & 15];
    const size_t size = seed >> 12 & 15 ? 33000 + (seed >> 16) % 200000 : (seed >> 16) * 50;
    switch (seed >> 5 & 7) {
      case 0:
      case 1: release(p), p = nullptr; break;
      case 2: release(p), p = static_cast<char*>(calloc(1, size)); break;
      case 3: release(p), p = static_cast<char*>(aligned_alloc(size_t{4096} << (seed & 7), size % 3000)); break;
      case 4:
        if (p != nullptr) memset(p, 1, malloc_usable_size(p));  // told to be its own
        break;
      default: p = static_cast<char*>(resize(p, size + 1)), memset(p, 2, size + 1);
    }
    if (i % 500 == 0) malloc_trim(0);  // what is watched becomes zero
  }
  for (char* p : blocks) release(p);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "nothing_large") == 0) {
    use_large_blocks_well();
    return 7;
  }
  if (argc == 2 && strcmp(argv[1], "nothing") == 0) {  // a program without fault, for the tests of the options
    for (size_t size = 1; size < (4 << 20); size *= 3) release(allocate(size));
    puts("out");
    return 7;
  }
  for (const Misuse& misuse : kMisuses) {
    if (argc == 2 && strcmp(argv[1], misuse.name) == 0) {
      misuse.commit();
      return 0;
    }
  }
  dprintf(2, "unknown misuse\n");
  return 2;
}
