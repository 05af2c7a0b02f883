// What the proxy counts, in plain numbers on its own thread; they become Prometheus' text when they are asked
// for.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "core/duration.hpp"
#include "stacks/services/toggle_kinds.hpp"

namespace obsctl::stacks {

/// Why the upstream did not answer, or not to the end.
enum class UpstreamError { connect, timeout, closed, protocol };
constexpr std::size_t kUpstreamErrors = 4;

class ProxyMetrics {
 public:
  /// `kinds` outlives the metrics.
  ProxyMetrics(const ToggleKinds& kinds, std::string version);

  /// An HTTP request has come to its end: what the client was told, and how long that took from the head's
  /// last byte.
  void count_request(int code, core::Nanoseconds duration);
  void count_upstream_error(UpstreamError error) { ++upstream_errors_[static_cast<std::size_t>(error)]; }
  /// A request, or a TCP connection, that the kinds in `mask` (FaultPlan::kinds) affect.
  void count_faults(std::uint32_t mask);
  void upstream_connected() { ++upstream_connections_; }
  void client_connected() { ++connections_total_, ++connections_; }
  void client_gone() { --connections_; }
  void connection_refused() { ++connections_refused_; }
  void to_upstream(std::size_t bytes) { to_upstream_ += bytes; }
  void to_client(std::size_t bytes) { to_client_ += bytes; }

  /// Everything in Prometheus' text format 0.0.4.
  std::string exposition() const;

 private:
  static constexpr std::size_t kBuckets = 16;

  const ToggleKinds& kinds_;
  const std::string version_;
  std::array<std::uint64_t, 1000> by_code_{};
  std::array<std::uint64_t, kBuckets + 1> buckets_{};
  double duration_sum_ = 0;
  std::array<std::uint64_t, kUpstreamErrors> upstream_errors_{};
  std::array<std::uint64_t, 32> faults_{};
  std::uint64_t upstream_connections_ = 0;
  std::uint64_t connections_total_ = 0;
  std::uint64_t connections_ = 0;
  std::uint64_t connections_refused_ = 0;
  std::uint64_t to_upstream_ = 0;
  std::uint64_t to_client_ = 0;
};

}  // namespace obsctl::stacks
