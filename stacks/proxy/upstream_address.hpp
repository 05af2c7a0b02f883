// Where the fault proxy passes everything on to: as it is written, and as the machine knows it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <netinet/in.h>

#include "core/error.hpp"

namespace obsctl::stacks {

struct UpstreamAddress {
  enum class Scheme { http, tcp };
  Scheme scheme = Scheme::http;
  std::string host;
  std::uint16_t port = 0;
};

/// Reads "http://127.0.0.1:8080" (port 80 when there is none), "tcp://[::1]:6379". Errors: invalid_input.
core::Result<UpstreamAddress> parse_upstream(std::string_view text);
/// As it is written: "tcp://[::1]:6379".
std::string to_string(const UpstreamAddress& upstream);

/// Whether its host is a name whose address may change, rather than an address or "localhost".
bool has_name(const UpstreamAddress& upstream);

/// The first of its addresses; an IPv4 one is a sockaddr_in in the place of the sockaddr_in6. Asks the
/// system's resolver, and so may block for as long as that waits for an answer. Errors: not_found.
core::Result<sockaddr_in6> resolve_upstream(const UpstreamAddress& upstream);

}  // namespace obsctl::stacks
