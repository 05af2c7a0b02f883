// See the header. Keys that only newer Alertmanagers send (mutedBy) are optional.
#include "verifiers/alertmanager_client.hpp"

#include <fmt/format.h>

#include "core/text.hpp"
#include "verifiers/api_reply.hpp"
#include "verifiers/json_reader.hpp"

namespace obsctl::verifiers {

namespace {

template <class T, class Read>
Result<T> read_document(const core::HttpReply& reply, const std::string& what, Read read) {
  JsonErrors errors(core::ErrorKind::protocol, what);
  const auto document = parse_json(reply.body, errors);
  if (!document) return *errors.first();
  T value = read(JsonReader(*document, "", errors));
  if (errors.first()) return *errors.first();
  return value;
}

HeldAlert read_alert(const JsonReader& at) {
  HeldAlert alert;
  alert.labels = at.labels("labels");
  alert.annotations = at.labels_or_empty("annotations");
  alert.starts_at = at.time("startsAt");
  alert.ends_at = at.time("endsAt");
  alert.updated_at = at.time_or("updatedAt", WallTime::min());
  alert.fingerprint = at.text("fingerprint");
  const JsonReader status = at.object("status");
  alert.state = status.text("state");
  alert.silenced_by = status.texts_or_empty("silencedBy");
  alert.inhibited_by = status.texts_or_empty("inhibitedBy");
  alert.muted_by = status.texts_or_empty("mutedBy");
  alert.tells_muting = status.has("mutedBy");
  for (const JsonReader& receiver : at.list_or_empty("receivers"))
    alert.receivers.push_back(receiver.text("name"));
  return alert;
}

void read_matcher(const JsonReader& at, Silence& silence) {
  const bool regex = at.boolean("isRegex");
  const bool equal = !at.has("isEqual") || at.boolean("isEqual");
  using Operator = LabelMatcher::Operator;
  const Operator operation = regex ? (equal ? Operator::regex : Operator::not_regex)
                                   : (equal ? Operator::equal : Operator::not_equal);
  auto matcher = LabelMatcher::make(at.text("name"), operation, at.text("value"));
  if (matcher) {
    silence.matchers.push_back(std::move(*matcher));
  } else {
    at.refuse("cannot be understood: " + matcher.error().message);
  }
}

Silence read_silence(const JsonReader& at) {
  Silence silence;
  silence.id = at.text("id");
  silence.state = at.object("status").text("state");
  silence.created_by = at.text_or("createdBy", "");
  silence.comment = at.text_or("comment", "");
  silence.starts_at = at.time("startsAt");
  silence.ends_at = at.time("endsAt");
  for (const JsonReader& matcher : at.list("matchers")) read_matcher(matcher, silence);
  return silence;
}

}  // namespace

AlertmanagerClient::AlertmanagerClient(std::string url, ApiOptions options)
    : url_(base_url(std::move(url))), options_(std::move(options)) {}

Result<core::HttpReply> AlertmanagerClient::send(core::HttpCall call, const std::stop_token& stop) {
  call.headers.insert(call.headers.end(), options_.headers.begin(), options_.headers.end());
  if (!call.body.empty()) call.headers.push_back({"Content-Type", "application/json"});
  call.timeout = options_.timeout;
  return call_api(http_, call, stop);
}

Result<void> AlertmanagerClient::ready(const std::stop_token& stop) {
  const auto reply = send({.url = url_ + "/-/ready"}, stop);
  if (!reply) return reply.error();
  return {};
}

Result<AlertmanagerStatus> AlertmanagerClient::status(const std::stop_token& stop) {
  const core::HttpCall call{.url = url_ + "/api/v2/status"};
  const auto reply = send(call, stop);
  if (!reply) return reply.error();
  return read_document<AlertmanagerStatus>(*reply, describe(call), [](const JsonReader& root) {
    return AlertmanagerStatus{root.object("versionInfo").text("version"),
                              root.object("config").text("original"), root.object("cluster").text("status")};
  });
}

std::string AlertmanagerClient::filtered(std::string_view path,
                                         const std::vector<LabelMatcher>& filter) const {
  std::string url = fmt::format("{}{}", url_, path);
  for (const LabelMatcher& matcher : filter) {
    url += fmt::format("{}filter={}", &matcher == &filter.front() ? "?" : "&",
                       core::percent_encoded(matcher.text()));
  }
  return url;
}

Result<AlertmanagerConfig> AlertmanagerClient::config(const std::stop_token& stop) {
  const auto loaded = status(stop);
  if (!loaded) return loaded.error();
  return parse_alertmanager_config(loaded->config, "Alertmanager's configuration");
}

Result<std::vector<HeldAlert>> AlertmanagerClient::alerts(const std::stop_token& stop) {
  return alerts(std::vector<LabelMatcher>(), stop);
}

Result<std::vector<HeldAlert>> AlertmanagerClient::alerts(const std::vector<LabelMatcher>& filter,
                                                          const std::stop_token& stop) {
  const core::HttpCall call{.url = filtered("/api/v2/alerts", filter)};
  const auto reply = send(call, stop);
  if (!reply) return reply.error();
  return read_document<std::vector<HeldAlert>>(*reply, describe(call), [](const JsonReader& root) {
    std::vector<HeldAlert> alerts;
    for (const JsonReader& alert : root.as_list()) alerts.push_back(read_alert(alert));
    return alerts;
  });
}

Result<std::vector<AlertGroup>> AlertmanagerClient::groups(const std::vector<LabelMatcher>& filter,
                                                           const std::stop_token& stop) {
  const core::HttpCall call{.url = filtered("/api/v2/alerts/groups", filter)};
  const auto reply = send(call, stop);
  if (!reply) return reply.error();
  return read_document<std::vector<AlertGroup>>(*reply, describe(call), [](const JsonReader& root) {
    std::vector<AlertGroup> groups;
    for (const JsonReader& one : root.as_list()) {
      AlertGroup group{one.object("receiver").text("name"), one.labels_or_empty("labels"), {}};
      for (const JsonReader& alert : one.list("alerts")) group.alerts.push_back(read_alert(alert));
      groups.push_back(std::move(group));
    }
    return groups;
  });
}

Result<std::vector<Silence>> AlertmanagerClient::silences(const std::stop_token& stop) {
  const core::HttpCall call{.url = url_ + "/api/v2/silences"};
  const auto reply = send(call, stop);
  if (!reply) return reply.error();
  return read_document<std::vector<Silence>>(*reply, describe(call), [](const JsonReader& root) {
    std::vector<Silence> silences;
    for (const JsonReader& silence : root.as_list()) silences.push_back(read_silence(silence));
    return silences;
  });
}

Result<std::map<std::string, double>> AlertmanagerClient::failed_requests(const std::stop_token& stop) {
  const auto reply = send({.url = url_ + "/metrics"}, stop);
  if (!reply) return reply.error();
  constexpr std::string_view name = "alertmanager_notification_requests_failed_total{";
  constexpr std::string_view label = "integration=\"";
  std::map<std::string, double> failed;
  for (const std::string_view line : core::split(reply->body, '\n')) {
    const std::size_t at = line.find(label);
    const std::size_t value = line.rfind(' ');
    if (!line.starts_with(name) || at == std::string_view::npos || value == std::string_view::npos) continue;
    const std::string_view integration = line.substr(at + label.size());
    // Newer versions can have one line for each receiver.
    failed[std::string(integration.substr(0, integration.find('"')))] +=
        std::strtod(std::string(line.substr(value)).c_str(), nullptr);
  }
  return failed;
}

Result<std::vector<std::string>> AlertmanagerClient::receivers(const std::stop_token& stop) {
  const core::HttpCall call{.url = url_ + "/api/v2/receivers"};
  const auto reply = send(call, stop);
  if (!reply) return reply.error();
  return read_document<std::vector<std::string>>(*reply, describe(call), [](const JsonReader& root) {
    std::vector<std::string> names;
    for (const JsonReader& receiver : root.as_list()) names.push_back(receiver.text("name"));
    return names;
  });
}

Result<void> AlertmanagerClient::post_alerts(const std::vector<PostedAlert>& alerts,
                                             const std::stop_token& stop) {
  nlohmann::json document = nlohmann::json::array();
  for (const PostedAlert& alert : alerts) {
    nlohmann::json item = {{"labels", alert.labels}, {"annotations", alert.annotations}};
    if (alert.starts_at != WallTime()) item["startsAt"] = core::format_utc(alert.starts_at);
    if (alert.ends_at != WallTime()) item["endsAt"] = core::format_utc(alert.ends_at);
    document.push_back(std::move(item));
  }
  const auto replace = nlohmann::json::error_handler_t::replace;
  const auto reply =
      send({.method = "POST", .url = url_ + "/api/v2/alerts", .body = document.dump(-1, ' ', false, replace)},
           stop);
  if (!reply) return reply.error();
  return {};
}

Result<std::string> AlertmanagerClient::add_silence(const std::vector<LabelMatcher>& matchers, WallTime from,
                                                    WallTime to, const std::string& comment,
                                                    const std::stop_token& stop) {
  using Operator = LabelMatcher::Operator;
  nlohmann::json written = nlohmann::json::array();
  for (const LabelMatcher& matcher : matchers) {
    const Operator operation = matcher.operation();
    written.push_back({{"name", matcher.name()},
                       {"value", matcher.value()},
                       {"isRegex", operation == Operator::regex || operation == Operator::not_regex},
                       {"isEqual", operation == Operator::equal || operation == Operator::regex}});
  }
  const nlohmann::json document = {{"matchers", written},
                                   {"startsAt", core::format_utc(from)},
                                   {"endsAt", core::format_utc(to)},
                                   {"createdBy", "obsctl"},
                                   {"comment", comment}};
  const core::HttpCall call{.method = "POST",
                            .url = url_ + "/api/v2/silences",
                            .body = document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
  const auto reply = send(call, stop);
  if (!reply) return reply.error();
  return read_document<std::string>(*reply, describe(call),
                                    [](const JsonReader& root) { return root.text("silenceID"); });
}

Result<void> AlertmanagerClient::delete_silence(const std::string& id, const std::stop_token& stop) {
  const auto reply =
      send({.method = "DELETE", .url = url_ + "/api/v2/silence/" + core::percent_encoded(id)}, stop);
  if (!reply) return reply.error();
  return {};
}

}  // namespace obsctl::verifiers
