// What the sample service is told when it is started.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/http_server.hpp"
#include "stacks/services/access_log.hpp"
#include "stacks/services/dependencies.hpp"

namespace obsctl::stacks {

struct ServiceOptions {
  core::HttpServerOptions http{.max_body = 64u << 10};
  /// Of the toggles API; empty: it refuses every call.
  std::string token = {};
  std::vector<std::string> dependencies{"database", "cache"};
  /// Which routes call which of them; without any, they are but names in /readyz.
  DependenciesOptions calls = {};
  core::Nanoseconds toggle_ttl = std::chrono::minutes(5);
  core::Nanoseconds toggle_ttl_max = std::chrono::hours(1);
  /// The longest job of /api/v1/work and the longest delay of the latency toggle.
  core::Nanoseconds work_max = std::chrono::seconds(10);
  core::Nanoseconds delay_max = std::chrono::seconds(30);
  AccessLogOptions access_log = {};
  /// URLs that /probe-targets hands to a Prometheus, for the blackbox exporter beside it to probe.
  std::vector<std::string> probe_targets = {};
  /// Of every random choice; absent: a new one, which is logged.
  std::optional<std::uint64_t> seed = {};
  /// In app_build_info.
  std::string version = "unknown";
};

/// URLs with blanks or commas between them. Errors: invalid_input, naming what is no URL.
core::Result<std::vector<std::string>> parse_probe_targets(std::string_view text);

/// What is wrong with options that contradict each other or name what there is not: invalid_input.
std::optional<core::Error> contradiction(const ServiceOptions& options);

}  // namespace obsctl::stacks
