#include "scenarios/coverage.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "core/sha256.hpp"
#include "stacks/promql_durations.hpp"
#include "stacks/text_edit.hpp"

namespace obsctl::scenarios {

namespace {

using core::Nanoseconds;
using verifiers::Labels;
using verifiers::Rule;

/// Durations to the millisecond, which is how Prometheus keeps them.
std::string checksum(const std::string& name, const std::string& query, Nanoseconds hold, Nanoseconds keep,
                     const Labels& labels) {
  const auto millis = [](Nanoseconds duration) {
    return std::chrono::round<std::chrono::milliseconds>(duration).count();
  };
  const Json identity{{"alert", name},
                      {"expr", query},
                      {"for_ms", millis(hold)},
                      {"keep_firing_for_ms", millis(keep)},
                      {"labels", labels}};
  return core::sha256(identity.dump(-1, ' ', false, Json::error_handler_t::replace));
}

/// Of the rule in a stack whose durations are `factor` times these; empty when that cannot be told.
std::string scaled_checksum(const Rule& rule, double factor) {
  if (factor == 1.0) return rule_checksum(rule);
  const auto scaling = stacks::scale_promql(rule.query, factor);
  if (!scaling) return {};
  return checksum(rule.name, stacks::with_edits(rule.query, scaling->edits), core::scale(rule.hold, factor),
                  core::scale(rule.keep_firing_for, factor), rule.labels);
}

std::string journalled_checksum(const Json& rule) {
  return checksum(rule.value("alert", ""), rule.value("query", ""),
                  core::from_seconds(rule.value("for_s", 0.0)),
                  core::from_seconds(rule.value("keep_firing_for_s", 0.0)), rule.value("labels", Labels()));
}

const Json& list_of(const Json& document, const char* key) {
  static const Json none = Json::array();
  const auto found = document.find(key);
  return found == document.end() || !found->is_array() ? none : *found;
}

const Json* rule_in(const Json& journal, const std::string& alert) {
  for (const Json& rule : list_of(journal, "rules")) {
    if (rule.value("alert", "") == alert) return &rule;
  }
  return nullptr;
}

/// Whether the run showed that the alert's notification reaches one of these names and that all that was
/// expected of the alert, there and in Prometheus, came about.
bool proves(const Json& journal, const std::string& alert, const std::set<std::string>& receivers) {
  bool notified = false;
  for (const Json& expectation : list_of(journal, "expectations")) {
    if (expectation.value("alert", "") != alert) continue;
    const std::string kind = expectation.value("kind", "");
    const bool of_receiver =
        kind == "notification" && receivers.count(expectation.value("receiver", "")) == 1;
    if (kind != "alert" && !of_receiver) continue;
    if (expectation.value("verdict", "") != "passed") return false;
    notified = notified || (of_receiver && expectation.value("stage", "") == "firing" &&
                            expectation.contains("measured_s"));
  }
  return notified;
}

/// What scenarios can call a receiver: by its name, or by the last part of a URL that it posts to.
std::set<std::string> names_of(const verifiers::ReceiverConfig& receiver) {
  std::set<std::string> names{receiver.name};
  for (const verifiers::Integration& integration : receiver.integrations) {
    const std::size_t slash = integration.url.rfind('/');
    if (slash != std::string::npos && slash + 1 < integration.url.size())
      names.insert(integration.url.substr(slash + 1));
  }
  return names;
}

class Coverer {
 public:
  Coverer(const Situation& situation, double time_scale, std::vector<const Json*> journals)
      : situation_(situation), time_scale_(time_scale), journals_(std::move(journals)) {}

  Coverage cover() const {
    Coverage coverage;
    for (const verifiers::RuleGroup& group : situation_.groups) {
      for (const Rule& rule : group.rules) {
        if (!rule.alerting) continue;
        for (CoverageRow& row : rows_of(group, rule)) coverage.rows.push_back(std::move(row));
      }
    }
    return coverage;
  }

 private:
  std::vector<CoverageRow> rows_of(const verifiers::RuleGroup& group, const Rule& rule) const {
    const CoverageRow row{group.name,  rule.name, "", rule_checksum(rule), CoverageRow::State::never,
                          std::nullopt};
    std::vector<CoverageRow> rows;
    if (!situation_.alertmanager) return {row};
    for (const std::string& name : situation_.receivers_of(rule)) {
      rows.push_back(row);
      rows.back().receiver = name;
      const verifiers::ReceiverConfig* receiver = situation_.alertmanager->receiver(name);
      prove(rows.back(), rule, receiver == nullptr ? std::set{name} : names_of(*receiver));
    }
    return rows;
  }

  /// From the newest journal to the oldest.
  void prove(CoverageRow& row, const Rule& rule, const std::set<std::string>& receivers) const {
    for (const Json* journal : journals_) {
      try {
        if (prove_by(row, rule, receivers, *journal)) return;
      } catch (const Json::exception&) {
        continue;  // a field is not what it is in journals: it proves nothing
      }
    }
  }

  /// Whether no older journal can say more.
  bool prove_by(CoverageRow& row, const Rule& rule, const std::set<std::string>& receivers,
                const Json& journal) const {
    const Json* then = rule_in(journal, rule.name);
    if (then == nullptr || !proves(journal, rule.name, receivers)) return false;
    const Json& run = journal.at("run");
    const double scale = run.value("time_scale", 1.0);
    const std::string checksum_then = journalled_checksum(*then);
    const bool same = checksum_then == scaled_checksum(rule, scale / time_scale_);
    if (!same && row.proof) return false;
    row.state = same ? CoverageRow::State::proven : CoverageRow::State::stale;
    row.proof = Proof{run.value("id", ""), run.value("finished_at", ""), run.value("scenario", ""), scale,
                      checksum_then};
    return same;
  }

  const Situation& situation_;
  const double time_scale_;
  const std::vector<const Json*> journals_;  ///< newest first
};

}  // namespace

std::string_view to_string(CoverageRow::State state) {
  constexpr std::array<std::string_view, 3> names{"proven", "stale", "never"};
  return names[static_cast<std::size_t>(state)];
}

std::size_t Coverage::count(CoverageRow::State state) const {
  return static_cast<std::size_t>(
      std::count_if(rows.begin(), rows.end(), [&](const CoverageRow& row) { return row.state == state; }));
}

double Coverage::ratio() const {
  if (rows.empty()) return 1;
  return static_cast<double>(count(CoverageRow::State::proven)) / static_cast<double>(rows.size());
}

std::string rule_checksum(const Rule& rule) {
  return checksum(rule.name, rule.query, rule.hold, rule.keep_firing_for, rule.labels);
}

Coverage cover(const Situation& situation, double time_scale, const std::vector<Json>& journals) {
  const auto text = [](const Json& of, const char* key) {
    const auto found = of.find(key);
    return found != of.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  std::vector<const Json*> newest_first;
  for (const Json& journal : journals) {
    const std::string verdict = text(journal, "verdict");
    if ((verdict == "passed" || verdict == "failed") && journal.contains("run"))
      newest_first.push_back(&journal);
  }
  std::stable_sort(newest_first.begin(), newest_first.end(), [&](const Json* a, const Json* b) {
    return text(a->at("run"), "finished_at") > text(b->at("run"), "finished_at");
  });
  return Coverer(situation, time_scale, std::move(newest_first)).cover();
}

}  // namespace obsctl::scenarios
