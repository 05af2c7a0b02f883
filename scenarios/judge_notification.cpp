// How a notification stands: whether it came, in time, where it had to, as often and with what it had to say;
// and whether one came of an alert that was to be suppressed.
#include <map>

#include <fmt/format.h>

#include "scenarios/judging.hpp"
#include "scenarios/payload.hpp"

namespace obsctl::scenarios {

using core::WallTime;

namespace {

/// None must come: that holds once the time in which it would have come is over.
Finding judge_none(const Expectation& expectation, std::optional<WallTime> origin, const Event* came,
                   WallTime now, bool finished) {
  if (came != nullptr) {
    return {Outcome::unexpected, came->at - *origin,
            fmt::format("a {} notification of {} reached {}, where none was wanted", expectation.stage,
                        expectation.alert, expectation.receiver)};
  }
  Finding absent = absent_finding(expectation, origin, now, finished, "none came");
  if (absent.outcome != Outcome::missed) return absent;
  return {Outcome::passed, {}, absent.detail};
}

/// Whether a notification came before another: by when, and by the receiver's count where that is the same.
bool is_before(const Event& one, const Event& other) {
  return one.at != other.at ? one.at < other.at : one.number("sequence") < other.number("sequence");
}

/// What is wrong with when `came` came, next to the one that it has to come after.
std::string order_problem(const Expectation& expectation, const std::vector<Event>& events,
                          const Event& came) {
  if (!expectation.after) return {};
  const Predecessor& first = *expectation.after;
  const auto origin = injected_at(events, first.caused_by);
  const Event* earlier = find_first(events, "notification.firing", [&](const Event& event) {
    return origin && event.at >= *origin && event.text("receiver") == first.receiver &&
           speaks_of(event, first.alert);
  });
  if (earlier == nullptr) return fmt::format("it came before {} had reached {}", first.alert, first.receiver);
  if (is_before(*earlier, came)) return {};
  return fmt::format("it came {} before {} reached {}", core::format_rounded(earlier->at - came.at),
                     first.alert, first.receiver);
}

/// "; 1 duplicate and 2 repeats among them", of those that said nothing new; empty when all did.
std::string recurrences(const std::map<std::string, int>& counts) {
  std::string text;
  for (const char* kind : {"duplicate", "repeat"}) {
    const auto found = counts.find(kind);
    if (found == counts.end()) continue;
    text += fmt::format("{}{} {}{}", text.empty() ? "; " : " and ", found->second, kind,
                        found->second == 1 ? "" : "s");
  }
  return text.empty() ? text : text + " among them";
}

Finding judge_arrival(const Expectation& expectation, const std::vector<Event>& events, WallTime now,
                      bool finished) {
  const auto origin = origin_of(expectation, events);
  const std::string kind = "notification." + expectation.stage;
  const Event* first = nullptr;
  std::int64_t count = 0;
  std::string instead;  // where it came, or as what, that does not count
  std::map<std::string, int> again;
  for (const Event& event : events) {
    if (!origin || event.kind != kind || event.at < *origin || !speaks_of(event, expectation.alert)) continue;
    if (event.text("receiver") != expectation.receiver) {
      instead = fmt::format("; it reached {} instead", event.text("receiver"));
    } else if (expectation.content.needs_instances() && !event.fields.contains("instances")) {
      instead = fmt::format("; the {} message that did carries no labels", event.text("via"));
    } else {
      if (first == nullptr) first = &event;
      ++count;
      ++again[event.text("recurrence")];
    }
  }
  if (expectation.count == 0) return judge_none(expectation, origin, first, now, finished);
  if (first == nullptr) {
    Finding finding = absent_finding(expectation, origin, now, finished,
                                     fmt::format("no {} notification of {} reached {}", expectation.stage,
                                                 expectation.alert, expectation.receiver));
    if (finding.outcome == Outcome::missed && !instead.empty()) {
      finding.outcome = Outcome::mismatched;
      finding.detail += instead;
    }
    return finding;
  }
  Finding finding =
      measured_finding(expectation, first->at - *origin,
                       fmt::format("{} notification at {}", expectation.stage, expectation.receiver));
  std::string problem = content_problem(*first, expectation.alert, expectation.content);
  if (problem.empty()) problem = order_problem(expectation, events, *first);
  if (!problem.empty()) {
    finding.outcome = Outcome::mismatched;
    finding.detail = problem;
  } else if (expectation.count && (count > *expectation.count || (finished && count < *expectation.count))) {
    finding.outcome = Outcome::mismatched;
    finding.detail = fmt::format("{} {} notifications reached {}, not {}{}", count, expectation.stage,
                                 expectation.receiver, *expectation.count, recurrences(again));
  }
  return finding;
}

/// With what was found out about it when it was overdue.
Finding explained(Finding finding, const Expectation& expectation, const std::vector<Event>& events) {
  const Event* why = find_first(events, "notification.overdue", [&](const Event& event) {
    return event.text("expectation") == expectation.id;
  });
  if (why == nullptr || finding.outcome == Outcome::waiting || finding.outcome == Outcome::not_reached)
    return finding;
  finding.cause = why->text("cause");
  finding.detail += fmt::format("; {}", why->text("explanation"));
  return finding;
}

}  // namespace

Finding judge_notification(const Expectation& expectation, const std::vector<Event>& events, WallTime now,
                           bool finished) {
  return explained(judge_arrival(expectation, events, now, finished), expectation, events);
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

}  // namespace obsctl::scenarios
