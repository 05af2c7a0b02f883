// See time_scale.hpp. Each kind of file has one function that visits the places where a duration counts; the
// edits are made in the text itself and checked by reading the result again.
#include "stacks/time_scale.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

#include <fmt/format.h>

#include "core/duration.hpp"
#include "stacks/promql_durations.hpp"
#include "stacks/yaml_text.hpp"

namespace obsctl::stacks {

using core::Error;
using core::ErrorKind;
using core::Nanoseconds;
using core::Result;
using namespace std::chrono_literals;

namespace {

// https://prometheus.io/docs/prometheus/latest/configuration/configuration/
constexpr std::string_view kDefaultScrapeInterval = "1m";
constexpr std::string_view kDefaultScrapeTimeout = "10s";
constexpr std::string_view kDefaultEvaluationInterval = "1m";
// https://prometheus.io/docs/alerting/latest/configuration/
constexpr std::string_view kDefaultResolveTimeout = "5m";
constexpr std::string_view kDefaultGroupWait = "30s";
constexpr std::string_view kDefaultGroupInterval = "5m";
constexpr std::string_view kDefaultRepeatInterval = "4h";

/// Collects the edits of one file; the first problem ends it.
class FileScaler {
 public:
  FileScaler(const YamlText& yaml, double factor) : yaml_(yaml), factor_(factor) {}

  void scale_prometheus() {
    const YamlNode& root = yaml_.root();
    const YamlNode* global = root.get("global");
    if (global != nullptr)
      scale_keys(*global, {"scrape_interval", "scrape_timeout", "evaluation_interval", "rule_query_offset"});
    YamlEntries defaults;
    add_default(defaults, global, "scrape_interval", kDefaultScrapeInterval);
    add_default(defaults, global, "evaluation_interval", kDefaultEvaluationInterval);
    // Left out, it is ten seconds, or the interval where that is shorter: only the ten seconds need scaling.
    if (value_of(global, "scrape_interval", kDefaultScrapeInterval) > 10s) {
      add_default(defaults, global, "scrape_timeout", kDefaultScrapeTimeout);
    }
    if (!defaults.empty()) edits_.push_back(yaml_.addition(root, "global", defaults));
    for (const YamlNode& job : root.list("scrape_configs")) {
      scale_keys(job, {"scrape_interval", "scrape_timeout"});
      check_timeout(job, global);
    }
  }

  void scale_rules() {
    for (const YamlNode& group : yaml_.root().list("groups")) {
      scale_keys(group, {"interval", "query_offset"});
      for (const YamlNode& rule : group.list("rules")) {
        scale_keys(rule, {"for", "keep_firing_for"});
        if (const YamlNode* expression = rule.get("expr")) scale_expression(rule, *expression);
      }
    }
  }

  void scale_alertmanager() {
    const YamlNode& root = yaml_.root();
    const YamlNode* global = root.get("global");
    if (global != nullptr) scale_keys(*global, {"resolve_timeout"});
    YamlEntries defaults;
    add_default(defaults, global, "resolve_timeout", kDefaultResolveTimeout);
    if (!defaults.empty()) edits_.push_back(yaml_.addition(root, "global", defaults));

    const YamlNode* route = root.get("route");
    if (route == nullptr) return;  // Alertmanager says so itself
    scale_route(*route);
    YamlEntries timers;
    add_default(timers, route, "group_wait", kDefaultGroupWait);
    add_default(timers, route, "group_interval", kDefaultGroupInterval);
    add_default(timers, route, "repeat_interval", kDefaultRepeatInterval);
    if (!timers.empty()) edits_.push_back(yaml_.addition(root, "route", timers));
  }

  Result<ScaledFile> finish(const std::string& file_name) {
    if (problem_) return *problem_;
    std::string text = with_edits(yaml_.text(), edits_);
    const Result<YamlText> again = YamlText::parse(text, file_name);
    if (!again || !yaml_.became(*again, changed_)) {
      return yaml_.error_at(0, "the durations of this file cannot be rewritten in place",
                            "write expressions as blocks (|) and durations without quotes");
    }
    return ScaledFile{std::move(text), std::move(notes_)};
  }

 private:
  void scale_keys(const YamlNode& map, std::initializer_list<std::string_view> keys) {
    for (const std::string_view key : keys) {
      const YamlNode* value = map.get(key);
      if (value == nullptr || value->kind != YamlNode::Kind::scalar) continue;
      const Result<std::string> scaled = scale_duration(value->value, factor_);
      if (!scaled) {
        fail(value->offset, fmt::format("{}: {}", key, scaled.error().message), scaled.error().hint);
      } else {
        change(*value, {{0, value->value.size(), *scaled}});
      }
    }
  }

  void scale_route(const YamlNode& route) {
    scale_keys(route, {"group_wait", "group_interval", "repeat_interval"});
    for (const char* key : {"mute_time_intervals", "active_time_intervals"}) {
      if (route.get(key) == nullptr) continue;
      note(fmt::format("{}: {} are times of day and are not scaled", place(route.offset), key));
    }
    for (const YamlNode& child : route.list("routes")) scale_route(child);
  }

  void scale_expression(const YamlNode& rule, const YamlNode& expression) {
    auto scaling = scale_promql(expression.value, factor_);
    if (!scaling) {
      const auto places = yaml_.places_of(expression);
      const std::size_t at = scaling.error().offset;
      const bool known = places && at < places->size() && (*places)[at] != std::string::npos;
      fail(known ? (*places)[at] : expression.offset, "expr: " + scaling.error().message,
           "give the rule plain durations, or leave the time scale at 1");
      return;
    }
    change(expression, scaling->edits);
    if (scaling->unscaled.empty()) return;
    const YamlNode* name = rule.get(rule.get("alert") != nullptr ? "alert" : "record");
    note(fmt::format("{}: {} uses {}, whose value does not scale with time: compare it with care",
                     place(expression.offset), name == nullptr ? "a rule" : name->value,
                     fmt::join(scaling->unscaled, ", ")));
  }

  void change(const YamlNode& scalar, const std::vector<TextEdit>& edits) {
    const auto in_text = yaml_.to_text(scalar, edits);
    if (!in_text) {
      if (!problem_) problem_ = in_text.error();
      return;
    }
    edits_.insert(edits_.end(), in_text->begin(), in_text->end());
    if (!edits.empty()) changed_[scalar.offset] = with_edits(scalar.value, edits);
  }

  void add_default(YamlEntries& entries, const YamlNode* map, std::string_view key, std::string_view value) {
    if (map != nullptr && map->get(key) != nullptr) return;
    const Result<std::string> scaled = scale_duration(value, factor_);
    if (scaled) {
      entries.emplace_back(key, *scaled);
    } else {
      fail(map == nullptr ? 0 : map->offset, fmt::format("{} (by default): {}", key, scaled.error().message),
           scaled.error().hint);
    }
  }

  /// A duration in the unscaled file, or its default; zero when it is not a duration (which was reported).
  static Nanoseconds value_of(const YamlNode* map, std::string_view key, std::string_view otherwise) {
    const YamlNode* node = map == nullptr ? nullptr : map->get(key);
    const auto parsed = core::parse_duration(node == nullptr ? otherwise : std::string_view(node->value));
    return parsed ? *parsed : Nanoseconds(0);
  }

  /// Prometheus refuses a timeout above the interval, and rounding must not make one.
  void check_timeout(const YamlNode& job, const YamlNode* global) {
    const YamlNode* timeout = job.get("scrape_timeout");
    if (timeout == nullptr) return;
    const Nanoseconds interval = job.get("scrape_interval") != nullptr
                                     ? value_of(&job, "scrape_interval", {})
                                     : value_of(global, "scrape_interval", kDefaultScrapeInterval);
    if (value_of(&job, "scrape_timeout", {}) <= interval) return;
    fail(timeout->offset, fmt::format("scrape_timeout {} is longer than the scrape interval {}",
                                      timeout->value, core::format_duration(interval)));
  }

  std::string place(std::size_t offset) const {
    const core::SourcePosition at = yaml_.position(offset);
    return fmt::format("{}:{}", at.file, at.line);
  }

  void note(std::string text) { notes_.push_back(std::move(text)); }

  void fail(std::size_t offset, std::string message, std::string hint = {}) {
    if (!problem_) problem_ = yaml_.error_at(offset, std::move(message), std::move(hint));
  }

  const YamlText& yaml_;
  double factor_;
  std::vector<TextEdit> edits_;
  std::map<std::size_t, std::string> changed_;
  std::vector<std::string> notes_;
  std::optional<Error> problem_;
};

}  // namespace

Result<void> check_time_scale(double factor) {
  if (std::isfinite(factor) && factor >= kMinTimeScale && factor <= kMaxTimeScale) return {};
  return core::make_error(
      ErrorKind::usage,
      fmt::format("a time scale of {} is outside {} to {}", factor, kMinTimeScale, kMaxTimeScale),
      "0.2 makes ten minutes two");
}

Result<ScaledFile> scale_file(const std::string& text, const std::string& file_name, FileKind kind,
                              double factor) {
  if (factor == 1.0 || kind == FileKind::other) return ScaledFile{text, {}};
  const Result<YamlText> yaml = YamlText::parse(text, file_name);
  if (!yaml) return yaml.error();
  FileScaler scaler(*yaml, factor);
  switch (kind) {
    case FileKind::prometheus:
      scaler.scale_prometheus();
      break;
    case FileKind::rules:
      scaler.scale_rules();
      break;
    case FileKind::alertmanager:
      scaler.scale_alertmanager();
      break;
    case FileKind::other:
      break;
  }
  return scaler.finish(file_name);
}

}  // namespace obsctl::stacks
