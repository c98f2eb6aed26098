// tool: samples for `ashlar top`.
#include "tool/top.h"

namespace ashlar::tool {

namespace {

void add_cache(Sample& sample, const reader::Cache& cache) {
  if (cache.slabs == 0) return;
  CacheSample& sum = sample.caches[cache.name];
  sum.object_size = cache.object_size;
  sum.live += cache.live();
  sum.cached += cache.magazines + cache.depot;
  sum.out += cache.out;
  sum.capacity += cache.capacity;
  sum.slabs += cache.slabs;
  sum.bytes += cache.pages * reader::kPage;
}

}  // namespace

Sample take_sample(reader::Source& source, View view) {
  const reader::Model model = reader::read_model(source);
  Sample sample;
  sample.time = std::chrono::steady_clock::now();
  sample.pid = source.pid();
  sample.title = source.title();
  sample.name = source.name();
  sample.identity = source.identity();
  sample.version = model.version;
  sample.threads = model.heaps.size();
  sample.approximate = model.approximate;
  sample.split = reader::split_rss(source, model);
  for (const reader::Cache& cache : model.caches) add_cache(sample, cache);
  if (view == View::kSites) sample.sites = sites_of(source);
  return sample;
}

std::optional<double> Change::rate(double now_value, double before_value) const {
  if (!before) return std::nullopt;
  const std::chrono::duration<double> passed = now.time - before->time;
  if (passed.count() <= 0) return std::nullopt;
  return (now_value - before_value) / passed.count();
}

std::optional<double> Change::resident_rate() const {
  if (!before) return std::nullopt;
  return rate(static_cast<double>(now.split.process_rss), static_cast<double>(before->split.process_rss));
}

std::optional<double> Change::live_rate() const {
  if (!before) return std::nullopt;
  return rate(static_cast<double>(now.split.live()), static_cast<double>(before->split.live()));
}

const CacheSample* Change::earlier(const std::string& cache) const {
  static const CacheSample none{};  // a cache that got its first slab since
  if (!before) return nullptr;
  const auto found = before->caches.find(cache);
  return found == before->caches.end() ? &none : &found->second;
}

}  // namespace ashlar::tool
