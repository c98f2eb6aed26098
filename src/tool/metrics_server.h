// tool: an HTTP server for `ashlar metrics --listen`.
#pragma once

#include <functional>
#include <string>

#include "tool/metrics.h"

namespace ashlar::tool {

// Answers GET /metrics at an address "HOST:PORT", ":PORT" (all addresses) or "[::1]:PORT" with what `text_of` makes,
// one request after another, until SIGINT, SIGTERM or SIGHUP. Port 0 is any free one. Says on stdout where it listens.
// Throws a Failure where it cannot listen.
void serve_metrics(const std::string& address, const std::function<std::string(Exposition)>& text_of);

}  // namespace ashlar::tool
