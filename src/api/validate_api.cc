// api: ashlar_validate, which checks all structures that the layers keep of the heap.
#include "api/api.h"
#include "check/check.h"
#include "heap/quiet.h"
#include "heap/realm.h"

namespace ashlar::api {

namespace {

// Checks layer by layer, each under its own locks, so that other threads may go on.
[[gnu::noinline]] Broken find_broken() {
  if (check::may_have_blocks() && !check::interrupted()) {
    if (const Broken b = check::validate_structures()) return b;
  }
  if (const Broken b = heap::validate()) return b;
  const heap::Quiet quiet;
  if (const Broken b = slab::validate()) return b;
  if (const Broken b = slob::validate()) return b;
  if (const Broken b = heap::validate_realms()) return b;
  if (const Broken b = vmalloc::validate()) return b;
  return page::validate();
}

}  // namespace

std::size_t validate() {
  std::size_t faults = check::may_have_blocks() ? check::validate() : 0;
  if (heap::interrupted()) return faults;
  const Broken found = find_broken();
  if (!found) return faults;
  Text<300> line;
  line << "ashlar_validate(): a rule of the heap is broken: " << found.rule << " (at ";
  line.hex(found.at) << "): it was written to from outside, or this is a bug of Ashlar";
  os::say(line.view());
  return faults + 1;
}

}  // namespace ashlar::api
