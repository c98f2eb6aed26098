// Checks a budget: a tiny program (sort of one line) has at most 112 KiB more private pages than under glibc, at its
// peak and at exit. At most 128 KiB of the library's file, which all processes share, are resident.
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "figures.h"

namespace {

constexpr int kRuns = 15;
constexpr long kPrivateKib = 112, kLibraryKib = 128;

// A copy whose pages are in the page cache one by one. Around a fault the kernel maps 64 KiB of a file, and where pages
// are cached as large folios it maps those whole: what is resident would depend on how the file was written and read.
class PagewiseCopy {
 public:
  explicit PagewiseCopy(const std::string& path) {
    const int from = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    const int to = mkstemps(path_.data(), 3);
    if (from < 0 || to < 0) throw std::runtime_error(path + " cannot be copied to " + path_);
    std::vector<char> buffer(1 << 16);
    for (ssize_t n = 0; (n = read(from, buffer.data(), buffer.size())) > 0;) {
      if (write(to, buffer.data(), static_cast<size_t>(n)) != n) throw std::runtime_error(path_ + " cannot be written");
    }
    fsync(to);  // only clean pages leave the cache
    posix_fadvise(to, 0, 0, POSIX_FADV_DONTNEED);
    posix_fadvise(to, 0, 0, POSIX_FADV_RANDOM);  // no reading ahead
    for (off_t at = 0; pread(to, buffer.data(), 4096, at) > 0; at += 4096) {
    }
    close(from);
    close(to);
  }
  ~PagewiseCopy() { unlink(path_.c_str()); }
  PagewiseCopy(const PagewiseCopy&) = delete;
  PagewiseCopy& operator=(const PagewiseCopy&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_ = "/var/tmp/libashlar_XXXXXX.so";
};

struct Figures {
  std::vector<long> private_at_exit, private_at_peak, files, library;

  void add(const budget::Run& run) {
    private_at_exit.push_back(run.at_exit.private_kib);
    private_at_peak.push_back(run.peak_private_kib);
    files.push_back(run.at_exit.file_kib);
    library.push_back(run.library_kib);
  }
};

void print(const char* name, const Figures& figures) {
  printf("%s: private %ld KiB at exit, %ld KiB at the peak; of files %ld KiB, %ld of them of the library\n", name,
         budget::median(figures.private_at_exit), budget::median(figures.private_at_peak),
         budget::median(figures.files), budget::median(figures.library));
}

bool check(const std::string& library) {
  Figures plain, ashlar;
  const PagewiseCopy copy(library);
  for (int i = 0; i < kRuns; ++i) {
    plain.add(budget::observe({"sort"}, "", "one line\n"));
    ashlar.add(budget::observe({"sort"}, copy.path(), "one line\n"));
  }
  print("glibc", plain);
  print("ashlar", ashlar);
  const auto more = [](const std::vector<long>& one, const std::vector<long>& other) {
    return static_cast<double>(budget::median(one) - budget::median(other));
  };
  const double at_exit = more(ashlar.private_at_exit, plain.private_at_exit);
  const double at_peak = more(ashlar.private_at_peak, plain.private_at_peak);
  bool good = budget::within("sort of one line, private pages at exit beyond glibc's", at_exit, kPrivateKib, "KiB");
  good &= budget::within("sort of one line, private pages at the peak beyond glibc's", at_peak, kPrivateKib, "KiB");
  good &= budget::within("sort of one line, resident pages of the library's file",
                         static_cast<double>(budget::median(ashlar.library)), kLibraryKib, "KiB");
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  budget::ask_for_steady_figures();
  try {
    return check(argv[1]) ? 0 : 1;
  } catch (const std::exception& error) {
    fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
