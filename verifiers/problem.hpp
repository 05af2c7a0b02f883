// Errors of our own HTTP APIs as RFC 9457 problem documents. Internal to verifiers/.
#pragma once

#include <string_view>

#include "core/http_server.hpp"

namespace obsctl::verifiers {

/// application/problem+json with title (of the status), status and detail.
core::HttpResponse problem(int status, std::string_view detail);

}  // namespace obsctl::verifiers
