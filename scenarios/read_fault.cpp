// [[fault]], [chaos] and [safety] of a scenario.
#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "scenarios/faults/fault_kind.hpp"
#include "scenarios/scenario_parts.hpp"

namespace obsctl::scenarios {

using core::TomlTable;

namespace {

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

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// The first three of them, and that there are more.
std::string in_words(const std::vector<std::string>& names) {
  constexpr std::size_t kNamed = 3;
  if (names.size() == 1) return names.front();
  if (names.size() > kNamed)
    return fmt::format("{} and others", fmt::join(names.begin(), names.begin() + kNamed, ", "));
  return fmt::format("{} and {}", fmt::join(names.begin(), names.end() - 1, ", "), names.back());
}

/// A key that another kind has is better said to be so than called unknown.
void check_keys_of_kind(TomlTable& table, const FaultKind& kind) {
  for (const std::string& key : table.keys()) {
    if (contains(kind.keys, key)) continue;
    std::vector<std::string> owners;
    for (const FaultKind& other : fault_kinds()) {
      if (contains(other.keys, key)) owners.push_back(other.name);
    }
    if (owners.empty()) continue;
    table.pass_over(key);
    table.report_at(key, fmt::format("{}.{} is not a key of kind \"{}\"", table.path(), key, kind.name),
                    fmt::format("it belongs to {}", in_words(owners)));
  }
}

std::optional<After> read_after(TomlTable& fault) {
  auto table = fault.table("after");
  if (!table) return std::nullopt;
  using What = After::What;
  After after;
  const bool of_fault = table->has("fault");
  if (of_fault == table->has("alert")) {
    table->report(fmt::format("{} needs exactly one of fault and alert", table->path()),
                  "such as after = { fault = \"errors\" } or after = { alert = \"HighErrorRate\" }");
  } else if (of_fault) {
    after.name = required_text(*table, "fault");
    const std::string is = table->one_of("is", {"confirmed", "gone"}).value_or("confirmed");
    after.what = is == "gone" ? What::fault_gone : What::fault_confirmed;
  } else {
    after.name = required_text(*table, "alert");
    const std::string is = table->one_of("is", {"pending", "firing", "inactive"}).value_or("firing");
    after.what = is == "pending"    ? What::alert_pending
                 : is == "inactive" ? What::alert_inactive
                                    : What::alert_firing;
  }
  after.within = read_duration(*table, "within", Least::above_zero).value_or(after.within);
  table->finish();
  return after;
}

void read_target(TomlTable& table, FaultSpec& fault, const FaultKind* kind) {
  if (kind != nullptr && kind->place == FaultKind::Place::own_keys) {
    fault.target = read_name(table, "target", "");
  } else {
    fault.target = required_text(table, "target");
  }
}

}  // namespace

FaultSpec read_fault(TomlTable& table, std::size_t index) {
  FaultSpec fault;
  fault.name = read_name(table, "name", fmt::format("fault-{}", index + 1));
  if (!table.has("kind")) {
    table.report(fmt::format("{}.kind is missing", table.path()),
                 fmt::format("add kind = one of {}", fmt::join(fault_kind_names(), ", ")));
  }
  fault.kind = table.one_of("kind", fault_kind_names()).value_or("");
  const FaultKind* kind = find_fault_kind(fault.kind);
  read_target(table, fault, kind);
  fault.start = read_duration(table, "start", Least::zero).value_or(fault.start);
  fault.after = read_after(table);
  read_stop(table, fault);
  fault.max_duration = read_duration(table, "max_duration", Least::above_zero).value_or(fault.max_duration);
  fault.confirm = read_confirmation(table);
  if (kind != nullptr) {
    fault.at_target = kind->place != FaultKind::Place::own_keys;
    kind->read(table, fault);
    complete_description(fault);
    check_keys_of_kind(table, *kind);
  } else {
    for (const FaultKind& any : fault_kinds()) {
      for (const std::string& key : any.keys) table.pass_over(key);
    }
  }
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

Chaos read_chaos(TomlTable& table) {
  Chaos chaos;
  if (table.has("seed")) {
    const auto seed = read_integer(table, "seed", 0, std::numeric_limits<std::int64_t>::max());
    if (seed) chaos.seed = static_cast<std::uint64_t>(*seed);
  }
  if (!table.has("budget"))
    table.report(fmt::format("{}.budget is missing", table.path()), "add budget = \"5m\"");
  chaos.budget = read_duration(table, "budget", Least::above_zero).value_or(chaos.budget);
  chaos.longest = read_duration(table, "longest", Least::above_zero).value_or(chaos.longest);
  chaos.gap = read_duration(table, "gap", Least::zero).value_or(chaos.gap);
  chaos.targets = table.strings("targets");
  if (chaos.targets.empty())
    table.report(fmt::format("{}.targets is missing", table.path()), "add targets = [\"api\"]");
  std::vector<std::string> drawn;
  for (const FaultKind& kind : fault_kinds()) {
    if (kind.draw != nullptr) drawn.push_back(kind.name);
  }
  chaos.kinds = table.strings("kinds");
  for (std::size_t i = 0; i < chaos.kinds.size(); ++i) {
    if (contains(drawn, chaos.kinds[i])) continue;
    table.report_in("kinds", i, fmt::format("{}.kinds: \"{}\" cannot be drawn", table.path(), chaos.kinds[i]),
                    fmt::format("use {}", fmt::join(drawn, ", ")));
  }
  if (chaos.kinds.empty())
    table.report(fmt::format("{}.kinds is missing", table.path()),
                 "add kinds = [\"error-rate\", \"latency\"]");
  if (chaos.budget.count() > 0 && chaos.longest > chaos.budget)
    table.report_at("longest", fmt::format("{}.longest is above budget", table.path()));
  table.finish();
  return chaos;
}

Safety read_safety(TomlTable& table) {
  Safety safety;
  safety.allow_targets = table.strings("allow_targets");
  for (std::size_t i = 0; i < safety.allow_targets.size(); ++i) {
    const std::string& host = safety.allow_targets[i];
    if (!host.empty() && host.find('/') == std::string::npos) continue;
    table.report_in("allow_targets", i,
                    fmt::format("{}.allow_targets: \"{}\" is not a host", table.path(), host),
                    "write the host alone, such as \"staging.example.com\"");
  }
  safety.max_duration = read_duration(table, "max_duration", Least::above_zero).value_or(safety.max_duration);
  table.finish();
  return safety;
}

}  // namespace obsctl::scenarios
