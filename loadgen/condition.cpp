// Parsing and measuring conditions.
#include "loadgen/condition.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/rate.hpp"
#include "core/text.hpp"

namespace obsctl::loadgen {

namespace {

constexpr const char* kFigures[] = {"p50", "p90", "p95", "p99", "p999", "mean", "min", "max"};
constexpr const char* kTimes[] = {"response", "service", "lag", "pool_wait"};
/// Of these figures, those that windows keep.
constexpr const char* kWindowTimes[] = {"response_p50", "response_p95", "response_p99", "response_max",
                                        "lag_p99"};
constexpr const char* kNumbers[] = {"errors", "timeouts", "dropped", "shed", "unsent", "completed"};

std::vector<std::string> metric_names() {
  std::vector<std::string> names = {"error_ratio", "achieved_rate", "achieved_ratio"};
  names.insert(names.end(), std::begin(kNumbers), std::end(kNumbers));
  for (const char* time : kTimes) {
    for (const char* figure : kFigures) names.push_back(fmt::format("{}_{}", time, figure));
  }
  return names;
}

core::Error bad_condition(std::string_view text, std::string_view why) {
  return core::make_error(core::ErrorKind::invalid_input,
                          fmt::format("\"{}\" is not a condition: {}", text, why),
                          "write it as response_p99>300ms, error_ratio>0.01 or achieved_rate<990/s");
}

double nanoseconds(core::Nanoseconds duration) {
  return static_cast<double>(duration.count());
}

/// "p99" of some quantiles.
std::optional<double> figure_of(const Quantiles& q, std::string_view figure) {
  if (q.count == 0) return std::nullopt;
  if (figure == "p50") return nanoseconds(q.p50);
  if (figure == "p90") return nanoseconds(q.p90);
  if (figure == "p95") return nanoseconds(q.p95);
  if (figure == "p99") return nanoseconds(q.p99);
  if (figure == "p999") return nanoseconds(q.p999);
  if (figure == "mean") return nanoseconds(q.mean);
  if (figure == "min") return nanoseconds(q.min);
  return nanoseconds(q.max);
}

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size() || !(value >= 0)) return std::nullopt;
  return value;
}

}  // namespace

core::Result<Condition> Condition::parse(std::string_view text) {
  Condition condition;
  condition.text_ = core::trimmed(text);
  const std::string_view all = condition.text_;
  const std::size_t brace = all.find('{');
  const std::size_t after_brace = brace == std::string_view::npos ? 0 : all.find('}', brace);
  if (after_brace == std::string_view::npos) return bad_condition(text, "the } is missing");
  const std::size_t at = all.find_first_of("<>", after_brace);
  if (at == std::string_view::npos) return bad_condition(text, "there is no <, <=, > or >= in it");
  condition.op_ = all.substr(at, at + 1 < all.size() && all[at + 1] == '=' ? 2 : 1);
  if (brace != std::string_view::npos && brace < at) {
    condition.endpoint_ = all.substr(brace + 1, after_brace - brace - 1);
    condition.metric_ = core::trimmed(all.substr(0, brace));
  } else {
    condition.metric_ = core::trimmed(all.substr(0, at));
  }
  const auto names = metric_names();
  if (std::find(names.begin(), names.end(), condition.metric_) == names.end()) {
    return bad_condition(text, fmt::format("there is no metric \"{}\"{}", condition.metric_,
                                           core::did_you_mean(condition.metric_, names)));
  }
  std::string_view value = core::trimmed(all.substr(at + condition.op_.size()));
  if (const std::size_t word = value.find(" for "); word != std::string_view::npos) {
    const auto read = condition.read_window(value.substr(word + 5));
    if (!read) return bad_condition(text, read.error().message);
    value = core::trimmed(value.substr(0, word));
  }
  const auto read = condition.read_limit(value);
  if (!read) return bad_condition(text, read.error().message);
  return condition;
}

core::Result<void> Condition::read_window(std::string_view text) {
  const auto refuse = [](std::string why) {
    return core::make_error(core::ErrorKind::invalid_input, std::move(why));
  };
  const auto window = core::parse_duration(core::trimmed(text));
  if (!window || *window < std::chrono::seconds(1)) return refuse("\"for\" needs at least 1s");
  windows_ = std::chrono::ceil<std::chrono::seconds>(*window).count();
  if (!endpoint_.empty()) return refuse("one-second windows are not kept by endpoint");
  const bool is_time = std::any_of(std::begin(kTimes), std::end(kTimes),
                                   [&](std::string_view t) { return metric_.rfind(t, 0) == 0; });
  const bool known = !is_time || std::find(std::begin(kWindowTimes), std::end(kWindowTimes), metric_) !=
                                     std::end(kWindowTimes);
  if (known) return {};
  return refuse(fmt::format("one-second windows know {}, not {}", fmt::join(kWindowTimes, ", "), metric_));
}

core::Result<void> Condition::read_limit(std::string_view value) {
  const auto refuse = [&](std::string_view what) {
    return core::make_error(core::ErrorKind::invalid_input, fmt::format("\"{}\" is not {}", value, what));
  };
  if (metric_ == "achieved_rate") {
    unit_ = Unit::rate;
    const auto rate = core::parse_rate(value);
    if (!rate) return refuse("a rate");
    limit_ = rate->per_second();
    return {};
  }
  if (metric_ == "error_ratio" || metric_ == "achieved_ratio") {
    unit_ = Unit::ratio;
    const bool percent = !value.empty() && value.back() == '%';
    const auto ratio = number(percent ? core::trimmed(value.substr(0, value.size() - 1)) : value);
    if (!ratio) return refuse("a number or a percentage");
    limit_ = percent ? *ratio / 100 : *ratio;
    return {};
  }
  if (std::find(std::begin(kNumbers), std::end(kNumbers), metric_) != std::end(kNumbers)) {
    const auto limit = number(value);
    if (!limit) return refuse("a number");
    limit_ = *limit;
    return {};
  }
  unit_ = Unit::duration;
  const auto limit = core::parse_duration(value);
  if (!limit) return limit.error();
  limit_ = nanoseconds(*limit);
  return {};
}

bool Condition::compare(std::optional<double> value) const {
  if (!value) return false;
  if (op_ == ">") return *value > limit_;
  if (op_ == ">=") return *value >= limit_;
  return op_ == "<" ? *value < limit_ : *value <= limit_;
}

std::optional<double> Condition::value_of(const Counts& counts, core::Nanoseconds length) const {
  if (metric_ == "error_ratio") {
    return counts.completed() == 0 ? std::nullopt : std::optional(counts.error_ratio());
  }
  if (metric_ == "achieved_rate") {
    const double seconds = core::to_seconds(length);
    return seconds > 0 ? std::optional(static_cast<double>(counts.sent) / seconds) : std::nullopt;
  }
  if (metric_ == "achieved_ratio") {
    if (counts.scheduled == 0) return std::nullopt;
    return static_cast<double>(counts.sent) / static_cast<double>(counts.scheduled);
  }
  if (metric_ == "errors") return static_cast<double>(counts.errors());
  if (metric_ == "timeouts") return static_cast<double>(counts.timeout);
  if (metric_ == "dropped") return static_cast<double>(counts.dropped);
  if (metric_ == "shed") return static_cast<double>(counts.shed);
  if (metric_ == "unsent") return static_cast<double>(counts.unsent_at_end);
  if (metric_ == "completed") return static_cast<double>(counts.completed());
  return std::nullopt;
}

std::optional<double> Condition::value_in(const Statistics& statistics) const {
  if (unit_ != Unit::duration) return value_of(statistics.counts, statistics.length);
  const std::size_t split = metric_.rfind('_');
  const std::string_view time = std::string_view(metric_).substr(0, split);
  const std::string_view figure = std::string_view(metric_).substr(split + 1);
  if (time == "response") return figure_of(statistics.response_time, figure);
  if (time == "service") return figure_of(statistics.service_time, figure);
  if (time == "lag") return figure_of(statistics.schedule_lag, figure);
  return figure_of(statistics.pool_wait, figure);
}

std::optional<double> Condition::value_in(const Window& window) const {
  if (unit_ != Unit::duration) return value_of(window.counts, window.length);
  if (metric_ == "lag_p99") return nanoseconds(window.lag_p99);
  if (window.counts.completed() == 0) return std::nullopt;
  if (metric_ == "response_p50") return nanoseconds(window.p50);
  if (metric_ == "response_p95") return nanoseconds(window.p95);
  if (metric_ == "response_p99") return nanoseconds(window.p99);
  if (metric_ == "response_max") return nanoseconds(window.max);
  return std::nullopt;
}

std::optional<double> Condition::value_in(const Summary& summary) const {
  if (endpoint_.empty()) return value_in(summary.statistics());
  for (const EndpointSummary& endpoint : summary.endpoints) {
    if (endpoint.name != endpoint_) continue;
    Statistics statistics;
    statistics.counts = endpoint.counts;
    statistics.length = summary.elapsed;
    statistics.response_time = quantiles_of(endpoint.response_time);
    statistics.service_time = quantiles_of(endpoint.service_time);
    return value_in(statistics);
  }
  return std::nullopt;
}

std::optional<std::int64_t> Condition::first_window(const std::vector<Window>& windows) const {
  std::int64_t in_a_row = 0;
  for (const Window& window : windows) {
    in_a_row = compare(value_in(window)) ? in_a_row + 1 : 0;
    if (in_a_row >= windows_) return window.index - windows_ + 1;
  }
  return std::nullopt;
}

bool Condition::holds(const Summary& summary) const {
  return windows_ > 0 ? first_window(summary.windows).has_value() : compare(value_in(summary));
}

bool Condition::holds(const Statistics& whole, const std::vector<Window>& windows) const {
  if (windows_ > 0) return first_window(windows).has_value();
  return endpoint_.empty() && compare(value_in(whole));
}

std::string Condition::format(double value) const {
  switch (unit_) {
    case Unit::duration:
      return core::format_rounded(core::Nanoseconds(static_cast<std::int64_t>(value)));
    case Unit::ratio:
      return fmt::format("{:.4g}", value);
    case Unit::rate:
      return fmt::format("{:.1f}/s", value);
    case Unit::number:
      return fmt::format("{:.0f}", value);
  }
  return {};
}

std::string Condition::measured(const Summary& summary) const {
  if (windows_ > 0) {
    const auto first = first_window(summary.windows);
    return first ? fmt::format("held for {}s from {}s on", windows_, *first)
                 : fmt::format("never held for {}s", windows_);
  }
  const auto value = value_in(summary);
  const std::string name = endpoint_.empty() ? metric_ : fmt::format("{}{{{}}}", metric_, endpoint_);
  return value ? fmt::format("{} = {}", name, format(*value)) : fmt::format("{} was not measured", name);
}

}  // namespace obsctl::loadgen
