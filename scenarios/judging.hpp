// What the judgements of all kinds of expectations share: counting from a fault, holding what came to its
// budget, and telling what has not come yet from what is missed. Internal to scenarios/.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scenarios/expectation.hpp"

namespace obsctl::scenarios {

/// What an expectation is counted from; nothing before that.
std::optional<core::WallTime> origin_of(const Expectation& expectation, const std::vector<Event>& events);

/// An event that came, against its budget. So late that it was not waited for any longer is missed.
Finding measured_finding(const Expectation& expectation, Nanoseconds measured, std::string what);

/// Nothing came yet: waiting, missed or not reached. `what` says what has not: "A was not firing".
Finding absent_finding(const Expectation& expectation, std::optional<core::WallTime> origin,
                       core::WallTime now, bool finished, const std::string& what);

/// Why a rule that was not true may not have been: what its expression came to since `from`, by the samples
/// that a run takes at its end. "its expression has no value"; empty when they explain nothing.
std::string rule_evidence(const std::string& alert, const std::vector<Event>& events, core::WallTime from);

/// Of Kind::notification, and of Kind::suppressed: a notification that must not come.
Finding judge_notification(const Expectation& expectation, const std::vector<Event>& events,
                           core::WallTime now, bool finished);
Finding judge_suppressed(const Expectation& expectation, const std::vector<Event>& events, core::WallTime now,
                         bool finished);

}  // namespace obsctl::scenarios
