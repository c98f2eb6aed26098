// A web framework: each request makes thousands of short-lived objects, of which few survive.
// Idea: Django, Rails and Spring. A worker parses the head of a request into a dictionary of strings, looks up its
// session, runs some queries whose rows are dictionaries of strings, renders a page from nested fragments that are
// joined, and drops everything. One request in 16 leaves a session, and one in 64 a rendered page in a cache. Both
// stores are shared and bounded, and drop the oldest entry, whichever thread made it. Shows bursts of small blocks of
// which all but a few end together.
//   --threads N   workers (default 4)

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "../common/args.h"
#include "../common/memory.h"
#include "../common/rng.h"
#include "../common/threads.h"

namespace {

using namespace ashlar::workload;

using Dictionary = std::map<std::string, std::string>;

// The objects that outlive requests. The store is bounded: the oldest entry is dropped.
template <typename Entry>
class Kept {
 public:
  explicit Kept(std::size_t limit) : limit_(limit) {}

  void add(Entry entry) {
    Entry dropped;
    const std::lock_guard lock(mutex_);
    entries_.push_back(std::move(entry));
    if (entries_.size() <= limit_) return;
    dropped = std::move(entries_.front());
    entries_.pop_front();
  }

  // Returns a copy, since a request works on a copy.
  Entry any(Rng& rng) {
    const std::lock_guard lock(mutex_);
    return entries_.empty() ? Entry{} : entries_[rng.below(entries_.size())];
  }

 private:
  std::size_t limit_;
  std::mutex mutex_;
  std::deque<Entry> entries_;
};

struct Shared {
  Kept<Dictionary> sessions{4000};
  Kept<std::string> pages{1000};
};

class Worker {
 public:
  Worker(Shared& shared, std::size_t index) : shared_(shared), rng_(index + 31) {}

  void serve() {
    const Dictionary head = parse_head();
    Dictionary session = shared_.sessions.any(rng_);
    std::vector<std::string> fragments;
    for (std::size_t query = rng_.between(1, 4); query > 0; --query) render(run_query(), fragments);
    std::string page = join(fragments);
    expect(page.size() > head.size(), "a page is too short");
    if (rng_.one_in(16)) {
      session["user"] = text(rng_.between(8, 40));
      session["seen"] += text(16);
      if (session["seen"].size() > 400) session["seen"].clear();
      shared_.sessions.add(std::move(session));
    }
    if (rng_.one_in(64)) shared_.pages.add(std::move(page));
  }

 private:
  std::string text(std::size_t size) { return std::string(size, static_cast<char>('a' + rng_.below(26))); }

  Dictionary parse_head() {
    Dictionary head;
    for (std::size_t field = 0; field < 14; ++field)
      head["header-field-" + std::to_string(field)] = text(rng_.skewed(4, 256));
    return head;
  }

  std::vector<std::unique_ptr<Dictionary>> run_query() {
    std::vector<std::unique_ptr<Dictionary>> rows;
    for (std::size_t n = rng_.between(5, 60); n > 0; --n) {
      auto row = std::make_unique<Dictionary>();
      for (const char* column : {"id", "name", "created_at", "description_of_it", "owner"})
        row->emplace(column, text(rng_.skewed(4, 128)));
      rows.push_back(std::move(row));
    }
    return rows;
  }

  static void render(const std::vector<std::unique_ptr<Dictionary>>& rows, std::vector<std::string>& fragments) {
    for (const auto& row : rows) {
      std::string line = "<tr>";
      for (const auto& [column, value] : *row) line += "<td class=\"" + column + "\">" + value + "</td>";
      fragments.push_back(line + "</tr>\n");
    }
  }

  static std::string join(const std::vector<std::string>& fragments) {
    std::string page;
    for (const std::string& fragment : fragments) page += fragment;
    return page;
  }

  Shared& shared_;
  Rng rng_;
};

}  // namespace

int main(int argc, char** argv) {
  Args args(argc, argv);
  const std::size_t threads = args.positive("threads", 4);
  const std::size_t requests = args.scaled(40'000) / threads + 1;
  args.finish();
  Shared shared;
  run_threads(threads, [&](std::size_t index) {
    Worker worker(shared, index);
    for (std::size_t i = 0; i < requests; ++i) worker.serve();
  });
}
