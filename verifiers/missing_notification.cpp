#include "verifiers/missing_notification.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace obsctl::verifiers {

namespace {

using core::format_rounded;

/// Alertmanager's labels can have more (external labels) and, after relabelling, others. The name stays.
bool is_same_alert(const Labels& held, const FiredInstance& instance) {
  return includes(held, instance.labels);
}

/// What to look at: one instance, its route, and what Alertmanager holds of it.
struct Case {
  const MissingNotification& missing;
  const DeliveryEvidence& evidence;
  const FiredInstance& instance;  ///< the last that fired
  const HeldAlert* held = nullptr;
  const Route* route = nullptr;

  /// As Alertmanager knows it.
  const Labels& labels() const { return held != nullptr ? held->labels : instance.labels; }
};

Case case_of(const MissingNotification& missing, const DeliveryEvidence& evidence) {
  Case one{missing, evidence, missing.instances.back()};
  const auto held = std::find_if(evidence.held.begin(), evidence.held.end(), [&](const HeldAlert& alert) {
    return is_same_alert(alert.labels, one.instance);
  });
  if (held != evidence.held.end()) one.held = &*held;
  if (evidence.config) one.route = route_to(*evidence.config, one.labels(), missing.receiver);
  return one;
}

std::optional<Explanation> by_route(const Case& one) {
  if (!one.evidence.config) return std::nullopt;
  if (one.route == nullptr) {
    std::vector<std::string> receivers;
    for (const Route* route : routes_for(*one.evidence.config, one.labels()))
      receivers.push_back(route->receiver);
    return Explanation{MissingCause::not_routed,
                       fmt::format("Alertmanager's routes lead {} to {}, not to {}", to_text(one.labels()),
                                   fmt::join(receivers, ", "), one.missing.receiver)};
  }
  const ReceiverConfig* receiver = one.evidence.config->receiver(one.route->receiver);
  if (receiver != nullptr && receiver->integrations.empty()) {
    return Explanation{
        MissingCause::no_integration,
        fmt::format("Alertmanager's receiver {} has no integration and tells nobody", receiver->name)};
  }
  if (one.missing.resolved && receiver != nullptr && !receiver->sends_resolved()) {
    return Explanation{
        MissingCause::send_resolved_off,
        fmt::format(
            "send_resolved is off for Alertmanager's receiver {}{}", receiver->name,
            receiver->integrations.front().type == "slack" || receiver->integrations.front().type == "email"
                ? fmt::format(" (the default of {})", receiver->integrations.front().type)
                : "")};
  }
  return std::nullopt;
}

/// Also where it fires once more, and that is younger than group_wait.
std::optional<Explanation> ended_too_soon(const Case& one) {
  if (one.missing.resolved || one.route == nullptr) return std::nullopt;
  const core::Nanoseconds group_wait = one.route->group_wait;
  std::optional<core::Nanoseconds> longest;
  for (const FiredInstance& instance : one.missing.instances) {
    const core::Nanoseconds lasted = instance.inactive_at.value_or(one.missing.now) - instance.fired_at;
    if (lasted >= group_wait) return std::nullopt;
    if (instance.inactive_at) longest = std::max(longest.value_or(lasted), lasted);
  }
  if (!longest) return std::nullopt;
  return Explanation{
      MissingCause::resolved_before_flush,
      fmt::format("it fired for {} only: Alertmanager first flushes a group {} (group_wait) after its first "
                  "alert, and does not tell of one that has ended by then",
                  format_rounded(*longest), core::format_duration(group_wait))};
}

std::optional<Explanation> not_held(const Case& one) {
  if (one.held != nullptr || one.instance.inactive_at) return std::nullopt;
  if (one.evidence.alertmanagers == 0U) {
    return Explanation{MissingCause::not_sent, "Prometheus knows no Alertmanager to send it to"};
  }
  return Explanation{
      MissingCause::not_sent,
      "Prometheus fires it, but Alertmanager does not hold it: alert_relabel_configs drop or rename "
      "it, or Prometheus cannot reach Alertmanager (prometheus_notifications_errors_total)"};
}

std::string silence_text(const DeliveryEvidence& evidence, const std::string& id) {
  for (const Silence& silence : evidence.silences) {
    if (silence.id != id) continue;
    return fmt::format("silenced until {} by {}: \"{}\" (silence {})", core::format_utc(silence.ends_at),
                       silence.created_by, silence.comment, id);
  }
  return fmt::format("silenced (silence {})", id);
}

std::string inhibitor_text(const DeliveryEvidence& evidence, const std::string& fingerprint) {
  for (const HeldAlert& alert : evidence.held) {
    if (alert.fingerprint == fingerprint) return fmt::format("inhibited by {}", to_text(alert.labels));
  }
  return fmt::format("inhibited by the alert with the fingerprint {}", fingerprint);
}

std::optional<Explanation> suppressed(const Case& one) {
  if (one.held != nullptr && !one.held->silenced_by.empty()) {
    return Explanation{MissingCause::silenced, silence_text(one.evidence, one.held->silenced_by.front())};
  }
  if (one.held != nullptr && !one.held->inhibited_by.empty()) {
    return Explanation{MissingCause::inhibited, inhibitor_text(one.evidence, one.held->inhibited_by.front())};
  }
  if (one.held != nullptr && !one.held->muted_by.empty()) {
    return Explanation{MissingCause::muted,
                       fmt::format("muted by the time interval {}", fmt::join(one.held->muted_by, ", "))};
  }
  if (one.route == nullptr) return std::nullopt;
  const std::string why = muted_because(*one.evidence.config, *one.route, one.missing.now);
  if (why.empty()) return std::nullopt;
  return Explanation{MissingCause::muted, fmt::format("its route is muted: {}", why)};
}

/// An answer as Alertmanager takes it.
std::string consequence(int answer) {
  if (answer == 0) return "it got no answer, and Alertmanager tries again";
  const bool again = answer >= 500 || answer == 429;
  return fmt::format("it answered {}{}", answer,
                     answer >= 500 ? ", and Alertmanager tries again"
                     : again       ? ", after which only some integrations try again"
                                   : ", and Alertmanager does not try again before the next flush");
}

std::optional<Explanation> refused_by_us(const Case& one) {
  int times = 0;
  int answer = 0;
  for (const RefusedDelivery& refused : one.evidence.refused) {
    if (refused.receiver != one.missing.receiver) continue;
    ++times;
    answer = refused.answer;
  }
  if (times == 0) return std::nullopt;
  return Explanation{MissingCause::delivery_failed,
                     fmt::format("{} refused it{}: {}", one.missing.receiver,
                                 times == 1 ? "" : fmt::format(" {} times", times), consequence(answer))};
}

/// The value of a key in a line of logfmt: bare, or quoted with \".
std::string logged(std::string_view line, std::string_view key) {
  const std::size_t at = line.find(fmt::format(" {}=", key));
  if (at == std::string_view::npos) return {};
  std::string_view rest = line.substr(at + key.size() + 2);
  if (rest.empty() || rest.front() != '"') return std::string(rest.substr(0, rest.find(' ')));
  std::string value;
  for (std::size_t i = 1; i < rest.size() && rest[i] != '"'; ++i) {
    if (rest[i] == '\\' && i + 1 < rest.size()) ++i;
    value += rest[i];
  }
  return value;
}

/// What Alertmanager has last logged of an attempt to tell a receiver, or of giving it up.
std::string logged_failure(const std::vector<std::string>& log, const std::string& receiver) {
  std::string last;
  for (const std::string& line : log) {
    std::string error = logged(line, "err");
    if (error.empty()) continue;
    if (logged(line, "receiver") == receiver || error.starts_with(receiver + "/")) last = std::move(error);
  }
  return last;
}

std::optional<Explanation> failed_by_log(const Case& one) {
  if (!one.evidence.log || one.route == nullptr) return std::nullopt;
  const std::string error = logged_failure(*one.evidence.log, one.route->receiver);
  if (error.empty()) return std::nullopt;
  return Explanation{MissingCause::delivery_failed,
                     fmt::format("Alertmanager could not deliver it: {}", error)};
}

/// The metrics do not tell one receiver from another: for want of the log only.
std::optional<Explanation> failed_by_metrics(const Case& one) {
  const ReceiverConfig* receiver =
      one.route == nullptr ? nullptr : one.evidence.config->receiver(one.route->receiver);
  if (receiver == nullptr || one.evidence.log) return std::nullopt;
  for (const Integration& integration : receiver->integrations) {
    const auto failed = one.evidence.failed_requests.find(integration.type);
    if (failed == one.evidence.failed_requests.end() || failed->second <= 0) continue;
    return Explanation{
        MissingCause::delivery_failed,
        fmt::format("{:.0f} of Alertmanager's requests to {} receivers failed since the run began, its "
                    "own perhaps among them",
                    failed->second, integration.type)};
  }
  return std::nullopt;
}

std::optional<Explanation> waiting(const Case& one) {
  if (one.route == nullptr) return std::nullopt;
  const core::WallTime since = one.missing.resolved ? *one.instance.inactive_at : one.instance.fired_at;
  const core::Nanoseconds age = one.missing.now - since;
  const core::Nanoseconds wait = one.missing.resolved
                                     ? one.route->group_interval
                                     : std::max(one.route->group_wait, one.route->group_interval);
  if (age >= wait) return std::nullopt;
  const bool first = !one.missing.resolved && age < one.route->group_wait;
  const std::string timer =
      first ? fmt::format("group_wait is {}", core::format_duration(one.route->group_wait))
            : fmt::format("group_interval{} is {}",
                          one.missing.resolved ? "" : ", for a group that was there before,",
                          core::format_duration(one.route->group_interval));
  return Explanation{
      MissingCause::waiting,
      fmt::format("it waits for its group's flush: {} has been {} for {}, and {}", one.missing.alert,
                  one.missing.resolved ? "inactive" : "firing", format_rounded(age), timer)};
}

std::optional<Explanation> of_resolved(const MissingNotification& missing) {
  if (!missing.notified_firing) {
    return Explanation{MissingCause::never_notified,
                       fmt::format("{} was not told that it fires, and so is not told that it is resolved",
                                   missing.receiver)};
  }
  const auto active =
      std::count_if(missing.instances.begin(), missing.instances.end(),
                    [](const FiredInstance& instance) { return !instance.inactive_at.has_value(); });
  if (active == 0) return std::nullopt;
  const auto again =
      std::count_if(missing.instances.begin(), missing.instances.end(), [&](const FiredInstance& one) {
        return one.inactive_at &&
               std::any_of(missing.instances.begin(), missing.instances.end(), [&](const auto& later) {
                 return later.labels == one.labels && later.fired_at > *one.inactive_at;
               });
      });
  if (again > 0) {
    return Explanation{
        MissingCause::fired_again,
        fmt::format("{} was inactive and fired again before its group's next flush", missing.alert)};
  }
  return Explanation{MissingCause::still_firing, fmt::format("{} still fires", missing.alert)};
}

}  // namespace

std::string_view to_string(MissingCause cause) {
  constexpr std::array<std::string_view, 15> names{"not_firing",
                                                   "resolved_before_flush",
                                                   "not_routed",
                                                   "no_integration",
                                                   "not_sent",
                                                   "silenced",
                                                   "inhibited",
                                                   "muted",
                                                   "delivery_failed",
                                                   "still_firing",
                                                   "send_resolved_off",
                                                   "never_notified",
                                                   "fired_again",
                                                   "waiting",
                                                   "unknown"};
  return names[static_cast<std::size_t>(cause)];
}

Explanation explain(const MissingNotification& missing, const DeliveryEvidence& evidence) {
  if (missing.instances.empty()) {
    return {MissingCause::not_firing, fmt::format("{} has not fired", missing.alert)};
  }
  const Case one = case_of(missing, evidence);
  if (auto found = by_route(one)) return *found;
  if (missing.resolved) {
    if (auto found = of_resolved(missing)) return *found;
  }
  // In the order in which an alert passes them on its way.
  for (const auto& look :
       {ended_too_soon, not_held, suppressed, refused_by_us, failed_by_log, waiting, failed_by_metrics}) {
    if (auto found = look(one)) return *found;
  }
  return {
      MissingCause::unknown,
      fmt::format("Alertmanager {} and routes it to {}; nothing shows why it has not come: its log may say",
                  one.held != nullptr ? "holds it" : "no longer holds it", missing.receiver)};
}

}  // namespace obsctl::verifiers
