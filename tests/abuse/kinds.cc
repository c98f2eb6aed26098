// Does one kind of misuse per run: kinds KIND BYTES. The end of the run says what happened. Status 0: nothing stopped
// the misuse, and it had its effect. Status 3: it had no effect (no old data was readable, or no memory was returned).
// A signal: it was caught. Prints "late" when the allocator returned memory that it should not have returned; a later
// catch comes too late.
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <new>
#include <thread>

namespace {

constexpr int kDefused = 3;
constexpr unsigned char kSecret = 'S';

// The compiler must not know what these do: it warns of, or removes, what is wrong.
void* (*volatile allocate)(size_t) = malloc;
void (*volatile release)(void*) = free;
void* (*volatile reallocate)(void*, size_t) = realloc;
void* (*volatile reallocate_array)(void*, size_t, size_t) = reallocarray;
void* (*volatile allocate_zeroed)(size_t, size_t) = calloc;
void* (*volatile make)(size_t) = operator new;
void* (*volatile make_array)(size_t) = operator new[];
void (*volatile destroy)(void*) = operator delete;
void (*volatile destroy_array)(void*) = operator delete[];
void (*volatile destroy_sized)(void*, size_t) = operator delete;
void (*volatile destroy_aligned)(void*, std::align_val_t) = operator delete;
void* (*volatile allocate_aligned)(size_t, size_t) = aligned_alloc;
size_t (*volatile usable_size)(void*) = malloc_usable_size;
int (*volatile give_back)(size_t) = malloc_trim;

size_t bytes;

unsigned char* get() {
  auto* const p = static_cast<unsigned char*>(allocate(bytes));
  memset(p, kSecret, bytes);
  return p;
}

void write_at(unsigned char* at, size_t n) {
  for (size_t i = 0; i < n; ++i) static_cast<volatile unsigned char*>(at)[i] = 'A';
}

void say_late() {
  static bool said = false;
  constexpr char kLate[] = "late\n";
  if (!said && write(1, kLate, sizeof kLate - 1) < 0) abort();
  said = true;
}

// A block that was handed out: none that is still in use, at a multiple of 16, and none of the program's own memory.
alignas(64) unsigned char own_data[4096];
void* own_stack = nullptr;
void judge(void* const* blocks, int count, const void* block) {
  const auto address = reinterpret_cast<uintptr_t>(block);
  if (address % 16 != 0 || address - reinterpret_cast<uintptr_t>(own_data) < sizeof own_data) say_late();
  if (address - reinterpret_cast<uintptr_t>(own_stack) + 4096 < 8192) say_late();
  for (int i = 0; i < count; ++i) {
    if (address - reinterpret_cast<uintptr_t>(blocks[i]) < bytes ||
        reinterpret_cast<uintptr_t>(blocks[i]) - address < bytes)
      say_late();
  }
}

// What a program does next: blocks of this size come and go.
void go_on() {
  enum { kBlocks = 64 };
  void* blocks[kBlocks];
  const int n = bytes > 100000 ? 8 : kBlocks;
  for (int round = 0; round < 8; ++round) {
    for (int i = 0; i < n; ++i) {
      blocks[i] = allocate(bytes);
      judge(blocks, i, blocks[i]);
    }
    for (int i = 0; i < n; ++i) release(blocks[i]);
  }
}

int read_back(const unsigned char* p, size_t n = bytes) {
  size_t secrets = 0;
  for (size_t i = 32; i < n; ++i) secrets += static_cast<const volatile unsigned char*>(p)[i] == kSecret;
  return secrets == 0 ? kDefused : 0;
}

int none(const void* p) { return p == nullptr ? kDefused : 0; }

struct Kind {
  const char* name;
  int (*commit)();
};

const Kind kKinds[] = {
    {"overflow_1",
     [] {
       unsigned char* p = get();
       write_at(p + bytes, 1);
       release(p);
       return 0;
     }},
    {"overflow_32",
     [] {
       unsigned char* p = get();
       write_at(p + bytes, 32);
       release(p);
       return 0;
     }},
    {"overflow_16",
     [] {
       unsigned char* p = get();
       write_at(p + bytes, 16);
       release(p);
       return 0;
     }},
    {"overflow_by_a_zero",
     [] {
       unsigned char* p = get();
       static_cast<volatile unsigned char*>(p)[bytes] = 0;
       release(p);
       return 0;
     }},
    {"overflow_by_its_size",
     [] {
       unsigned char *p = get(), *q = get();
       write_at(p, 2 * bytes);
       release(q);
       release(p);
       return 0;
     }},
    {"underflow_1",
     [] {
       unsigned char* p = get();
       write_at(p - 1, 1);
       release(p);
       return 0;
     }},
    {"underflow_8",
     [] {
       unsigned char* p = get();
       write_at(p - 8, 8);
       release(p);
       return 0;
     }},
    {"underflow_of_aligned",
     [] {
       auto* const p = static_cast<unsigned char*>(allocate_aligned(256, bytes));
       write_at(p - 1, 1);
       release(p);
       return 0;
     }},
    {"underflow_32",
     [] {
       unsigned char* p = get();
       write_at(p - 32, 32);
       release(p);
       return 0;
     }},
    {"write_32_beyond",
     [] {
       unsigned char* p = get();
       write_at(p + bytes + 32, 1);
       release(p);
       return 0;
     }},
    {"write_32_before",
     [] {
       unsigned char* p = get();
       write_at(p - 32, 1);
       release(p);
       return 0;
     }},
    {"write_1_MiB_beyond",
     [] {
       unsigned char* p = get();
       write_at(p + bytes + (1 << 20), 1);
       release(p);
       return 0;
     }},
    {"write_1_MiB_before",
     [] {
       unsigned char* p = get();
       write_at(p - (1 << 20), 1);
       release(p);
       return 0;
     }},
    {"overflow_into_next",
     [] {
       unsigned char *p = get(), *q = get();
       write_at(p + bytes, 16);
       release(q);
       release(p);
       return 0;
     }},
    {"write_after_free",
     [] {
       unsigned char* p = get();
       release(p);
       write_at(p, bytes);
       return 0;
     }},
    {"write_after_free_of_the_first_word",
     [] {
       unsigned char* p = get();
       release(p);
       write_at(p, 8);
       return 0;
     }},
    {"write_after_free_behind_the_first_words",
     [] {
       unsigned char* p = get();
       release(p);
       write_at(p + 16, 16);
       return 0;
     }},
    {"write_of_a_link_to_own_data",
     [] {
       unsigned char *p = get(), *q = get();
       release(q);
       release(p);
       void* const target = own_data + 64;
       memcpy(p, &target, sizeof target);
       return 0;
     }},
    {"write_of_a_link_to_the_stack",
     [] {
       alignas(64) unsigned char local[256] = {};
       own_stack = local;
       unsigned char *p = get(), *q = get();
       release(q);
       release(p);
       void* const target = local + 64;
       memcpy(p, &target, sizeof target);
       go_on();
       return 0;
     }},
    {"write_after_realloc",
     [] {
       unsigned char* p = get();
       void* const q = reallocate(p, bytes * 8);
       if (q == p) {
         release(q);
         return kDefused;
       }
       write_at(p, 16);
       go_on();
       release(q);
       return 0;
     }},
    {"read_after_free",
     [] {
       unsigned char* p = get();
       release(p);
       return read_back(p);
     }},
    {"double_free",
     [] {
       unsigned char* p = get();
       release(p);
       release(p);
       return 0;
     }},
    {"double_free_later",
     [] {
       unsigned char* p = get();
       void* others[10];
       for (void*& other : others) other = allocate(bytes);
       release(p);
       for (void* other : others) release(other);
       release(p);
       return 0;
     }},
    {"double_free_reused",
     [] {
       unsigned char* p = get();
       release(p);
       void* q = allocate(bytes);
       release(p);
       void* r = allocate(bytes);
       release(q);
       release(r);
       return 0;
     }},
    {"double_free_by_another_thread",
     [] {
       void* const p = get();
       std::thread([p] { release(p); }).join();
       release(p);
       return 0;
     }},
    {"double_free_after_many",
     [] {
       enum { kOthers = 300 };
       static void* others[kOthers];
       unsigned char* p = get();
       const int n = bytes > 100000 ? 10 : kOthers;
       for (int i = 0; i < n; ++i) others[i] = allocate(bytes);
       release(p);
       for (int i = 0; i < n; ++i) release(others[i]);
       give_back(0);
       release(p);
       return 0;
     }},
    {"double_free_after_realloc",
     [] {
       unsigned char* p = get();
       void* const q = reallocate(p, bytes * 8);
       release(q);
       release(p);
       return 0;
     }},
    {"double_free_in_turn",
     [] {
       unsigned char *p = get(), *q = get();
       release(p);
       release(q);
       release(p);
       return 0;
     }},
    {"double_delete",
     [] {
       void* const p = make(bytes);
       destroy(p);
       destroy(p);
       return 0;
     }},
    {"usable_size_of_freed",
     [] {
       unsigned char* p = get();
       release(p);
       return usable_size(p) != 0 ? 0 : kDefused;
     }},
    {"realloc_of_freed",
     [] {
       unsigned char* p = get();
       release(p);
       release(reallocate(p, bytes * 2));
       return 0;
     }},
    {"free_stack",
     [] {
       alignas(64) unsigned char local[256] = {};
       release(local + 64);
       return 0;
     }},
    {"free_interior",
     [] {
       release(get() + (bytes > 4096 ? 4096 : 16));
       return 0;
     }},
    {"free_unaligned",
     [] {
       release(get() + 1);
       return 0;
     }},
    {"free_data",
     [] {
       release(own_data + 64);
       return 0;
     }},
    {"free_code",
     [] {
       release(reinterpret_cast<void*>(&go_on));
       return 0;
     }},
    {"free_mapping",
     [] {
       void* const p = mmap(nullptr, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
       release(static_cast<unsigned char*>(p) + 64);
       return 0;
     }},
    {"realloc_stack",
     [] {
       alignas(64) unsigned char local[256] = {};
       release(reallocate(local + 64, bytes));
       return 0;
     }},
    {"realloc_interior",
     [] {
       release(reallocate(get() + 16, bytes * 2));
       return 0;
     }},
    {"free_inside_by_another_thread",
     [] {
       unsigned char* const p = get() + 16;
       std::thread([p] { release(p); }).join();
       return 0;
     }},
    {"free_inside_aligned",
     [] {
       release(static_cast<unsigned char*>(allocate_aligned(64, bytes + 64)) + 64);
       return 0;
     }},
    {"usable_size_interior", [] { return usable_size(get() + 16) != 0 ? 0 : kDefused; }},
    {"free_far",
     [] {
       release(reinterpret_cast<void*>(uintptr_t{0x123456789ab0}));
       return 0;
     }},
    {"free_noncanonical",
     [] {
       release(reinterpret_cast<void*>(uintptr_t{0x8123456789abcdf0}));
       return 0;
     }},
    {"free_middle",
     [] {
       release(get() + bytes / 2);
       return 0;
     }},
    {"new_then_free",
     [] {
       release(make(bytes));
       return 0;
     }},
    {"new_array_then_free",
     [] {
       release(make_array(bytes));
       return 0;
     }},
    {"delete_aligned_of_malloc",
     [] {
       destroy_aligned(get(), std::align_val_t{64});
       return 0;
     }},
    {"malloc_then_delete",
     [] {
       destroy(get());
       return 0;
     }},
    {"new_then_delete_array",
     [] {
       destroy_array(make(bytes));
       return 0;
     }},
    {"new_array_then_delete",
     [] {
       destroy(make_array(bytes));
       return 0;
     }},
    {"delete_wrong_size",
     [] {
       destroy_sized(make(bytes), bytes / 2);
       return 0;
     }},
    {"delete_as_larger",
     [] {
       destroy_sized(make(bytes), bytes + 8);
       return 0;
     }},
    {"read_of_0_bytes",
     [] {
       auto* const p = static_cast<volatile unsigned char*>(allocate(0));
       return p[0] == kSecret ? 0 : 0;
     }},
    {"reuse_shows_old_data",
     [] {
       release(get());
       unsigned char* p = static_cast<unsigned char*>(allocate(bytes));
       return read_back(p);
     }},
    {"realloc_shows_old_data",
     [] {
       release(get());
       return read_back(static_cast<unsigned char*>(reallocate(allocate(16), bytes)));
     }},
    {"growth_shows_old_data",
     [] {
       auto* p = static_cast<unsigned char*>(reallocate(get(), bytes - bytes / 4));
       p = static_cast<unsigned char*>(reallocate(p, bytes));
       return read_back(p + bytes - bytes / 4 - 32, bytes / 4 + 32);
     }},
    {"absurd_size", [] { return none(allocate(SIZE_MAX - 64)) & none(allocate(size_t{1} << 63)); }},
    {"overflowing_product",
     [] { return none(allocate_zeroed(SIZE_MAX / 8, 16)) & none(reallocate_array(nullptr, SIZE_MAX / 2, 3)); }},
};

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "list") == 0) {
    for (const Kind& kind : kKinds) puts(kind.name);
    return 0;
  }
  for (const Kind& kind : kKinds) {
    if (argc != 3 || strcmp(argv[1], kind.name) != 0) continue;
    bytes = strtoul(argv[2], nullptr, 10);
    void* const before = allocate(bytes);  // so that the block is not the first of its page
    const int result = kind.commit();
    if (result == 0) go_on();
    release(before);
    return result;
  }
  fputs("usage: kinds KIND BYTES, or kinds list\n", stderr);
  return 2;
}
