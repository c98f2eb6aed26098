// Does for hours what programs do for years. Threads start and end, allocate all sizes for short and long times,
// resize, hand blocks to one another and free, while the process forks. Payloads are checked. Resident memory is
// sampled and must not drift. Usage: soak [--hours H | --seconds S] [--threads N] [--leak BYTES]
//
// The first quarter of the time is left out. The slope is the median of the slopes between all pairs of the other
// samples (Theil-Sen, on which outliers have no effect). The growth by this slope over that time may be at most a
// twentieth of the median size plus 2 MiB. In less than a minute it may be 4 MiB more, since memory takes that long to
// settle. A run of less than a minute that exceeds the limit is judged again for the same time, up to twice. --leak
// leaks BYTES per second, which shows that a leak is found.
#include <pthread.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "stress/worker.h"
#include "support/process.h"

namespace {
using namespace ashlar_test;

struct Settings {
  double seconds = 10;
  size_t threads = 8, leak = 0;
};

struct Sample {
  double at;   // seconds since the start
  double kib;  // resident
};

constexpr size_t kSamples = 400;
constexpr long kForkMs = 150, kChildDeadlineMs = 60000;

double now() {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

// Subtracts the pages that were returned by MADV_FREE, which stay resident until the kernel needs them.
double resident_kib() {
  FILE* const file = fopen("/proc/self/smaps_rollup", "re");
  CHECK(file != nullptr);
  char line[200];
  double resident = -1, lazy = 0;
  while (fgets(line, sizeof line, file) != nullptr) {
    sscanf(line, "Rss: %lf", &resident);
    sscanf(line, "LazyFree: %lf", &lazy);
  }
  fclose(file);
  CHECK(resident >= 0);
  return resident - lazy;
}

// A place at which threads work, one after another. Each lives for some hundred rounds, and its successor continues
// with its blocks.
struct Seat {
  std::unique_ptr<Worker> worker;
  size_t rounds = 0;
  pthread_t thread{};
  std::atomic<bool> done{true};
  bool started = false;
};
std::atomic<bool> stopping{false};
std::atomic<unsigned long> operations{0};

void* sit(void* p) {
  constexpr size_t kRound = 500;
  auto& seat = *static_cast<Seat*>(p);
  for (size_t i = 0; i < seat.rounds && !stopping; ++i) {
    seat.worker->work(kRound);
    operations += kRound;
  }
  seat.done = true;
  return nullptr;
}

// The child has the parent's heap in the middle of all its work. It uses the heap, and starts a thread of its own.
[[noreturn]] void be_child(unsigned long number) {
  Worker worker(number, 77);
  worker.keep_to_itself();
  worker.work(300);
  pthread_t thread;
  const auto work = [](void* p) -> void* {
    static_cast<Worker*>(p)->work(100);
    return nullptr;
  };
  CHECK(pthread_create(&thread, nullptr, work, &worker) == 0 && pthread_join(thread, nullptr) == 0);
  worker.release_all();
  _exit(0);
}

class Soak {
 public:
  explicit Soak(const Settings& settings) : settings_(settings), seats_(settings.threads) {
    for (size_t i = 0; i < seats_.size(); ++i) seats_[i].worker = std::make_unique<Worker>(i, 5, true);
    samples_.reserve(kSamples + 8);
  }

  bool run() {
    // What has not settled in a short time settles in the next one, but a leak continues.
    const int turns = settings_.seconds < 60 ? 3 : 1;
    bool steady = false;
    for (int turn = 0; turn < turns && !steady; ++turn) {
      live();
      steady = judge();
    }
    stopping = true;
    for (Seat& seat : seats_) CHECK(!seat.started || pthread_join(seat.thread, nullptr) == 0);
    for (Seat& seat : seats_) seat.worker->release_all();
    clear_shelves();
    return steady;
  }

 private:
  void live() {
    const double start = now(), step = settings_.seconds / kSamples;
    samples_.clear();
    double next_fork = start, next_sample = start;
    for (double t = start; t - start < settings_.seconds; t = now()) {
      if (t >= next_sample)
        samples_.push_back({t - start, resident_kib()}), next_sample = std::max(t, next_sample + step);
      if (t >= next_fork) fork_once(), next_fork = now() + kForkMs / 1e3;
      seat_threads();
      leak(t - begin_);
      sleep_ms(5);
    }
  }

  void seat_threads() {
    for (Seat& seat : seats_) {
      if (!seat.done) continue;
      if (seat.started) CHECK(pthread_join(seat.thread, nullptr) == 0);
      seat.rounds = 1 + random_.below(400);
      seat.done = false;
      seat.started = true;
      CHECK(pthread_create(&seat.thread, nullptr, sit, &seat) == 0);
      ++threads_;
    }
  }

  void fork_once() {
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) be_child(forks_);
    if (const int status = wait_for(child, kChildDeadlineMs); !exited_with(status, 0)) {
      dprintf(2, "child %lu ended with status %#x\n", forks_, static_cast<unsigned>(status));
      exit(1);
    }
    ++forks_;
  }

  void leak(double elapsed) {
    constexpr size_t kPiece = 1000;
    const auto wanted = static_cast<size_t>(elapsed * static_cast<double>(settings_.leak)) / kPiece;
    for (; leaked_ < wanted; ++leaked_) CHECK(memset(api.malloc(kPiece), 1, kPiece) != nullptr);
  }

  bool judge() {
    std::erase_if(samples_, [this](const Sample& sample) { return sample.at < settings_.seconds / 4; });
    if (samples_.size() < 20) {
      printf("SKIP: %zu samples only: this machine had no time for it\n", samples_.size());
      exit(kSkipStatus);
    }
    std::vector<double> slopes, sizes;
    for (size_t i = 0; i < samples_.size(); ++i) {
      sizes.push_back(samples_[i].kib);
      for (size_t k = i + 1; k < samples_.size(); ++k)
        slopes.push_back((samples_[k].kib - samples_[i].kib) / (samples_[k].at - samples_[i].at));
    }
    const auto median = [](std::vector<double>& of) {
      std::nth_element(of.begin(), of.begin() + static_cast<long>(of.size() / 2), of.end());
      return of[of.size() / 2];
    };
    const double slope = median(slopes), usual = median(sizes), span = samples_.back().at - samples_.front().at;
    const double growth = slope * span, most = usual / 20 + 2048 + (span < 60 ? 4096 : 0);
    printf(
        "%.1f minutes, %lu operations, %lu threads, %lu forks: RSS %.1f MiB (%.1f to %.1f), drift %+.1f KiB a minute, "
        "%+.0f KiB in %.1f minutes (at most %.0f)\n",
        settings_.seconds / 60, operations.load(), threads_, forks_, usual / 1024,
        *std::min_element(sizes.begin(), sizes.end()) / 1024, *std::max_element(sizes.begin(), sizes.end()) / 1024,
        slope * 60, growth, span / 60, most);
    return growth <= most;
  }

  Settings settings_;
  std::vector<Seat> seats_;
  std::vector<Sample> samples_;
  Random random_{3};
  unsigned long threads_ = 0, forks_ = 0, leaked_ = 0;
  double begin_ = now();
};

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string word = argv[i];
    const double number = strtod(argv[i + 1], nullptr);
    if (word == "--hours") settings.seconds = number * 3600;
    else if (word == "--seconds") settings.seconds = number;
    else if (word == "--threads") settings.threads = static_cast<size_t>(number);
    else if (word == "--leak") settings.leak = static_cast<size_t>(number);
    else argc = 0;
  }
  if (argc % 2 == 0 || settings.seconds <= 0 || settings.threads == 0) {
    dprintf(2, "usage: soak [--hours H | --seconds S] [--threads N] [--leak BYTES]\n");
    return 2;
  }
  if (Soak(settings).run()) return 0;
  printf("resident memory drifts\n");
  return 1;
}
