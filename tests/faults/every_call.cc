// Runs the subject repeatedly and lets its Nth system call fail, for N = 1, 2, 3 and so on, until a run makes no Nth
// call. Each run must neither crash nor hang, requests must be refused properly, and contents must be right. When the
// faults end, all requests must succeed again, and neither address space nor memory may be lost. Then it does the same
// with all calls from the Nth on failing.
//
// Arguments: the injector, the library, the subject, ASHLAR_OPTIONS, and S: each Sth call is tried. With
// ASHLAR_LONG_TESTS in the environment every call is tried, and by default the subject also idles.
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <map>
#include <string>
#include <vector>

#include "faults/inject.h"
#include "support/process.h"

namespace {
using namespace ashlar_test;

constexpr std::uint32_t kEverything = (1u << kCalls) - 1;

struct Place {
  std::uint32_t call = 0, seen = 0, injected = 0;
};

struct Driver {
  Report* report = nullptr;
  std::string preload, subject;
  std::vector<std::string> environment;
  std::uint32_t more_work = 0;
  std::map<std::uint64_t, Place> places;
  std::uint64_t plain_address_space = 0, plain_resident = 0, refusals = 0;
  unsigned runs = 0;
};

void note_places(Driver& driver) {
  for (const Report::Site& site : driver.report->sites) {
    if (site.offset == 0) continue;
    Place& place = driver.places[site.offset];
    place.call = site.call;
    place.seen += site.seen;
    place.injected += site.injected;
  }
}

// Makes one run. Returns false if it ended otherwise than it should.
bool run(Driver& driver, std::uint32_t calls, std::uint32_t first, std::uint32_t last, int error) {
  Report& report = *driver.report;
  memset(static_cast<void*>(&report), 0, sizeof report);
  report.calls = calls;
  report.first = first;
  report.last = last;
  report.error = error;
  report.more_work = driver.more_work;
  std::vector<char*> environment;
  for (std::string& each : driver.environment) environment.push_back(each.data());
  environment.push_back(nullptr);
  char* argv[] = {driver.subject.data(), nullptr};
  pid_t pid = 0;
  CHECK(posix_spawn(&pid, driver.subject.c_str(), nullptr, nullptr, argv, environment.data()) == 0);
  const int status = wait_for(pid, 60000);
  ++driver.runs;
  note_places(driver);
  driver.refusals += report.refusals;
  if (exited_with(status, 0)) return true;
  printf("FAILED: status %#x%s, calls %#x from %u to %u gave errno %d; injected %u of %u\n",
         static_cast<unsigned>(status), status == -1 ? " (hung)" : "", calls, first, last, error,
         report.injected.load(), report.seen.load());
  for (const Report::Site& site : report.sites) {
    if (site.injected != 0) {
      printf("  %s called from libashlar.so+%#lx failed %u times\n", kCallNames[site.call.load()], site.offset.load(),
             site.injected.load());
    }
  }
  return false;
}

// The permanent cost of a failure: a block whose munmap failed, and one or two reservations of an arena.
constexpr std::uint64_t kMaxAddressSpace = (80 + 3 * 32 + 64) * 1024, kMaxResident = 6 * 1024;

bool kept_within_bounds(const Driver& driver, std::uint32_t first, std::uint32_t last) {
  const Report& report = *driver.report;
  if (report.address_space_kib <= driver.plain_address_space + kMaxAddressSpace &&
      report.resident_kib <= driver.plain_resident + kMaxResident) {
    return true;
  }
  printf("LOST: calls %u to %u failed: address space %lu KiB (undisturbed %lu), resident %lu (%lu)\n", first, last,
         report.address_space_kib, driver.plain_address_space, report.resident_kib, driver.plain_resident);
  return false;
}

bool each_in_turn(Driver& driver, std::uint32_t stride, bool all_after, int error) {
  bool good = true;
  std::uint32_t n = 1;
  for (;; n += stride) {
    const std::uint32_t last = all_after ? UINT32_MAX : n;
    good &= run(driver, kEverything, n, last, error) && (all_after || kept_within_bounds(driver, n, last));
    if (driver.report->injected == 0) break;
    if (n > 20000) return false;
  }
  printf("%s from call 1 to %u with errno %d: %s\n", all_after ? "all calls" : "one call", n, error,
         good ? "survived" : "NOT survived");
  return good;
}

// Refuses one kind of call, from the start to the end, for each kind.
bool each_kind(Driver& driver, int error) {
  bool good = true;
  for (unsigned call = 0; call < kCalls; ++call) good &= run(driver, 1u << call, 1, UINT32_MAX, error);
  return good;
}

bool is_default(const char* options) { return strcmp(options, "default") == 0; }

void prepare(Driver& driver, char** argv) {
  const int file = memfd_create("report", 0);
  CHECK(file >= 0 && ftruncate(file, sizeof(Report)) == 0 && dup2(file, kReportFile) == kReportFile);
  void* const at = mmap(nullptr, sizeof(Report), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  CHECK(at != MAP_FAILED);
  driver.report = static_cast<Report*>(at);
  driver.subject = argv[3];
  driver.environment = {std::string("LD_PRELOAD=") + argv[1] + ":" + argv[2],
                        std::string("ASHLAR_OPTIONS=") + (is_default(argv[4]) ? "" : argv[4])};
}
}  // namespace

int main(int argc, char** argv) {
  CHECK(argc == 6);
  const bool is_long = getenv("ASHLAR_LONG_TESTS") != nullptr;
  Driver driver;
  const auto stride = is_long ? 1u : static_cast<std::uint32_t>(atoi(argv[5]));
  driver.more_work = kFork | (is_long && is_default(argv[4]) ? kIdle : 0u) | (atoi(argv[5]) < 100 ? 0u : kLight);
  prepare(driver, argv);
  CHECK(run(driver, kEverything, 0, 0, 0));
  driver.plain_address_space = driver.report->address_space_kib;
  driver.plain_resident = driver.report->resident_kib;
  printf("undisturbed: %u calls, %lu KiB of address space, %lu resident\n", driver.report->seen.load(),
         driver.plain_address_space, driver.plain_resident);
  CHECK(driver.report->seen > 50);
  bool good = true;
  for (const int error : {ENOMEM, EPERM}) {
    good &= each_in_turn(driver, stride, false, error);
    good &= each_in_turn(driver, stride, true, error);
    if (is_long || error == ENOMEM) good &= each_kind(driver, error);
  }
  for (const auto& [offset, place] : driver.places) {
    printf("  libashlar.so+%#lx %s: %u calls, %u failed\n", offset, kCallNames[place.call], place.seen, place.injected);
    if (is_long) good &= place.injected != 0;
  }
  printf("%u runs, %lu proper refusals\n", driver.runs, driver.refusals);
  return good && driver.refusals != 0 ? 0 : 1;
}
