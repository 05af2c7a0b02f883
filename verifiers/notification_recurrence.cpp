// What a notification is about (its group) and what it says (its content) as texts that can be compared.
#include "verifiers/notification_recurrence.hpp"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace obsctl::verifiers {

namespace {

/// Names the alert among the alerts of the world.
std::string identity_of(const NotifiedAlert& alert) {
  if (!alert.fingerprint.empty()) return alert.fingerprint;
  return alert.name + to_text(alert.labels);
}

std::string sorted_and_joined(std::vector<std::string> texts) {
  std::sort(texts.begin(), texts.end());
  std::string joined;
  for (const std::string& text : texts) joined.append(text).push_back('\n');
  return joined;
}

bool is_text_only(const Notification& notification) {
  return notification.kind != NotificationKind::webhook && notification.kind != NotificationKind::pagerduty;
}

/// A title without its state: "[FIRING:2] High (x)" and "[RESOLVED] High (x)" are about the same.
std::string_view behind_marker(std::string_view title) {
  const std::size_t close = title.find("] ");
  return title.starts_with('[') && close != std::string_view::npos ? title.substr(close + 2) : title;
}

std::string subject_of(const Notification& notification) {
  if (!notification.group_key.empty()) return notification.group_key;
  if (!notification.dedup_key.empty()) return notification.dedup_key;
  std::vector<std::string> alerts;
  for (const NotifiedAlert& alert : notification.alerts) {
    if (!alert.labels.empty()) alerts.push_back(identity_of(alert));
  }
  return alerts.empty() ? std::string(behind_marker(notification.title))
                        : sorted_and_joined(std::move(alerts));
}

std::size_t content_of(const Notification& notification) {
  std::vector<std::string> alerts;
  alerts.reserve(notification.alerts.size());
  for (const NotifiedAlert& alert : notification.alerts) {
    // An alert that fires again has another start. (`ends_at` moves while it fires.)
    alerts.push_back(fmt::format("{} {} {}", identity_of(alert), to_string(alert.status),
                                 alert.starts_at.time_since_epoch().count()));
  }
  std::string content(to_string(notification.status));
  content.append("\n").append(sorted_and_joined(std::move(alerts)));
  if (is_text_only(notification)) content += notification.text;
  return std::hash<std::string>()(content);
}

}  // namespace

RecurrenceMemory::Group& RecurrenceMemory::group_of(std::string key) {
  if (const auto known = by_key_.find(key); known != by_key_.end()) {
    groups_.splice(groups_.begin(), groups_, known->second);
    return groups_.front();
  }
  if (groups_.size() >= max_groups_ && !groups_.empty()) {
    by_key_.erase(groups_.back().key);
    groups_.pop_back();
  }
  groups_.push_front({key, {}, {}});
  by_key_.emplace(std::move(key), groups_.begin());
  return groups_.front();
}

void RecurrenceMemory::judge(Notification& notification) {
  Group& group = group_of(fmt::format("{}/{}\n{}", to_string(notification.kind), notification.receiver,
                                      subject_of(notification)));
  const Said now{notification.sequence, content_of(notification), notification.received_at};
  const auto same = [&now](const Said& said) { return said.sequence != 0 && said.content == now.content; };
  if (same(group.refused)) {
    notification.recurrence = Recurrence::retry;
    notification.recurrence_of = group.refused.sequence;
  } else if (same(group.accepted)) {
    const bool soon = now.at - group.accepted.at <= duplicate_within_;
    notification.recurrence = soon ? Recurrence::duplicate : Recurrence::repeat;
    notification.recurrence_of = group.accepted.sequence;
  }
  if (notification.refused) {
    group.refused = now;
  } else {
    group.accepted = now;
    group.refused = {};
  }
}

void RecurrenceMemory::clear() {
  by_key_.clear();
  groups_.clear();
}

}  // namespace obsctl::verifiers
