// Latency benchmark: a log-scaled histogram of nanoseconds, like HdrHistogram. It has 32 buckets for each doubling, so
// a figure is right to 3 %. It allocates nothing.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace ashlar::latency {

class Histogram {
 public:
  static constexpr unsigned kFine = 5;  // log2 of the buckets to a doubling
  static constexpr std::size_t kBuckets = (64 - kFine) << kFine;

  void add(std::uint64_t ns) {
    ++counts_[bucket_of(ns)];
    ++count_;
    most_ = std::max(most_, ns);
  }

  void add(const Histogram& other) {
    for (std::size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
    count_ += other.count_;
    most_ = std::max(most_, other.most_);
  }

  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t count_of(std::size_t bucket) const { return counts_[bucket]; }
  [[nodiscard]] std::uint64_t max() const { return most_; }

  // Returns the quantile, given in millionths, rounded up to the largest value of its bucket.
  [[nodiscard]] std::uint64_t percentile(std::uint64_t of_million) const {
    const std::uint64_t wanted = (count_ * of_million + 999999) / 1000000;
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < kBuckets; ++i) {
      seen += counts_[i];
      if (seen >= wanted && counts_[i] != 0) return std::min(most_, first_of(i + 1) - 1);
    }
    return most_;
  }

  static constexpr std::size_t bucket_of(std::uint64_t ns) {
    if (ns >> kFine == 0) return static_cast<std::size_t>(ns);
    const unsigned shift = static_cast<unsigned>(std::bit_width(ns)) - kFine - 1;
    const std::size_t bucket = (std::size_t{shift} << kFine) + static_cast<std::size_t>(ns >> shift);
    return std::min(bucket, kBuckets - 1);
  }

  // Returns the smallest value of a bucket.
  static constexpr std::uint64_t first_of(std::size_t bucket) {
    if (bucket < std::size_t{2} << kFine) return bucket;
    const auto shift = static_cast<unsigned>(bucket >> kFine) - 1;
    return ((bucket & ((1u << kFine) - 1)) | (1u << kFine)) * (std::uint64_t{1} << shift);
  }

 private:
  std::uint64_t counts_[kBuckets] = {}, count_ = 0, most_ = 0;
};

static_assert(Histogram::bucket_of(Histogram::first_of(100)) == 100 && Histogram::bucket_of(1u << 20) == 16 * 32,
              "a bucket holds its first figure");

}  // namespace ashlar::latency
