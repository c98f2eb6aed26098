// Is a part of bad_alloc_in_plugin.c: catches std::bad_alloc.
#include <cstddef>
#include <new>

static char* volatile kept;

extern "C" int catches_bad_alloc(size_t size) {
  try {
    kept = new char[size];
    delete[] kept;
    return 0;
  } catch (const std::bad_alloc&) {
    return 1;
  }
}
