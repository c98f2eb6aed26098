// os: huge pages of the system's reserved pool that are set aside. What uses such pages is declared in os.h.
#pragma once

#include <cstddef>

namespace ashlar::os {

// The same as map_from_pool for pages that are only to be free when others need them. Nobody can read or write them: a
// look from outside (process_vm_readv(2)) would fill them.
[[nodiscard]] void* set_aside_in_pool(std::size_t bytes, std::size_t page);

}  // namespace ashlar::os
