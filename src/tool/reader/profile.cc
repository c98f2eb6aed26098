// tool, reader: the profile's tables: chunks of elements that never move. Sites are read before stacks and threads, as
// a site refers only to stacks and threads that exist already.
#include "tool/reader/profile.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <unordered_map>

#include "base/units.h"
#include "tool/reader/root.h"

namespace ashlar::reader {

namespace {

using format::Field;
using format::Table;

constexpr std::uint64_t kMaxElements = std::uint64_t{1} << 23;  // of one table
constexpr std::uint64_t kMaxBytes = 64_MiB;
constexpr std::uint64_t kMaxRecords = std::uint64_t{1} << 22;  // the library's limit
constexpr std::uint64_t kMaxRecord = 256;                      // bytes of one
constexpr std::uint64_t kMaxFrames = 256;
// Of all sites. The library has at most 2^18 sites of 64 frames (src/profile/tables.h, stack.h), in at most 64 MiB.
constexpr std::size_t kMaxSites = std::size_t{1} << 18, kMaxThreads = std::size_t{1} << 16;
constexpr std::size_t kMaxFramesInAll = std::size_t{1} << 24;

// Elements of one kind, one after another.
struct Elements {
  std::vector<char> bytes;
  std::uint64_t stride = 0, used = 0;
  [[nodiscard]] const char* at(std::uint64_t i) const { return bytes.data() + i * stride; }
};

std::uint64_t rounded(double value) {
  constexpr double kMax = 9.2e18;
  if (!(value > 0)) return 0;
  return static_cast<std::uint64_t>(std::llround(std::fmin(value, kMax)));
}

SampleSums sums_at(const char* from) {
  double estimates[3];
  SampleSums sums;
  std::memcpy(estimates, from, sizeof estimates);
  std::memcpy(&sums.samples, from + sizeof estimates, sizeof sums.samples);
  sums.blocks = rounded(estimates[0]);
  sums.requested = rounded(estimates[1]);
  sums.usable = rounded(estimates[2]);
  return sums;
}

class Tables {
 public:
  Tables(Source& source, const FoundRoot& found, std::uint64_t state) : source_(source), found_(found), state_(state) {}

  SampledProfile read() {
    SampledProfile out;
    out.rate = word(Field::kProfileRate);
    out.dropped = word(Field::kProfileDropped);
    out.started_ms = word(Field::kProfileStarted);
    const Elements buckets =
        elements(Field::kProfileBuckets, Field::kProfileBucketsUsed, found_.size(Field::kBucketStride));
    const Elements stacks = elements(Field::kProfileStacks, Field::kProfileStacksUsed, sizeof(std::uint64_t));
    const Elements threads =
        elements(Field::kProfileThreads, Field::kProfileThreadsUsed, found_.size(Field::kProfiledThreadStride));
    for (std::uint64_t i = 1; i < buckets.used && out.sites.size() < kMaxSites; ++i) {
      add_site(buckets.at(i), stacks, out);
    }
    for (std::uint64_t i = 1; i < std::min<std::uint64_t>(threads.used, kMaxThreads); ++i) {
      add_thread(static_cast<std::uint32_t>(i), threads.at(i), out);
    }
    return out;
  }

  // Reads records chunk by chunk, as there may be many, and then the sites of the accepted ones.
  SampledBlocks read_blocks(const std::function<bool(std::uint64_t)>& wanted, std::size_t max) {
    SampledBlocks out;
    const std::uint64_t stride = found_.size(Field::kRecordStride), in_chunk = found_.size(Field::kProfileRecords);
    std::uint32_t used = 0;
    if (stride == 0 || stride > kMaxRecord || in_chunk == 0 || in_chunk * stride > kMaxBytes ||
        !source_.read(state_ + std::uint64_t{found_.offset(Field::kProfileRecordsUsed)} * 8, &used, sizeof used))
      return out;
    const std::uint64_t count = std::min<std::uint64_t>(used, kMaxRecords);
    std::vector<std::uint64_t> chunks((count + in_chunk - 1) / in_chunk);
    if (!source_.read(state_ + std::uint64_t{found_.offset(Field::kProfileRecords)} * 8, chunks.data(),
                      chunks.size() * sizeof chunks[0]))
      return out;
    std::vector<char> records(in_chunk * stride);
    for (std::uint64_t i = 0; i < chunks.size() && out.blocks.size() < max; ++i) {
      if (chunks[i] == 0 || !source_.read(chunks[i], records.data(), records.size())) continue;
      for (std::uint64_t k = 0; k < std::min(in_chunk, count - i * in_chunk) && out.blocks.size() < max; ++k)
        add_block(records.data() + k * stride, wanted, out);
    }
    add_sites(out);
    return out;
  }

 private:
  std::uint64_t word(Field field) {
    std::uint64_t value = 0;
    if (!source_.read(state_ + found_.offset(field), &value, std::min<std::size_t>(found_.size(field), sizeof value)))
      return 0;
    return value;
  }

  Elements elements(Field chunks_at, Field used_at, std::uint64_t stride) {
    Elements out;
    const std::uint64_t in_chunk = found_.size(chunks_at), used = word(used_at);
    if (in_chunk == 0 || stride == 0 || used > kMaxElements || used * stride > kMaxBytes) return out;
    const std::uint64_t count = (used + in_chunk - 1) / in_chunk;
    if (count * in_chunk * stride > kMaxBytes) return out;
    std::vector<std::uint64_t> chunks(count);
    if (!source_.read(state_ + found_.offset(chunks_at), chunks.data(), chunks.size() * sizeof chunks[0])) return out;
    out.bytes.resize(chunks.size() * in_chunk * stride);
    for (std::size_t i = 0; i < chunks.size(); ++i) {
      // elements that cannot be read stay zero, and count as unused
      if (chunks[i] != 0 && !source_.read(chunks[i], out.bytes.data() + i * in_chunk * stride, in_chunk * stride))
        std::memset(out.bytes.data() + i * in_chunk * stride, 0, in_chunk * stride);
    }
    out.stride = stride;
    out.used = used;
    return out;
  }

  void add_site(const char* bucket, const Elements& stacks, SampledProfile& out) {
    const std::uint64_t stack = found_.value(bucket, Field::kBucketStack);
    const std::uint64_t size_class = found_.value(bucket, Field::kBucketClass);
    if (stack == 0 || stack >= stacks.used) return;
    std::uint64_t head = 0;
    std::memcpy(&head, stacks.at(stack), sizeof head);
    const std::uint64_t depth = head & 0xffffffff;
    if (depth > kMaxFrames || depth > frames_left_ || stack + depth >= stacks.used) return;
    frames_left_ -= depth;
    SampledSite site;
    site.thread = static_cast<std::uint32_t>(found_.value(bucket, Field::kBucketThread));
    site.size_class = size_class < found_.root.classes ? found_.root.class_sizes[size_class] : 0;
    site.allocated = sums_at(bucket + found_.offset(Field::kBucketAllocated));
    site.freed = sums_at(bucket + found_.offset(Field::kBucketFreed));
    site.stack.resize(depth);
    if (depth != 0) std::memcpy(site.stack.data(), stacks.at(stack + 1), depth * sizeof head);
    out.sites.push_back(std::move(site));
  }

  // Adds a block. Its `site` is the index of a bucket for now.
  void add_block(const char* record, const std::function<bool(std::uint64_t)>& wanted, SampledBlocks& out) const {
    const std::uint64_t address = found_.value(record, Field::kRecordAddress);
    if (address == 0 || !wanted(address)) return;
    out.blocks.push_back({address, found_.value(record, Field::kRecordRequested),
                          static_cast<std::size_t>(found_.value(record, Field::kRecordBucket))});
  }

  void add_sites(SampledBlocks& out) {
    const Elements buckets =
        elements(Field::kProfileBuckets, Field::kProfileBucketsUsed, found_.size(Field::kBucketStride));
    const Elements stacks = elements(Field::kProfileStacks, Field::kProfileStacksUsed, sizeof(std::uint64_t));
    std::unordered_map<std::size_t, std::size_t> sites;  // by bucket
    SampledProfile known;
    std::erase_if(out.blocks, [&](SampledBlock& block) {
      const auto [at, added] = sites.emplace(block.site, known.sites.size());
      if (added && block.site != 0 && block.site < buckets.used) add_site(buckets.at(block.site), stacks, known);
      block.site = at->second;
      return block.site >= known.sites.size();
    });
    for (SampledSite& site : known.sites) site.allocated = site.freed = {};
    out.sites = std::move(known.sites);
  }

  void add_thread(std::uint32_t index, const char* entry, SampledProfile& out) {
    const char* const name = entry + found_.offset(Field::kProfiledThreadName);
    SampledThread thread{index, found_.value(entry, Field::kProfiledThreadNumber),
                         std::string(name, strnlen(name, found_.size(Field::kProfiledThreadName)))};
    thread.name = single_line(thread.name);
    out.threads.push_back(std::move(thread));
  }

  Source& source_;
  const FoundRoot& found_;
  std::uint64_t state_;
  std::size_t frames_left_ = kMaxFramesInAll;
};

// Returns whether fields that are read in place lie within their entries.
bool fits(const FoundRoot& found) {
  constexpr std::uint64_t kSums = 4 * sizeof(std::uint64_t);
  const std::uint64_t bucket = found.size(Field::kBucketStride), thread = found.size(Field::kProfiledThreadStride);
  for (const Field f : {Field::kBucketStack, Field::kBucketThread, Field::kBucketClass}) {
    if (found.offset(f) + std::uint64_t{found.size(f)} > bucket) return false;
  }
  for (const Field f : {Field::kBucketAllocated, Field::kBucketFreed}) {
    if (found.size(f) != kSums || found.offset(f) + kSums > bucket) return false;
  }
  return found.offset(Field::kProfiledThreadNumber) + std::uint64_t{found.size(Field::kProfiledThreadNumber)} <=
             thread &&
         found.offset(Field::kProfiledThreadName) + std::uint64_t{found.size(Field::kProfiledThreadName)} <= thread;
}

}  // namespace

bool was_sampled(Source& source) {
  const FoundRoot found = find_root(source);
  std::uint64_t state = 0;
  return found.has(Table::kProfile) && source.read(found.table(Table::kProfile), &state, sizeof state) && state != 0;
}

ProfileState read_profile_state(Source& source) {
  const FoundRoot found = find_root(source);
  ProfileState out;
  std::uint64_t state = 0;
  if (found.has(Table::kProfileOn)) (void)source.read(found.table(Table::kProfileOn), &out.rate, sizeof out.rate);
  if (!found.has(Table::kProfile) || !found.has(Field::kProfileDropped)) return out;
  if (!source.read(found.table(Table::kProfile), &state, sizeof state) || state == 0) return out;
  const std::size_t bytes = std::min<std::size_t>(found.size(Field::kProfileDropped), sizeof out.dropped);
  (void)source.read(state + found.offset(Field::kProfileDropped), &out.dropped, bytes);
  return out;
}

bool is_sampled(Source& source) { return read_profile_state(source).rate != 0; }

std::optional<SampledProfile> read_samples(Source& source) {
  const FoundRoot found = find_root(source);
  std::uint64_t state = 0;
  if (!found.has(Table::kProfile) || !found.has(Field::kBucketStride) || !fits(found)) return {};
  if (!source.read(found.table(Table::kProfile), &state, sizeof state) || state == 0) return {};
  return Tables(source, found, state).read();
}

SampledBlocks read_sampled_blocks(Source& source, const std::function<bool(std::uint64_t)>& wanted, std::size_t max) {
  const FoundRoot found = find_root(source);
  std::uint64_t state = 0;
  if (!found.has(Table::kProfile) || !found.has(Field::kRecordStride) || !fits(found)) return {};
  if (!source.read(found.table(Table::kProfile), &state, sizeof state) || state == 0) return {};
  return Tables(source, found, state).read_blocks(wanted, max);
}

}  // namespace ashlar::reader
