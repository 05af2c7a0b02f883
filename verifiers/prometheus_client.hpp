// Prometheus' HTTP API (https://prometheus.io/docs/prometheus/latest/querying/api/) as plain values. Every
// answer is read defensively: a missing key or a wrong type is a protocol error that names the URL and the
// key.
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"
#include "core/http_client.hpp"
#include "verifiers/labels.hpp"

namespace obsctl::verifiers {

using core::Nanoseconds;
using core::WallTime;

/// One value of one series. NaN and infinities are values.
struct Sample {
  Labels labels;
  double value = 0;
  WallTime at;
};

/// One series of a range query.
struct Series {
  Labels labels;
  struct Point {
    WallTime at;
    double value = 0;
  };
  std::vector<Point> points;
};

enum class AlertState { inactive, pending, firing };
std::string_view to_string(AlertState state);

enum class RuleHealth { unknown, ok, err };
std::string_view to_string(RuleHealth health);

/// One active instance of an alerting rule.
struct ActiveAlert {
  Labels labels;  ///< with alertname, without external labels
  Labels annotations;
  AlertState state = AlertState::pending;
  WallTime active_at;  ///< the evaluation at which it became pending
  double value = 0;
};

struct Rule {
  bool alerting = true;  ///< else a recording rule, of which only name, query, labels and health count
  std::string name;
  std::string query;
  Nanoseconds hold{};  ///< `for`
  Nanoseconds keep_firing_for{};
  Labels labels;
  Labels annotations;
  AlertState state = AlertState::inactive;  ///< the highest of its instances'
  RuleHealth health = RuleHealth::unknown;
  std::string last_error;
  WallTime last_evaluation;  ///< WallTime::min() before the first one
  std::vector<ActiveAlert> alerts;
};

/// What every alert of an alerting rule is labelled with: the rule's own labels and its name as alertname.
/// Its series add theirs.
Labels labels_of(const Rule& rule);

struct RuleGroup {
  std::string name;
  std::string file;
  Nanoseconds interval{};
  Nanoseconds query_offset{};  ///< Prometheus 2.53 and later; 0 before
  WallTime last_evaluation;    ///< by Prometheus' clock; WallTime::min() before the first one
  std::vector<Rule> rules;
};

struct ScrapeTarget {
  Labels labels;
  std::string scrape_url;
  bool up = false;
  std::string health;  ///< "up", "down" or "unknown"
  std::string last_error;
  WallTime last_scrape;
  Nanoseconds scrape_interval{};
  Nanoseconds scrape_timeout{};
};

struct BuildInfo {
  std::string version;
  std::string revision;
};

struct ApiOptions {
  /// Of one call.
  Nanoseconds timeout = std::chrono::seconds(5);
  /// Sent with every call, for an API behind authentication. Credentials in the URL work as well.
  std::vector<core::HttpHeader> headers = {};
};

/// One thread at a time. Errors of every call: those of core::HttpClient::call; protocol (an answer that
/// cannot be read); unavailable (a 5xx); invalid_input (Prometheus refuses the query, with its own words).
class PrometheusClient {
 public:
  /// `url` is the base, with Prometheus' path prefix if it has one.
  explicit PrometheusClient(std::string url, ApiOptions options = {});

  const std::string& url() const { return url_; }

  /// GET /api/v1/rules.
  Result<std::vector<RuleGroup>> rules(const std::stop_token& stop = {});
  /// GET /api/v1/alerts: the active instances only.
  Result<std::vector<ActiveAlert>> alerts(const std::stop_token& stop = {});
  /// GET /api/v1/targets?state=active.
  Result<std::vector<ScrapeTarget>> targets(const std::stop_token& stop = {});
  /// GET /api/v1/alertmanagers: the URLs that alerts are sent to now.
  Result<std::vector<std::string>> alertmanagers(const std::stop_token& stop = {});
  /// An instant query now, or at `at`. A scalar is one sample without labels; a range vector or a string is
  /// an invalid_input error.
  Result<std::vector<Sample>> query(std::string_view expression, const std::stop_token& stop = {});
  Result<std::vector<Sample>> query_at(std::string_view expression, WallTime at,
                                       const std::stop_token& stop = {});
  /// `step` is positive.
  Result<std::vector<Series>> query_range(std::string_view expression, WallTime from, WallTime to,
                                          Nanoseconds step, const std::stop_token& stop = {});
  /// The raw samples of the series that `selector` selects, over the last `range` (positive).
  Result<std::vector<Series>> raw_samples(std::string_view selector, Nanoseconds range,
                                          const std::stop_token& stop = {});
  /// GET /api/v1/status/flags.
  Result<std::map<std::string, std::string>> flags(const std::stop_token& stop = {});
  /// GET /api/v1/status/config: the loaded YAML.
  Result<std::string> config(const std::stop_token& stop = {});
  Result<BuildInfo> build_info(const std::stop_token& stop = {});
  /// GET /-/ready. Errors: unavailable, with its own words, while it is starting.
  Result<void> ready(const std::stop_token& stop = {});

 private:
  Result<core::HttpReply> get(const std::string& path, const std::stop_token& stop);
  Result<std::vector<Sample>> instant(const std::string& path, const std::stop_token& stop);

  std::string url_;
  ApiOptions options_;
  core::HttpClient http_;
};

}  // namespace obsctl::verifiers
