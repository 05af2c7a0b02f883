// The options of `obsctl load run` and the plan that they describe.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "core/error.hpp"
#include "loadgen/condition.hpp"
#include "loadgen/plan.hpp"

namespace obsctl::cli {

/// As typed; read by plan_from.
struct LoadOptions {
  std::string url;
  std::string rate;
  std::vector<std::string> stages;
  std::string sine;
  bool poisson = false;
  int concurrency = 0;
  std::string duration;
  std::int64_t requests = 0;
  std::string warm_up;
  std::string pacing = "timer";
  int threads = 1;
  std::string stripe;
  std::uint64_t seed = 1;

  std::string method;
  std::vector<std::string> headers;
  std::string body;
  std::string body_file;
  std::vector<std::string> mix;
  std::string targets;
  std::string feed;
  std::string feed_order = "sequential";

  std::vector<int> expect_status;
  std::vector<std::string> expect_header;
  std::vector<std::string> expect_body;
  std::vector<std::string> expect_json;
  std::string expect_size;
  std::string expect_time;

  std::string timeout = "10s";
  std::string connect_timeout = "5s";
  int max_connections = 1000;
  int connections = -1;
  int max_in_flight = 0;
  bool no_keep_alive = false;
  std::string overload = "queue";
  std::string unix_socket;
  std::string connect_to;
  bool ipv4 = false;
  bool ipv6 = false;
  bool http2 = false;
  loadgen::TlsOptions tls;
  std::string lag_limit = "20ms";

  std::vector<std::string> fail_if;
  std::vector<std::string> abort_if;
  std::string find_max;
  std::string max_rate = "200000/s";

  bool json = false;
  bool quiet = false;
  std::string output;
  std::string csv;
  std::string prometheus;
  std::string metrics;
};

void add_load_options(CLI::App& command, LoadOptions& options);

/// Errors: invalid_input or usage, naming the flag.
core::Result<loadgen::LoadPlan> plan_from(const LoadOptions& options);

/// Errors: usage, naming the flag.
core::Result<std::vector<loadgen::Condition>> conditions_from(std::string_view flag,
                                                              const std::vector<std::string>& texts);
/// Errors: usage, naming the flag.
core::Result<core::Rate> rate_of(std::string_view flag, std::string_view text);

}  // namespace obsctl::cli
