// Statistics as JSON and back: the shapes of docs/reference/load.md.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "loadgen/statistics.hpp"

namespace obsctl::loadgen {

using nlohmann::json;

namespace {

constexpr int kSchema = 1;

json with_histogram(const Histogram& histogram) {
  json result = quantiles_of(histogram);
  result["histogram"] = histogram.to_base64();
  return result;
}

Counts counts_from(const json& from) {
  Counts counts;
  counts.scheduled = from.at("scheduled");
  counts.sent = from.at("sent");
  counts.dropped = from.at("dropped");
  counts.shed = from.at("shed");
  counts.unsent_at_end = from.at("unsent_at_end");
  counts.ok = from.at("ok");
  counts.http_error = from.at("http_error");
  counts.check_failed = from.at("check_failed");
  counts.timeout = from.at("timeout");
  counts.connection_error = from.at("connection_error");
  counts.in_flight_at_end = from.at("in_flight_at_end");
  return counts;
}

core::Nanoseconds ns(const json& from, const char* key) {
  return core::Nanoseconds(from.at(key).get<std::int64_t>());
}

/// The distribution with its exact extremes, which the encoding rounds.
core::Result<Histogram> histogram_from(const json& from) {
  auto histogram = Histogram::from_base64(from.at("histogram").get<std::string>());
  if (!histogram) return histogram.error();
  if (!(histogram->layout() == HistogramLayout())) {
    return core::make_error(core::ErrorKind::invalid_input,
                            "a histogram has another range or precision than ours");
  }
  histogram->restore_extremes(ns(from, "min_ns"), ns(from, "max_ns"));
  return *histogram;
}

Quantiles quantiles_from(const json& from) {
  Quantiles q;
  q.count = from.at("count");
  q.mean = ns(from, "mean_ns");
  q.min = ns(from, "min_ns");
  q.p50 = ns(from, "p50_ns");
  q.p90 = ns(from, "p90_ns");
  q.p95 = ns(from, "p95_ns");
  q.p99 = ns(from, "p99_ns");
  q.p999 = ns(from, "p999_ns");
  q.max = ns(from, "max_ns");
  return q;
}

Window window_from(const json& from) {
  Window window;
  window.index = from.at("index");
  window.length = core::from_seconds(from.at("length_s"));
  window.counts = counts_from(from.at("counts"));
  window.p50 = ns(from, "p50_ns");
  window.p95 = ns(from, "p95_ns");
  window.p99 = ns(from, "p99_ns");
  window.max = ns(from, "max_ns");
  window.lag_p99 = ns(from, "lag_p99_ns");
  window.in_flight = from.at("in_flight");
  window.bytes_received = from.at("bytes_received");
  return window;
}

core::Result<void> read_distributions(const json& from, Summary& summary) {
  const std::pair<const char*, Histogram*> parts[] = {{"response_time", &summary.response_time},
                                                      {"service_time", &summary.service_time},
                                                      {"schedule_lag", &summary.schedule_lag},
                                                      {"pool_wait", &summary.pool_wait},
                                                      {"connect_time", &summary.connect_time}};
  for (const auto& [key, histogram] : parts) {
    auto read = histogram_from(from.at(key));
    if (!read) return read.error();
    *histogram = std::move(*read);
  }
  for (const json& endpoint : from.at("endpoints")) {
    EndpointSummary result{endpoint.at("name"), counts_from(endpoint.at("counts")), Histogram(), Histogram()};
    auto response = histogram_from(endpoint.at("response_time"));
    if (!response) return response.error();
    auto service = histogram_from(endpoint.at("service_time"));
    if (!service) return service.error();
    result.response_time = std::move(*response);
    result.service_time = std::move(*service);
    summary.endpoints.push_back(std::move(result));
  }
  return {};
}

/// Whether every number could have been measured: so that sums and sums of sums do not overflow, whoever
/// wrote the file. Durations in seconds are below ten years, everything else below 2^53.
bool plausible(const json& value, std::string_view key) {
  if (value.is_object()) {
    return std::all_of(value.items().begin(), value.items().end(),
                       [](const auto& item) { return plausible(item.value(), item.key()); });
  }
  if (value.is_array()) {
    return std::all_of(value.begin(), value.end(),
                       [&](const json& element) { return plausible(element, key); });
  }
  if (!value.is_number() || key == "seed") return true;
  const bool seconds = key.size() > 2 && key.substr(key.size() - 2) == "_s";
  const auto number = value.get<double>();
  return number >= 0 && number <= (seconds ? 3.2e8 : 0x1p53);
}

core::Result<Summary> read_summary(const json& from) {
  if (from.at("schema") != kSchema || from.at("kind") != "load") {
    return core::make_error(core::ErrorKind::invalid_input, "not a result of obsctl load run --json",
                            "its \"kind\" must be \"load\" and its \"schema\" 1");
  }
  if (!plausible(from, "")) {
    return core::make_error(core::ErrorKind::invalid_input,
                            "not a result of obsctl load run: a number in it is out of bounds");
  }
  Summary summary;
  summary.target = from.at("target");
  summary.arrivals = from.at("arrivals");
  summary.seed = from.at("seed");
  summary.stripe_index = from.at("stripe").at("index");
  summary.stripe_count = from.at("stripe").at("count");
  summary.threads = from.at("threads");
  summary.pacing = from.at("pacing");
  summary.closed_loop = from.at("closed_loop");
  const auto started = core::parse_rfc3339(from.at("started_at").get<std::string>());
  if (!started) return started.error();
  summary.started_at = *started;
  summary.elapsed = core::from_seconds(from.at("elapsed_s"));
  summary.drained = core::from_seconds(from.at("drained_s"));
  summary.stopped_early = from.at("stopped_early");
  summary.counts = counts_from(from.at("counts"));
  summary.asked_rate = from.at("rate").at("asked");
  summary.achieved_rate = from.at("rate").at("achieved");
  const auto distributions = read_distributions(from, summary);
  if (!distributions) return distributions.error();
  summary.bytes_sent = from.at("bytes").at("sent");
  summary.bytes_received = from.at("bytes").at("received");
  summary.connections_opened = from.at("connections_opened");
  summary.cpu = core::from_seconds(from.at("generator").at("cpu_s"));
  summary.generator_limited.limited = from.at("generator").at("limited");
  summary.generator_limited.reason = from.at("generator").at("reason");
  for (const auto& [status, n] : from.at("statuses").items()) summary.statuses[std::stoi(status)] = n;
  for (const auto& [failure, n] : from.at("failures").items()) summary.failures[failure] = n;
  for (const json& phase : from.at("phases")) {
    PhaseSummary result;
    result.name = phase.at("name");
    result.statistics.counts = counts_from(phase.at("counts"));
    result.statistics.length = core::from_seconds(phase.at("length_s"));
    result.statistics.response_time = quantiles_from(phase.at("response_time"));
    result.statistics.service_time = quantiles_from(phase.at("service_time"));
    result.statistics.schedule_lag = quantiles_from(phase.at("schedule_lag"));
    result.statistics.pool_wait = quantiles_from(phase.at("pool_wait"));
    summary.phases.push_back(std::move(result));
  }
  for (const json& window : from.at("windows")) summary.windows.push_back(window_from(window));
  summary.broken_invariant = from.at("broken_invariant");
  return summary;
}

}  // namespace

void to_json(json& out, const Counts& counts) {
  out = json{{"scheduled", counts.scheduled},
             {"sent", counts.sent},
             {"dropped", counts.dropped},
             {"shed", counts.shed},
             {"unsent_at_end", counts.unsent_at_end},
             {"ok", counts.ok},
             {"http_error", counts.http_error},
             {"check_failed", counts.check_failed},
             {"timeout", counts.timeout},
             {"connection_error", counts.connection_error},
             {"in_flight_at_end", counts.in_flight_at_end}};
}

void to_json(json& out, const Quantiles& q) {
  out = json{{"count", q.count},        {"mean_ns", q.mean.count()}, {"min_ns", q.min.count()},
             {"p50_ns", q.p50.count()}, {"p90_ns", q.p90.count()},   {"p95_ns", q.p95.count()},
             {"p99_ns", q.p99.count()}, {"p999_ns", q.p999.count()}, {"max_ns", q.max.count()}};
}

void to_json(json& out, const Statistics& statistics) {
  out = json{{"counts", statistics.counts},
             {"error_ratio", statistics.error_ratio()},
             {"length_s", core::to_seconds(statistics.length)},
             {"response_time", statistics.response_time},
             {"service_time", statistics.service_time},
             {"schedule_lag", statistics.schedule_lag},
             {"pool_wait", statistics.pool_wait}};
}

void to_json(json& out, const Window& window) {
  out = json{{"index", window.index},         {"length_s", core::to_seconds(window.length)},
             {"counts", window.counts},       {"p50_ns", window.p50.count()},
             {"p95_ns", window.p95.count()},  {"p99_ns", window.p99.count()},
             {"max_ns", window.max.count()},  {"lag_p99_ns", window.lag_p99.count()},
             {"in_flight", window.in_flight}, {"bytes_received", window.bytes_received}};
}

void to_json(json& out, const Summary& summary) {
  json statuses = json::object();
  for (const auto& [status, n] : summary.statuses) statuses[std::to_string(status)] = n;
  json phases = json::array();
  for (const PhaseSummary& phase : summary.phases) {
    json entry = phase.statistics;
    entry["name"] = phase.name;
    phases.push_back(std::move(entry));
  }
  json endpoints = json::array();
  for (const EndpointSummary& endpoint : summary.endpoints) {
    endpoints.push_back({{"name", endpoint.name},
                         {"counts", endpoint.counts},
                         {"error_ratio", endpoint.counts.error_ratio()},
                         {"response_time", with_histogram(endpoint.response_time)},
                         {"service_time", with_histogram(endpoint.service_time)}});
  }
  const double sent = static_cast<double>(summary.counts.sent);
  out = json{{"schema", kSchema},
             {"kind", "load"},
             {"target", summary.target},
             {"arrivals", summary.arrivals},
             {"seed", summary.seed},
             {"stripe", {{"index", summary.stripe_index}, {"count", summary.stripe_count}}},
             {"threads", summary.threads},
             {"pacing", summary.pacing},
             {"closed_loop", summary.closed_loop},
             {"started_at", core::format_utc(summary.started_at)},
             {"elapsed_s", core::to_seconds(summary.elapsed)},
             {"drained_s", core::to_seconds(summary.drained)},
             {"stopped_early", summary.stopped_early},
             {"counts", summary.counts},
             {"error_ratio", summary.counts.error_ratio()},
             {"rate", {{"asked", summary.asked_rate}, {"achieved", summary.achieved_rate}}},
             {"response_time", with_histogram(summary.response_time)},
             {"service_time", with_histogram(summary.service_time)},
             {"schedule_lag", with_histogram(summary.schedule_lag)},
             {"pool_wait", with_histogram(summary.pool_wait)},
             {"connect_time", with_histogram(summary.connect_time)},
             {"bytes", {{"sent", summary.bytes_sent}, {"received", summary.bytes_received}}},
             {"connections_opened", summary.connections_opened},
             {"generator",
              {{"cpu_s", core::to_seconds(summary.cpu)},
               {"cpu_us_per_request", sent > 0 ? core::to_seconds(summary.cpu) * 1e6 / sent : 0},
               {"limited", summary.generator_limited.limited},
               {"reason", summary.generator_limited.reason}}},
             {"statuses", std::move(statuses)},
             {"failures", summary.failures},
             {"phases", std::move(phases)},
             {"windows", summary.windows},
             {"endpoints", std::move(endpoints)},
             {"broken_invariant", summary.broken_invariant}};
}

core::Result<Summary> summary_from_json(const json& from) {
  try {
    return read_summary(from);
  } catch (
      const std::exception& error) {  // nlohmann names the key; std::stoi says nothing useful, but says it
    return core::make_error(core::ErrorKind::invalid_input,
                            fmt::format("not a result of obsctl load run: {}", error.what()),
                            "give a file written by obsctl load run --json");
  }
}

}  // namespace obsctl::loadgen
