#include "scenarios/overdue.hpp"

#include <algorithm>
#include <fstream>
#include <utility>

#include "scenarios/situation.hpp"

namespace obsctl::scenarios {

namespace {

using verifiers::DeliveryEvidence;
using verifiers::FiredInstance;
using verifiers::MissingNotification;

/// The instances that have fired since the fault began, with their ends.
std::vector<FiredInstance> fired(const Expectation& expectation, const std::vector<Event>& events,
                                 core::WallTime since) {
  std::vector<FiredInstance> instances;
  for (const Event& event : events) {
    if (event.at < since || event.text("alert") != expectation.alert) continue;
    const Labels labels = event.fields.value("labels", Json::object()).get<Labels>();
    if (event.kind == "alert.firing") instances.push_back({labels, event.at, std::nullopt});
    if (event.kind != "alert.inactive") continue;
    const auto ended = std::find_if(instances.rbegin(), instances.rend(), [&](const FiredInstance& instance) {
      return instance.labels == labels && !instance.inactive_at;
    });
    if (ended != instances.rend()) ended->inactive_at = event.at;
  }
  return instances;
}

MissingNotification missing(const Expectation& expectation, const std::vector<Event>& events,
                            core::WallTime now) {
  MissingNotification one{
      expectation.alert, expectation.receiver, expectation.stage == "resolved", now, {}, false};
  const auto began = injected_at(events, expectation.fault);
  if (!began) return one;
  one.instances = fired(expectation, events, *began);
  one.notified_firing = find_first(events, "notification.firing", [&](const Event& event) {
                          return event.at >= *began && event.text("receiver") == expectation.receiver &&
                                 speaks_of(event, expectation.alert);
                        }) != nullptr;
  return one;
}

}  // namespace

OverdueNotifications::OverdueNotifications(Journal& journal, verifiers::PrometheusClient& prometheus,
                                           verifiers::AlertmanagerClient& alertmanager,
                                           std::filesystem::path alertmanager_log, core::Clock& clock,
                                           const std::stop_token& stop)
    : journal_(journal),
      prometheus_(prometheus),
      alertmanager_(alertmanager),
      alertmanager_log_(std::move(alertmanager_log)),
      clock_(clock) {
  if (auto failed = alertmanager_.failed_requests(stop)) failed_before_ = std::move(*failed);
  std::error_code absent;
  const std::uintmax_t size = std::filesystem::file_size(alertmanager_log_, absent);
  if (!absent) log_began_at_ = size;
}

void OverdueNotifications::look(const std::vector<Expectation>& expectations,
                                const std::vector<Event>& events, bool at_end, const std::stop_token& stop) {
  const core::WallTime now = clock_.wall_now();
  std::optional<DeliveryEvidence> known;  // one look serves all
  for (const Expectation& expectation : expectations) {
    if (expectation.kind != Expectation::Kind::notification || expectation.count == 0) continue;
    if (told_.count(expectation.id) == 1 || !is_overdue(expectation, events, now, at_end)) continue;
    told_.insert(expectation.id);
    if (!known) known = evidence(events, stop);
    if (stop.stop_requested()) return;
    const verifiers::Explanation why = explain(missing(expectation, events, now), *known);
    journal_.append("notification.overdue", {{"expectation", expectation.id},
                                             {"alert", expectation.alert},
                                             {"receiver", expectation.receiver},
                                             {"stage", expectation.stage},
                                             {"cause", to_string(why.cause)},
                                             {"explanation", why.text}});
  }
}

/// What cannot be asked is left out: an explanation is worth having also when it is a poor one.
DeliveryEvidence OverdueNotifications::evidence(const std::vector<Event>& events,
                                                const std::stop_token& stop) {
  DeliveryEvidence evidence;
  if (auto config = alertmanager_.config(stop)) evidence.config = std::move(*config);
  if (auto held = alertmanager_.alerts(stop)) evidence.held = std::move(*held);
  if (auto silences = alertmanager_.silences(stop)) evidence.silences = std::move(*silences);
  if (const auto peers = prometheus_.alertmanagers(stop)) evidence.alertmanagers = peers->size();
  if (const auto failed = alertmanager_.failed_requests(stop)) {
    for (const auto& [integration, requests] : *failed) {
      const auto before = failed_before_.find(integration);
      evidence.failed_requests[integration] =
          requests - (before == failed_before_.end() ? 0 : before->second);
    }
  }
  for (const Event& event : events) {
    if (event.kind != "notification.refused") continue;
    evidence.refused.push_back({event.text("receiver"), event.fields.value("answer", 0)});
  }
  evidence.log = new_log_lines();
  return evidence;
}

std::optional<std::vector<std::string>> OverdueNotifications::new_log_lines() const {
  std::ifstream log(alertmanager_log_);
  if (!log.seekg(static_cast<std::streamoff>(log_began_at_))) return std::nullopt;
  std::vector<std::string> lines;
  for (std::string line; std::getline(log, line);) {
    if (line.find(" err=") != std::string::npos) lines.push_back(line);
  }
  return lines;
}

}  // namespace obsctl::scenarios
