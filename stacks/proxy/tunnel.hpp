// Bytes between two streams, both ways, no faster than either takes them, with each side's end handed on to
// the other. What TCP connections are from the start and upgraded HTTP connections become.
#pragma once

#include "core/clock.hpp"
#include "stacks/proxy/session.hpp"
#include "stacks/proxy/stream.hpp"
#include "stacks/proxy/throttle.hpp"

namespace obsctl::stacks {

class Tunnel {
 public:
  Tunnel(SessionHost& host, Stream& client, Stream& upstream);

  /// Of what goes to the client.
  void set(const ThrottleLimits& limits) { to_client_.set(limits); }
  /// Moves what can be moved. True: there is more, but it is the others' turn.
  bool advance();
  /// When to call again if nothing happens until then.
  core::SteadyTime next_release() const { return next_release_; }
  core::SteadyTime last_byte() const { return last_byte_; }
  /// Nothing more will pass: both sides have ended, one of them has failed, or the limit is reached.
  bool over() const;
  /// To be called when it is over: who has been reset is the reason for the other's reset.
  void hand_on_failure();
  /// Nothing is on its way at the moment.
  bool quiet() const;

 private:
  bool pass_up();
  bool pass_down();

  SessionHost& host_;
  Stream& client_;
  Stream& upstream_;
  Throttle to_client_;
  core::SteadyTime next_release_ = core::SteadyTime::max();
  core::SteadyTime last_byte_;
};

}  // namespace obsctl::stacks
