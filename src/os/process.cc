// os: the process: its environment, messages, break, number, and the names of its threads.
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "base/hints.h"
#include "os/action.h"
#include "os/call.h"
#include "os/mapped_file.h"
#include "os/os.h"
#include "os/proc.h"
#include "os/write_signals.h"

// A static program has neither symbol. musl names its list of libraries differently, and does not declare the two.
#ifdef __GLIBC__
#pragma weak _r_debug
#pragma weak _DYNAMIC
#else
[[gnu::weak, gnu::visibility("hidden")]] extern ElfW(Dyn) _DYNAMIC[];  // NOLINT(readability-identifier-naming)
[[gnu::weak]] extern const r_debug* const debug_address asm("_dl_debug_addr");
#endif

namespace ashlar::os {

namespace {

// A copy of stderr, and which file it is: the program may close every descriptor, and get the number for another file.
struct KeptStderr {
  int file = -1;  // set once, before main or by a request
  FileId id;
};
constinit KeptStderr kept_stderr;

// The copy, if it still is one; else -1.
[[ASHLAR_ALWAYS_RUN]] int still_kept() {
  const int kept = __atomic_load_n(&kept_stderr.file, __ATOMIC_ACQUIRE);  // pairs with the store in keep_stderr
  FileId now;
  const bool same = kept >= 0 && identify(kept, now) == 0 && now.device == kept_stderr.id.device &&
                    now.number == kept_stderr.id.number;
  return same ? kept : -1;
}

}  // namespace

[[ASHLAR_ALWAYS_RUN]] const char* environment(const char* name) { return secure_getenv(name); }

[[ASHLAR_ALWAYS_RUN]] bool is_set_id() { return getauxval(AT_SECURE) != 0; }

#ifdef __GLIBC__
[[ASHLAR_ALWAYS_RUN]] bool has_glibc() { return true; }
[[ASHLAR_ALWAYS_RUN]] std::string_view program_name() {
  const auto* const path = reinterpret_cast<const char*>(getauxval(AT_EXECFN));
  if (path == nullptr) return {};
  const std::string_view whole(path);
  const std::size_t slash = whole.rfind('/');
  return slash == std::string_view::npos ? whole : after(whole, slash + 1);
}

[[ASHLAR_ALWAYS_RUN]] bool is_static() {
  return &_DYNAMIC == nullptr || &_r_debug == nullptr || _r_debug.r_map == nullptr;
}

[[ASHLAR_ALWAYS_RUN]] bool comes_before_libc() {
  if (is_static()) return false;
  for (const link_map* map = _r_debug.r_map; map != nullptr; map = map->l_next) {
    if (map->l_ld == _DYNAMIC) return true;
    if (std::strstr(map->l_name, "/libc.so") != nullptr) return false;
  }
  return false;
}
#else
[[ASHLAR_ALWAYS_RUN]] bool has_glibc() { return false; }
[[ASHLAR_ALWAYS_RUN]] bool is_static() { return _DYNAMIC == nullptr || &debug_address == nullptr; }

// musl's dlopen(3) refuses a library with initial-exec variables, and every program lists libc last.
[[ASHLAR_ALWAYS_RUN]] bool comes_before_libc() { return !is_static(); }
#endif

void write_error(std::string_view text) {
  const int saved = errno;
  WriteSignals signals;
  while (!text.empty()) {
    ssize_t n = call::write(STDERR_FILENO, text.data(), text.size());
    if (n < 0 && errno == EBADF) {
      const int kept = still_kept();
      if (kept >= 0) n = call::write(kept, text.data(), text.size());
    }
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) signals.note(errno);
    if (n <= 0) break;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  errno = saved;
}

void keep_stderr() {
  if (__atomic_load_n(&kept_stderr.file, __ATOMIC_RELAXED) >= 0) return;
  const int saved = errno;
  constexpr int kOutOfTheWay = 100;  // programs expect to get the low numbers
  const auto kept = static_cast<int>(call::number(SYS_fcntl, STDERR_FILENO, F_DUPFD_CLOEXEC, kOutOfTheWay));
  if (kept >= 0 && identify(kept, kept_stderr.id) == 0)
    __atomic_store_n(&kept_stderr.file, kept, __ATOMIC_RELEASE);  // pairs with the load in still_kept
  else if (kept >= 0) call::close(kept);
  errno = saved;
}

[[ASHLAR_ALWAYS_RUN]] int error_file() {
  const int saved = errno;
  const bool open = call::number(SYS_fcntl, STDERR_FILENO, F_GETFD) >= 0;
  const int file = open ? STDERR_FILENO : still_kept();
  errno = saved;
  return file;
}

void say(std::string_view text) {
  Text<512> line;
  line << "ashlar: ";
  // an option's text may hold anything, and a terminal is sent only printable text
  for (const char c : first(text, 500))
    line << (c >= ' ' && c <= '~' ? std::string_view(&c, 1) : std::string_view("?"));
  line << "\n";
  write_error(line.view());
}

[[gnu::cold]] void die() {
  const long process = call::number(SYS_getpid), thread = call::number(SYS_gettid);
  call::change_signal_mask(SIG_UNBLOCK, call::bit_of(SIGABRT), nullptr);
  call::number(SYS_tgkill, process, thread, SIGABRT);
  // SIGABRT was ignored, or its handler returned
  call::set_action(SIGABRT, {});
  call::number(SYS_tgkill, process, thread, SIGABRT);
  call::number(SYS_exit_group, 127);
  __builtin_trap();
}

namespace {
[[ASHLAR_ALWAYS_RUN]] void sleep(const timespec& time) {
  const int saved = errno;
  call::number(SYS_nanosleep, &time, nullptr);
  errno = saved;
}
}  // namespace

[[ASHLAR_ALWAYS_RUN]] void sleep_ms(std::uint64_t ms) {
  sleep({static_cast<time_t>(ms / 1000), static_cast<long>(ms % 1000) * 1000000});
}

[[ASHLAR_ALWAYS_RUN]] void pause() { sleep({0, 50000}); }

[[ASHLAR_ALWAYS_RUN]] std::string_view read_small_file(const char* path, char* buffer, std::size_t size) {
  const int saved = errno;
  std::size_t filled = 0;
  const int file = call::open(path, O_RDONLY | O_CLOEXEC);
  while (file >= 0 && filled < size) {
    const ssize_t n = call::read(file, buffer + filled, size - filled);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    filled += static_cast<std::size_t>(n);
  }
  if (file >= 0) call::close(file);
  errno = saved;
  return {buffer, filled};
}

[[ASHLAR_ALWAYS_RUN]] bool parse_decimal(std::string_view text, std::size_t& out) {
  std::size_t n = 0, digits = 0;
  for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
    if (__builtin_mul_overflow(n, 10, &n) ||
        __builtin_add_overflow(n, static_cast<std::size_t>(text[digits] - '0'), &n)) {
      n = SIZE_MAX;
      break;
    }
  }
  out = n;
  return digits > 0;
}

namespace {

// Returns the 47th field of /proc/PID/stat, start_brk, counted from 1 (proc(5)). The second field is the name in
// parentheses, which may contain blanks.
std::size_t break_start() {
  char buffer[1024];
  std::string_view stat = read_small_file("/proc/self/stat", buffer, sizeof buffer);
  stat = after(stat, stat.rfind(')') + 2);
  for (int field = 3; field < 47; ++field) stat = after(stat, stat.find(' ') + 1);
  std::size_t start = 0;
  return parse_decimal(stat, start) ? start : 0;
}

}  // namespace

bool in_break(const void* p) {
  if (options.mmap_only != 0) return false;
  // Relaxed: any thread would read the same from the kernel. 0: not read yet.
  static constinit std::size_t start = 0;
  std::size_t bottom = __atomic_load_n(&start, __ATOMIC_RELAXED);
  if (bottom == 0) {
    bottom = break_start();
    if (bottom == 0) bottom = SIZE_MAX;  // no /proc: no address counts as glibc's main arena
    __atomic_store_n(&start, bottom, __ATOMIC_RELAXED);
  }
  const int saved = errno;
  const auto at = reinterpret_cast<std::uintptr_t>(p);
  const bool inside = at >= bottom && at < reinterpret_cast<std::uintptr_t>(sbrk(0));
  errno = saved;
  return inside;
}

void thread_name(char (&name)[kThreadName]) {
  const int saved = errno;
  name[0] = '\0';
  if (options.mmap_only == 0) call::number(SYS_prctl, PR_GET_NAME, &name[0], 0, 0, 0);
  errno = saved;
}

void set_thread_name(const char (&name)[kThreadName]) {
  const int saved = errno;
  if (options.mmap_only == 0) call::number(SYS_prctl, PR_SET_NAME, &name[0], 0, 0, 0);
  errno = saved;
}

std::uint32_t process_number() { return static_cast<std::uint32_t>(call::number(SYS_getpid)); }

}  // namespace ashlar::os
