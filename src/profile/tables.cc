// profile: records, buckets and stacks.
#include "profile/tables.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "profile/chance.h"

namespace ashlar::profile {

constinit State* state = nullptr;

namespace {

// The limit for tables: at the usual rate enough for 15 000 live samples or 3000 stacks. At higher rates, and where
// each block is recorded, the program's own use is the limit.
constexpr std::uint64_t kMaxMetadata = 1_MiB, kMaxAtHighRates = 4_GiB;
constexpr std::uint64_t kHighRate = 64_KiB;
constexpr std::uint32_t kFirstHeads = 256;

std::uint64_t mix(std::uint64_t n) {
  n *= 0x9e3779b97f4a7c15;
  return n ^ n >> 29;
}

std::uint64_t hash_of_address(std::uintptr_t address) { return mix(address / kMinAlign); }

// Relaxed: a thread that holds a block sees what was counted before the block was handed out.
std::atomic<std::uint32_t>& linked_at(std::uintptr_t address) {
  return state->linked[hash_of_address(address) % kLinkedCounts];
}

std::uint64_t hash_of_frames(const std::uintptr_t* frames, std::uint32_t depth) {
  std::uint64_t h = depth;
  for (std::uint32_t i = 0; i < depth; ++i) h = mix(h ^ frames[i]);
  return h;
}

std::uint64_t hash_of_bucket(const Bucket& bucket) {
  return mix(mix(std::uint64_t{bucket.stack} << 32 | bucket.thread) + bucket.size_class);
}

// Makes the heads of `of`, or doubles them once there are more than two elements per list. Returns false when there are
// none.
template <class HashOf, class NextOf>
bool make_heads(Heads& of, std::uint32_t elements, HashOf hash_of, NextOf next_of) ASHLAR_REQUIRES(tables.lock) {
  const std::uint32_t old = of.lists != nullptr ? of.mask + 1 : 0;
  if (old != 0 && elements <= 2 * old) return true;
  const std::uint32_t count = old != 0 ? 2 * old : kFirstHeads;
  auto* const lists = static_cast<std::uint32_t*>(take_metadata(count * sizeof(std::uint32_t), 64));
  if (lists == nullptr) return old != 0;
  for (std::uint32_t l = 0; l < old; ++l) {
    for (std::uint32_t i = of.lists[l]; i != 0;) {
      std::uint32_t& head = lists[hash_of(i) & (count - 1)];
      const std::uint32_t next = next_of(i);
      next_of(i) = std::exchange(head, i);
      i = next;
    }
  }
  of = {lists, count - 1};
  return true;
}

bool make_record_heads() ASHLAR_REQUIRES(tables.lock) {
  return make_heads(
      state->records_by_address, state->live,
      [](std::uint32_t i) { return hash_of_address(state->records[i].address); },
      [](std::uint32_t i) -> std::uint32_t& { return state->records[i].next; });
}

std::uint32_t intern_stack(const Stack& stack) ASHLAR_REQUIRES(tables.lock) {
  auto& words = state->stacks;
  // the upper half of a stack's first word is the index of the next in its list
  const auto frames_of = [&words](std::uint32_t i) { return reinterpret_cast<std::uintptr_t*>(&words[i] + 1); };
  const auto depth_of = [&words](std::uint32_t i) { return static_cast<std::uint32_t>(words[i]); };
  static_assert(std::endian::native == std::endian::little);
  const bool good = make_heads(
      state->stacks_by_hash, words.used / 16,
      [&](std::uint32_t i) { return hash_of_frames(frames_of(i), depth_of(i)); },
      [&](std::uint32_t i) -> std::uint32_t& { return reinterpret_cast<std::uint32_t*>(&words[i])[1]; });
  if (!good) return 0;
  const std::uint64_t hash = hash_of_frames(stack.frames, stack.depth);
  std::uint32_t& head = state->stacks_by_hash.lists[hash & state->stacks_by_hash.mask];
  for (std::uint32_t i = head; i != 0; i = static_cast<std::uint32_t>(words[i] >> 32)) {
    if (depth_of(i) == stack.depth && std::equal(stack.frames, stack.frames + stack.depth, frames_of(i))) return i;
  }
  const std::uint32_t i = words.add(1 + stack.depth);
  if (i == 0) return 0;
  std::copy_n(stack.frames, stack.depth, frames_of(i));
  words[i] = std::uint64_t{head} << 32 | stack.depth;
  return head = i;
}

std::uint32_t intern_thread() ASHLAR_REQUIRES(tables.lock) {
  auto& threads = state->threads;
  const std::uint32_t number = os::thread_number();
  const bool good = make_heads(
      state->threads_by_number, threads.used, [&](std::uint32_t i) { return mix(threads[i].number); },
      [&](std::uint32_t i) -> std::uint32_t& { return threads[i].next; });
  if (!good) return 0;
  std::uint32_t& head = state->threads_by_number.lists[mix(number) & state->threads_by_number.mask];
  for (std::uint32_t i = head; i != 0; i = threads[i].next) {
    if (threads[i].number == number) return i;
  }
  const std::uint32_t i = threads.add();
  if (i == 0) return 0;
  threads[i].number = number;
  os::thread_name(threads[i].name);
  threads[i].next = std::exchange(head, i);
  return i;
}

std::uint32_t find_bucket(const Bucket& like) ASHLAR_REQUIRES(tables.lock) {
  auto& buckets = state->buckets;
  const bool good = make_heads(
      state->buckets_by_key, buckets.used, [&](std::uint32_t i) { return hash_of_bucket(buckets[i]); },
      [&](std::uint32_t i) -> std::uint32_t& { return buckets[i].next; });
  if (!good) return 0;
  std::uint32_t& head = state->buckets_by_key.lists[hash_of_bucket(like) & state->buckets_by_key.mask];
  for (std::uint32_t i = head; i != 0; i = buckets[i].next) {
    const Bucket& bucket = buckets[i];
    if (bucket.stack == like.stack && bucket.thread == like.thread && bucket.size_class == like.size_class) return i;
  }
  const std::uint32_t i = buckets.add();
  if (i == 0) return 0;
  buckets[i] = like;
  buckets[i].next = std::exchange(head, i);
  return i;
}

std::uint32_t new_record() ASHLAR_REQUIRES(tables.lock) {
  if (const std::uint32_t i = state->unused_record) {
    state->unused_record = state->records[i].next;
    return i;
  }
  return state->records.add();
}

void count(Sums& sums, const Record& record) {
  const double weight = static_cast<double>(record.weight);
  sums.blocks += weight;
  sums.requested += weight * static_cast<double>(record.requested);
  sums.usable += weight * static_cast<double>(record.usable);
  ++sums.samples;
}

// Returns the bytes that a sample stands for.
double requested_of(const Record& record) {
  return static_cast<double>(record.weight) * static_cast<double>(record.requested);
}

}  // namespace

void* take_metadata(std::size_t bytes, std::size_t alignment) {
  const std::uint64_t max = state->rate >= kHighRate ? kMaxMetadata : kMaxAtHighRates;
  if (state->metadata + bytes > max) return nullptr;
  void* const p = page::metadata_alloc(bytes, alignment);
  if (p != nullptr) state->metadata += bytes;
  return p;
}

std::uint32_t add_record(const Sample& sample, const Stack& stack) {
  Bucket like;
  like.stack = intern_stack(stack);
  like.thread = intern_thread();
  like.size_class = sample.size_class;
  const std::uint32_t bucket = find_bucket(like);
  const std::uint32_t i = bucket != 0 && make_record_heads() ? new_record() : 0;
  if (i == 0) {
    ++state->dropped;
    return 0;
  }
  Record& record = state->records[i];
  record = {sample.address,
            sample.requested,
            sample.usable,
            bucket,
            0,
            sample.slots,
            static_cast<float>(weight_of(sample.counted, state->rate))};
  link_record(i);
  count(state->buckets[bucket].allocated, record);
  count_allocated(requested_of(record));
  count_live(requested_of(record));
  return i;
}

bool may_have_record(const void* p) {
  return linked_at(reinterpret_cast<std::uintptr_t>(p)).load(std::memory_order_relaxed) != 0;
}

std::uint32_t find_record(std::uintptr_t address) {
  if (state->records_by_address.lists == nullptr) return 0;
  std::uint32_t i = state->records_by_address.lists[hash_of_address(address) & state->records_by_address.mask];
  while (i != 0 && state->records[i].address != address) i = state->records[i].next;
  return i;
}

// Other threads may write records of other blocks meanwhile.
__attribute__((no_sanitize("thread"))) std::uint32_t find_record_apart(std::uintptr_t address)
    ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  const std::uint32_t used = __atomic_load_n(&state->records.used, __ATOMIC_ACQUIRE);
  std::uint32_t i = used - 1;
  while (i != 0 && __atomic_load_n(&state->records[i].address, __ATOMIC_RELAXED) != address) --i;
  return i;
}

void unlink_record(std::uint32_t record) {
  const std::uint64_t hash = hash_of_address(state->records[record].address);
  std::uint32_t* at = &state->records_by_address.lists[hash & state->records_by_address.mask];
  while (*at != record) at = &state->records[*at].next;
  *at = state->records[record].next;
  linked_at(state->records[record].address).fetch_sub(1, std::memory_order_relaxed);
  // relaxed: a hint for a thread that frees, whose own block an earlier call of it counted or not
  __atomic_store_n(&state->live, state->live - 1, __ATOMIC_RELAXED);
}

void link_record(std::uint32_t record) {
  linked_at(state->records[record].address).fetch_add(1, std::memory_order_relaxed);
  const std::uint64_t hash = hash_of_address(state->records[record].address);
  state->records[record].next =
      std::exchange(state->records_by_address.lists[hash & state->records_by_address.mask], record);
  __atomic_store_n(&state->live, state->live + 1, __ATOMIC_RELAXED);
}

// Precondition: the record is unlinked.
void end_record(std::uint32_t i) {
  Record& record = state->records[i];
  count(state->buckets[record.bucket].freed, record);
  count_live(-requested_of(record));
  record.address = 0;
  record.next = std::exchange(state->unused_record, i);
}

void change_requested(std::uint32_t i, std::size_t size) {
  Record& record = state->records[i];
  const double before = requested_of(record);
  record.requested = size;
  const double more = requested_of(record) - before;
  state->buckets[record.bucket].allocated.requested += more;
  count_live(more);
}

void copy_stack(std::uint32_t i, Stack& into) {
  into.depth = static_cast<std::uint32_t>(state->stacks[i]);
  for (std::uint32_t n = 0; n < into.depth; ++n) into.frames[n] = state->stacks[i + 1 + n];
}

bool make_state() {
  if (state != nullptr) return true;
  void* const memory = page::metadata_alloc(sizeof(State), alignof(State));  // zero, and touched where it is used
  if (memory == nullptr) return false;
  auto* const made = static_cast<State*>(memory);
  made->records.used = made->buckets.used = made->stacks.used = made->threads.used = 1;
  made->random = os::process_key().low ^ os::now_ns();
  __atomic_store_n(&state, made, __ATOMIC_RELEASE);
  return true;
}

}  // namespace ashlar::profile
