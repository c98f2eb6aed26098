// tool: samples for `ashlar top`.
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>

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

bool maps_ashlar(const std::filesystem::path& process) {
  std::ifstream maps(process / "maps");
  for (std::string line; std::getline(maps, line);) {
    const std::size_t slash = line.rfind('/');
    if (slash != std::string::npos && line.compare(slash, 13, "/libashlar.so") == 0) return true;
  }
  return false;
}

}  // namespace

Sample take_sample(reader::Source& source) {
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
  return sample;
}

std::vector<pid_t> processes_with_ashlar() {
  std::vector<pid_t> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename();
    pid_t pid = 0;
    const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (bad == std::errc() && end == name.data() + name.size() && maps_ashlar(entry.path())) found.push_back(pid);
  }
  std::sort(found.begin(), found.end());
  return found;
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
