// Alertmanager's HTTP API v2 (https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml) as
// plain values, read as defensively as Prometheus' one.
#pragma once

#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/http_client.hpp"
#include "verifiers/alertmanager_config.hpp"
#include "verifiers/labels.hpp"
#include "verifiers/prometheus_client.hpp"

namespace obsctl::verifiers {

/// An alert as Alertmanager holds it: labels after external labels and alert relabelling.
struct HeldAlert {
  Labels labels;
  Labels annotations;
  WallTime starts_at;  ///< when Prometheus' alert began to fire
  WallTime ends_at;
  WallTime updated_at;
  std::string fingerprint;
  std::string state;                      ///< "unprocessed", "active" or "suppressed"
  std::vector<std::string> silenced_by;   ///< ids of silences
  std::vector<std::string> inhibited_by;  ///< fingerprints of alerts
  std::vector<std::string> muted_by;      ///< names of time intervals (0.28 and later)
  bool tells_muting = false;              ///< whether this Alertmanager says what mutes by time
  std::vector<std::string> receivers;     ///< where its routes lead
};

struct Silence {
  std::string id;
  std::string state;  ///< "active", "pending" or "expired"
  std::string created_by;
  std::string comment;
  WallTime starts_at;
  WallTime ends_at;
  std::vector<LabelMatcher> matchers;
};

/// A group of the dispatcher: what one notification is about.
struct AlertGroup {
  std::string receiver;
  Labels labels;
  std::vector<HeldAlert> alerts;
};

struct AlertmanagerStatus {
  std::string version;
  std::string config;          ///< the original YAML, secrets as <secret>
  std::string cluster_status;  ///< "ready", "settling", "disabled"
};

/// An alert to hand to Alertmanager, as Prometheus would. A zero time is left out.
struct PostedAlert {
  Labels labels = {};
  Labels annotations = {};
  WallTime starts_at{};
  WallTime ends_at{};
};

/// One thread at a time. Errors as PrometheusClient's.
class AlertmanagerClient {
 public:
  explicit AlertmanagerClient(std::string url, ApiOptions options = {});

  const std::string& url() const { return url_; }

  /// GET /-/ready.
  Result<void> ready(const std::stop_token& stop = {});
  Result<AlertmanagerStatus> status(const std::stop_token& stop = {});
  /// The configuration that status() has, read. Errors: parse_alertmanager_config's as well.
  Result<AlertmanagerConfig> config(const std::stop_token& stop = {});
  /// Everything that has not ended (and matches), silenced and inhibited alerts included.
  Result<std::vector<HeldAlert>> alerts(const std::stop_token& stop = {});
  Result<std::vector<HeldAlert>> alerts(const std::vector<LabelMatcher>& filter,
                                        const std::stop_token& stop = {});
  /// The groups that hold any alert that matches, with those alerts only.
  Result<std::vector<AlertGroup>> groups(const std::vector<LabelMatcher>& filter,
                                         const std::stop_token& stop = {});
  Result<std::vector<Silence>> silences(const std::stop_token& stop = {});
  /// Requests to receivers that have failed since Alertmanager began, each attempt by itself, by integration
  /// ("webhook", "slack"): alertmanager_notification_requests_failed_total of GET /metrics.
  Result<std::map<std::string, double>> failed_requests(const std::stop_token& stop = {});
  /// Names.
  Result<std::vector<std::string>> receivers(const std::stop_token& stop = {});

  Result<void> post_alerts(const std::vector<PostedAlert>& alerts, const std::stop_token& stop = {});
  /// Returns the silence's id. A glob has no place in a silence.
  Result<std::string> add_silence(const std::vector<LabelMatcher>& matchers, WallTime from, WallTime to,
                                  const std::string& comment, const std::stop_token& stop = {});
  Result<void> delete_silence(const std::string& id, const std::stop_token& stop = {});

 private:
  std::string filtered(std::string_view path, const std::vector<LabelMatcher>& filter) const;
  Result<core::HttpReply> send(core::HttpCall call, const std::stop_token& stop);

  std::string url_;
  ApiOptions options_;
  core::HttpClient http_;
};

}  // namespace obsctl::verifiers
