// slab: the names of named caches, each another one, and what they are looked up for in messages.
#include "slab/named_names.h"

#include <cstring>

namespace ashlar::slab {

namespace {

bool exists(std::string_view name) ASHLAR_REQUIRES(registry.lock) {
  for (const Handle* handle = registry.handles.front(); handle != nullptr; handle = handle->next) {
    if (name == handle->name) return true;
  }
  return false;
}

// The counter that follows those of all handles of the same given name; 1 if there is none.
std::uint32_t next_counter(std::string_view name) ASHLAR_REQUIRES(registry.lock) {
  std::uint32_t last = 0;
  for (const Handle* handle = registry.handles.front(); handle != nullptr; handle = handle->next) {
    if (name == handle->given_name() && handle->counter > last) last = handle->counter;
  }
  return last + 1;
}

}  // namespace

void set_name(Handle& handle, std::string_view given) {
  Text<kMaxName + kMaxCounter> name;
  name << given;
  handle.counter = next_counter(given);
  if (handle.counter == 1 && exists(given)) handle.counter = 2;
  while (handle.counter > 1) {
    name.clear();
    name << given << "#" << std::uint64_t{handle.counter};
    if (!exists(name.view())) break;
    ++handle.counter;
  }
  std::memcpy(handle.name, name.view().data(), name.view().size());
  handle.given = static_cast<std::uint8_t>(given.size());
}

namespace {

// Joins the names of a number's handles. Looks at no more handles than there may be: a process that ends because of
// misuse reads them without the lock, which it may hold.
void join_names(CacheNumber number, char* name, std::size_t bytes) ASHLAR_NO_THREAD_SAFETY_ANALYSIS {
  std::size_t at = 0;
  const auto put = [&](std::string_view text) {
    for (const char c : text) {
      if (at + 1 < bytes) name[at++] = c;
    }
  };
  const Handle* handle = registry.handles.front();
  for (unsigned n = 0; n < kMaxHandles && handle != nullptr; ++n, handle = handle->next) {
    if (handle->number != number) continue;
    if (at != 0) put(", ");
    put(handle->name);
  }
  if (bytes != 0) name[at] = 0;
}

}  // namespace

void write_names(CacheNumber number, char* name, std::size_t bytes) {
  const Guard guard(registry.lock);
  join_names(number, name, bytes);
}

void write_names_of_misuse(CacheNumber number, char* name, std::size_t bytes) { join_names(number, name, bytes); }

}  // namespace ashlar::slab
