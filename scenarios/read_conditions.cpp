// The values that a scenario is full of (durations, names, bounds), and the tables that hold a number against
// bounds: [[steady_state]], [[threshold]], [[abort]].
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "core/http_client.hpp"
#include "core/text.hpp"
#include "scenarios/scenario_parts.hpp"

namespace obsctl::scenarios {

using core::TomlTable;

namespace {

constexpr Nanoseconds kLongest = std::chrono::hours(24 * 30);
constexpr std::string_view kBoundsHint = "use below, at_most, above, at_least or equals";

struct Bound {
  std::string_view key;
  std::optional<double> Bounds::*member;
};
constexpr std::array<Bound, 5> kBounds{{{"below", &Bounds::below},
                                        {"at_most", &Bounds::at_most},
                                        {"above", &Bounds::above},
                                        {"at_least", &Bounds::at_least},
                                        {"equals", &Bounds::equals}}};

/// One bound as a number, with its mistakes reported.
std::optional<double> read_bound(TomlTable& table, std::string_view key, Quantity quantity) {
  if (quantity == Quantity::latency) {
    const auto value = table.duration(key);
    return value ? std::optional(core::to_seconds(*value)) : std::nullopt;
  }
  const auto value = table.number(key);
  if (!value) return std::nullopt;
  if (!std::isfinite(*value)) {
    table.report_at(key, fmt::format("{}.{} must be a finite number", table.path(), key));
    return std::nullopt;
  }
  if (quantity == Quantity::ratio && (*value < 0 || *value > 1)) {
    table.report_at(key, fmt::format("{}.{} must be a ratio, from 0 to 1, not {}", table.path(), key, *value),
                    "5 % is 0.05");
    return std::nullopt;
  }
  return value;
}

/// Whether some value meets every bound, given what the quantity can be at all.
bool can_hold(const Bounds& bounds, Quantity quantity) {
  if (bounds.equals) return bounds.hold_for(*bounds.equals);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const double lowest = quantity == Quantity::number ? -kInfinity : 0;
  const double highest = quantity == Quantity::ratio ? 1 : kInfinity;
  const double from = std::max({lowest, bounds.at_least.value_or(lowest), bounds.above.value_or(lowest)});
  const double to = std::min({highest, bounds.at_most.value_or(highest), bounds.below.value_or(highest)});
  return from < to || bounds.hold_for(from);
}

/// A string that may be left out, but not left empty.
std::optional<std::string> text_if_any(TomlTable& table, std::string_view key) {
  auto text = table.string(key);
  if (text && core::trimmed(*text).empty()) {
    const std::string path =
        table.path().empty() ? std::string(key) : fmt::format("{}.{}", table.path(), key);
    table.report_at(key, fmt::format("{} must not be empty", path));
  }
  return text;
}

OnNoData read_on_no_data(TomlTable& table) {
  const auto text = table.one_of("on_no_data", {"inconclusive", "fail", "pass"});
  if (text == "fail") return OnNoData::fail;
  if (text == "pass") return OnNoData::pass;
  return OnNoData::inconclusive;
}

}  // namespace

bool is_possible(TomlTable& table, std::string_view key, Nanoseconds duration, Least least) {
  if (duration.count() == 0 && least == Least::above_zero) {
    table.report_at(key, fmt::format("{}.{} must be above 0", table.path(), key));
    return false;
  }
  if (duration > kLongest) {
    table.report_at(
        key, fmt::format("{}.{} must be at most {}", table.path(), key, core::format_duration(kLongest)));
    return false;
  }
  return true;
}

std::optional<Nanoseconds> read_duration(TomlTable& table, std::string_view key, Least least) {
  auto duration = table.duration(key);
  if (duration && !is_possible(table, key, *duration, least)) duration.reset();
  return duration;
}

std::string required_text(TomlTable& table, std::string_view key) {
  return table.has(key) ? text_if_any(table, key).value_or("") : table.required_string(key);
}

std::string read_name(TomlTable& table, std::string_view key, std::string by_default) {
  return text_if_any(table, key).value_or(std::move(by_default));
}

std::string read_url(TomlTable& table) {
  std::string url = required_text(table, "url");
  if (url.empty()) return url;
  const auto parsed = core::parse_url(url);
  if (!parsed) table.report_at("url", parsed.error().message, parsed.error().hint);
  return url;
}

std::optional<std::int64_t> read_integer(TomlTable& table, std::string_view key, std::int64_t from,
                                         std::int64_t to) {
  const auto value = table.integer(key);
  if (!value || (*value >= from && *value <= to)) return value;
  table.report_at(key, fmt::format("{}.{} must be from {} to {}", table.path(), key, from, to));
  return std::nullopt;
}

const std::vector<std::string>& load_metrics() {
  static const std::vector<std::string> names{"error_ratio",  "achieved_rate", "response_p50", "response_p90",
                                              "response_p95", "response_p99",  "service_p50",  "service_p90",
                                              "service_p95",  "service_p99"};
  return names;
}

Quantity quantity_of(const std::string& metric) {
  if (metric == "error_ratio") return Quantity::ratio;
  return metric == "achieved_rate" ? Quantity::number : Quantity::latency;
}

Bounds read_bounds(TomlTable& table, Quantity quantity) {
  Bounds bounds;
  bool any = false;
  for (const Bound& bound : kBounds) {
    any = any || table.has(bound.key);
    bounds.*bound.member = read_bound(table, bound.key, quantity);
  }
  if (!any) {
    table.report(fmt::format("{} sets no bound", table.path()), std::string(kBoundsHint));
  } else if (!bounds.empty() && !can_hold(bounds, quantity)) {
    table.report(fmt::format("{} can never hold: {}", table.path(), bounds.text()));
  }
  return bounds;
}

Bounds required_bounds(TomlTable& table, std::string_view key) {
  auto inner = table.table(key);
  if (!inner) {
    if (!table.has(key)) {
      table.report(fmt::format("{}.{} is missing", table.path(), key),
                   fmt::format("add {} = {{ below = 0.01 }}, or at_most, above, at_least, equals", key));
    }
    return {};
  }
  const Bounds bounds = read_bounds(*inner, Quantity::number);
  inner->finish();
  return bounds;
}

SteadyState read_steady_state(TomlTable& table, std::size_t index) {
  SteadyState state;
  state.query = required_text(table, "query");
  state.name = read_name(table, "name", fmt::format("steady-state-{}", index + 1));
  state.tolerance = required_bounds(table, "tolerance");
  state.on_no_data = read_on_no_data(table);
  state.within = read_duration(table, "within", Least::zero).value_or(state.within);
  table.finish();
  return state;
}

Threshold read_threshold(TomlTable& table) {
  Threshold threshold;
  threshold.load = required_text(table, "load");
  const auto metric = table.string("metric");
  if (!table.has("metric")) {
    table.report(fmt::format("{}.metric is missing", table.path()),
                 fmt::format("add metric = one of {}", fmt::join(load_metrics(), ", ")));
  }
  if (!metric) return threshold;  // its bounds cannot be read without it
  // A name that is not known is taken for the nearest one, so that its bounds are not mistaken as well.
  const std::string meant = core::nearest_name(*metric, load_metrics());
  threshold.metric = table.one_of("metric", load_metrics()).value_or(meant.empty() ? "error_ratio" : meant);
  threshold.phase =
      table.one_of("when", {"before-fault", "during-fault", "after-fault", "whole"}).value_or("whole");
  threshold.bounds = read_bounds(table, quantity_of(threshold.metric));
  table.finish();
  return threshold;
}

AbortCondition read_abort(TomlTable& table) {
  AbortCondition abort;
  abort.query = required_text(table, "query");
  abort.hold = read_duration(table, "for", Least::zero).value_or(abort.hold);
  table.finish();
  return abort;
}

}  // namespace obsctl::scenarios
