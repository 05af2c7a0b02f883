// See the header. Field names are those of Prometheus' web/api/v1; what older versions lack is optional here.
#include "verifiers/prometheus_client.hpp"

#include <cmath>
#include <cstdlib>
#include <optional>

#include <fmt/format.h>

#include "verifiers/api_reply.hpp"
#include "verifiers/json_reader.hpp"

namespace obsctl::verifiers {

std::string_view to_string(AlertState state) {
  switch (state) {
    case AlertState::inactive:
      return "inactive";
    case AlertState::pending:
      return "pending";
    case AlertState::firing:
      return "firing";
  }
  return "?";
}

Labels labels_of(const Rule& rule) {
  Labels labels = rule.labels;
  labels["alertname"] = rule.name;
  return labels;
}

std::string_view to_string(RuleHealth health) {
  switch (health) {
    case RuleHealth::unknown:
      return "unknown";
    case RuleHealth::ok:
      return "ok";
    case RuleHealth::err:
      return "err";
  }
  return "?";
}

namespace {

/// Durations and times beyond what nanoseconds hold are no data of ours.
constexpr double kMostSeconds = 9e9;

Nanoseconds read_seconds(const JsonReader& at, std::string_view key, double fallback) {
  const double seconds = at.number_or(key, fallback);
  if (seconds >= 0 && seconds < kMostSeconds) return core::from_seconds(seconds);
  at.refuse(fmt::format("has {} = {}, not a duration in seconds", key, seconds));
  return {};
}

Nanoseconds read_duration(const JsonReader& at, std::string_view key) {
  const std::string text = at.text_or(key, "0s");
  const auto duration = core::parse_duration(text);
  if (duration) return *duration;
  at.refuse(fmt::format("has {} = \"{}\", not a duration", key, text.substr(0, 40)));
  return {};
}

AlertState read_state(const JsonReader& at) {
  const std::string text = at.text("state");
  if (text == "firing") return AlertState::firing;
  if (text == "pending") return AlertState::pending;
  if (text != "inactive")
    at.refuse(fmt::format("has state = \"{}\", not inactive, pending or firing", text.substr(0, 40)));
  return AlertState::inactive;
}

ActiveAlert read_alert(const JsonReader& at) {
  ActiveAlert alert;
  alert.labels = at.labels("labels");
  alert.annotations = at.labels_or_empty("annotations");
  alert.state = read_state(at);
  alert.active_at = at.time("activeAt");
  if (at.has("value")) alert.value = std::strtod(at.text("value").c_str(), nullptr);
  return alert;
}

RuleHealth read_health(const JsonReader& at) {
  const std::string text = at.text("health");
  if (text == "ok") return RuleHealth::ok;
  if (text == "err") return RuleHealth::err;
  if (text != "unknown")
    at.refuse(fmt::format("has health = \"{}\", not ok, err or unknown", text.substr(0, 40)));
  return RuleHealth::unknown;
}

Rule read_rule(const JsonReader& at) {
  Rule rule;
  rule.alerting = at.text("type") != "recording";
  rule.name = at.text("name");
  rule.query = at.text("query");
  rule.labels = at.labels_or_empty("labels");
  rule.health = read_health(at);
  rule.last_error = at.text_or("lastError", "");
  rule.last_evaluation = at.time_or("lastEvaluation", WallTime::min());
  if (!rule.alerting) return rule;
  rule.state = read_state(at);
  rule.hold = read_seconds(at, "duration", 0);
  rule.keep_firing_for = read_seconds(at, "keepFiringFor", 0);
  rule.annotations = at.labels_or_empty("annotations");
  for (const JsonReader& alert : at.list_or_empty("alerts")) rule.alerts.push_back(read_alert(alert));
  return rule;
}

RuleGroup read_group(const JsonReader& at) {
  RuleGroup group;
  group.name = at.text("name");
  group.file = at.text("file");
  group.interval = read_seconds(at, "interval", -1);
  group.query_offset = read_seconds(at, "queryOffset", 0);
  group.last_evaluation = at.time_or("lastEvaluation", WallTime::min());
  for (const JsonReader& rule : at.list("rules")) group.rules.push_back(read_rule(rule));
  return group;
}

ScrapeTarget read_target(const JsonReader& at) {
  ScrapeTarget target;
  target.labels = at.labels("labels");
  target.scrape_url = at.text("scrapeUrl");
  target.health = at.text("health");
  target.up = target.health == "up";
  target.last_error = at.text_or("lastError", "");
  target.last_scrape = at.time_or("lastScrape", WallTime::min());
  target.scrape_interval = read_duration(at, "scrapeInterval");
  target.scrape_timeout = read_duration(at, "scrapeTimeout");
  return target;
}

/// [unix seconds, "value"].
Series::Point read_point(const JsonReader& at) {
  const std::vector<JsonReader> pair = at.as_list();
  if (pair.size() != 2) {
    at.refuse("is not a pair of time and value");
    return {};
  }
  const double seconds = pair[0].as_number();
  if (!(std::fabs(seconds) < kMostSeconds)) {
    at.refuse("has a time that cannot be");
    return {};
  }
  // Prometheus' own resolution is milliseconds.
  return {WallTime(std::chrono::milliseconds(std::llround(seconds * 1000))), pair[1].as_number_text()};
}

std::string unix_text(WallTime at) {
  const auto millis = std::chrono::floor<std::chrono::milliseconds>(at).time_since_epoch().count();
  return fmt::format("{}.{:03}", millis / 1000, millis % 1000);
}

/// Reads `data` of a successful answer with `read`, and gives back what it made or what was wrong.
template <class T, class Read>
Result<T> read_data(const core::HttpReply& reply, const std::string& what, Read read) {
  JsonErrors errors(core::ErrorKind::protocol, what);
  const auto document = parse_json(reply.body, errors);
  if (!document) return *errors.first();
  const JsonReader root(*document, "", errors);
  if (const std::string status = root.text("status"); !errors.first() && status != "success") {
    root.refuse(fmt::format("has status = \"{}\", not success", status.substr(0, 40)));
  }
  T value;
  if (!errors.first()) value = read(root);
  if (errors.first()) return *errors.first();
  return value;
}

}  // namespace

PrometheusClient::PrometheusClient(std::string url, ApiOptions options)
    : url_(base_url(std::move(url))), options_(std::move(options)) {}

Result<core::HttpReply> PrometheusClient::get(const std::string& path, const std::stop_token& stop) {
  return call_api(http_, {.url = url_ + path, .headers = options_.headers, .timeout = options_.timeout},
                  stop);
}

namespace {

std::string what_of(const std::string& url, std::string_view path) {
  return fmt::format("GET {}{}", core::without_credentials(url), path);
}

}  // namespace

Result<std::vector<RuleGroup>> PrometheusClient::rules(const std::stop_token& stop) {
  const auto reply = get("/api/v1/rules", stop);
  if (!reply) return reply.error();
  return read_data<std::vector<RuleGroup>>(
      *reply, what_of(url_, "/api/v1/rules"), [](const JsonReader& root) {
        std::vector<RuleGroup> groups;
        for (const JsonReader& group : root.object("data").list("groups"))
          groups.push_back(read_group(group));
        return groups;
      });
}

Result<std::vector<ActiveAlert>> PrometheusClient::alerts(const std::stop_token& stop) {
  const auto reply = get("/api/v1/alerts", stop);
  if (!reply) return reply.error();
  return read_data<std::vector<ActiveAlert>>(
      *reply, what_of(url_, "/api/v1/alerts"), [](const JsonReader& root) {
        std::vector<ActiveAlert> alerts;
        for (const JsonReader& alert : root.object("data").list("alerts"))
          alerts.push_back(read_alert(alert));
        return alerts;
      });
}

Result<std::vector<ScrapeTarget>> PrometheusClient::targets(const std::stop_token& stop) {
  const auto reply = get("/api/v1/targets?state=active", stop);
  if (!reply) return reply.error();
  return read_data<std::vector<ScrapeTarget>>(
      *reply, what_of(url_, "/api/v1/targets"), [](const JsonReader& root) {
        std::vector<ScrapeTarget> targets;
        for (const JsonReader& target : root.object("data").list("activeTargets"))
          targets.push_back(read_target(target));
        return targets;
      });
}

Result<std::vector<std::string>> PrometheusClient::alertmanagers(const std::stop_token& stop) {
  const auto reply = get("/api/v1/alertmanagers", stop);
  if (!reply) return reply.error();
  return read_data<std::vector<std::string>>(
      *reply, what_of(url_, "/api/v1/alertmanagers"), [](const JsonReader& root) {
        std::vector<std::string> urls;
        for (const JsonReader& peer : root.object("data").list("activeAlertmanagers"))
          urls.push_back(peer.text("url"));
        return urls;
      });
}

Result<std::vector<Sample>> PrometheusClient::query(std::string_view expression,
                                                    const std::stop_token& stop) {
  return instant("/api/v1/query?query=" + core::percent_encoded(expression), stop);
}

Result<std::vector<Sample>> PrometheusClient::query_at(std::string_view expression, WallTime at,
                                                       const std::stop_token& stop) {
  return instant(
      fmt::format("/api/v1/query?time={}&query={}", unix_text(at), core::percent_encoded(expression)), stop);
}

Result<std::vector<Sample>> PrometheusClient::instant(const std::string& path, const std::stop_token& stop) {
  const auto reply = get(path, stop);
  if (!reply) return reply.error();
  std::string unusable;
  auto samples =
      read_data<std::vector<Sample>>(*reply, what_of(url_, "/api/v1/query"), [&](const JsonReader& root) {
        std::vector<Sample> found;
        const JsonReader data = root.object("data");
        const std::string type = data.text("resultType");
        if (type == "vector") {
          for (const JsonReader& item : data.list("result")) {
            const Series::Point point = read_point(item.any("value"));
            found.push_back({item.labels("metric"), point.value, point.at});
          }
        } else if (type == "scalar") {
          const Series::Point point = read_point(data.any("result"));
          found.push_back({{}, point.value, point.at});
        } else {
          unusable = type;
        }
        return found;
      });
  if (samples && !unusable.empty()) {
    return core::make_error(core::ErrorKind::invalid_input,
                            fmt::format("{}: the expression gives a {}, not numbers",
                                        what_of(url_, "/api/v1/query"), unusable.substr(0, 40)),
                            "use an expression that gives an instant vector or a scalar");
  }
  return samples;
}

namespace {

Result<std::vector<Series>> read_matrix(const core::HttpReply& reply, const std::string& what) {
  return read_data<std::vector<Series>>(reply, what, [](const JsonReader& root) {
    std::vector<Series> all;
    for (const JsonReader& item : root.object("data").list("result")) {
      Series series{item.labels("metric"), {}};
      for (const JsonReader& point : item.list("values")) series.points.push_back(read_point(point));
      all.push_back(std::move(series));
    }
    return all;
  });
}

}  // namespace

Result<std::vector<Series>> PrometheusClient::query_range(std::string_view expression, WallTime from,
                                                          WallTime to, Nanoseconds step,
                                                          const std::stop_token& stop) {
  const auto reply =
      get(fmt::format("/api/v1/query_range?start={}&end={}&step={:.3f}&query={}", unix_text(from),
                      unix_text(to), core::to_seconds(step), core::percent_encoded(expression)),
          stop);
  if (!reply) return reply.error();
  return read_matrix(*reply, what_of(url_, "/api/v1/query_range"));
}

Result<std::vector<Series>> PrometheusClient::raw_samples(std::string_view selector, Nanoseconds range,
                                                          const std::stop_token& stop) {
  const auto millis = std::chrono::ceil<std::chrono::milliseconds>(range);
  const std::string expression = fmt::format("{}[{}]", selector, core::format_duration(millis));
  const auto reply = get("/api/v1/query?query=" + core::percent_encoded(expression), stop);
  if (!reply) return reply.error();
  return read_matrix(*reply, what_of(url_, "/api/v1/query"));
}

Result<std::map<std::string, std::string>> PrometheusClient::flags(const std::stop_token& stop) {
  const auto reply = get("/api/v1/status/flags", stop);
  if (!reply) return reply.error();
  return read_data<std::map<std::string, std::string>>(
      *reply, what_of(url_, "/api/v1/status/flags"),
      [](const JsonReader& root) { return root.labels("data"); });
}

Result<std::string> PrometheusClient::config(const std::stop_token& stop) {
  const auto reply = get("/api/v1/status/config", stop);
  if (!reply) return reply.error();
  return read_data<std::string>(*reply, what_of(url_, "/api/v1/status/config"),
                                [](const JsonReader& root) { return root.object("data").text("yaml"); });
}

Result<BuildInfo> PrometheusClient::build_info(const std::stop_token& stop) {
  const auto reply = get("/api/v1/status/buildinfo", stop);
  if (!reply) return reply.error();
  return read_data<BuildInfo>(*reply, what_of(url_, "/api/v1/status/buildinfo"), [](const JsonReader& root) {
    const JsonReader data = root.object("data");
    return BuildInfo{data.text("version"), data.text_or("revision", "")};
  });
}

Result<void> PrometheusClient::ready(const std::stop_token& stop) {
  const auto reply = get("/-/ready", stop);
  if (!reply) return reply.error();
  return {};
}

}  // namespace obsctl::verifiers
