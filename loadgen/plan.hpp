// What a run of load is: plain values that the command line and a scenario's [load] both fill in, and that
// are checked once, by LoadRun::start.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/duration.hpp"
#include "core/http_client.hpp"
#include "loadgen/arrivals.hpp"

namespace obsctl::loadgen {

/// What must hold for an answer to count as ok. Without `statuses`, any status below 400 does.
struct Checks {
  std::vector<int> statuses;               ///< one of these
  std::vector<core::HttpHeader> headers;   ///< header present and, unless the value is empty, containing it
  std::vector<std::string> body_contains;  ///< each of these
  struct JsonValue {
    std::string pointer;  ///< RFC 6901, such as /items/0/id
    std::optional<std::string>
        equals;  ///< compared with the value's JSON text, or a string's content; else: exists
  };
  std::vector<JsonValue> json;
  std::int64_t min_body = -1;            ///< bytes, when ≥ 0
  std::int64_t max_body = -1;            ///< bytes, when ≥ 0
  core::Nanoseconds max_service_time{};  ///< when > 0

  bool wants_body() const { return !body_contains.empty() || !json.empty(); }
};

/// One kind of request in a mix. `path` may be absolute ("/x?y") or a whole URL on the plan's host and port;
/// path, header values and body may hold placeholders (docs/reference/load.md): {{i}}, {{uuid}}, {{random 1
/// 100}}, {{column}}.
struct RequestSpec {
  std::string name = {};  ///< of the endpoint in the results; empty: "METHOD path"
  std::string method = "GET";
  std::string path = "/";
  std::vector<core::HttpHeader> headers = {};
  std::string body = {};
  std::int64_t weight = 1;
  Checks checks = {};
};

/// Rows of values for placeholders, from a CSV or JSONL file.
struct Feeder {
  enum class Order { sequential, shuffled, unique };  ///< unique: the run ends when the rows do
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
  Order order = Order::sequential;
};

/// What happens to an arrival that finds no free connection.
enum class Overload {
  queue,       ///< it waits; its response time runs from when it was due
  drop,        ///< it is counted as dropped
  shed_after,  ///< it waits for LoadPlan::shed_after, then is counted as shed
};

/// How the sending thread waits for the next arrival.
enum class Pacing {
  timer,     ///< one timer a wake-up; some 10 µs late
  precise,   ///< timer, then a spin of the last 60 µs; a whole core from about 16,000/s on
  coalesce,  ///< a grid of 1 ms; up to 1 ms late, least CPU
};

enum class HttpVersion { http1, http2 };

struct TlsOptions {
  std::string ca_file;      ///< PEM, instead of the system's
  std::string cert_file;    ///< PEM chain, for mutual TLS
  std::string key_file;     ///< PEM
  std::string server_name;  ///< SNI and the name to verify; empty: the target's host
  bool insecure = false;    ///< take any certificate
};

struct LoadPlan {
  core::Url target;  ///< scheme, host, port; Url::target is used when `mix` is empty
  std::vector<RequestSpec> mix;
  bool mix_in_order = false;              ///< one after the other, round and round, instead of by weight
  std::vector<core::HttpHeader> headers;  ///< for every request that does not set them itself
  std::optional<Feeder> feeder;
  Arrivals arrivals;

  core::Nanoseconds duration{};   ///< measured part; zero: until stop(), the stages' end or max_requests
  core::Nanoseconds warm_up{};    ///< before it, on the same schedule; recorded in the phase "warm-up"
  std::int64_t max_requests = 0;  ///< 0: no limit
  std::string first_phase = "load";

  core::Nanoseconds connect_timeout = std::chrono::seconds(5);
  core::Nanoseconds request_timeout = std::chrono::seconds(10);  ///< from sent to the last byte
  core::Nanoseconds drain_timeout = std::chrono::seconds(10);    ///< for what is in flight at the end

  int max_connections = 1000;
  int initial_connections = -1;  ///< opened before the start; -1: chosen from the rate
  int max_in_flight = 0;         ///< 0: as many as connections (HTTP/1.1) or 1000 (HTTP/2)
  bool keep_alive = true;
  Overload overload = Overload::queue;
  core::Nanoseconds shed_after{};

  Pacing pacing = Pacing::timer;
  int threads = 1;
  std::int64_t stripe_index = 0;  ///< this generator takes arrivals i ≡ stripe_index (mod stripe_count)
  std::int64_t stripe_count = 1;
  std::uint64_t seed = 1;

  HttpVersion version = HttpVersion::http1;
  TlsOptions tls;
  std::string unix_socket;  ///< connect here instead of host and port
  std::string connect_to;   ///< "host:port" to connect to, while Host and SNI stay the target's
  int address_family = 0;   ///< 4 or 6 to allow only that; 0: either

  core::Nanoseconds lag_limit = std::chrono::milliseconds(20);  ///< of the p99 schedule lag
  double achieved_limit = 0.98;  ///< sent / asked below this, by the tool's own fault, is generator_limited
  std::size_t max_checked_body = 1u << 20;  ///< of an answer, kept for body checks
};

}  // namespace obsctl::loadgen
