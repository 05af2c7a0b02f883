// See the header. What is ours is declared before what uses it, so that the alerts are taken back first, then
// Alertmanager ends, then the receiver.
#include "scenarios/verify_routes.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/file.hpp"
#include "stacks/alertmanager_redirect.hpp"
#include "stacks/private_alertmanager.hpp"
#include "verifiers/alertmanager_client.hpp"
#include "verifiers/receiver.hpp"
#include "verifiers/receiver_client.hpp"

namespace obsctl::scenarios {

using namespace std::chrono_literals;
using core::ErrorKind;
using core::Result;
using verifiers::AlertmanagerConfig;
using verifiers::RouteFinding;
using verifiers::RouteProberOptions;

namespace {

// Longer than any file of checks takes; deleted at the end anyway.
constexpr core::Nanoseconds kSilenceFor = 1h;

/// The checks themselves, and whatever happens, the alerts are taken back.
Result<void> probe(RoutesReport& report, const verifiers::RouteChecks& checks,
                   const AlertmanagerConfig& config, RouteProberOptions options, core::Clock& clock,
                   const std::string& url, const std::stop_token& stop) {
  verifiers::AlertmanagerClient alertmanager(url);
  verifiers::SyntheticAlerts alerts(alertmanager, clock, report.run_id);
  const auto run = [&]() -> Result<void> {
    if (report.silenced) {
      auto id =
          alerts.silence({}, fmt::format("obsctl verify routes, run {}: nobody is to be told", report.run_id),
                         kSilenceFor, stop);
      if (!id) return id.error();
      options.own_silences.push_back(*id);
    }
    for (const verifiers::RouteSilence& silence : checks.silences) {
      const auto id = alerts.silence(silence.matchers, silence.comment, kSilenceFor, stop);
      if (!id) return id.error();
    }
    auto results = verifiers::probe_routes(alertmanager, config, checks.checks, options, alerts, clock, stop);
    if (!results) return results.error();
    report.results = std::move(*results);
    return {};
  };
  Result<void> done = run();
  const Result<void> taken_back = alerts.take_back();
  if (!taken_back) {
    core::Error error = taken_back.error();
    error.message = "the synthetic alerts could not be taken back: " + error.message;
    return error;
  }
  return done;
}

void note_unreached(RoutesReport& report, const AlertmanagerConfig& config) {
  for (const verifiers::ReceiverConfig& receiver : config.receivers) {
    const bool reached = std::any_of(report.results.begin(), report.results.end(), [&](const auto& result) {
      const auto& names = result.seen.receivers;
      return std::find(names.begin(), names.end(), receiver.name) != names.end();
    });
    if (!reached) report.not_reached.push_back(receiver.name);
  }
}

Result<void> verify_running(RoutesReport& report, const verifiers::RouteChecks& checks,
                            const RoutesPlace& place, core::Clock& clock, const std::stop_token& stop) {
  report.alertmanager = place.alertmanager;
  report.silenced = place.receiver.empty() && !place.notify;
  verifiers::AlertmanagerClient alertmanager(place.alertmanager);
  const auto status = alertmanager.status(stop);
  if (!status) return status.error();
  report.version = status->version;
  const auto config = verifiers::parse_alertmanager_config(status->config, "Alertmanager's configuration");
  if (!config) return config.error();
  RouteProberOptions options;
  verifiers::ReceiverClient receiver(place.receiver);
  if (!place.receiver.empty()) {
    const auto ready = receiver.ready(stop);
    if (!ready) return ready.error();
    options.notifications = [&](std::uint64_t after, core::Nanoseconds wait, const std::stop_token& token) {
      return receiver.next(after, wait, token);
    };
  }
  if (report.silenced)
    report.notes.emplace_back(
        "the alerts were silenced, so that nobody was told: what arrives is not proven");
  auto probed = probe(report, checks, *config, std::move(options), clock, place.alertmanager, stop);
  if (probed) note_unreached(report, *config);
  return probed;
}

Result<void> verify_file(RoutesReport& report, const verifiers::RouteChecks& checks, const RoutesPlace& place,
                         core::Clock& clock, core::Logger& log, const std::stop_token& stop) {
  report.alertmanager = place.config.string();
  report.is_private = true;
  const auto text = core::read_file(place.config);
  if (!text) return text.error();
  // Its mistakes are reported with their places in the file, which Alertmanager's words do not have.
  const auto original = verifiers::parse_alertmanager_config(*text, place.config.string());
  if (!original) return original.error();
  const auto version = stacks::installed_alertmanager_version(stop);
  if (!version) return version.error();
  report.version = *version;
  verifiers::ReceiverOptions listen;
  listen.smtp.emplace();
  const auto receiver = verifiers::Receiver::start(listen, clock, log);
  if (!receiver) return receiver.error();
  auto redirected =
      stacks::redirect_alertmanager_config(*text, place.config.string(), place.config.parent_path(),
                                           {(*receiver)->url(), (*receiver)->smarthost(), report.version});
  if (!redirected) return redirected.error();
  report.notes = std::move(redirected->notes);
  const auto config = verifiers::parse_alertmanager_config(redirected->text, place.config.string());
  if (!config) return config.error();
  auto alertmanager = stacks::PrivateAlertmanager::start(redirected->text, stop);
  if (!alertmanager) {
    core::Error error = alertmanager.error();
    if (error.kind == ErrorKind::invalid_input)
      error.where = core::SourcePosition{place.config.string(), 0, 0};
    return error;
  }
  RouteProberOptions options;
  options.is_private = true;
  options.has_muted = [&] { return (*alertmanager)->has_muted(); };
  options.notifications = [&](std::uint64_t after, core::Nanoseconds wait,
                              const std::stop_token& token) -> Result<std::vector<verifiers::Notification>> {
    return (*receiver)->wait_after(after, clock.steady_now() + wait, token);
  };
  auto probed = probe(report, checks, *config, std::move(options), clock, (*alertmanager)->url(), stop);
  if (probed) note_unreached(report, *config);
  return probed;
}

Json notification_json(const verifiers::Notification& notification) {
  Json document{{"kind", to_string(notification.kind)},
                {"receiver", notification.receiver},
                {"received_at", core::format_utc(notification.received_at)},
                {"recurrence", to_string(notification.recurrence)}};
  if (notification.kind == verifiers::NotificationKind::webhook) {
    document["group_labels"] = notification.group_labels;
  } else {
    document["text"] = notification.text;
  }
  return document;
}

Json result_json(const verifiers::RouteCheck& check, const verifiers::RouteResult& result) {
  const verifiers::RouteObservation& seen = result.seen;
  Json groups = Json::array(), notifications = Json::array();
  for (const verifiers::SeenGroup& group : seen.groups)
    groups.push_back({{"receiver", group.receiver}, {"labels", group.labels}});
  for (const verifiers::Notification& one : seen.notifications)
    notifications.push_back(notification_json(one));
  Json expected{{"suppressed_by", to_string(check.suppressed_by)}};
  if (check.receivers) expected["receivers"] = *check.receivers;
  if (check.group_by) expected["group_by"] = *check.group_by;
  Json document{{"name", check.name},
                {"labels", check.labels},
                {"verdict", to_string(result.finding.outcome)},
                {"expected", std::move(expected)},
                {"receivers", seen.receivers},
                {"groups", std::move(groups)},
                {"inhibited_by", seen.inhibited_by},
                {"silenced_by", seen.silenced_by},
                {"muted_by", seen.muted_by}};
  if (seen.proof != verifiers::NotificationProof::none) document["notifications"] = std::move(notifications);
  document["problems"] = result.finding.problems;
  document["remarks"] = result.finding.remarks;
  return document;
}

}  // namespace

RouteFinding::Outcome RoutesReport::verdict() const {
  RouteFinding::Outcome verdict = RouteFinding::Outcome::passed;
  for (const verifiers::RouteResult& result : results) {
    if (result.finding.outcome == RouteFinding::Outcome::failed) return RouteFinding::Outcome::failed;
    if (result.finding.outcome != RouteFinding::Outcome::passed) verdict = result.finding.outcome;
  }
  return verdict;
}

Result<RoutesReport> verify_routes(const verifiers::RouteChecks& checks, const RoutesPlace& place,
                                   core::Clock& clock, core::Logger& log, const std::stop_token& stop) {
  if (checks.checks.empty()) {
    return core::make_error(ErrorKind::usage, "there is no label set to prove the route of",
                            "give one, such as alertname=HighErrorRate,severity=critical, or --file FILE");
  }
  RoutesReport report;
  report.run_id = core::new_run_id();
  report.started_at = clock.wall_now();
  report.checks = checks.checks;
  const core::SteadyTime start = clock.steady_now();
  const auto verified = place.config.empty() ? verify_running(report, checks, place, clock, stop)
                                             : verify_file(report, checks, place, clock, log, stop);
  if (!verified) return verified.error();
  report.took = clock.steady_now() - start;
  return report;
}

Json routes_document(const RoutesReport& report) {
  Json routes = Json::array();
  for (std::size_t i = 0; i < report.checks.size(); ++i)
    routes.push_back(result_json(report.checks[i], report.results[i]));
  return {{"schema", 1},
          {"run", report.run_id},
          {"started_at", core::format_utc(report.started_at)},
          {"took_s", core::to_seconds(report.took)},
          {"alertmanager", report.alertmanager},
          {"version", report.version},
          {"private", report.is_private},
          {"silenced", report.silenced},
          {"verdict", to_string(report.verdict())},
          {"routes", std::move(routes)},
          {"receivers_not_reached", report.not_reached},
          {"notes", report.notes}};
}

}  // namespace obsctl::scenarios
