// The workloads' command line: pairs "--name value". An unknown name is an error. Every program accepts --scale X,
// which multiplies the work (default 1.0), and --idle S, the seconds that an idling program waits.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace ashlar::workload {

class Args {
 public:
  Args(int argc, char** argv) : argc_(argc), argv_(argv) {
    if (argc % 2 == 0) fail("needs \"--name value\" pairs", argv[argc - 1]);
    scale_ = real("scale", 1.0);
    idle_seconds_ = real("idle", 5.0);
    if (scale_ <= 0) fail("must be positive", "--scale");
  }

  double real(const char* name, double otherwise) {
    for (int i = 1; i + 1 < argc_; i += 2) {
      if (std::strncmp(argv_[i], "--", 2) != 0 || std::strcmp(argv_[i] + 2, name) != 0) continue;
      char* end = nullptr;
      const double value = std::strtod(argv_[i + 1], &end);
      if (end == argv_[i + 1] || *end != '\0' || value < 0) fail("expects a number", argv_[i]);
      ++known_;
      return value;
    }
    return otherwise;
  }

  std::size_t count(const char* name, std::size_t otherwise) {
    return static_cast<std::size_t>(real(name, static_cast<double>(otherwise)));
  }

  // Returns a count that must be positive.
  std::size_t positive(const char* name, std::size_t otherwise) {
    const std::size_t value = count(name, otherwise);
    if (value == 0) fail("must be at least 1", name);
    return value;
  }

  // Must be called after the last real(), count() or positive(): any word that is left is a typing error.
  void finish() const {
    if (known_ * 2 != argc_ - 1) fail("has an unknown or repeated option", argv_[0]);
  }

  // Returns an amount of work at this scale, at least one.
  std::size_t scaled(std::size_t amount) const {
    return std::max<std::size_t>(1, static_cast<std::size_t>(static_cast<double>(amount) * scale_));
  }

  double idle_seconds() const { return idle_seconds_; }

 private:
  [[noreturn]] static void fail(const char* what, const char* subject) {
    std::fprintf(stderr, "%s %s\n", subject, what);
    std::exit(2);
  }

  int argc_;
  char** argv_;
  int known_ = 0;
  double scale_ = 1.0;
  double idle_seconds_ = 5.0;
};

}  // namespace ashlar::workload
