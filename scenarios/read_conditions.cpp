// The parts of a scenario that hold a number against bounds: [[steady_state]], [[threshold]], [[abort]].
#include <algorithm>

#include <fmt/format.h>

#include "scenarios/scenario_parts.hpp"

namespace obsctl::scenarios {

using core::TomlTable;

namespace {

const std::vector<std::string> kPhases{"before-fault", "during-fault", "after-fault", "whole"};

OnNoData read_on_no_data(TomlTable& table) {
  const auto text = table.one_of("on_no_data", {"inconclusive", "fail", "pass"});
  if (text == "fail") return OnNoData::fail;
  if (text == "pass") return OnNoData::pass;
  return OnNoData::inconclusive;
}

}  // namespace

const std::vector<std::string>& latency_metrics() {
  static const std::vector<std::string> names{"response_p50", "response_p90", "response_p95", "response_p99",
                                              "service_p50",  "service_p95",  "service_p99"};
  return names;
}

bool is_latency(const std::string& metric) {
  return std::find(latency_metrics().begin(), latency_metrics().end(), metric) != latency_metrics().end();
}

Bounds read_bounds(TomlTable& table, bool durations) {
  Bounds bounds;
  const auto read = [&](std::string_view key, std::optional<double>& into) {
    if (!durations) {
      into = table.number(key);
    } else if (const auto value = table.duration(key)) {
      into = core::to_seconds(*value);
    }
  };
  read("below", bounds.below);
  read("at_most", bounds.at_most);
  read("above", bounds.above);
  read("at_least", bounds.at_least);
  read("equals", bounds.equals);
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
  Bounds bounds = read_bounds(*inner, false);
  inner->finish();
  if (bounds.empty()) {
    inner->report(fmt::format("{} sets no bound", inner->path()),
                  "use below, at_most, above, at_least or equals");
  }
  return bounds;
}

SteadyState read_steady_state(TomlTable& table, std::size_t index) {
  SteadyState state;
  state.query = table.required_string("query");
  state.name = table.string("name").value_or(fmt::format("steady_state.{}", index + 1));
  state.tolerance = required_bounds(table, "tolerance");
  state.on_no_data = read_on_no_data(table);
  state.within = table.duration("within").value_or(state.within);
  table.finish();
  return state;
}

Threshold read_threshold(TomlTable& table) {
  Threshold threshold;
  threshold.load = table.required_string("load");
  std::vector<std::string> metrics{"error_ratio", "achieved_rate"};
  metrics.insert(metrics.end(), latency_metrics().begin(), latency_metrics().end());
  threshold.metric = table.one_of("metric", metrics).value_or("error_ratio");
  if (!table.has("metric")) table.report(fmt::format("{}.metric is missing", table.path()));
  threshold.phase = table.one_of("when", kPhases).value_or("whole");
  threshold.bounds = read_bounds(table, is_latency(threshold.metric));
  if (threshold.bounds.empty()) {
    table.report(fmt::format("{} sets no bound", table.path()),
                 "use below, at_most, above, at_least or equals");
  }
  table.finish();
  return threshold;
}

AbortCondition read_abort(TomlTable& table) {
  AbortCondition abort{table.required_string("query"), table.duration("for").value_or(Nanoseconds::zero())};
  table.finish();
  return abort;
}

}  // namespace obsctl::scenarios
