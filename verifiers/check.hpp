// One-shot checks of what Prometheus, Alertmanager, a receiver or any HTTP endpoint says now: the one engine
// behind `obsctl verify`, `obsctl wait` and a scenario's [[check]]. A check that holds or not is data; an
// error is that nobody answered.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/clock.hpp"
#include "core/http_client.hpp"
#include "verifiers/alertmanager_client.hpp"
#include "verifiers/bounds.hpp"
#include "verifiers/prometheus_client.hpp"
#include "verifiers/receiver_client.hpp"

namespace obsctl::verifiers {

/// Every scrape target (of the jobs that the glob matches) is up, and there are enough of them.
struct TargetsUp {
  std::string job = "*";
  std::int64_t at_least = 1;
};

/// Every rule (of the groups that the glob matches) is healthy and has been evaluated in the last two
/// intervals.
struct RulesHealthy {
  std::string group = "*";
};

/// Every sample of an instant query is in bounds, and there is one. Without bounds: there is one.
struct QueryWithin {
  std::string query;  ///< any expression; a selector such as `up{job="api"}` is one
  Bounds bounds;
};

/// An instant query returns nothing.
struct SeriesAbsent {
  std::string query;
};

/// A recording rule's series are what its expression gives at the same time.
struct RecordingAgrees {
  std::string rule;         ///< its name
  double tolerance = 1e-6;  ///< relative
};

/// An alerting rule has an instance (with these labels) in this state. `inactive`: it has none that is
/// active.
struct AlertIs {
  std::string alert;
  Labels labels = {};
  AlertState state = AlertState::firing;
};

/// No alert fires but those that one of the globs matches.
struct NothingFires {
  std::vector<std::string> except = {};
};

/// Alertmanager holds the alert and suppresses every instance of it.
struct AlertSuppressed {
  std::string alert;
  std::string by = {};  ///< "inhibition", "silence", "mute"; empty: any
};

/// A receiver of ours has got a notification about the alert (any alert where it is empty).
struct NotificationArrived {
  std::string receiver;  ///< the last part of the path that it is sent to
  std::string alert = {};
  NotifiedStatus status = NotifiedStatus::firing;  ///< unknown: either
  std::uint64_t after = 0;                         ///< only those with a higher sequence
};

/// An endpoint answers.
struct HttpAnswers {
  std::string url;
  std::int64_t status = 200;  ///< 0: any 2xx
  std::string body = {};      ///< regular expression (core::Regex) to be found in the body; empty: any
};

using Question = std::variant<TargetsUp, RulesHealthy, QueryWithin, SeriesAbsent, RecordingAgrees, AlertIs,
                              NothingFires, AlertSuppressed, NotificationArrived, HttpAnswers>;

/// What is to hold, in a few words: `up{job="api"} is equal to 1`.
std::string describe(const Question& question);

/// Whom to ask. Null: there is none, which makes a question to it a usage error.
struct Sources {
  PrometheusClient* prometheus = nullptr;
  AlertmanagerClient* alertmanager = nullptr;
  ReceiverClient* receiver = nullptr;
  core::HttpClient* http = nullptr;
  core::Clock* clock = nullptr;
};

struct Answer {
  enum class State { holds, fails, no_data };

  State state = State::fails;
  std::string evidence;              ///< one sentence
  std::vector<std::string> details;  ///< what is wrong, each in a line

  bool holds() const { return state == State::holds; }
};
std::string_view to_string(Answer::State state);

/// Asks once. Errors: the clients'; usage, when the source that the question needs is missing; not_found,
/// when Prometheus has no rule of that name; invalid_input, for a query or an expression that cannot be read.
Result<Answer> ask(const Question& question, const Sources& sources, const std::stop_token& stop);

}  // namespace obsctl::verifiers
