// What carries requests: connections of HTTP/1.1 (Http1Transport) or streams of HTTP/2 (CurlTransport). A
// transport belongs to one sending thread and its Poller; it neither paces nor records, it only sends
// when it is told to and says how each request ended.
#pragma once

#include <cstdint>
#include <string_view>

namespace obsctl::loadgen {

struct PhaseRecorder;
struct WindowRecorder;

/// Nanoseconds since the start of the run, on the steady clock.
using RunTime = std::int64_t;
inline constexpr RunTime kNever = INT64_MAX;

/// One request on its way.
struct Exchange {
  std::int64_t index = 0;  ///< the arrival's
  std::size_t entry = 0;   ///< of the mix
  RunTime due = 0;
  RunTime dispatched = 0;  ///< when the sending thread took it up
  RunTime sent =
      0;  ///< just before its first byte went out; given to send() as now, later when it must connect first
  PhaseRecorder* phase = nullptr;
  WindowRecorder* window = nullptr;
};

enum class Delivery { answered, timeout, connection_error };

/// How a request ended. Views live until the call that gets them returns.
struct Outcome {
  Delivery delivery = Delivery::answered;
  int status = 0;
  std::string_view headers = {};
  std::string_view body = {};
  std::int64_t body_bytes = 0;
  std::string_view failure = {};  ///< a short text for counting, when not answered
};

/// The sending thread's side.
class TransportEvents {
 public:
  virtual ~TransportEvents() = default;
  /// Now, freshly read.
  virtual RunTime now() const = 0;
  virtual void on_done(const Exchange& exchange, const Outcome& outcome) = 0;
  virtual void on_connected(RunTime took) = 0;
  virtual void on_bytes(std::size_t sent, std::size_t received) = 0;
};

/// One thread's share of the plan's limits.
struct Limits {
  int connections = 1;
  int in_flight = 0;  ///< 0: as many as the connections carry
};

class Transport {
 public:
  virtual ~Transport() = default;
  /// Begins to open `count` connections.
  virtual void open(int count) = 0;
  /// How many connections are being opened.
  virtual int opening() const = 0;
  /// Whether send() may be called now: a connection is free, or another may be opened.
  virtual bool ready() const = 0;
  /// Takes one request; on_done follows, possibly before send() returns.
  virtual void send(const Exchange& exchange) = 0;
  virtual int in_flight() const = 0;
  virtual int connections() const = 0;
  /// Ends what has outlived its timeout.
  virtual void check_deadlines(RunTime now) = 0;
  /// When check_deadlines has something to do; kNever when nothing is going on.
  virtual RunTime next_deadline() const = 0;
  /// The poller has seen this of the socket that was added with this key.
  virtual void on_event(std::uint64_t key, std::uint32_t events) = 0;
  /// Closes everything; requests in flight end without on_done.
  virtual void close() = 0;
};

}  // namespace obsctl::loadgen
