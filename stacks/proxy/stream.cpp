#include "stacks/proxy/stream.hpp"

#include <cerrno>

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace obsctl::stacks {

namespace {

constexpr std::uint32_t kEvents = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
/// A buffer that a large message made larger than this is given back.
constexpr std::size_t kKeptCapacity = 16u << 10;

bool would_block(int number) {
  return number == EAGAIN || number == EWOULDBLOCK;
}

}  // namespace

Stream::Stream(core::EventLoop& loop, std::function<void()> changed)
    : loop_(loop), changed_(std::move(changed)) {}

bool Stream::adopt(core::Descriptor socket) {
  socket_ = std::move(socket);
  was_connected_ = readable_ = true;
  return loop_.watch(socket_.get(), kEvents, *this);
}

bool Stream::connect(const sockaddr_in6& peer) {
  socket_ = core::Descriptor(::socket(peer.sin6_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_) return false;
  const int on = 1;
  ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const socklen_t size = peer.sin6_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  const int result = ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&peer), size);
  if (result != 0 && errno != EINPROGRESS) return false;
  connecting_ = result != 0;
  was_connected_ = !connecting_;
  return loop_.watch(socket_.get(), kEvents, *this);
}

std::string_view Stream::read(char* room, std::size_t size) {
  for (;;) {
    const ssize_t got = ::recv(socket_.get(), room, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      readable_ = false;
      ended_ = got == 0;
      failed_ = got < 0 && !would_block(errno);
      peer_left_ = peer_left_ || ended_ || failed_;
      return {};
    }
    // A short read has emptied the socket; what comes later makes a new event. (Not so the end that is
    // known.)
    if (static_cast<std::size_t>(got) < size && !peer_left_) readable_ = false;
    return {room, static_cast<std::size_t>(got)};
  }
}

void Stream::write(std::string_view bytes) {
  if (failed_ || bytes.empty()) return;
  if (!connecting_ && unsent_.empty()) bytes.remove_prefix(send_now(bytes));
  unsent_ += bytes;
}

std::size_t Stream::send_now(std::string_view bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t now = ::send(socket_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (now < 0 && errno == EINTR) continue;
    if (now < 0 && would_block(errno)) break;
    if (now < 0) {
      // Nobody will take the rest.
      failed_ = peer_left_ = readable_ = true;
      return bytes.size();
    }
    sent += static_cast<std::size_t>(now);
  }
  return sent;
}

void Stream::flush() {
  sent_ += send_now(std::string_view(unsent_).substr(sent_));
  if (sent_ < unsent_.size()) return;
  unsent_.clear();
  sent_ = 0;
  if (unsent_.capacity() > kKeptCapacity) unsent_.shrink_to_fit();
  if (ending_) end();
}

void Stream::end() {
  ending_ = true;
  if (!open() || !unsent_.empty() || end_sent_) return;
  end_sent_ = true;
  ::shutdown(socket_.get(), SHUT_WR);
}

void Stream::on_events(std::uint32_t events) {
  if (!socket_) return;  // closed by what came before in the same batch
  if (connecting_) {
    finish_connecting();
  } else {
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) peer_left_ = true;
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) readable_ = true;
  }
  if (open() && (events & EPOLLOUT) != 0 && (!unsent_.empty() || ending_)) flush();
  changed_();
}

void Stream::finish_connecting() {
  int problem = 0;
  socklen_t size = sizeof problem;
  ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &problem, &size);
  connecting_ = false;
  failed_ = problem != 0;
  was_connected_ = readable_ = !failed_;
}

void Stream::close() {
  socket_.reset();
  unsent_.clear();
  sent_ = 0;
  connecting_ = readable_ = false;
}

void Stream::reset() {
  if (!socket_) return;
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

}  // namespace obsctl::stacks
