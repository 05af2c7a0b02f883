// One non-blocking TCP connection of the proxy: read what there is, write what goes, keep what does not. What
// is kept is bounded by whoever writes: nobody reads more for a stream that is not clear to write.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include <netinet/in.h>

#include "core/descriptor.hpp"
#include "core/event_loop.hpp"

namespace obsctl::stacks {

class Stream final : public core::EventLoop::Watcher {
 public:
  /// `changed` is called, on the loop's thread, when there may be something new to read or room to write, and
  /// when the peer has gone. It may close the stream, but not destroy it (see EventLoop::keep_for_now).
  Stream(core::EventLoop& loop, std::function<void()> changed);

  /// Takes over an accepted socket. False: it cannot be watched.
  bool adopt(core::Descriptor socket);
  /// Begins to connect; see connecting() and failed().
  bool connect(const sockaddr_in6& peer);

  bool open() const { return static_cast<bool>(socket_) && !connecting_ && !failed_; }
  bool connecting() const { return connecting_; }
  bool was_connected() const { return was_connected_; }
  /// Connecting has failed, or the peer has reset the connection. Bytes that came before can still be read.
  bool failed() const { return failed_; }
  /// There may be bytes to read, or the news that there will be no more.
  bool readable() const { return readable_; }
  /// The peer has ended its side, and everything before that has been read.
  bool ended() const { return ended_; }
  /// The peer has ended its side or is gone altogether; there may still be bytes to read.
  bool peer_left() const { return peer_left_; }

  /// Reads into `room`, which is not empty. Nothing: there is nothing now, or ended(), or failed().
  std::string_view read(char* room, std::size_t size);

  /// Sends at once what the kernel takes; the rest goes by itself.
  void write(std::string_view bytes);
  bool clear_to_write() const { return unsent_.empty(); }
  /// Ends this side once everything written has gone.
  void end();
  bool end_sent() const { return end_sent_; }

  void close();
  /// Closes with a reset.
  void reset();

 private:
  void on_events(std::uint32_t events) override;
  void finish_connecting();
  std::size_t send_now(std::string_view bytes);
  void flush();

  core::EventLoop& loop_;
  const std::function<void()> changed_;
  core::Descriptor socket_;
  std::string unsent_;
  std::size_t sent_ = 0;  ///< of unsent_
  bool connecting_ = false;
  bool was_connected_ = false;
  bool failed_ = false;
  bool readable_ = false;
  bool ended_ = false;
  bool peer_left_ = false;
  bool ending_ = false;
  bool end_sent_ = false;
};

}  // namespace obsctl::stacks
