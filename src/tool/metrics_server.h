// tool: an HTTP server for `ashlar metrics --listen`.
#pragma once

#include <functional>
#include <string>

#include "tool/metrics.h"

namespace ashlar::tool {

// Answers GET /metrics with the text that `text_of` returns, one request after another, until SIGINT, SIGTERM or
// SIGHUP. The address is "HOST:PORT", ":PORT" (all addresses) or "[::1]:PORT". Port 0 means any free port. Prints on
// stdout where it listens. Throws a Failure if it cannot listen.
void serve_metrics(const std::string& address, const std::function<std::string(Exposition)>& text_of);

}  // namespace ashlar::tool
