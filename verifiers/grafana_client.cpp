// See grafana_client.hpp.
#include "verifiers/grafana_client.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/text.hpp"
#include "verifiers/api_reply.hpp"
#include "verifiers/json_reader.hpp"

namespace obsctl::verifiers {

using core::ErrorKind;
using nlohmann::json;

namespace {

/// Deeper than any answer: dashboards are copied and written, which takes some stack for each level.
constexpr int kDeepest = 256;
/// As many as Grafana gives in one answer.
constexpr int kMostDashboards = 5000;

std::string variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : std::string(core::trimmed(value));
}

std::string with_credentials(std::string url, std::string_view user, std::string_view password) {
  url = core::without_credentials(url);
  const std::size_t scheme = url.find("://");
  const std::size_t host = scheme == std::string::npos ? 0 : scheme + 3;
  return url.insert(host,
                    fmt::format("{}:{}@", core::percent_encoded(user), core::percent_encoded(password)));
}

core::Error not_grafana(const core::HttpCall& call, const core::HttpReply& reply) {
  const std::string elsewhere = core::without_credentials(reply.header("Location"));
  return core::make_error(
      ErrorKind::protocol,
      fmt::format("{}: answered {}{}{}, which is not how a Grafana answers", describe(call), reply.status,
                  elsewhere.empty() ? "" : " to ", elsewhere),
      "give the address of Grafana's pages, such as http://127.0.0.1:3000");
}

/// Reads a whole answer. Errors: protocol.
template <class Value, class Read>
Result<Value> read_answer(const core::HttpCall& call, const core::HttpReply& reply, Read read) {
  JsonErrors errors(ErrorKind::protocol, describe(call));
  const auto document = parse_json(reply.body, errors, kDeepest);
  if (!document) return *errors.first();
  Value value = read(JsonReader(*document, "", errors));
  if (errors.first()) return *errors.first();
  return value;
}

/// Whatever bytes a variable's value or a label has.
std::string body_of(const json& document) {
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::int64_t milliseconds(core::WallTime at) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
}

/// The labels of a frame's fields that have a value and are not time. NaN and infinities are null in it
/// (https://grafana.com/docs/grafana/latest/developers/plugins/introduction/data-frames/).
std::vector<Labels> fields_with_values(const JsonReader& frame) {
  std::vector<Labels> found;
  const auto schema = frame.optional_object("schema");
  const auto data = frame.optional_object("data");
  if (!schema || !data) return found;
  const auto fields = schema->list_or_empty("fields");
  const auto values = data->list_or_empty("values");
  for (std::size_t i = 0; i < std::min(fields.size(), values.size()); ++i) {
    if (fields[i].text_or("type", "") == "time") continue;
    const json& column = values[i].value();
    if (std::any_of(column.begin(), column.end(), [](const json& value) { return !value.is_null(); }))
      found.push_back(fields[i].labels_or_empty("labels"));
  }
  return found;
}

GrafanaAnswer read_result(const JsonReader& result) {
  GrafanaAnswer answer{result.text_or("error", ""), 0};
  for (const JsonReader& frame : result.list_or_empty("frames")) {
    const std::vector<Labels> fields = fields_with_values(frame);
    answer.series += fields.empty() ? 0 : 1;
    answer.labels.insert(answer.labels.end(), fields.begin(), fields.end());
  }
  return answer;
}

}  // namespace

Result<GrafanaAccess> grafana_access(const std::string& url, std::string_view token_variable,
                                     std::string_view password) {
  if (const auto parsed = core::parse_url(url); !parsed) return parsed.error();
  GrafanaAccess access{base_url(url), {}};
  const std::string token = variable(std::string(token_variable));
  const std::string user = variable("OBSCTL_GRAFANA_USER");
  const std::string own = variable("OBSCTL_GRAFANA_PASSWORD");
  if (!token.empty()) {
    access.url = core::without_credentials(access.url);
    access.options.headers.push_back({"Authorization", "Bearer " + token});
  } else if (!own.empty()) {
    access.url = with_credentials(access.url, user.empty() ? "admin" : user, own);
  } else if (!password.empty() && core::without_credentials(access.url) == access.url) {
    access.url = with_credentials(access.url, "admin", password);
  }
  return access;
}

GrafanaClient::GrafanaClient(GrafanaAccess access) : access_(std::move(access)) {
  access_.url = base_url(std::move(access_.url));
}

std::string GrafanaClient::url() const {
  return core::without_credentials(access_.url);
}

core::HttpCall GrafanaClient::make_call(std::string path, std::string method, std::string body) const {
  core::HttpCall call{.method = std::move(method),
                      .url = access_.url + path,
                      .headers = access_.options.headers,
                      .body = std::move(body),
                      .timeout = access_.options.timeout};
  if (!call.body.empty()) call.headers.push_back({"Content-Type", "application/json"});
  return call;
}

Result<core::HttpReply> GrafanaClient::send(const core::HttpCall& call, const std::stop_token& stop) {
  auto reply = http_.call(call, stop);
  if (!reply || (reply->status != 401 && reply->status != 403)) return reply;
  const std::string hint =
      reply->status == 401
          ? fmt::format(
                "put a service account's token into {}, or the password of OBSCTL_GRAFANA_USER (admin) into "
                "OBSCTL_GRAFANA_PASSWORD",
                kGrafanaTokenVariable)
          : "give the service account the role Admin, or the permissions that the answer names";
  return core::make_error(ErrorKind::unavailable, refusal(call, *reply).message, hint);
}

Result<core::HttpReply> GrafanaClient::ask(const core::HttpCall& call, const std::stop_token& stop) {
  auto reply = send(call, stop);
  if (!reply || reply->ok()) return reply;
  return refusal(call, *reply);
}

Result<GrafanaHealth> GrafanaClient::health(const std::stop_token& stop) {
  const core::HttpCall call = make_call("/api/health");
  const auto reply = send(call, stop);
  if (!reply) return reply.error();
  const json document = json::parse(reply->body, nullptr, false);
  if (!document.is_object() || !document.contains("database") || !document["database"].is_string())
    return not_grafana(call, *reply);
  return read_answer<GrafanaHealth>(call, *reply, [](const JsonReader& root) {
    return GrafanaHealth{root.text("database"), root.text_or("version", "")};
  });
}

Result<std::vector<GrafanaDatasource>> GrafanaClient::datasources(const std::stop_token& stop) {
  const core::HttpCall call = make_call("/api/datasources");
  const auto reply = ask(call, stop);
  if (!reply) return reply.error();
  return read_answer<std::vector<GrafanaDatasource>>(call, *reply, [](const JsonReader& root) {
    std::vector<GrafanaDatasource> all;
    for (const JsonReader& one : root.as_list()) {
      all.push_back({one.text("uid"), one.text("name"), one.text("type"),
                     one.has("isDefault") && one.boolean("isDefault")});
    }
    return all;
  });
}

Result<std::optional<DatasourceHealth>> GrafanaClient::datasource_health(const std::string& uid,
                                                                         const std::stop_token& stop) {
  const core::HttpCall call =
      make_call(fmt::format("/api/datasources/uid/{}/health", core::percent_encoded(uid)));
  const auto reply = send(call, stop);
  if (!reply) return reply.error();
  if (reply->status == 404) return std::optional<DatasourceHealth>();
  // One that is ill comes with 400 or 503, by the version of Grafana.
  const json document = json::parse(reply->body, nullptr, false);
  if (!document.is_object() || !document.contains("status")) return refusal(call, *reply);
  return read_answer<std::optional<DatasourceHealth>>(call, *reply, [](const JsonReader& root) {
    return DatasourceHealth{root.text("status") == "OK", root.text_or("message", "")};
  });
}

Result<std::vector<DashboardEntry>> GrafanaClient::dashboards(const std::stop_token& stop) {
  const core::HttpCall call = make_call(fmt::format("/api/search?type=dash-db&limit={}", kMostDashboards));
  const auto reply = ask(call, stop);
  if (!reply) return reply.error();
  return read_answer<std::vector<DashboardEntry>>(call, *reply, [](const JsonReader& root) {
    std::vector<DashboardEntry> all;
    for (const JsonReader& one : root.as_list()) all.push_back({one.text("uid"), one.text("title")});
    return all;
  });
}

Result<std::string> GrafanaClient::dashboard(const std::string& uid, const std::stop_token& stop) {
  const core::HttpCall call = make_call("/api/dashboards/uid/" + core::percent_encoded(uid));
  const auto reply = send(call, stop);
  if (!reply) return reply.error();
  if (reply->status == 404)
    return core::make_error(ErrorKind::not_found,
                            fmt::format("{} has no dashboard with the uid \"{}\"", url(), uid),
                            "the uid is in the dashboard's address: /d/UID/…");
  if (!reply->ok()) {
    core::Error refused = refusal(call, *reply);
    if (reply->status == 406) refused.kind = ErrorKind::not_found;
    return refused;
  }
  return read_answer<std::string>(
      call, *reply, [](const JsonReader& root) { return root.object("dashboard").value().dump(); });
}

Result<std::map<std::string, GrafanaAnswer>> GrafanaClient::query(const json& request,
                                                                  const std::stop_token& stop) {
  const core::HttpCall call = make_call("/api/ds/query", "POST", body_of(request));
  const auto reply = send(call, stop);
  if (!reply) return reply.error();
  if (reply->status == 404)
    return core::make_error(ErrorKind::not_found, "only Grafana's pages can ask this kind of datasource");
  // A query that fails is in the results, whatever the status of the whole.
  const json document = json::parse(reply->body, nullptr, false);
  if (!document.is_object() || !document.contains("results")) return refusal(call, *reply);
  return read_answer<std::map<std::string, GrafanaAnswer>>(call, *reply, [](const JsonReader& root) {
    std::map<std::string, GrafanaAnswer> answers;
    const JsonReader results = root.object("results");
    if (!results.value().is_object()) return answers;
    for (const auto& item : results.value().items())
      answers[item.key()] = read_result(results.object(item.key()));
    return answers;
  });
}

Result<std::int64_t> GrafanaClient::add_annotation(const GrafanaAnnotation& annotation,
                                                   const std::stop_token& stop) {
  json body{{"time", milliseconds(annotation.from)}, {"tags", annotation.tags}, {"text", annotation.text}};
  if (annotation.until) body["timeEnd"] = milliseconds(*annotation.until);
  if (!annotation.dashboard_uid.empty()) body["dashboardUID"] = annotation.dashboard_uid;
  const core::HttpCall call = make_call("/api/annotations", "POST", body_of(body));
  const auto reply = ask(call, stop);
  if (!reply) return reply.error();
  return read_answer<std::int64_t>(
      call, *reply, [](const JsonReader& root) { return static_cast<std::int64_t>(root.number("id")); });
}

Result<void> GrafanaClient::end_annotation(std::int64_t id, core::WallTime until,
                                           const std::stop_token& stop) {
  const json body{{"timeEnd", milliseconds(until)}};
  const auto reply = ask(make_call(fmt::format("/api/annotations/{}", id), "PATCH", body_of(body)), stop);
  if (!reply) return reply.error();
  return {};
}

}  // namespace obsctl::verifiers
