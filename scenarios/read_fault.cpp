// [[fault]] of a scenario.
#include <fmt/format.h>

#include "scenarios/scenario_parts.hpp"

namespace obsctl::scenarios {

using core::TomlTable;

namespace {

const std::vector<std::string> kFaultKinds{"error-rate", "latency", "readiness", "kill", "pause"};

void read_probe(TomlTable& table, Confirmation& confirm) {
  confirm.path = table.required_string("path");
  if (table.has("path") && confirm.path.rfind('/', 0) != 0) {
    table.report_at("path", fmt::format("{}.path must begin with /", table.path()));
  }
  const auto status = table.integer("status");
  if (!table.has("status")) {
    table.report(fmt::format("{}.status is missing", table.path()),
                 "add status = 503, or status = 0 for no answer at all");
  } else if (status && (*status == 0 || (*status >= 100 && *status <= 599))) {
    confirm.status = static_cast<int>(*status);
  } else if (status) {
    table.report_at("status", fmt::format("{}.status must be 0 or from 100 to 599", table.path()));
  }
  table.finish();
}

std::optional<Confirmation> read_confirmation(TomlTable& fault) {
  auto table = fault.table("confirm");
  if (!table) return std::nullopt;
  Confirmation confirm;
  confirm.within = read_duration(*table, "within", Least::above_zero).value_or(confirm.within);
  int ways = table->has("http") ? 1 : 0;
  for (const std::string& metric : load_metrics()) {
    if (metric == "achieved_rate") continue;  // open-loop load keeps its rate whatever the target does
    if (table->has(metric)) ++ways;
    auto inner = table->table(metric);
    if (!inner) continue;
    confirm.metric = metric;
    confirm.bounds = read_bounds(*inner, quantity_of(metric));
    inner->finish();
  }
  if (auto http = table->table("http")) read_probe(*http, confirm);
  if (ways != 1) {
    table->report(fmt::format(
        "{} needs exactly one of error_ratio, response_p95 (or another quantile) and http", table->path()));
  }
  table->finish();
  return confirm;
}

void read_stop(TomlTable& table, FaultSpec& fault) {
  const auto text = table.string("stop");
  if (!text || *text == "notified") return;
  if (*text == "firing") {
    fault.stop = StopWhen::firing;
    return;
  }
  const auto after = core::parse_duration(*text);
  if (!after) {
    table.report_at("stop", fmt::format("{}.stop cannot be \"{}\"", table.path(), *text),
                    "use \"notified\", \"firing\" or a duration such as \"90s\"");
  } else if (is_possible(table, "stop", *after, Least::above_zero)) {
    fault.stop = StopWhen::after;
    fault.stop_after = *after;
  }
}

void read_requests_concerned(TomlTable& table, FaultSpec& fault) {
  fault.rate = table.number("rate").value_or(fault.rate);
  if (!(fault.rate > 0 && fault.rate <= 1)) {
    table.report_at("rate", fmt::format("{}.rate must be above 0 and at most 1", table.path()),
                    "30 % is 0.3");
  }
  fault.routes = table.strings("routes");
  for (const std::string& route : fault.routes) {
    if (!route.empty() && (route.front() == '/' || route.front() == '*')) continue;
    table.report_at("routes", fmt::format("{}.routes: \"{}\" must begin with / or *", table.path(), route));
  }
}

void read_delay(TomlTable& table, FaultSpec& fault) {
  const auto delay = read_duration(table, "delay", Least::above_zero);
  if (!table.has("delay") && fault.kind == "latency") {
    table.report(fmt::format("{}.delay is missing", table.path()), "add delay = \"400ms\"");
  }
  fault.delay = delay.value_or(fault.delay);
  fault.jitter = read_duration(table, "jitter", Least::zero).value_or(fault.jitter);
  if (!delay || fault.jitter < fault.delay) return;
  if (fault.jitter > fault.delay) {
    table.report_at("jitter",
                    fmt::format("{}.jitter must not be above delay ({})", table.path(),
                                core::format_duration(fault.delay)),
                    "requests are held up for delay ± jitter");
  } else if (!fault.confirm) {
    table.report_at(
        "jitter", fmt::format("{}.jitter is as long as delay, so no delay is sure to be seen", table.path()),
        "use a shorter jitter, or say how to confirm the fault: confirm = { response_p95 = { at_least = "
        "\"…\" } }");
  }
}

/// A key that another kind has is better said to be so than called unknown.
void check_keys_of_kind(TomlTable& table, const FaultSpec& fault) {
  const bool errors = fault.kind == "error-rate";
  const bool latency = fault.kind == "latency";
  const auto check = [&](std::string_view key, bool belongs, std::string_view kinds) {
    if (belongs || fault.kind.empty() || !table.has(key)) return;
    table.report_at(key, fmt::format("{}.{} is not a key of kind \"{}\"", table.path(), key, fault.kind),
                    fmt::format("it belongs to {}", kinds));
  };
  check("rate", errors || latency, "error-rate and latency");
  check("routes", errors || latency, "error-rate and latency");
  check("status", errors, "error-rate");
  check("delay", latency, "latency");
  check("jitter", latency, "latency");
}

}  // namespace

FaultSpec read_fault(TomlTable& table, std::size_t index) {
  FaultSpec fault;
  fault.name = read_name(table, "name", fmt::format("fault-{}", index + 1));
  fault.target = required_text(table, "target");
  if (!table.has("kind")) {
    table.report(fmt::format("{}.kind is missing", table.path()),
                 fmt::format("add kind = one of {}", fmt::join(kFaultKinds, ", ")));
  }
  fault.kind = table.one_of("kind", kFaultKinds).value_or("");
  fault.start = read_duration(table, "start", Least::zero).value_or(fault.start);
  read_stop(table, fault);
  fault.max_duration = read_duration(table, "max_duration", Least::above_zero).value_or(fault.max_duration);
  fault.confirm = read_confirmation(table);
  read_requests_concerned(table, fault);
  fault.status = static_cast<int>(read_integer(table, "status", 400, 599).value_or(fault.status));
  read_delay(table, fault);
  check_keys_of_kind(table, fault);
  if (fault.stop == StopWhen::after && fault.stop_after > fault.max_duration) {
    table.report_at(
        "stop",
        fmt::format("{}.stop is later than max_duration ({})", table.path(),
                    core::format_duration(fault.max_duration)),
        fmt::format("add max_duration = \"{}\" or longer", core::format_duration(fault.stop_after)));
  }
  table.finish();
  return fault;
}

}  // namespace obsctl::scenarios
