// A real nginx on private loopback ports, with certificates of its own, for as long as an object lives: what
// TLS, client certificates, server names, Unix sockets and HTTP/2 are tested against.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/process.hpp"
#include "stacks/ports.hpp"
#include "tests/support/temporary_directory.hpp"

namespace obsctl::tests {

/// Whether nginx and openssl are installed. If not, the test is skipped with a line that says so, or fails
/// where CI=true.
bool has_nginx();

/// Answers every path of every listener with one line: "PROTOCOL server_name=SNI host=HOST client=DN
/// method=METHOD".
class Nginx {
 public:
  /// Makes the certificates, starts the program and waits until it listens. Main thread only.
  Nginx();

  std::string plain_url() const;  ///< http://127.0.0.1:PORT/; closes a connection after its 10th request
  std::string tls_url(const std::string& host = "127.0.0.1") const;         ///< HTTP/1.1 and HTTP/2
  std::string mutual_tls_url(const std::string& host = "127.0.0.1") const;  ///< wants a certificate of `ca`
  std::string tls_address() const;                                          ///< 127.0.0.1:PORT
  std::string unix_socket() const { return (folder_ / "socket").string(); }
  /// From now on at files/NAME under the URLs.
  void put_file(const std::string& name, const std::string& content) const;
  std::uint16_t plain_port() const { return plain_.port(); }
  bool has_ipv6() const { return has_ipv6_; }  ///< then the ports are there on [::1] as well

  std::string ca() const { return (folder_ / "ca.pem").string(); }
  std::string client_certificate() const { return (folder_ / "client.pem").string(); }
  std::string client_key() const { return (folder_ / "client.key").string(); }
  std::string server_key() const { return (folder_ / "server.key").string(); }

  /// The program is gone afterwards, its connections closed.
  void stop();
  void start();

 private:
  void make_certificates() const;
  void write_configuration() const;

  TemporaryDirectory folder_;
  stacks::PortReservation plain_;
  stacks::PortReservation tls_;
  stacks::PortReservation mutual_;
  bool has_ipv6_ = false;
  std::optional<core::ChildProcess> process_;
};

}  // namespace obsctl::tests
