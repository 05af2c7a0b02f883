// The judgement. It collects every problem rather than the first: who mends a route wants to know them all.
#include "verifiers/route_check.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/http_client.hpp"
#include "verifiers/synthetic_alerts.hpp"

namespace obsctl::verifiers {

namespace {

std::vector<std::string> sorted_unique(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::string listed(const std::vector<std::string>& names) {
  return names.empty() ? "nobody" : fmt::format("{}", fmt::join(names, ", "));
}

/// The kind that an integration's notifications are of; newer Teams' configurations have a name of their own.
std::string_view kind_of(std::string_view type) {
  return type == "msteamsv2" ? "msteams" : type;
}

bool tells_somebody(const AlertmanagerConfig& config, const std::string& name) {
  const ReceiverConfig* receiver = config.receiver(name);
  return receiver != nullptr && !receiver->integrations.empty();
}

void judge_receivers(const RouteCheck& check, const RouteObservation& seen, const AlertmanagerConfig& config,
                     RouteFinding& finding) {
  const std::vector<std::string> reached = sorted_unique(seen.receivers);
  if (check.receivers) {
    const std::vector<std::string> wanted = sorted_unique(*check.receivers);
    if (reached != wanted)
      finding.problems.push_back(fmt::format("reaches {}, not {}", listed(reached), listed(wanted)));
    return;
  }
  const bool told = std::any_of(reached.begin(), reached.end(),
                                [&](const auto& name) { return tells_somebody(config, name); });
  if (!told) finding.problems.push_back(fmt::format("reaches {}, which tells nobody", listed(reached)));
}

Labels wanted_group(const std::vector<std::string>& group_by, const Labels& labels) {
  Route route;
  route.group_by = group_by;
  route.group_by_all = std::find(group_by.begin(), group_by.end(), "...") != group_by.end();
  return group_labels(route, labels);
}

void judge_groups(const RouteCheck& check, const RouteObservation& seen, RouteFinding& finding) {
  if (!check.group_by) return;
  const Labels wanted = wanted_group(*check.group_by, seen.sent);
  for (const SeenGroup& group : seen.groups) {
    if (group.labels == wanted) continue;
    finding.problems.push_back(fmt::format("is in the group {} for {}, not {}", to_text(group.labels),
                                           group.receiver, to_text(wanted)));
  }
}

void judge_suppression(const RouteCheck& check, const RouteObservation& seen,
                       const AlertmanagerConfig& config, RouteFinding& finding) {
  const std::array<std::pair<Suppression, const std::vector<std::string>*>, 3> all = {{
      {Suppression::inhibition, &seen.inhibited_by},
      {Suppression::silence, &seen.silenced_by},
      {Suppression::time, &seen.muted_by},
  }};
  for (const auto& [by, what] : all) {
    if (by == check.suppressed_by || what->empty()) continue;
    finding.problems.push_back(fmt::format("is suppressed by {}: {}", to_string(by), listed(*what)));
  }
  const auto* const wanted = std::find_if(
      all.begin(), all.end(), [&](const auto& entry) { return entry.first == check.suppressed_by; });
  if (wanted == all.end() || !wanted->second->empty()) return;
  if (check.suppressed_by != Suppression::time) {
    finding.problems.push_back(fmt::format("is not suppressed by {}", to_string(check.suppressed_by)));
  } else if (timed_routes(config, seen.sent).empty()) {
    finding.problems.emplace_back("is not suppressed by time: none of its routes has time intervals");
  } else if (seen.proof == NotificationProof::none) {
    finding.outcome = RouteFinding::Outcome::inconclusive;
    finding.problems.emplace_back(
        "Alertmanager does not say whether it is muted by time (0.28 and later do); prove it with --config");
  } else if (seen.notifications.empty()) {
    finding.remarks.push_back(fmt::format("muted by time as far as can be told: no notification within {}",
                                          core::format_rounded(seen.waited)));
  }
}

void judge_arrivals(const RouteObservation& seen, const AlertmanagerConfig& config, RouteFinding& finding) {
  const std::vector<std::string> missing = missing_arrivals(seen, config);
  if (any_arrival_missing(seen, config)) {
    finding.problems.push_back(fmt::format("no notification arrived within {}: {}",
                                           core::format_rounded(seen.waited), fmt::join(missing, ", ")));
  } else if (!missing.empty()) {
    finding.remarks.push_back(
        fmt::format("not seen at the receiver that was watched: {}", fmt::join(missing, ", ")));
  }
}

void judge_notifications(const RouteCheck& check, const RouteObservation& seen,
                         const AlertmanagerConfig& config, RouteFinding& finding) {
  if (seen.proof == NotificationProof::none) {
    if (!check.text.empty()) {
      finding.outcome = RouteFinding::Outcome::inconclusive;
      finding.problems.emplace_back("no notification was looked at, so its text is not proven");
    }
    return;
  }
  if (check.suppressed_by != Suppression::none) {
    for (const Notification& one : seen.notifications) {
      finding.problems.push_back(fmt::format("a {} notification reached {}, where none was wanted",
                                             to_string(one.kind), one.receiver));
    }
    return;
  }
  const bool suppressed = !seen.inhibited_by.empty() || !seen.silenced_by.empty() || !seen.muted_by.empty();
  if (!suppressed) judge_arrivals(seen, config, finding);
  for (const RouteText& text : check.text) {
    bool any = false;
    for (const Notification& one : seen.notifications) {
      if (one.kind != text.kind) continue;
      any = true;
      if (text.compiled.found_in(readable(one))) continue;
      finding.problems.push_back(fmt::format("the {} notification at {} does not match \"{}\": {}",
                                             to_string(one.kind), one.receiver, text.pattern,
                                             readable(one).substr(0, 200)));
    }
    if (!any)
      finding.problems.push_back(
          fmt::format("no {} notification came that could match \"{}\"", to_string(text.kind), text.pattern));
  }
}

}  // namespace

std::string_view to_string(Suppression suppression) {
  constexpr std::array<std::string_view, 4> names{"none", "inhibition", "silence", "time"};
  return names[static_cast<std::size_t>(suppression)];
}

std::string_view to_string(RouteFinding::Outcome outcome) {
  constexpr std::array<std::string_view, 3> names{"passed", "failed", "inconclusive"};
  return names[static_cast<std::size_t>(outcome)];
}

std::vector<const Route*> timed_routes(const AlertmanagerConfig& config, const Labels& labels) {
  std::vector<const Route*> routes = routes_for(config, labels);
  std::erase_if(routes, [](const Route* route) {
    return route->mute_time_intervals.empty() && route->active_time_intervals.empty();
  });
  return routes;
}

std::vector<std::string> missing_arrivals(const RouteObservation& seen, const AlertmanagerConfig& config) {
  std::vector<std::string> missing;
  for (const std::string& name : sorted_unique(seen.receivers)) {
    const ReceiverConfig* receiver = config.receiver(name);
    if (receiver == nullptr) continue;
    for (const Integration& integration : receiver->integrations) {
      const bool came =
          std::any_of(seen.notifications.begin(), seen.notifications.end(), [&](const Notification& one) {
            return is_for_receiver(one, name) && to_string(one.kind) == kind_of(integration.type);
          });
      if (!came) missing.push_back(fmt::format("{} at {}", integration.type, name));
    }
  }
  return missing;
}

bool any_arrival_missing(const RouteObservation& seen, const AlertmanagerConfig& config) {
  const bool missing = !missing_arrivals(seen, config).empty();
  return seen.proof == NotificationProof::complete ? missing : missing && seen.notifications.empty();
}

const std::string& readable(const Notification& notification) {
  return notification.text.empty() ? notification.raw : notification.text;
}

RouteFinding judge_route(const RouteCheck& check, const RouteObservation& seen,
                         const AlertmanagerConfig& config) {
  RouteFinding finding;
  if (!seen.held) {
    finding.outcome = RouteFinding::Outcome::inconclusive;
    finding.problems.emplace_back("Alertmanager took the alert but never listed it");
    return finding;
  }
  judge_receivers(check, seen, config, finding);
  judge_groups(check, seen, finding);
  judge_suppression(check, seen, config, finding);
  judge_notifications(check, seen, config, finding);
  // A contradiction counts, whatever else could not be told.
  const std::size_t untold = finding.outcome == RouteFinding::Outcome::inconclusive ? 1 : 0;
  if (finding.problems.size() > untold) finding.outcome = RouteFinding::Outcome::failed;
  return finding;
}

bool is_for_receiver(const Notification& notification, std::string_view receiver) {
  if (notification.declared_receiver == receiver) return true;
  return notification.receiver == receiver || notification.receiver == core::percent_encoded(receiver);
}

bool is_about(const Notification& notification, const Labels& sent) {
  const std::string_view mark = label_of(sent, kSyntheticLabel);
  bool marked = false;
  for (const NotifiedAlert& alert : notification.alerts) {
    const std::string_view theirs = label_of(alert.labels, kSyntheticLabel);
    marked = marked || !theirs.empty();
    if (theirs == mark) return alert.status == NotifiedStatus::firing;
  }
  if (marked || notification.status == NotifiedStatus::resolved) return false;
  if (readable(notification).find(mark) != std::string::npos) return true;
  const std::string_view name = label_of(sent, "alertname");
  return !name.empty() && status_of(notification, name) == NotifiedStatus::firing;
}

}  // namespace obsctl::verifiers
