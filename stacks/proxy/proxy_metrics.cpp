#include "stacks/proxy/proxy_metrics.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "stacks/services/process_stats.hpp"

namespace obsctl::stacks {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr std::array<double, 16> kEdges{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                        0.05,   0.1,     0.25,   0.5,   1,      2.5,   5,    10};
/// Series that exist from the start, so that rate() sees the first error too.
constexpr std::array<int, 6> kExpectedCodes{200, kClosedUnanswered, kClientLeft, 500, 502, 504};
constexpr std::array<std::string_view, kUpstreamErrors> kErrorNames{"connect", "timeout", "closed",
                                                                    "protocol"};

MetricFamily family(const char* name, const char* help, MetricType type) {
  MetricFamily made;
  made.name = name;
  made.help = help;
  made.type = type;
  return made;
}

void add(MetricFamily& to, std::vector<ClientMetric::Label> labels, double value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  if (to.type == MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  to.metric.push_back(std::move(metric));
}

MetricFamily single(const char* name, const char* help, MetricType type, std::uint64_t value) {
  MetricFamily made = family(name, help, type);
  add(made, {}, static_cast<double>(value));
  return made;
}

}  // namespace

ProxyMetrics::ProxyMetrics(const ToggleKinds& kinds, std::string version)
    : kinds_(kinds), version_(std::move(version)) {}

void ProxyMetrics::count_request(int code, core::Nanoseconds duration) {
  ++by_code_[static_cast<std::size_t>(std::clamp(code, 0, 999))];
  const double seconds = core::to_seconds(duration);
  const auto bucket = std::lower_bound(kEdges.begin(), kEdges.end(), seconds) - kEdges.begin();
  ++buckets_[static_cast<std::size_t>(bucket)];
  duration_sum_ += seconds;
}

void ProxyMetrics::count_faults(std::uint32_t mask) {
  for (std::size_t kind = 0; mask != 0; ++kind, mask >>= 1) faults_[kind] += mask & 1;
}

std::string ProxyMetrics::exposition() const {
  static_assert(kEdges.size() == kBuckets);
  std::vector<MetricFamily> all;
  MetricFamily requests =
      family("proxy_requests_total",
             "Requests by what the client was told; 499: it left before its answer, 444: a fault ended its "
             "connection without one.",
             MetricType::Counter);
  for (std::size_t code = 0; code < by_code_.size(); ++code) {
    const bool expected = std::find(kExpectedCodes.begin(), kExpectedCodes.end(), static_cast<int>(code)) !=
                          kExpectedCodes.end();
    if (expected || by_code_[code] > 0)
      add(requests, {{"code", std::to_string(code)}}, static_cast<double>(by_code_[code]));
  }
  all.push_back(std::move(requests));

  MetricFamily durations = family("proxy_request_duration_seconds",
                                  "From a request's head to the end of its answer.", MetricType::Histogram);
  ClientMetric histogram;
  std::uint64_t cumulative = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    cumulative += buckets_[i];
    histogram.histogram.bucket.push_back({cumulative, kEdges[i]});
  }
  cumulative += buckets_.back();
  histogram.histogram.bucket.push_back({cumulative, std::numeric_limits<double>::infinity()});
  histogram.histogram.sample_count = cumulative;
  histogram.histogram.sample_sum = duration_sum_;
  durations.metric.push_back(std::move(histogram));
  all.push_back(std::move(durations));

  MetricFamily errors = family(
      "proxy_upstream_errors_total",
      "Times the upstream could not be reached, was too late, closed too early, or could not be understood.",
      MetricType::Counter);
  for (std::size_t i = 0; i < kUpstreamErrors; ++i)
    add(errors, {{"reason", std::string(kErrorNames[i])}}, static_cast<double>(upstream_errors_[i]));
  all.push_back(std::move(errors));

  MetricFamily faults =
      family("proxy_faults_injected_total", "Requests, or TCP connections, that a toggle has affected.",
             MetricType::Counter);
  for (std::size_t kind = 0; kind < kinds_.size(); ++kind)
    add(faults, {{"fault", std::string(kinds_[kind].name)}}, static_cast<double>(faults_[kind]));
  all.push_back(std::move(faults));

  MetricFamily bytes = family("proxy_bytes_total", "Bytes handed on.", MetricType::Counter);
  add(bytes, {{"direction", "to_client"}}, static_cast<double>(to_client_));
  add(bytes, {{"direction", "to_upstream"}}, static_cast<double>(to_upstream_));
  all.push_back(std::move(bytes));

  using enum MetricType;
  all.push_back(single("proxy_connections", "Clients' connections that are open.", Gauge, connections_));
  all.push_back(
      single("proxy_connections_total", "Clients' connections so far.", Counter, connections_total_));
  all.push_back(single("proxy_connections_refused_total",
                       "Clients' connections above the limit, closed at once.", Counter,
                       connections_refused_));
  all.push_back(single("proxy_upstream_connections_total", "Connections to the upstream that were begun.",
                       Counter, upstream_connections_));
  MetricFamily build = family("proxy_build_info", "The running version; always 1.", Gauge);
  add(build, {{"version", version_}}, 1);
  all.push_back(std::move(build));
  for (MetricFamily& one : process_metrics()) all.push_back(std::move(one));
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return prometheus::TextSerializer().Serialize(all);
}

}  // namespace obsctl::stacks
