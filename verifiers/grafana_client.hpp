// Grafana's HTTP API (https://grafana.com/docs/grafana/latest/developers/http_api/) as plain values, as far
// as it takes to see whether dashboards have something to show and to write annotations. From Grafana 9 on.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/clock.hpp"
#include "core/http_client.hpp"
#include "verifiers/prometheus_client.hpp"

namespace obsctl::verifiers {

/// Where a Grafana is, and who asks it.
struct GrafanaAccess {
  std::string url;  ///< the base, with a path prefix if it has one; credentials in it are never printed
  ApiOptions options = {};
};

/// `url` with the credentials that the environment has: the token in the variable `token_variable`
/// (a service account's; sent as a bearer), else OBSCTL_GRAFANA_USER (admin) and OBSCTL_GRAFANA_PASSWORD,
/// else what the URL has, else the admin's `password`; nothing where all are empty. Errors: invalid_input
/// (the URL).
core::Result<GrafanaAccess> grafana_access(const std::string& url, std::string_view token_variable,
                                           std::string_view password = {});

constexpr const char* kGrafanaTokenVariable = "OBSCTL_GRAFANA_TOKEN";

struct GrafanaHealth {
  std::string database;  ///< "ok", "failing"
  std::string version;   ///< may be hidden: empty
};

struct GrafanaDatasource {
  std::string uid;
  std::string name;
  std::string type;
  bool is_default = false;
};

struct DatasourceHealth {
  bool well = false;
  std::string message;
};

struct DashboardEntry {
  std::string uid;
  std::string title;
};

/// What came of one query.
struct GrafanaAnswer {
  std::string error;                ///< empty: none
  std::size_t series = 0;           ///< frames with a value besides time; null and NaN are none
  std::vector<Labels> labels = {};  ///< of what has a value
};

struct GrafanaAnnotation {
  core::WallTime from;
  std::optional<core::WallTime> until;  ///< nothing: a moment, not a region
  std::vector<std::string> tags;
  std::string text;
  std::string dashboard_uid;  ///< empty: every dashboard that asks for the tags
};

/// One thread at a time. Errors of every call: those of core::HttpClient::call; unavailable (a 5xx;
/// credentials that Grafana refuses, with what to do); invalid_input (another refusal, with its words);
/// protocol (not a Grafana).
class GrafanaClient {
 public:
  explicit GrafanaClient(GrafanaAccess access);

  /// Without credentials.
  std::string url() const;

  /// GET /api/health. A Grafana that says it is ill is no error.
  Result<GrafanaHealth> health(const std::stop_token& stop = {});
  /// GET /api/datasources.
  Result<std::vector<GrafanaDatasource>> datasources(const std::stop_token& stop = {});
  /// GET /api/datasources/uid/UID/health; nothing for a kind of datasource that has no such check.
  Result<std::optional<DatasourceHealth>> datasource_health(const std::string& uid,
                                                            const std::stop_token& stop = {});
  /// GET /api/search: the dashboards that the credentials may see.
  Result<std::vector<DashboardEntry>> dashboards(const std::stop_token& stop = {});
  /// GET /api/dashboards/uid/UID: the dashboard's JSON. Errors: not_found as well, also for one that is only
  /// there in a newer format (406, from Grafana 12 on).
  Result<std::string> dashboard(const std::string& uid, const std::stop_token& stop = {});
  /// POST /api/ds/query: what came of each query, by its refId. Errors: not_found as well (a datasource that
  /// is all in the browser: its plugin has no backend).
  Result<std::map<std::string, GrafanaAnswer>> query(const nlohmann::json& request,
                                                     const std::stop_token& stop = {});
  /// POST /api/annotations: its id.
  Result<std::int64_t> add_annotation(const GrafanaAnnotation& annotation, const std::stop_token& stop = {});
  /// PATCH /api/annotations/ID: a moment becomes a region.
  Result<void> end_annotation(std::int64_t id, core::WallTime until, const std::stop_token& stop = {});

 private:
  core::HttpCall make_call(std::string path, std::string method = "GET", std::string body = {}) const;
  /// Whatever its status, but for refused credentials.
  Result<core::HttpReply> send(const core::HttpCall& call, const std::stop_token& stop);
  /// Only a success.
  Result<core::HttpReply> ask(const core::HttpCall& call, const std::stop_token& stop);

  GrafanaAccess access_;
  core::HttpClient http_;
};

}  // namespace obsctl::verifiers
