// See the header.
#include "stacks/proxy/upstream_address.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include "core/listening_socket.hpp"

namespace obsctl::stacks {

namespace {

using core::ErrorKind;
using core::make_error;

constexpr std::string_view kThisMachine = "localhost";

}  // namespace

core::Result<UpstreamAddress> parse_upstream(std::string_view text) {
  const auto wrong = [&](std::string_view what) {
    return make_error(ErrorKind::invalid_input, fmt::format("\"{}\" is not an upstream: {}", text, what),
                      "write it as http://127.0.0.1:8080 or tcp://127.0.0.1:6379");
  };
  UpstreamAddress upstream;
  const std::size_t scheme_end = text.find("://");
  const std::string_view scheme = text.substr(0, scheme_end);
  if (scheme_end == std::string_view::npos) return wrong("it does not begin with http:// or tcp://");
  if (scheme == "https")
    return wrong("TLS cannot be looked into; tcp:// passes it through, for the faults of connections");
  if (scheme != "http" && scheme != "tcp") return wrong("it does not begin with http:// or tcp://");
  upstream.scheme = scheme == "http" ? UpstreamAddress::Scheme::http : UpstreamAddress::Scheme::tcp;
  std::string_view rest = text.substr(scheme_end + 3);
  if (!rest.empty() && rest.back() == '/') rest.remove_suffix(1);
  if (rest.find_first_of("/?#@ ") != std::string_view::npos)
    return wrong("there is more than a host and a port; paths pass through as they are");
  const bool bracketed = !rest.empty() && rest.front() == '[';
  const std::size_t host_end = bracketed ? rest.find(']') : rest.find(':');
  if (bracketed && host_end == std::string_view::npos) return wrong("a bracket is not closed");
  upstream.host = rest.substr(bracketed ? 1 : 0, bracketed ? host_end - 1 : host_end);
  rest =
      host_end == std::string_view::npos ? std::string_view() : rest.substr(host_end + (bracketed ? 1 : 0));
  if (upstream.host.empty()) return wrong("the host is missing");
  if (rest.empty()) {
    if (scheme == "tcp") return wrong("the port is missing");
    upstream.port = 80;
    return upstream;
  }
  const auto [end, problem] = std::from_chars(rest.data() + 1, rest.data() + rest.size(), upstream.port);
  if (rest.front() != ':' || problem != std::errc() || end != rest.data() + rest.size() || upstream.port == 0)
    return wrong("the port must be a number from 1 to 65535");
  return upstream;
}

std::string to_string(const UpstreamAddress& upstream) {
  return fmt::format("{}://{}", upstream.scheme == UpstreamAddress::Scheme::http ? "http" : "tcp",
                     core::to_string(core::ListenAddress{upstream.host, upstream.port}));
}

bool has_name(const UpstreamAddress& upstream) {
  in6_addr address{};  // large enough for either
  return upstream.host != kThisMachine && ::inet_pton(AF_INET, upstream.host.c_str(), &address) != 1 &&
         ::inet_pton(AF_INET6, upstream.host.c_str(), &address) != 1;
}

core::Result<sockaddr_in6> resolve_upstream(const UpstreamAddress& upstream) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  // Services on this machine mostly listen on IPv4 only.
  const std::string host = upstream.host == kThisMachine ? "127.0.0.1" : upstream.host;
  addrinfo* found = nullptr;
  const int problem = ::getaddrinfo(host.c_str(), std::to_string(upstream.port).c_str(), &hints, &found);
  if (problem != 0) {
    return make_error(ErrorKind::not_found,
                      fmt::format("cannot resolve {}: {}", upstream.host, ::gai_strerror(problem)),
                      "give --to an address or a name that this machine knows");
  }
  sockaddr_in6 address{};
  std::memcpy(&address, found->ai_addr, std::min<std::size_t>(found->ai_addrlen, sizeof address));
  ::freeaddrinfo(found);
  return address;
}

}  // namespace obsctl::stacks
