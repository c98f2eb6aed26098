// api: answers what a request from outside asks for (page/request.h).
#pragma once

#include "page/request.h"

namespace ashlar::api {

// Does what the request asks for, and writes the result. Set-id programs refuse.
[[gnu::cold]] void answer_request(page::Request& request);

}  // namespace ashlar::api
