// What a run must show, as plain values with their time budgets, and the pure judgement of a journal against
// them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scenarios/journal.hpp"
#include "scenarios/scenario.hpp"

namespace obsctl::scenarios {

/// One thing that must be seen (or, for the last kinds, must hold) with its budget.
struct Expectation {
  enum class Kind { alert, notification, query, suppressed, steady_state, check, nothing_else, threshold };

  Kind kind = Kind::alert;
  std::string id;        ///< "alert.HighErrorRate.firing"
  std::string stage;     ///< pending, firing, inactive; firing, resolved; before, after
  std::string fault;     ///< the fault it is counted from; empty: the whole run
  std::string alert;     ///< or the name of a query, a steady state, a check or a load
  std::string receiver;  ///< of a notification
  std::string by;        ///< of a suppression
  Labels labels;
  NotificationContent content;
  std::optional<Predecessor> after;     ///< of a notification
  std::optional<std::int64_t> count;    ///< of notifications, over the whole run
  std::vector<AllowedAlert> allowed;    ///< nothing_else: these may fire
  std::string metric;                   ///< threshold
  std::string phase;                    ///< threshold
  Bounds bounds;                        ///< threshold
  std::optional<Nanoseconds> earliest;  ///< of the derived budget, for display
  std::optional<Nanoseconds> budget;    ///< latest; absent: only presence counts
  bool loose = false;                   ///< the derived bound is wider than it could be
  std::string derivation;               ///< how the budget came about, for people

  /// Counted from the fault's injection (true) or from its removal.
  bool on_injection() const {
    return stage == "pending" || stage == "firing" || kind == Kind::query || kind == Kind::suppressed;
  }
};

/// How one expectation stands.
enum class Outcome {
  waiting,  ///< neither met nor overdue yet
  passed,
  missed,        ///< it never came
  late,          ///< it came after its budget
  unexpected,    ///< something came that must not
  mismatched,    ///< it came, with the wrong labels, receiver, count or text
  inconclusive,  ///< the experiment could not tell
  not_reached,   ///< the run ended before it could be looked at
};
std::string_view to_string(Outcome outcome);

struct Finding {
  Outcome outcome = Outcome::waiting;
  std::optional<Nanoseconds> measured;  ///< from the fault's injection or removal
  std::string detail;                   ///< the evidence in one sentence
  /// Of a notification that is missing or late, where it was found out: a verifiers::MissingCause.
  std::string cause = {};
};

enum class Verdict { passed, failed, inconclusive, aborted, error, interrupted };
std::string_view to_string(Verdict verdict);

/// How long after its budget an event still counts as late rather than missed.
Nanoseconds lateness_allowance(Nanoseconds budget);

/// When a fault took effect, or was left out on purpose: the origin of every detection budget. Nothing before
/// that.
std::optional<core::WallTime> injected_at(const std::vector<Event>& events, const std::string& fault);

/// Whether a notification's event is about an alert.
bool speaks_of(const Event& event, const std::string& alert);

/// Whether an expectation that has an origin and a budget, or (at the run's end) an origin, is not met at
/// `now`, its budget being over.
bool is_overdue(const Expectation& expectation, const std::vector<Event>& events, core::WallTime now,
                bool at_end);

/// How `expectation` stands at `now`. `finished` is set once nothing more will be appended: what was waiting
/// is then missed or not reached, and what holds over the whole run has held. Pure.
Finding judge(const Expectation& expectation, const std::vector<Event>& events, core::WallTime now,
              bool finished);

struct Judgement {
  Verdict verdict = Verdict::passed;
  std::vector<Finding> findings;     ///< one for each expectation, in their order
  std::vector<std::string> reasons;  ///< why it is not passed, most important first
};

/// The verdict on a finished run. Pure: the same journal gives the same judgement.
Judgement judge_run(const std::vector<Expectation>& expectations, const std::vector<Event>& events);

}  // namespace obsctl::scenarios
