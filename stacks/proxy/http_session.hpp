// One client's connection in front of an HTTP upstream. Each has at most one connection to the upstream, for
// itself, so that the service sees what it would see without the proxy; requests are taken one at a time, and
// bodies pass through in pieces, no faster than the other side takes them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "stacks/proxy/http_body.hpp"
#include "stacks/proxy/http_head.hpp"
#include "stacks/proxy/session.hpp"
#include "stacks/proxy/stream.hpp"
#include "stacks/proxy/throttle.hpp"
#include "stacks/proxy/tunnel.hpp"

namespace obsctl::stacks {

class HttpSession final : public Session {
 public:
  explicit HttpSession(SessionHost& host);

  bool start(core::Descriptor client) override;
  void sweep(core::SteadyTime now) override;
  void drain() override;
  void cut() override;
  void toggle_changed(std::size_t kind) override;
  bool lingering() const override { return phase_ == Phase::lingering; }

 private:
  enum class Phase {
    head,        ///< waits for a request, or for the rest of its head
    delayed,     ///< a fault makes the request late
    held,        ///< a fault holds the request back until it is taken away
    exchange,    ///< the request goes up, the answer comes down
    flushing,    ///< the answer is known to its end, but a fault holds some of it back
    discarding,  ///< the answer is given, the rest of the request's body has to be read
    tunnel,      ///< bytes, both ways
    lingering,   ///< the last answer is given, the client has to close
    closed
  };
  /// What is kept of the request that is being answered.
  struct Request {
    AnswerTo answer_to = AnswerTo::other;
    bool keep_alive = true;
    bool http_1_0 = false;
    bool expects_continue = false;
    bool wants_upgrade = false;
    bool idempotent = false;
    core::SteadyTime begun{};
  };

  void changed();
  bool owes_an_answer() const;
  bool step();
  void enter(Phase phase, core::Nanoseconds time);
  bool last_answer() const { return !request_.keep_alive || host_.draining; }

  // The request (http_request_side.cpp).
  bool read_head();
  std::size_t take_head(std::string_view bytes);
  void start_over();
  void begin(std::string_view head, const RequestHead& parsed, std::string_view rest);
  void meet_faults(std::string_view path);
  void end_as_planned();
  void forward();
  void connect();
  bool pass_request();
  void refuse(const core::RequestFailure& failure);

  // The answer (http_answer_side.cpp).
  bool pass_response();
  bool take_response_head(std::string_view& bytes);
  void begin_answer(std::string_view head, const ResponseHead& parsed);
  void pass_response_body(std::string_view bytes);
  void response_ended_early();
  void upstream_failed(UpstreamError error, std::string_view detail);
  void answer(int status, std::string_view detail, core::Nanoseconds retry_after = {});
  void release_held();
  bool flush_answer();
  void complete();
  void start_tunnel();

  void leave();
  void record(int code);
  bool discard_body();
  void discard_input();
  void linger();
  void check_idle_upstream();
  void drop_upstream();
  void close();

  SessionHost& host_;
  Stream client_;
  std::shared_ptr<Stream> upstream_;
  Throttle throttle_;
  std::string input_;         ///< of the client, not used yet
  std::size_t searched_ = 0;  ///< of input_, for the end of a head
  std::string outgoing_;      ///< the request as far as it had come with its head, for a second try
  std::string answer_input_;  ///< of the upstream: a head that is not complete
  std::size_t answer_searched_ = 0;
  Request request_;
  FaultPlan plan_;
  BodyReader request_body_;
  BodyReader response_body_;
  std::optional<Tunnel> tunnel_;
  core::Alarm wake_;
  core::SteadyTime deadline_ = core::SteadyTime::max();
  Phase phase_ = Phase::head;
  int status_ = 0;               ///< of the answer that is on its way; 0: it has not begun
  bool reused_ = false;          ///< the upstream's connection has carried a request before
  bool sent_ = false;            ///< outgoing_ has been written to it
  bool upstream_stays_ = false;  ///< it may carry another one
  bool local_ = false;           ///< the answer is the proxy's own
  std::size_t discarded_ = 0;
};

}  // namespace obsctl::stacks
