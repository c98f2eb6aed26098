// Latency benchmark: the cases.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "timed.h"

namespace ashlar::latency {

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

std::size_t scaled(double scale, std::size_t n) {
  const auto some = static_cast<std::size_t>(static_cast<double>(n) * scale);
  return some == 0 ? 1 : some;
}

// An array of pointers that does not come from the measured allocator. It is touched before the measurement.
class Slots {
 public:
  explicit Slots(std::size_t count) : slots_(count) { std::memset(slots_.data(), 0, count * sizeof(void*)); }
  void*& operator[](std::size_t i) { return slots_[i]; }
  [[nodiscard]] std::size_t size() const { return slots_.size(); }

 private:
  std::vector<void*> slots_;
};

void touch(void* p, std::size_t bytes) {
  if (p != nullptr) std::memset(p, 1, bytes);
}

void churn(Timer& timer, Slots& slots, std::size_t rounds, std::uint64_t seed) {
  Random random(seed);
  for (std::size_t i = 0; i < rounds; ++i) {
    void*& slot = slots[random.below(slots.size())];
    if (slot != nullptr) timer.free(slot);
    const std::size_t size = random.size();
    slot = i % 8 == 0 ? timer.calloc(size) : timer.malloc(size);
    touch(slot, size);
  }
}

void free_all(Slots& slots) {
  for (std::size_t i = 0; i < slots.size(); ++i) {
    std::free(slots[i]);
    slots[i] = nullptr;
  }
}

bool steady(double scale, Timer& sum) {
  Slots slots(4096);
  churn(sum, slots, scaled(scale, 1000000), 1);
  free_all(slots);
  return true;
}

// Fills a heap with blocks of 64 bytes to 64 KiB. Returns the number of blocks.
std::size_t fill(Slots& slots, std::size_t bytes) {
  Random random(2);
  std::size_t count = 0;
  for (std::size_t filled = 0; filled < bytes && count < slots.size(); ++count) {
    const std::size_t size = 64 + random.below(random.below(8) == 0 ? 64 << 10 : 1000);
    slots[count] = std::malloc(size);
    touch(slots[count], size);
    filled += size;
  }
  return count;
}

bool free_heap(double scale, Timer& sum) {
  const std::size_t bytes = scaled(scale, 512 * kMiB);
  Slots slots(bytes / 256 + 1);
  const std::size_t count = fill(slots, bytes);
  for (std::size_t i = 0; i < count; ++i) sum.free(slots[i]);
  Slots few(1024);
  churn(sum, few, 10000, 3);
  free_all(few);
  return true;
}

bool aged(double scale, Timer& sum) {
  const std::size_t bytes = scaled(scale, 512 * kMiB);
  Slots slots(bytes / 256 + 1), few(1024);
  for (int round = 0; round < 3; ++round) {
    const std::size_t count = fill(slots, bytes);
    for (std::size_t i = 0; i < count; ++i) std::free(slots[i]);
    usleep(1200000);
    churn(sum, few, 10000, 4);
  }
  free_all(few);
  return true;
}

bool growth(double scale, Timer& sum) {
  for (std::size_t round = 0; round < scaled(scale, 200); ++round) {
    void* p = sum.malloc(1000);
    for (std::size_t size = 1000; size < kMiB;) {
      const std::size_t more = size + size / 4;
      p = sum.realloc(p, more);
      std::memset(static_cast<char*>(p) + size, 1, more - size);
      size = more;
    }
    sum.free(p);
  }
  const std::size_t bytes = scaled(scale, 512 * kMiB);
  Slots slots(bytes / 1000);
  for (std::size_t i = 0; i < slots.size(); ++i) touch(slots[i] = sum.malloc(1000), 1000);
  free_all(slots);
  return true;
}

// Threads hand blocks over to each other through shared slots.
bool threads(double scale, Timer& sum) {
  constexpr unsigned kThreads = 16, kShared = 4096;
  static std::atomic<void*> shared[kShared];
  std::vector<std::unique_ptr<Timer>> timers;
  std::vector<std::thread> running;
  for (unsigned t = 0; t < kThreads; ++t) {
    timers.push_back(std::make_unique<Timer>());
    running.emplace_back([t, scale, timer = timers.back().get()] {
      Random random(t + 10);
      for (std::size_t i = 0; i < scaled(scale, 100000); ++i) {
        const std::size_t size = random.size();
        void* const p = timer->malloc(size);
        touch(p, size < 4096 ? size : 4096);
        if (void* const other = shared[random.below(kShared)].exchange(p)) timer->free(other);
      }
    });
  }
  for (std::thread& thread : running) thread.join();
  for (const auto& timer : timers) sum.add(*timer);
  for (auto& slot : shared) std::free(slot.exchange(nullptr));
  return true;
}

bool fork_under_load(double scale, Timer& sum) {
  constexpr unsigned kThreads = 4;
  std::atomic<bool> stop{false};
  std::vector<std::unique_ptr<Timer>> timers;
  std::vector<std::thread> running;
  for (unsigned t = 0; t < kThreads; ++t) {
    timers.push_back(std::make_unique<Timer>());
    running.emplace_back([t, &stop, timer = timers.back().get()] {
      Slots slots(4096);
      for (std::uint64_t seed = t; !stop.load(); seed += kThreads) churn(*timer, slots, 1000, seed);
      free_all(slots);
    });
  }
  for (std::size_t i = 0; i < scaled(scale, 100); ++i) {
    pid_t child = -1;
    sum.time(kFork, [&] {
      child = fork();
      if (child == 0) _exit(0);
      return nullptr;
    });
    if (child > 0) waitpid(child, nullptr, 0);
    usleep(5000);
  }
  stop = true;
  for (std::thread& thread : running) thread.join();
  for (const auto& timer : timers) sum.add(*timer);
  return true;
}

bool write_text(const char* path, const char* text) {
  const int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  const auto n = static_cast<ssize_t>(std::strlen(text));
  const bool done = write(file, text, static_cast<std::size_t>(n)) == n;
  close(file);
  return done;
}

// Moves the process into a memory cgroup of its own. If that is not possible, limits its address space.
void limit_memory(std::size_t bytes) {
  constexpr const char* kPlaces[][2] = {{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"},
                                        {"/sys/fs/cgroup", "memory.max"}};
  const std::string number = std::to_string(bytes);
  for (const auto& [place, name] : kPlaces) {
    const std::string group = std::string(place) + "/ashlar-latency-" + std::to_string(getpid());
    if (mkdir(group.c_str(), 0755) != 0) continue;
    if (write_text((group + "/" + name).c_str(), number.c_str()) && write_text((group + "/cgroup.procs").c_str(), "0"))
      return;
    rmdir(group.c_str());
  }
  const rlimit limit{bytes + 64 * kMiB, bytes + 64 * kMiB};
  setrlimit(RLIMIT_AS, &limit);
  std::fprintf(stderr, "latency: no memory cgroup can be made here; the address space is limited instead\n");
}

// Fills what the limit allows, then replaces blocks.
void use_up(double scale, std::size_t bytes, Timer& timer) {
  Slots slots(bytes / 4096);
  Random random(5);
  std::size_t count = 0;
  for (std::size_t used = 0; used < bytes * 85 / 100 && count < slots.size(); ++count) {
    const std::size_t size = random.size() + 2048;
    slots[count] = timer.malloc(size);
    if (slots[count] == nullptr) break;
    touch(slots[count], size);
    used += size;
  }
  for (std::size_t i = 0; count != 0 && i < scaled(scale, 100000); ++i) {
    void*& slot = slots[random.below(count)];
    if (slot != nullptr) timer.free(slot);
    const std::size_t size = random.size() + 2048;
    slot = timer.malloc(size);
    touch(slot, size);
  }
  free_all(slots);
}

// Runs the case in a child, which stays in the group until it ends. The parent removes the group.
bool near_limit(double scale, Timer& sum) {
  constexpr std::size_t kLimit = 128 * kMiB;
  int ends[2];
  if (pipe(ends) != 0) return false;
  const pid_t child = fork();
  if (child == 0) {
    limit_memory(kLimit);
    auto timer = std::make_unique<Timer>();
    use_up(scale, kLimit, *timer);
    const auto* at = reinterpret_cast<const char*>(timer.get());
    for (std::size_t left = sizeof(Timer); left > 0;) {
      const ssize_t n = write(ends[1], at, left);
      if (n <= 0) _exit(1);
      at += n;
      left -= static_cast<std::size_t>(n);
    }
    _exit(0);
  }
  close(ends[1]);
  auto timer = std::make_unique<Timer>();
  auto* at = reinterpret_cast<char*>(timer.get());
  std::size_t left = sizeof(Timer);
  for (ssize_t n = 1; n > 0 && left > 0; left -= static_cast<std::size_t>(n > 0 ? n : 0)) {
    n = read(ends[0], at, left);
    if (n > 0) at += n;
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  for (const char* place : {"/sys/fs/cgroup/memory", "/sys/fs/cgroup"}) {
    const std::string group = std::string(place) + "/ashlar-latency-" + std::to_string(child);
    for (int i = 0; i < 50 && rmdir(group.c_str()) != 0 && errno == EBUSY; ++i) usleep(10000);
  }
  if (status != 0 || left != 0) {
    std::fprintf(stderr, "latency: the process near the limit was ended (status 0x%x)\n",
                 static_cast<unsigned>(status));
    return false;
  }
  sum.add(*timer);
  return true;
}

}  // namespace

const Case kCases[] = {
    {"steady", "4096 live blocks of mixed sizes, one replaced at a time", steady},
    {"free-heap", "free of a heap of 512 MiB block by block, then a churn", free_heap},
    {"aged", "churn after 512 MiB had been free for 1.2 s, three times", aged},
    {"growth", "buffers grown by realloc to 1 MiB, and a heap that grows to 512 MiB", growth},
    {"threads", "16 threads that hand blocks over to each other", threads},
    {"fork", "4 threads that churn while a fifth forks every 5 ms", fork_under_load},
    {"limit", "churn at 85 % of a memory cgroup of 128 MiB", near_limit},
};
const std::size_t kCaseCount = sizeof kCases / sizeof *kCases;

}  // namespace ashlar::latency
