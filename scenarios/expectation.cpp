// The judgement: pure functions of the journal. Every rule of alert-timing ("Judging") is here and nowhere
// else.
#include "scenarios/expectation.hpp"

#include <algorithm>
#include <array>
#include <regex>

#include <fmt/format.h>

namespace obsctl::scenarios {

namespace {

using core::WallTime;

bool carries(const Json& fields, const Labels& wanted) {
  const auto labels = fields.find("labels");
  for (const auto& [name, value] : wanted) {
    if (labels == fields.end() || labels->value(name, "") != value) return false;
  }
  return true;
}

/// When the fault took effect, or was left out on purpose: the origin of every detection budget.
std::optional<WallTime> injected_at(const std::vector<Event>& events, const std::string& fault) {
  for (const Event& event : events) {
    const bool origin = event.kind == "fault.injected" || event.kind == "fault.skipped";
    if (origin && event.text("fault") == fault) return event.at;
  }
  return std::nullopt;
}

std::optional<WallTime> cleared_at(const std::vector<Event>& events, const std::string& fault) {
  const Event* event =
      find_first(events, "fault.cleared", [&](const Event& e) { return e.text("fault") == fault; });
  return event == nullptr ? std::nullopt : std::optional(event->at);
}

/// An event that came, against its budget.
Finding measured_finding(const Expectation& expectation, Nanoseconds measured, std::string what) {
  Finding finding{Outcome::passed, measured, std::move(what)};
  if (expectation.budget && measured > *expectation.budget) {
    finding.outcome = Outcome::late;
    finding.detail +=
        fmt::format(", {} after its budget of {}", core::format_rounded(measured - *expectation.budget),
                    core::format_rounded(*expectation.budget));
  }
  return finding;
}

/// Nothing came yet: waiting, missed or not reached.
Finding absent_finding(const Expectation& expectation, std::optional<WallTime> origin, WallTime now,
                       bool finished, const std::string& what) {
  if (!origin) {
    return {finished ? Outcome::not_reached : Outcome::waiting, {}, finished ? "the run ended before" : ""};
  }
  const Nanoseconds waited = now - *origin;
  const bool overdue =
      expectation.budget && waited > *expectation.budget + lateness_allowance(*expectation.budget);
  if (!overdue && !finished) return {Outcome::waiting, {}, ""};
  if (!overdue && expectation.budget && waited <= *expectation.budget) {
    return {Outcome::not_reached,
            {},
            fmt::format("the run ended {} after the fault {}", core::format_rounded(waited),
                        expectation.on_injection() ? "began" : "was removed")};
  }
  return {Outcome::missed, {}, fmt::format("{} within {}", what, core::format_rounded(waited))};
}

std::optional<WallTime> origin_of(const Expectation& expectation, const std::vector<Event>& events) {
  return expectation.on_injection() ? injected_at(events, expectation.fault)
                                    : cleared_at(events, expectation.fault);
}

Finding judge_alert(const Expectation& expectation, const std::vector<Event>& events, WallTime now,
                    bool finished) {
  const auto origin = origin_of(expectation, events);
  const std::string kind = "alert." + expectation.stage;
  const Event* mismatch = nullptr;
  for (const Event& event : events) {
    if (!origin || event.kind != kind || event.text("alert") != expectation.alert || event.at < *origin)
      continue;
    if (!carries(event.fields, expectation.labels)) {
      mismatch = &event;
      continue;
    }
    return measured_finding(expectation, event.at - *origin,
                            fmt::format("{} {}", expectation.alert, expectation.stage));
  }
  Finding finding = absent_finding(expectation, origin, now, finished,
                                   fmt::format("{} was not {}", expectation.alert, expectation.stage));
  if (finding.outcome == Outcome::missed && mismatch != nullptr) {
    finding.outcome = Outcome::mismatched;
    finding.detail = fmt::format("{} was {} with other labels: {}", expectation.alert, expectation.stage,
                                 mismatch->fields.value("labels", Json::object()).dump());
  }
  return finding;
}

bool speaks_of(const Event& event, const std::string& alert) {
  const auto alerts = event.fields.find("alerts");
  if (alerts == event.fields.end()) return false;
  return std::any_of(alerts->begin(), alerts->end(), [&](const Json& name) { return name == alert; });
}

/// $.a.b[0].c in a document; nothing when the path leads nowhere.
const Json* at_path(const Json& document, std::string_view path) {
  const Json* node = &document;
  path.remove_prefix(1);  // $
  while (!path.empty() && node != nullptr) {
    if (path.front() == '[') {
      const std::size_t end = path.find(']');
      const std::string index(path.substr(1, end - 1));
      const bool numeric = !index.empty() && index.find_first_not_of("0123456789") == std::string::npos;
      if (!numeric || !node->is_array() || end == std::string_view::npos) return nullptr;
      const std::size_t i = std::stoul(index.substr(0, 9));
      node = i < node->size() ? &(*node)[i] : nullptr;
      path.remove_prefix(end + 1);
    } else if (path.front() == '.') {
      path.remove_prefix(1);
      const std::string key(path.substr(0, path.find_first_of(".[")));
      path.remove_prefix(key.size());
      const auto found = node->is_object() ? node->find(key) : node->end();
      node = found == node->end() ? nullptr : &*found;
    } else {
      return nullptr;
    }
  }
  return node;
}

/// What is wrong with the payload; empty when every check holds.
std::string body_problem(const Event& event, const std::vector<BodyCheck>& checks) {
  if (checks.empty()) return {};
  const Json body = Json::parse(event.text("raw"), nullptr, false);
  for (const BodyCheck& check : checks) {
    const Json* node = body.is_discarded() ? nullptr : at_path(body, check.jsonpath);
    if (node == nullptr) return fmt::format("{} is not in the payload", check.jsonpath);
    const std::string value = node->is_string() ? node->get<std::string>() : node->dump();
    if (!std::regex_search(value, std::regex(check.matches))) {
      return fmt::format("{} is \"{}\", which does not match \"{}\"", check.jsonpath, value, check.matches);
    }
  }
  return {};
}

Finding judge_notification(const Expectation& expectation, const std::vector<Event>& events, WallTime now,
                           bool finished) {
  const auto origin = origin_of(expectation, events);
  const std::string kind = "notification." + expectation.stage;
  const Event* first = nullptr;
  std::int64_t count = 0;
  std::string elsewhere;
  for (const Event& event : events) {
    if (!origin || event.kind != kind || event.at < *origin || !speaks_of(event, expectation.alert)) continue;
    if (event.text("receiver") != expectation.receiver) {
      elsewhere = event.text("receiver");
      continue;
    }
    if (first == nullptr) first = &event;
    ++count;
  }
  if (first == nullptr) {
    Finding finding = absent_finding(expectation, origin, now, finished,
                                     fmt::format("no {} notification of {} reached {}", expectation.stage,
                                                 expectation.alert, expectation.receiver));
    if (finding.outcome == Outcome::missed && !elsewhere.empty()) {
      finding.outcome = Outcome::mismatched;
      finding.detail += fmt::format("; it reached {} instead", elsewhere);
    }
    return finding;
  }
  Finding finding =
      measured_finding(expectation, first->at - *origin,
                       fmt::format("{} notification at {}", expectation.stage, expectation.receiver));
  const std::string problem = body_problem(*first, expectation.body);
  if (!problem.empty()) {
    finding.outcome = Outcome::mismatched;
    finding.detail = problem;
  } else if (expectation.count && (count > *expectation.count || (finished && count < *expectation.count))) {
    finding.outcome = Outcome::mismatched;
    finding.detail = fmt::format("{} {} notifications reached {}, not {}", count, expectation.stage,
                                 expectation.receiver, *expectation.count);
  }
  return finding;
}

Finding judge_query(const Expectation& expectation, const std::vector<Event>& events, WallTime now,
                    bool finished) {
  const auto origin = origin_of(expectation, events);
  const Event* met = find_first(events, "query.met", [&](const Event& event) {
    return event.text("query") == expectation.alert && origin && event.at >= *origin;
  });
  if (met != nullptr) return measured_finding(expectation, met->at - *origin, met->text("evidence"));
  return absent_finding(expectation, origin, now, finished,
                        fmt::format("{} did not hold", expectation.alert));
}

Finding judge_suppressed(const Expectation& expectation, const std::vector<Event>& events, WallTime now,
                         bool finished) {
  const auto origin = origin_of(expectation, events);
  const Event* notified = find_first(events, "notification.firing", [&](const Event& event) {
    return origin && event.at >= *origin && speaks_of(event, expectation.alert);
  });
  if (notified != nullptr) {
    return {Outcome::unexpected, notified->at - *origin,
            fmt::format("{} reached {} although it had to be suppressed by {}", expectation.alert,
                        notified->text("receiver"), expectation.by)};
  }
  const Event* seen = find_first(events, "alert.suppressed", [&](const Event& event) {
    return origin && event.at >= *origin && event.text("alert") == expectation.alert &&
           event.text("by") == expectation.by;
  });
  if (seen != nullptr) {
    return measured_finding(expectation, seen->at - *origin,
                            fmt::format("{} suppressed by {}", expectation.alert, expectation.by));
  }
  return absent_finding(expectation, origin, now, finished,
                        fmt::format("{} was not seen suppressed by {}", expectation.alert, expectation.by));
}

Finding judge_steady_state(const Expectation& expectation, const std::vector<Event>& events, bool finished) {
  const auto mine = [&](const Event& event) {
    return event.text("steady_state") == expectation.alert && event.text("phase") == expectation.stage;
  };
  if (const Event* held = find_first(events, "steady_state.held", mine)) {
    return {Outcome::passed, {}, held->text("evidence")};
  }
  if (const Event* broken = find_first(events, "steady_state.broken", mine)) {
    const bool unsound = expectation.stage == "before" || broken->text("outcome") == "inconclusive";
    return {unsound ? Outcome::inconclusive : Outcome::missed, {}, broken->text("evidence")};
  }
  return {finished ? Outcome::not_reached : Outcome::waiting, {}, finished ? "the run ended before" : ""};
}

bool allowed(const Expectation& expectation, const Event& event) {
  const std::string date = core::format_utc(event.at).substr(0, 10);
  const Labels labels = event.fields.value("labels", Json::object()).get<Labels>();
  return std::any_of(expectation.allowed.begin(), expectation.allowed.end(), [&](const AllowedAlert& rule) {
    return rule.covers(event.text("alert"), labels, date);
  });
}

Finding judge_nothing_else(const Expectation& expectation, const std::vector<Event>& events, bool finished) {
  const Event* stranger =
      find_first(events, "alert.firing", [&](const Event& event) { return !allowed(expectation, event); });
  if (stranger != nullptr) {
    return {Outcome::unexpected,
            {},
            fmt::format("{} fired {}", stranger->text("alert"),
                        stranger->fields.value("labels", Json::object()).dump())};
  }
  if (!finished) return {Outcome::waiting, {}, ""};
  const bool watched = find_first(events, "watch.finished") != nullptr;
  return {watched ? Outcome::passed : Outcome::not_reached,
          {},
          watched ? "nothing else fired" : "the run ended before"};
}

Finding judge_threshold(const Expectation& expectation, const std::vector<Event>& events, bool finished) {
  const Event* done = find_first(events, "load.finished",
                                 [&](const Event& event) { return event.text("load") == expectation.alert; });
  if (done == nullptr) {
    return {
        finished ? Outcome::not_reached : Outcome::waiting, {}, finished ? "the load did not finish" : ""};
  }
  const Json phases = done->fields.value("phases", Json::object());
  const auto phase = phases.find(expectation.phase);
  if (phase == phases.end() || !phase->contains(expectation.metric)) {
    return {Outcome::not_reached,
            {},
            fmt::format("the load has no {} in {}", expectation.metric, expectation.phase)};
  }
  const double value = (*phase)[expectation.metric].get<double>();
  const std::string evidence =
      fmt::format("{} of {} {} was {:.4g}, wanted {}", expectation.metric, expectation.alert,
                  expectation.phase, value, expectation.bounds.text());
  return {expectation.bounds.hold_for(value) ? Outcome::passed : Outcome::missed, {}, evidence};
}

}  // namespace

std::string_view to_string(Outcome outcome) {
  constexpr std::array<std::string_view, 8> names{"waiting",    "passed",     "missed",       "late",
                                                  "unexpected", "mismatched", "inconclusive", "not_reached"};
  return names[static_cast<std::size_t>(outcome)];
}

std::string_view to_string(Verdict verdict) {
  constexpr std::array<std::string_view, 6> names{"passed",  "failed", "inconclusive",
                                                  "aborted", "error",  "interrupted"};
  return names[static_cast<std::size_t>(verdict)];
}

Nanoseconds lateness_allowance(Nanoseconds budget) {
  return std::max<Nanoseconds>(std::chrono::seconds(2), budget / 4);
}

Finding judge(const Expectation& expectation, const std::vector<Event>& events, WallTime now, bool finished) {
  switch (expectation.kind) {
    case Expectation::Kind::alert:
      return judge_alert(expectation, events, now, finished);
    case Expectation::Kind::notification:
      return judge_notification(expectation, events, now, finished);
    case Expectation::Kind::query:
      return judge_query(expectation, events, now, finished);
    case Expectation::Kind::suppressed:
      return judge_suppressed(expectation, events, now, finished);
    case Expectation::Kind::steady_state:
      return judge_steady_state(expectation, events, finished);
    case Expectation::Kind::nothing_else:
      return judge_nothing_else(expectation, events, finished);
    case Expectation::Kind::threshold:
      return judge_threshold(expectation, events, finished);
  }
  return {};
}

Judgement judge_run(const std::vector<Expectation>& expectations, const std::vector<Event>& events) {
  Judgement judgement;
  const WallTime now = events.empty() ? WallTime{} : events.back().at;
  bool failed = false;
  bool inconclusive = false;
  bool unsettled = false;
  for (const Expectation& expectation : expectations) {
    judgement.findings.push_back(judge(expectation, events, now, true));
    const Finding& finding = judgement.findings.back();
    if (finding.outcome == Outcome::passed) continue;
    if (finding.outcome == Outcome::not_reached) {
      unsettled = true;
      continue;
    }
    (finding.outcome == Outcome::inconclusive ? inconclusive : failed) = true;
    judgement.reasons.push_back(
        fmt::format("{} {}: {}", expectation.id, to_string(finding.outcome), finding.detail));
  }
  // What made the run itself unsound outranks what it seemed to show.
  constexpr std::array<std::pair<std::string_view, Verdict>, 4> kinds{
      {{"run.interrupted", Verdict::interrupted},
       {"run.error", Verdict::error},
       {"run.aborted", Verdict::aborted},
       {"run.inconclusive", Verdict::inconclusive}}};
  std::optional<Verdict> unsound;
  std::vector<std::string> causes;
  for (const auto& [kind, verdict] : kinds) {
    for (const Event& event : events) {
      if (event.kind != kind) continue;
      if (!unsound) unsound = verdict;
      causes.push_back(event.text("reason"));
    }
  }
  judgement.reasons.insert(judgement.reasons.begin(), causes.begin(), causes.end());
  if (unsound) {
    judgement.verdict = *unsound;
  } else if (inconclusive) {
    judgement.verdict = Verdict::inconclusive;
  } else if (failed) {
    judgement.verdict = Verdict::failed;
  } else if (unsettled || expectations.empty()) {
    judgement.verdict = Verdict::inconclusive;
    judgement.reasons.emplace_back("not every expectation was reached");
  }
  return judgement;
}

}  // namespace obsctl::scenarios
