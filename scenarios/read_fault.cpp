// [[fault]] of a scenario.
#include <fmt/format.h>

#include "scenarios/scenario_parts.hpp"

namespace obsctl::scenarios {

using core::TomlTable;

namespace {

const std::vector<std::string> kFaultKinds{"error-rate", "latency", "readiness", "kill", "pause"};

std::optional<Confirmation> read_confirmation(TomlTable& fault) {
  auto table = fault.table("confirm");
  if (!table) return std::nullopt;
  Confirmation confirm;
  confirm.within = table->duration("within").value_or(confirm.within);
  std::vector<std::string> metrics{"error_ratio"};
  metrics.insert(metrics.end(), latency_metrics().begin(), latency_metrics().end());
  int ways = 0;
  for (const std::string& metric : metrics) {
    auto inner = table->table(metric);
    if (!inner) continue;
    ++ways;
    confirm.metric = metric;
    confirm.bounds = read_bounds(*inner, is_latency(metric));
    inner->finish();
    if (confirm.bounds.empty()) inner->report(fmt::format("{} sets no bound", inner->path()));
  }
  if (auto http = table->table("http")) {
    ++ways;
    confirm.path = http->required_string("path");
    confirm.status = static_cast<int>(http->integer("status").value_or(0));
    http->finish();
  }
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
  if (after) {
    fault.stop = StopWhen::after;
    fault.stop_after = *after;
  } else {
    table.report_at("stop", fmt::format("{}.stop cannot be \"{}\"", table.path(), *text),
                    "use \"notified\", \"firing\" or a duration such as \"90s\"");
  }
}

}  // namespace

FaultSpec read_fault(TomlTable& table, std::size_t index) {
  FaultSpec fault;
  fault.name = table.string("name").value_or(fmt::format("fault-{}", index + 1));
  fault.target = table.required_string("target");
  if (!table.has("kind")) {
    table.report(fmt::format("{}.kind is missing", table.path()),
                 fmt::format("add kind = one of {}", fmt::join(kFaultKinds, ", ")));
  }
  fault.kind = table.one_of("kind", kFaultKinds).value_or("");
  fault.start = table.duration("start").value_or(Nanoseconds::zero());
  read_stop(table, fault);
  fault.max_duration = table.duration("max_duration").value_or(fault.max_duration);
  fault.confirm = read_confirmation(table);
  const bool toggles_requests = fault.kind == "error-rate" || fault.kind == "latency" || fault.kind.empty();
  if (toggles_requests) {
    fault.rate = table.number("rate").value_or(fault.rate);
    fault.routes = table.strings("routes");
    if (fault.rate <= 0 || fault.rate > 1) {
      table.report_at("rate", fmt::format("{}.rate must be above 0 and at most 1", table.path()));
    }
  }
  if (fault.kind == "error-rate" || fault.kind.empty()) {
    fault.status = static_cast<int>(table.integer("status").value_or(fault.status));
    if (fault.status < 400 || fault.status > 599) {
      table.report_at("status", fmt::format("{}.status must be from 400 to 599", table.path()));
    }
  }
  if (fault.kind == "latency" || fault.kind.empty()) {
    if (!table.has("delay") && fault.kind == "latency") {
      table.report(fmt::format("{}.delay is missing", table.path()), "add delay = \"400ms\"");
    }
    fault.delay = table.duration("delay").value_or(Nanoseconds::zero());
    fault.jitter = table.duration("jitter").value_or(Nanoseconds::zero());
  }
  if (fault.stop == StopWhen::after && fault.stop_after > fault.max_duration) {
    table.report_at("stop", fmt::format("{}.stop is later than max_duration ({})", table.path(),
                                        core::format_duration(fault.max_duration)));
  }
  table.finish();
  return fault;
}

}  // namespace obsctl::scenarios
