// Reads Alertmanager's YAML. The only file of verifiers/ that includes yaml-cpp, whose exceptions (also
// thrown here, for what is well-formed but wrong, since they carry the place) end in
// parse_alertmanager_config.
#include "verifiers/alertmanager_config.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

namespace obsctl::verifiers {

namespace {

/// Deeper than anybody nests routes, shallow enough for the stack.
constexpr int kDeepestRoute = 200;
constexpr int kMostRoutes = 10'000;

[[noreturn]] void refuse(const YAML::Node& at, const std::string& what) {
  throw YAML::RepresentationException(at.Mark(), what);
}

std::string text_of(const YAML::Node& node, std::string_view key) {
  if (!node.IsScalar()) refuse(node, fmt::format("{} is not a text", key));
  return node.Scalar();
}

/// A missing or empty key is no entries.
std::vector<std::string> texts_of(const YAML::Node& node, std::string_view key) {
  std::vector<std::string> texts;
  if (!node || node.IsNull()) return texts;
  if (!node.IsSequence()) refuse(node, fmt::format("{} is not a list", key));
  for (const YAML::Node& item : node) texts.push_back(text_of(item, key));
  return texts;
}

/// `fallback` stays where the key is missing.
void read_duration(const YAML::Node& parent, const char* key, Nanoseconds& value) {
  const YAML::Node node = parent[key];
  if (!node || node.IsNull()) return;
  const auto duration = core::parse_duration(text_of(node, key));
  if (!duration) refuse(node, fmt::format("{}: {}", key, duration.error().message));
  value = *duration;
}

void read_text(const YAML::Node& parent, const char* key, std::string& value) {
  const YAML::Node node = parent[key];
  if (node && !node.IsNull()) value = text_of(node, key);
}

void add_matcher(std::vector<LabelMatcher>& matchers, const YAML::Node& at, Result<LabelMatcher> matcher) {
  if (!matcher) refuse(at, matcher.error().message);
  matchers.push_back(std::move(*matcher));
}

/// The old syntax: a map of label to value, or to regular expression.
void read_matcher_map(const YAML::Node& node, const char* key, LabelMatcher::Operator operation,
                      std::vector<LabelMatcher>& matchers) {
  if (!node || node.IsNull()) return;
  if (!node.IsMap()) refuse(node, fmt::format("{} is not a map of labels", key));
  for (const auto& entry : node) {
    add_matcher(matchers, entry.second,
                LabelMatcher::make(text_of(entry.first, key), operation, text_of(entry.second, key)));
  }
}

/// The new one: a list of texts.
void read_matcher_list(const YAML::Node& node, const char* key, std::vector<LabelMatcher>& matchers) {
  if (!node || node.IsNull()) return;
  if (!node.IsSequence()) refuse(node, fmt::format("{} is not a list", key));
  for (const YAML::Node& item : node) {
    auto parsed = LabelMatcher::parse(text_of(item, key));
    if (!parsed) refuse(item, parsed.error().message);
    std::move(parsed->begin(), parsed->end(), std::back_inserter(matchers));
  }
}

std::vector<LabelMatcher> read_matchers(const YAML::Node& node, const std::string& prefix) {
  std::vector<LabelMatcher> matchers;
  const std::string match = prefix + "match", match_re = prefix + "match_re", list = prefix + "matchers";
  read_matcher_map(node[match], match.c_str(), LabelMatcher::Operator::equal, matchers);
  read_matcher_map(node[match_re], match_re.c_str(), LabelMatcher::Operator::regex, matchers);
  read_matcher_list(node[list], list.c_str(), matchers);
  return matchers;
}

void read_group_by(const YAML::Node& node, Route& route) {
  if (!node || node.IsNull()) return;
  route.group_by = texts_of(node, "group_by");
  route.group_by_all = std::find(route.group_by.begin(), route.group_by.end(), "...") != route.group_by.end();
  if (route.group_by_all) route.group_by.clear();
}

/// `inherited` has the parent's settings. `count` is of all routes: aliases can make a short text a tree
/// without end.
Route read_route(const YAML::Node& node, Route inherited, int depth, int& count) {
  if (!node.IsMap()) refuse(node, "a route is not a map");
  if (depth > kDeepestRoute) refuse(node, "routes are nested too deeply");
  if (++count > kMostRoutes) refuse(node, fmt::format("there are more than {} routes", kMostRoutes));
  Route route = std::move(inherited);
  read_text(node, "receiver", route.receiver);
  read_group_by(node["group_by"], route);
  read_duration(node, "group_wait", route.group_wait);
  read_duration(node, "group_interval", route.group_interval);
  read_duration(node, "repeat_interval", route.repeat_interval);
  route.matchers = read_matchers(node, "");
  route.mute_time_intervals = texts_of(node["mute_time_intervals"], "mute_time_intervals");
  route.active_time_intervals = texts_of(node["active_time_intervals"], "active_time_intervals");
  if (const YAML::Node next = node["continue"]; next && !next.IsNull())
    route.continue_matching = next.as<bool>();
  const YAML::Node children = node["routes"];
  if (!children || children.IsNull()) return route;
  if (!children.IsSequence()) refuse(children, "routes is not a list");
  Route for_children = route;
  for_children.matchers.clear();
  for_children.continue_matching = false;
  for (const YAML::Node& child : children)
    route.routes.push_back(read_route(child, for_children, depth + 1, count));
  return route;
}

/// What Alertmanager does where send_resolved is not written (config/notifiers.go).
bool sends_resolved_by_default(std::string_view type) {
  constexpr std::array<std::string_view, 4> quiet = {"slack", "email", "wechat", "rocketchat"};
  return std::find(quiet.begin(), quiet.end(), type) == quiet.end();
}

Integration read_integration(const YAML::Node& node, std::string type) {
  if (!node.IsMap()) refuse(node, fmt::format("an entry of {}_configs is not a map", type));
  Integration integration;
  integration.type = std::move(type);
  integration.send_resolved = sends_resolved_by_default(integration.type);
  if (const YAML::Node given = node["send_resolved"]; given && !given.IsNull()) {
    integration.send_resolved = given.as<bool>();
  }
  for (const char* key : {"url", "api_url", "webhook_url"}) {
    if (integration.url.empty()) read_text(node, key, integration.url);
  }
  return integration;
}

ReceiverConfig read_receiver(const YAML::Node& node) {
  if (!node.IsMap()) refuse(node, "a receiver is not a map");
  ReceiverConfig receiver;
  constexpr std::string_view suffix = "_configs";
  for (const auto& entry : node) {
    const std::string key = text_of(entry.first, "a receiver's key");
    if (key == "name") receiver.name = text_of(entry.second, key);
    if (!key.ends_with(suffix) || entry.second.IsNull()) continue;
    if (!entry.second.IsSequence()) refuse(entry.second, fmt::format("{} is not a list", key));
    for (const YAML::Node& item : entry.second) {
      receiver.integrations.push_back(read_integration(item, key.substr(0, key.size() - suffix.size())));
    }
  }
  if (receiver.name.empty()) refuse(node, "a receiver has no name");
  return receiver;
}

void check_receivers(const Route& route, const std::set<std::string>& names, const YAML::Node& at) {
  if (!names.contains(route.receiver)) {
    refuse(at, fmt::format("a route leads to the receiver \"{}\", which is not defined", route.receiver));
  }
  for (const Route& child : route.routes) check_receivers(child, names, at);
}

/// Each text of a list, by one of time_interval.hpp's functions.
template <class Read>
void read_ranges(const YAML::Node& parent, const char* key, Read read,
                 std::vector<TimeInterval::Range>& ranges) {
  const YAML::Node node = parent[key];
  if (!node || node.IsNull()) return;
  if (!node.IsSequence()) refuse(node, fmt::format("{} is not a list", key));
  for (const YAML::Node& item : node) {
    const auto range = read(text_of(item, key));
    if (!range) refuse(item, fmt::format("{}: {}", key, range.error().message));
    ranges.push_back(*range);
  }
}

TimeInterval read_time_interval(const YAML::Node& node) {
  if (!node.IsMap()) refuse(node, "a time interval is not a map");
  TimeInterval interval;
  if (const YAML::Node times = node["times"]; times && !times.IsNull()) {
    if (!times.IsSequence()) refuse(times, "times is not a list");
    for (const YAML::Node& item : times) {
      if (!item.IsMap() || !item["start_time"] || !item["end_time"])
        refuse(item, "times needs start_time and end_time");
      const auto range =
          parse_minutes(text_of(item["start_time"], "start_time"), text_of(item["end_time"], "end_time"));
      if (!range) refuse(item, fmt::format("times: {}", range.error().message));
      interval.minutes.push_back(*range);
    }
  }
  read_ranges(node, "weekdays", parse_weekdays, interval.weekdays);
  read_ranges(node, "days_of_month", parse_days_of_month, interval.days_of_month);
  read_ranges(node, "months", parse_months, interval.months);
  read_ranges(node, "years", parse_years, interval.years);
  read_text(node, "location", interval.location);
  if (const auto known = check_location(interval.location); !known)
    refuse(node["location"], known.error().message);
  return interval;
}

/// time_intervals, and mute_time_intervals as it was called before 0.24.
void read_time_intervals(const YAML::Node& document, const char* key,
                         std::vector<NamedTimeIntervals>& named) {
  const YAML::Node node = document[key];
  if (!node || node.IsNull()) return;
  if (!node.IsSequence()) refuse(node, fmt::format("{} is not a list", key));
  for (const YAML::Node& item : node) {
    if (!item.IsMap()) refuse(item, fmt::format("an entry of {} is not a map", key));
    NamedTimeIntervals entry;
    read_text(item, "name", entry.name);
    if (entry.name.empty()) refuse(item, "a time interval has no name");
    if (const YAML::Node list = item["time_intervals"]; list && list.IsSequence()) {
      for (const YAML::Node& interval : list) entry.intervals.push_back(read_time_interval(interval));
    }
    named.push_back(std::move(entry));
  }
}

AlertmanagerConfig read_config(const YAML::Node& document) {
  if (!document.IsMap()) refuse(document, "the configuration is not a map");
  AlertmanagerConfig config;
  const YAML::Node route = document["route"];
  if (!route) refuse(document, "route is missing");
  int count = 0;
  config.root = read_route(route, Route(), 0, count);
  if (config.root.receiver.empty()) refuse(route, "the root route has no receiver");
  const YAML::Node receivers = document["receivers"];
  if (!receivers || !receivers.IsSequence()) refuse(document, "receivers is missing or not a list");
  std::set<std::string> names;
  for (const YAML::Node& receiver : receivers) {
    config.receivers.push_back(read_receiver(receiver));
    names.insert(config.receivers.back().name);
  }
  check_receivers(config.root, names, route);
  read_time_intervals(document, "mute_time_intervals", config.time_intervals);
  read_time_intervals(document, "time_intervals", config.time_intervals);
  const YAML::Node rules = document["inhibit_rules"];
  if (!rules || rules.IsNull()) return config;
  if (!rules.IsSequence()) refuse(rules, "inhibit_rules is not a list");
  for (const YAML::Node& rule : rules) {
    if (!rule.IsMap()) refuse(rule, "an inhibit rule is not a map");
    config.inhibit_rules.push_back(
        {read_matchers(rule, "source_"), read_matchers(rule, "target_"), texts_of(rule["equal"], "equal")});
  }
  return config;
}

}  // namespace

Result<AlertmanagerConfig> parse_alertmanager_config(const std::string& yaml, const std::string& name) {
  try {
    return read_config(YAML::Load(yaml));
  } catch (const YAML::Exception& error) {
    core::Error refused = core::make_error(core::ErrorKind::invalid_input, error.msg);
    refused.where = core::SourcePosition{name, error.mark.line + 1, error.mark.column + 1};
    return refused;
  }
}

const ReceiverConfig* AlertmanagerConfig::receiver(std::string_view name) const {
  for (const ReceiverConfig& receiver : receivers) {
    if (receiver.name == name) return &receiver;
  }
  return nullptr;
}

bool ReceiverConfig::sends_resolved() const {
  return std::any_of(integrations.begin(), integrations.end(),
                     [](const Integration& one) { return one.send_resolved; });
}

namespace {

/// True when `route` or something below it takes the alert (dispatch.Route.Match).
bool collect_routes(const Route& route, const Labels& labels, std::vector<const Route*>& found) {
  if (!all_match(route.matchers, labels)) return false;
  bool taken = false;
  for (const Route& child : route.routes) {
    if (!collect_routes(child, labels, found)) continue;
    taken = true;
    if (!child.continue_matching) break;
  }
  if (!taken) found.push_back(&route);
  return true;
}

}  // namespace

std::vector<const Route*> routes_for(const AlertmanagerConfig& config, const Labels& labels) {
  std::vector<const Route*> found;
  collect_routes(config.root, labels, found);
  return found;
}

const Route* route_to(const AlertmanagerConfig& config, const Labels& labels, std::string_view receiver) {
  for (const Route* route : routes_for(config, labels)) {
    if (route->receiver == receiver) return route;
    const ReceiverConfig* found = config.receiver(route->receiver);
    if (found == nullptr) continue;
    for (const Integration& integration : found->integrations) {
      if (integration.url.ends_with(fmt::format("/{}", receiver))) return route;
    }
  }
  return nullptr;
}

std::string muted_because(const AlertmanagerConfig& config, const Route& route, core::WallTime at) {
  const auto contains = [&](const std::string& name) {
    return std::any_of(config.time_intervals.begin(), config.time_intervals.end(),
                       [&](const NamedTimeIntervals& one) { return one.name == name && one.contains(at); });
  };
  for (const std::string& name : route.mute_time_intervals) {
    if (contains(name)) return fmt::format("it is in the time interval \"{}\"", name);
  }
  const std::vector<std::string>& active = route.active_time_intervals;
  if (active.empty() || std::any_of(active.begin(), active.end(), contains)) return {};
  return fmt::format("it is outside the active time interval \"{}\"", fmt::join(active, "\", \""));
}

Labels group_labels(const Route& route, const Labels& labels) {
  if (route.group_by_all) return labels;
  Labels group;
  for (const std::string& name : route.group_by) {
    const auto found = labels.find(name);
    if (found != labels.end()) group.insert(*found);
  }
  return group;
}

bool InhibitRule::inhibits(const Labels& source_labels, const Labels& target_labels) const {
  if (!all_match(source, source_labels) || !all_match(target, target_labels)) return false;
  const bool both_sided = all_match(source, target_labels) && all_match(target, source_labels);
  if (both_sided) return false;
  return std::all_of(equal.begin(), equal.end(), [&](const std::string& name) {
    return label_of(source_labels, name) == label_of(target_labels, name);
  });
}

}  // namespace obsctl::verifiers
