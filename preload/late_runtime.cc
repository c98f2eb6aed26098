// preload: finds the C++ runtime that came with a library loaded by dlopen(3), perhaps with RTLD_LOCAL: its names can
// only be looked up through a handle. This is in the shared library only: a program that links the archive has a
// runtime, or has no operators of ours.
#include <dlfcn.h>
#include <link.h>

#include "preload/runtime.h"

namespace {

void* symbol_in(const char* library, const char* name) {
  void* const handle = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
  if (handle == nullptr) return nullptr;
  void* symbol = dlsym(handle, name);
  dlclose(handle);  // the library that uses the runtime keeps it loaded
  Dl_info found{}, own{};
  const bool is_ours = symbol != nullptr && dladdr(symbol, &found) != 0 &&
                       dladdr(reinterpret_cast<void*>(&ashlar_runtime_symbol), &own) != 0 &&
                       found.dli_fbase == own.dli_fbase;
  return is_ours ? nullptr : symbol;
}

// Returns the name by which dlopen(3) knows the object that contains an address, or null.
const char* library_of(const void* address) {
  Dl_info info{};
#ifdef __GLIBC__
  link_map* map = nullptr;  // it names the program "", which dlopen(3) takes as the program
  return dladdr1(address, &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) != 0 ? map->l_name : nullptr;
#else
  return dladdr(address, &info) != 0 ? info.dli_fname : nullptr;  // musl
#endif
}

}  // namespace

void ashlar_throw_bad_alloc() {}

void* ashlar_runtime_symbol(const char* name, const void* caller) {
  if (const char* const library = caller != nullptr ? library_of(caller) : nullptr) {
    if (void* const symbol = symbol_in(library, name)) return symbol;
  }
  // the caller names no runtime among its dependencies: take whichever is loaded
  static constexpr const char* kRuntimes[] = {"libstdc++.so.6", "libc++abi.so.1", "libc++.so.1"};
  for (const char* const library : kRuntimes) {
    if (void* const symbol = symbol_in(library, name)) return symbol;
  }
  return nullptr;
}
