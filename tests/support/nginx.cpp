// nginx's configuration and its certificates.
#include "tests/support/nginx.hpp"

#include <chrono>
#include <cstdlib>
#include <thread>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/file.hpp"
#include "tests/support/catch.hpp"

using namespace std::chrono_literals;

namespace obsctl::tests {

namespace {

bool can_bind_ipv6() {
  const int fd = ::socket(AF_INET6, SOCK_STREAM, 0);
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  const bool can = fd >= 0 && ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  if (fd >= 0) ::close(fd);
  return can;
}

bool listens(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  const bool yes = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return yes;
}

std::string url(const char* scheme, const std::string& host, std::uint16_t port) {
  return fmt::format("{}://{}:{}/", scheme, host, port);
}

/// One authority, and a certificate of it for the server and for a client.
constexpr const char* kMakeCertificates = R"sh(
set -e
new_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }
new_key ca.key
openssl req -x509 -new -key ca.key -subj /CN=test-ca -days 2 -out ca.pem
echo "subjectAltName=DNS:a.test,DNS:b.test,IP:127.0.0.1,IP:::1" > names
for who in server client; do
  new_key $who.key
  openssl req -new -key $who.key -subj /CN=$who -out $who.csr
  openssl x509 -req -in $who.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out $who.pem
done
)sh";

}  // namespace

bool has_nginx() {
  if (core::find_program({"nginx"}) && core::find_program({"openssl"})) return true;
  const char* ci = std::getenv("CI");
  if (ci != nullptr && std::string_view(ci) == "true") FAIL("nginx or openssl is not installed and CI=true");
  WARN("skipped: nginx or openssl is not installed");
  return false;
}

Nginx::Nginx()
    : plain_(stacks::PortReservation::any().value()),
      tls_(stacks::PortReservation::any().value()),
      mutual_(stacks::PortReservation::any().value()),
      has_ipv6_(can_bind_ipv6()) {
  make_certificates();
  write_configuration();
  start();
}

std::string Nginx::plain_url() const {
  return url("http", "127.0.0.1", plain_.port());
}
std::string Nginx::tls_url(const std::string& host) const {
  return url("https", host, tls_.port());
}
std::string Nginx::mutual_tls_url(const std::string& host) const {
  return url("https", host, mutual_.port());
}
std::string Nginx::tls_address() const {
  return fmt::format("127.0.0.1:{}", tls_.port());
}

void Nginx::make_certificates() const {
  core::ProcessOptions options;
  options.argv = {"/bin/sh", "-c", kMakeCertificates};
  options.working_directory = folder_.path();
  const auto made = core::run_command(options, 30s).value();
  INFO(made.text);
  REQUIRE(made.status.ok());
}

void Nginx::put_file(const std::string& name, const std::string& content) const {
  std::filesystem::create_directories(folder_ / "files");
  core::write_file(folder_ / "files" / name, content).value();
}

void Nginx::write_configuration() const {
  const auto listen = [&](std::uint16_t port, const char* options) {
    std::string text = fmt::format("listen 127.0.0.1:{}{};", port, options);
    if (has_ipv6_) text += fmt::format(" listen [::1]:{}{};", port, options);
    return text;
  };
  const std::string folder = folder_.path().string();
  std::string text =
      fmt::format(R"(
daemon off; master_process off; worker_processes 1; pid {0}/pid; error_log {0}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; default_type text/plain;
  client_body_temp_path {0}/t1; proxy_temp_path {0}/t2; fastcgi_temp_path {0}/t3; uwsgi_temp_path {0}/t4;
  scgi_temp_path {0}/t5;
  ssl_certificate {0}/server.pem; ssl_certificate_key {0}/server.key;
  server {{ {1} listen unix:{0}/socket; keepalive_requests 10; {4} }}
  server {{ {2} {4} }}
  server {{ {3} ssl_client_certificate {0}/ca.pem; ssl_verify_client on; {4} }}
}}
)",
                  folder, listen(plain_.port(), ""), listen(tls_.port(), " ssl http2"),
                  listen(mutual_.port(), " ssl http2"),
                  "location / { return 200 \"$server_protocol server_name=$ssl_server_name host=$http_host "
                  "client=$ssl_client_s_dn method=$request_method\\n\"; } "
                  "location = /page { keepalive_requests 1000000000; return 200 \"page\\n\"; } " +
                      fmt::format("location /files/ {{ alias {}/files/; }}", folder));
  core::write_file(folder_ / "nginx.conf", text).value();
}

void Nginx::start() {
  std::error_code ignored;
  std::filesystem::remove(folder_ / "socket", ignored);  // nginx does not take over what an earlier one left
  core::ProcessOptions options;
  options.argv = {core::find_program({"nginx"}).value().string(), "-p", folder_.path().string(), "-c",
                  (folder_ / "nginx.conf").string()};
  options.log_file = folder_ / "error.log";
  process_ = core::ChildProcess::start(options).value();
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (!listens(plain_.port()) || !listens(tls_.port()) || !listens(mutual_.port())) {
    INFO(core::tail_of_file(folder_ / "error.log", 20));
    REQUIRE(std::chrono::steady_clock::now() < deadline);
    std::this_thread::sleep_for(10ms);
  }
}

void Nginx::stop() {
  if (process_) process_->stop(5s);
  process_.reset();
}

}  // namespace obsctl::tests
