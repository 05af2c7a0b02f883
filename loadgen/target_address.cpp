// Name resolution, once a run.
#include "loadgen/target_address.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <fmt/format.h>

namespace obsctl::loadgen {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

struct HostPort {
  std::string host;
  std::string port;
};

core::Result<HostPort> host_and_port(const LoadPlan& plan) {
  if (plan.connect_to.empty()) return HostPort{plan.target.host, std::to_string(plan.target.port)};
  const auto url = core::parse_url("http://" + plan.connect_to);
  if (!url || url->target != "/") {
    return core::make_error(core::ErrorKind::invalid_input,
                            fmt::format("\"{}\" is not an address to connect to", plan.connect_to),
                            "write it as host:port");
  }
  return HostPort{url->host, std::to_string(url->port)};
}

}  // namespace

core::Result<std::vector<Endpoint>> resolve_target(const LoadPlan& plan) {
  if (!plan.unix_socket.empty()) {
    if (plan.unix_socket.size() >= 108) {  // sockaddr_un::sun_path
      return core::make_error(core::ErrorKind::invalid_input,
                              fmt::format("the socket's path {} is too long", plan.unix_socket),
                              "a Unix socket's path has at most 107 bytes");
    }
    return std::vector<Endpoint>{asio::local::stream_protocol::endpoint(plan.unix_socket)};
  }
  const auto where = host_and_port(plan);
  if (!where) return where.error();
  asio::io_context io;
  asio::ip::tcp::resolver resolver(io);
  error_code error;
  const auto found =
      resolver.resolve(where->host, where->port, asio::ip::resolver_base::numeric_service, error);
  std::vector<Endpoint> endpoints;
  if (!error) {
    for (const auto& result : found) {
      const asio::ip::tcp::endpoint endpoint = result.endpoint();
      if (plan.address_family == 4 && !endpoint.address().is_v4()) continue;
      if (plan.address_family == 6 && !endpoint.address().is_v6()) continue;
      endpoints.emplace_back(endpoint);
    }
  }
  if (endpoints.empty()) {
    return core::make_error(core::ErrorKind::unavailable,
                            fmt::format("cannot resolve {}: {}", where->host,
                                        error ? error.message() : "it has no address of the wanted family"));
  }
  return endpoints;
}

}  // namespace obsctl::loadgen
