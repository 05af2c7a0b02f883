// Response heads, written by hand: one append a field is what makes the sample service fast.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/http_server.hpp"

namespace obsctl::core {

/// The reason phrase of a status (RFC 9110), "Unknown" for one that it does not name.
std::string_view reason_phrase(int status);

/// An IMF-fixdate (RFC 9110, 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT".
std::string http_date(std::int64_t unix_seconds);

/// An error as application/problem+json (RFC 9457), with the reason phrase as its title.
HttpResponse problem_response(int status, std::string_view detail);

/// Retry-After in whole seconds, rounded up, at least 1.
HttpHeader retry_after(Nanoseconds wait);

struct ResponseFraming {
  bool keep_alive = true;
  bool head_only = false;  ///< the request was HEAD
  bool http_1_0 = false;   ///< the client has to be told that the connection stays
};

/// Appends the response as it goes over the wire. Control characters in field values become spaces, so that
/// text from outside can never add a field. Returns the bytes of the body that it ends with.
std::size_t append_response(std::string& out, const HttpResponse& response, std::string_view date,
                            const ResponseFraming& framing);

}  // namespace obsctl::core
