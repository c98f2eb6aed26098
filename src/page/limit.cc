// page: the memory cgroup's limits, see the header.
#include "page/limit.h"

namespace ashlar::page {

namespace {

constexpr std::size_t kMinStep = 1_MiB >> kPageShift;
constexpr std::size_t kReserve = 32_MiB >> kPageShift;  // at most left to code, stacks and page tables
constexpr std::size_t kGrantsPart = 64;                 // of the limit, that is granted without a look in any case
constexpr std::uint64_t kFreshMs = 4;                   // figures are used again so long
constexpr std::uint64_t kPressureMs = 250;              // the least time between two looks at the pressure

void note_pressure(os::Pressure now) {
  const os::Pressure before = signals.pressure.exchange(now, std::memory_order_relaxed);
  if (now > before) request_shrink();
}

// Reads the limits for a heap of so many pages, held and dirty.
void read_limits(PageCount held) {
  const std::size_t total = held.raw;
  const os::MemoryLimits now = os::memory_limits();
  note_pressure(now.pressure);
  std::size_t next = total + total / 8 + kLimitStep.raw, all = SIZE_MAX, at = SIZE_MAX, grants = SIZE_MAX;
  if (now.limit == SIZE_MAX) {
    next += total / 8 + kLimitStep.raw;  // one that is set later is seen then
  } else {
    const std::size_t limit = now.limit >> kPageShift, headroom = now.headroom >> kPageShift;
    const std::size_t reserve = limit / 8 < kReserve ? limit / 8 : kReserve;
    all = limit - reserve;
    at = total + headroom > reserve ? total + headroom - reserve : 0;
    const std::size_t left = at > total ? at - total : 0;
    const std::size_t half = total + (left / 2 > kMinStep ? left / 2 : left);
    if (next > half) next = half;
    grants = left > all / kGrantsPart ? left : all / kGrantsPart;
  }
  limits.usable.store(all, std::memory_order_relaxed);
  limits.reached.store(at, std::memory_order_relaxed);
  limits.next_check.store(next, std::memory_order_relaxed);
  limits.grants_left.store(grants, std::memory_order_relaxed);
  limits.read_at.store(total, std::memory_order_relaxed);
  limits.read_ms.store(os::now_ms(), std::memory_order_relaxed);
}

bool is_fresh(std::uint64_t ms) {
  const std::uint64_t read = limits.read_ms.load(std::memory_order_relaxed);
  return read != 0 && os::now_ms() - read < ms;
}

}  // namespace

constinit Limits limits;

Allowance ask_limit(Use use, PageCount wanted) {
  const PageCount total = use.live + use.dirty;
  bool is_new = !is_fresh(kFreshMs);
  if (is_new) read_limits(total);
  for (;; is_new = true) {
    const PageCount limit(limits.reached.load(std::memory_order_relaxed));
    if (limit == PageCount::all()) return {};
    const bool is_sparse = wanted.raw > limits.usable.load(std::memory_order_relaxed);
    const PageCount charged = use.live + (is_sparse ? PageCount() : wanted);
    if (charged <= limit) {
      if (is_sparse) limits.reached.fetch_add(wanted.raw, std::memory_order_relaxed);
      return {true, (charged + use.dirty).above(limit)};
    }
    // what was handed out since it was read need not have been touched
    if (is_new || total.raw < limits.read_at.load(std::memory_order_relaxed) + kMinStep) return {false, {}};
    read_limits(total);
  }
}

void note_limit_left(PageCount pages) {
  if (limits.reached.load(std::memory_order_relaxed) == SIZE_MAX) return;
  const std::size_t next = limits.next_check.load(std::memory_order_relaxed);
  limits.next_check.store(next > pages.raw ? next - pages.raw : 0, std::memory_order_relaxed);
  limits.read_ms.store(0, std::memory_order_relaxed);
}

void forget_limit() { limits.read_ms.store(0, std::memory_order_relaxed); }

bool look_at_pressure(Use use) {
  if (options.memcg == 0 || is_fresh(kPressureMs)) return false;
  read_limits(use.live + use.dirty);
  return true;
}

}  // namespace ashlar::page
