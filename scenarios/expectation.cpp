// The judgement: pure functions of the journal. Every rule of alert-timing ("Judging") is here, those of
// notifications in judge_notification.cpp, and nowhere else.
#include "scenarios/expectation.hpp"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

#include "scenarios/judging.hpp"

namespace obsctl::scenarios {

using core::WallTime;

std::optional<WallTime> injected_at(const std::vector<Event>& events, const std::string& fault) {
  for (const Event& event : events) {
    const bool origin = event.kind == "fault.injected" || event.kind == "fault.skipped";
    if (origin && event.text("fault") == fault) return event.at;
  }
  return std::nullopt;
}

bool speaks_of(const Event& event, const std::string& alert) {
  const auto alerts = event.fields.find("alerts");
  if (alerts == event.fields.end()) return false;
  return std::any_of(alerts->begin(), alerts->end(), [&](const Json& name) { return name == alert; });
}

namespace {

bool carries(const Json& fields, const Labels& wanted) {
  const auto labels = fields.find("labels");
  for (const auto& [name, value] : wanted) {
    if (labels == fields.end() || labels->value(name, "") != value) return false;
  }
  return true;
}

std::optional<WallTime> cleared_at(const std::vector<Event>& events, const std::string& fault) {
  const Event* event =
      find_first(events, "fault.cleared", [&](const Event& e) { return e.text("fault") == fault; });
  return event == nullptr ? std::nullopt : std::optional(event->at);
}

/// When its removal began.
std::optional<WallTime> removing_at(const std::vector<Event>& events, const std::string& fault) {
  const Event* event =
      find_first(events, "fault.clearing", [&](const Event& e) { return e.text("fault") == fault; });
  return event == nullptr ? std::nullopt : std::optional(event->at);
}

}  // namespace

Finding measured_finding(const Expectation& expectation, Nanoseconds measured, std::string what) {
  Finding finding{Outcome::passed, measured, std::move(what)};
  if (expectation.budget && measured > *expectation.budget) {
    const bool waited_for = measured <= *expectation.budget + lateness_allowance(*expectation.budget);
    finding.outcome = waited_for ? Outcome::late : Outcome::missed;
    finding.detail +=
        fmt::format(", {} after its budget of {}", core::format_rounded(measured - *expectation.budget),
                    core::format_rounded(*expectation.budget));
  }
  return finding;
}

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

namespace {

bool is_about(const Event& event, const Expectation& expectation) {
  return event.kind.rfind("alert.", 0) == 0 && event.text("alert") == expectation.alert;
}

/// Nothing came with the labels that were asked for; something with others explains it.
Finding absent_alert(const Expectation& expectation, const std::vector<Event>& events,
                     std::optional<WallTime> origin, WallTime now, bool finished, const std::string& what) {
  Finding finding = absent_finding(expectation, origin, now, finished, what);
  if (finding.outcome != Outcome::missed) return finding;
  const Event* other = find_first(events, "alert." + expectation.stage, [&](const Event& event) {
    return is_about(event, expectation) && event.at >= *origin && !carries(event.fields, expectation.labels);
  });
  if (other == nullptr) {
    const std::string evidence =
        expectation.on_injection() ? rule_evidence(expectation.alert, events, *origin) : std::string();
    if (!evidence.empty()) finding.detail += "; " + evidence;
    return finding;
  }
  finding.outcome = Outcome::mismatched;
  finding.detail = fmt::format("{} was {} with other labels: {}", expectation.alert, expectation.stage,
                               other->fields.value("labels", Json::object()).dump());
  return finding;
}

/// Pending or firing: when the first instance of the alert was.
Finding judge_begin(const Expectation& expectation, const std::vector<Event>& events, WallTime now,
                    bool finished) {
  const auto origin = injected_at(events, expectation.fault);
  std::optional<WallTime> first;
  for (const Event& event : events) {
    if (!origin || !is_about(event, expectation) || event.kind != "alert." + expectation.stage) continue;
    if (event.at < *origin || !carries(event.fields, expectation.labels)) continue;
    first = std::min(first.value_or(event.at), event.at);
  }
  if (first) {
    return measured_finding(expectation, *first - *origin,
                            fmt::format("{} {}", expectation.alert, expectation.stage));
  }
  return absent_alert(expectation, events, origin, now, finished,
                      fmt::format("{} was not {}", expectation.alert, expectation.stage));
}

/// An instance of an alert that has fired, as far as is known.
struct Instance {
  bool active = true;
  WallTime since;  ///< that it is or is not
};

std::map<std::string, Instance> fired_instances(const Expectation& expectation,
                                                const std::vector<Event>& events, WallTime from) {
  std::map<std::string, Instance> instances;
  for (const Event& event : events) {
    if (!is_about(event, expectation) || event.at < from || !carries(event.fields, expectation.labels))
      continue;
    const std::string labels = event.fields.value("labels", Json::object()).dump();
    const bool known = instances.count(labels) == 1;
    if (event.kind == "alert.firing" || (known && event.kind == "alert.pending")) {
      instances[labels] = {true, event.at};
    } else if (known && event.kind == "alert.inactive") {
      instances[labels] = {false, event.at};
    }
  }
  return instances;
}

/// Inactive: when the last of the instances that the fault has made fire was.
Finding judge_end(const Expectation& expectation, const std::vector<Event>& events, WallTime now,
                  bool finished) {
  const auto began = injected_at(events, expectation.fault);
  const auto origin = cleared_at(events, expectation.fault);
  std::map<std::string, Instance> instances;
  if (began && origin) instances = fired_instances(expectation, events, *began);
  const auto active =
      std::count_if(instances.begin(), instances.end(), [](const auto& i) { return i.second.active; });
  if (instances.empty() || active > 0) {
    const std::string what = instances.size() < 2 ? fmt::format("{} was not inactive", expectation.alert)
                                                  : fmt::format("{} of {} instances of {} were not inactive",
                                                                active, instances.size(), expectation.alert);
    return absent_alert(expectation, events, origin, now, finished, what);
  }
  WallTime last = WallTime::min();
  for (const auto& [labels, instance] : instances) last = std::max(last, instance.since);
  // While a fault is being removed either state is right.
  const WallTime removing = removing_at(events, expectation.fault).value_or(*origin);
  if (last < removing) {
    return {Outcome::unexpected, last - *origin,
            fmt::format("{} was inactive {} before the fault was removed", expectation.alert,
                        core::format_rounded(removing - last))};
  }
  return measured_finding(expectation, std::max(last - *origin, Nanoseconds::zero()),
                          fmt::format("{} inactive", expectation.alert));
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

/// What is looked at before the fault and after everything: a steady state or a check, by the events that
/// `kind` begins. A steady state that does not hold before the fault is no failure: nothing could be tried.
Finding judge_look(const Expectation& expectation, const std::vector<Event>& events, bool finished,
                   const std::string& kind) {
  const auto mine = [&](const Event& event) {
    return event.text(kind) == expectation.alert && event.text("phase") == expectation.stage;
  };
  if (const Event* held = find_first(events, kind + ".held", mine))
    return {Outcome::passed, {}, held->text("evidence")};
  if (const Event* broken = find_first(events, kind + ".broken", mine)) {
    const bool gate = expectation.kind == Expectation::Kind::steady_state && expectation.stage == "before";
    const bool unsound = gate || broken->text("outcome") == "inconclusive";
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
  if (phase == phases.end() || !phase->contains(expectation.metric) ||
      !(*phase)[expectation.metric].is_number()) {
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

bool is_overdue(const Expectation& expectation, const std::vector<Event>& events, WallTime now, bool at_end) {
  const auto origin = origin_of(expectation, events);
  if (!origin || (!at_end && (!expectation.budget || now - *origin <= *expectation.budget))) return false;
  const Outcome outcome = judge(expectation, events, now, at_end).outcome;
  return outcome == Outcome::waiting || outcome == Outcome::missed;
}

Nanoseconds lateness_allowance(Nanoseconds budget) {
  return std::max<Nanoseconds>(std::chrono::seconds(2), budget / 4);
}

Finding judge(const Expectation& expectation, const std::vector<Event>& events, WallTime now, bool finished) {
  switch (expectation.kind) {
    case Expectation::Kind::alert:
      return expectation.on_injection() ? judge_begin(expectation, events, now, finished)
                                        : judge_end(expectation, events, now, finished);
    case Expectation::Kind::notification:
      return judge_notification(expectation, events, now, finished);
    case Expectation::Kind::query:
      return judge_query(expectation, events, now, finished);
    case Expectation::Kind::suppressed:
      return judge_suppressed(expectation, events, now, finished);
    case Expectation::Kind::steady_state:
      return judge_look(expectation, events, finished, "steady_state");
    case Expectation::Kind::check:
      return judge_look(expectation, events, finished, "check");
    case Expectation::Kind::nothing_else:
      return judge_nothing_else(expectation, events, finished);
    case Expectation::Kind::threshold:
      return judge_threshold(expectation, events, finished);
  }
  return {};
}

}  // namespace obsctl::scenarios
