// See notification_forecast.hpp. One function a kind of demand.
#include "scenarios/notification_forecast.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/regex.hpp"

namespace obsctl::scenarios {

using core::ErrorKind;
using verifiers::AlertmanagerConfig;
using verifiers::Integration;
using verifiers::ReceiverConfig;
using verifiers::Route;
using verifiers::Rule;

namespace {

constexpr std::string_view kWillNotMatch = ": this expectation will be mismatched";

bool is_template(const std::string& text) {
  return text.find("{{") != std::string::npos;
}

/// The types of the integrations that post to `receiver`; all of `config` where no URL tells.
std::vector<std::string> ways_to(const ReceiverConfig& config, const std::string& receiver) {
  std::vector<std::string> by_url;
  std::vector<std::string> all;
  for (const Integration& integration : config.integrations) {
    all.push_back(integration.type);
    if (integration.url.ends_with("/" + receiver)) by_url.push_back(integration.type);
  }
  return by_url.empty() ? all : by_url;
}

/// Where only templates' texts arrive nothing can be said of labels, and in a mail there is no path.
void check_kinds(const NotificationExpectation& wanted, const ReceiverConfig& config, Forecast& forecast) {
  const std::vector<std::string> ways = ways_to(config, wanted.receiver);
  if (ways.empty() || std::find(ways.begin(), ways.end(), "webhook") != ways.end()) return;
  const std::string told_by =
      fmt::format("receiver \"{}\" is told by {}_configs", config.name, fmt::join(ways, "_configs and "));
  const auto refuse = [&](std::string message, std::string hint) {
    forecast.refusals.push_back(core::make_error(
        ErrorKind::invalid_input,
        fmt::format("the notification of {} at \"{}\" {}", wanted.alert, wanted.receiver, message),
        std::move(hint)));
  };
  if (wanted.content.needs_instances()) {
    refuse(fmt::format("cannot be held to labels, annotations or a group: {}, which send a text", told_by),
           "expect them at a receiver with webhook_configs, or use body = [ { text = \"…\" } ]");
  }
  const bool mail_only =
      std::all_of(ways.begin(), ways.end(), [](const auto& way) { return way == "email"; });
  const bool asks_path = std::any_of(wanted.content.body.begin(), wanted.content.body.end(),
                                     [](const BodyCheck& check) { return !check.jsonpath.empty(); });
  if (mail_only && asks_path) {
    refuse(fmt::format("cannot be asked for a jsonpath: {}, and a mail is not JSON", told_by),
           "use body = [ { text = \"…\" } ]");
  }
}

void check_annotations(const NotificationExpectation& wanted, const Rule& rule, Forecast& forecast) {
  for (const auto& [name, pattern] : wanted.content.annotations) {
    const auto found = rule.annotations.find(name);
    if (found == rule.annotations.end()) {
      forecast.remarks.push_back(
          fmt::format("the rule of {} has no annotation {}{}", rule.name, name, kWillNotMatch));
      continue;
    }
    const auto parsed = core::Regex::parse(pattern);
    if (is_template(found->second) || !parsed || parsed->found_in(found->second)) continue;
    forecast.remarks.push_back(fmt::format("the annotation {} of {} is \"{}\", which does not match \"{}\"{}",
                                           name, rule.name, found->second, pattern, kWillNotMatch));
  }
}

/// Whether alerts with these labels can be in a group with those.
bool can_be_group(const Route& route, const Labels& labels, const Labels& group) {
  const auto grouped_by = [&](const std::string& name) {
    return route.group_by_all ||
           std::find(route.group_by.begin(), route.group_by.end(), name) != route.group_by.end();
  };
  if (!std::all_of(group.begin(), group.end(), [&](const auto& one) { return grouped_by(one.first); }))
    return false;
  const Labels known = group_labels(route, labels);
  return std::all_of(known.begin(), known.end(), [&](const auto& one) {
    const auto found = group.find(one.first);
    return is_template(one.second) || (found != group.end() && found->second == one.second);
  });
}

void check_group(const NotificationExpectation& wanted, const Labels& labels, const Route& route,
                 Forecast& forecast) {
  if (!wanted.content.group || can_be_group(route, labels, *wanted.content.group)) return;
  const std::string by =
      route.group_by_all ? "all labels" : fmt::format("{}", fmt::join(route.group_by, ", "));
  forecast.remarks.push_back(fmt::format("{} is grouped by {} on its route to \"{}\", never as {}{}",
                                         wanted.alert, by.empty() ? "nothing" : by, route.receiver,
                                         verifiers::to_text(*wanted.content.group), kWillNotMatch));
}

}  // namespace

std::vector<std::string> labels_set_otherwise(const Rule& rule, const Labels& wanted) {
  std::vector<std::string> remarks;
  for (const auto& [name, value] : wanted) {
    const auto set = rule.labels.find(name);
    if (set == rule.labels.end() || set->second == value || is_template(set->second)) continue;
    remarks.push_back(fmt::format("the rule of {} sets {}=\"{}\", not \"{}\"{}", rule.name, name, set->second,
                                  value, kWillNotMatch));
  }
  return remarks;
}

Forecast forecast(const NotificationExpectation& wanted, const Rule& rule, const Labels& labels,
                  const AlertmanagerConfig& config, const Route& route) {
  Forecast result;
  result.remarks = labels_set_otherwise(rule, wanted.content.labels);
  check_annotations(wanted, rule, result);
  check_group(wanted, labels, route, result);
  const ReceiverConfig* receiver = config.receiver(route.receiver);
  if (receiver == nullptr) return result;
  check_kinds(wanted, *receiver, result);
  if (wanted.resolved.expected && wanted.resolved_count != 0 && !receiver->sends_resolved()) {
    result.remarks.push_back(fmt::format(
        "receiver \"{}\" has send_resolved off: no resolved notification can arrive", route.receiver));
  }
  return result;
}

}  // namespace obsctl::scenarios
