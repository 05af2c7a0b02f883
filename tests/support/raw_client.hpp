// A TCP client that sends exactly the bytes a test wants on the wire, for servers that have to withstand
// them.
#pragma once

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace obsctl::test {

class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  /// The other side: a connection that has been accepted.
  struct Accepted {
    int socket;
  };
  explicit RawClient(Accepted accepted) : socket_(accepted.socket), connected_(socket_ >= 0) {}
  ~RawClient() { close(); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// One response, head and body by its Content-Length. What had come when the peer closed or `patience`
  /// ended, else.
  std::string response(std::chrono::milliseconds patience = std::chrono::seconds(5)) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
      const std::size_t size = response_size();
      if (size != std::string::npos && buffer_.size() >= size) {
        std::string one = buffer_.substr(0, size);
        buffer_.erase(0, size);
        return one;
      }
      if (!receive(deadline)) return std::exchange(buffer_, {});
    }
  }

  /// Everything to the end of `marker`; what had come when the peer closed or `patience` ended, else.
  std::string until(std::string_view marker, std::chrono::milliseconds patience = std::chrono::seconds(5)) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    std::size_t found = buffer_.find(marker);
    while (found == std::string::npos && receive(deadline)) found = buffer_.find(marker);
    if (found == std::string::npos) return std::exchange(buffer_, {});
    std::string text = buffer_.substr(0, found + marker.size());
    buffer_.erase(0, text.size());
    return text;
  }

  /// Everything until the peer closes.
  std::string until_closed(std::chrono::milliseconds patience = std::chrono::seconds(5)) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (receive(deadline)) {
    }
    if (!ended_) throw std::runtime_error("the peer has not closed the connection; so far: " + buffer_);
    return std::exchange(buffer_, {});
  }

  /// The peer ended the connection with a reset, not with a FIN. Known once it has ended.
  bool was_reset() const { return reset_; }

  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  /// Closes with a reset.
  void reset() {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
  }
  void shut_down_writing() { ::shutdown(socket_, SHUT_WR); }

 private:
  std::size_t response_size() const {
    const std::size_t head_end = buffer_.find("\r\n\r\n");
    if (head_end == std::string::npos) return std::string::npos;
    const std::size_t field = buffer_.find("Content-Length: ");
    if (field == std::string::npos || field > head_end) return head_end + 4;
    return head_end + 4 + std::stoul(buffer_.substr(field + 16));
  }

  bool receive(std::chrono::steady_clock::time_point deadline) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd waiting{.fd = socket_, .events = POLLIN, .revents = 0};
    if (left.count() <= 0 || ::poll(&waiting, 1, static_cast<int>(left.count())) <= 0) return false;
    char bytes[16384];
    const ssize_t got = ::recv(socket_, bytes, sizeof bytes, 0);
    if (got <= 0) {
      ended_ = true;
      reset_ = got < 0 && errno == ECONNRESET;
      return false;
    }
    buffer_.append(bytes, static_cast<std::size_t>(got));
    return true;
  }

  int socket_;
  bool connected_ = false;
  bool ended_ = false;
  bool reset_ = false;
  std::string buffer_;
};

/// A port of 127.0.0.1 on which a test accepts by hand, to be a server that does what the test says.
class RawListener {
 public:
  RawListener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(socket_, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
        ::listen(socket_, 128) != 0)
      throw std::runtime_error("cannot listen");
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~RawListener() { ::close(socket_); }
  RawListener(const RawListener&) = delete;
  RawListener& operator=(const RawListener&) = delete;

  std::uint16_t port() const { return port_; }
  /// Whether somebody connects in that time.
  bool is_called(std::chrono::milliseconds patience) const {
    pollfd waiting{.fd = socket_, .events = POLLIN, .revents = 0};
    return ::poll(&waiting, 1, static_cast<int>(patience.count())) > 0;
  }
  /// The next connection.
  RawClient accept() const {
    if (!is_called(std::chrono::seconds(5))) throw std::runtime_error("nobody has connected");
    return RawClient(RawClient::Accepted{::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC)});
  }

 private:
  int socket_;
  std::uint16_t port_ = 0;
};

}  // namespace obsctl::test
