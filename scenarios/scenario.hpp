// A scenario as plain values: what the TOML file says, checked and with every default filled in. Nothing here
// runs. The file format is described in docs/reference/scenario.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/duration.hpp"
#include "core/error.hpp"
#include "loadgen/plan.hpp"
#include "scenarios/json.hpp"
#include "verifiers/check.hpp"

namespace obsctl::scenarios {

using core::Nanoseconds;
using Labels = std::map<std::string, std::string>;

using verifiers::Bounds;

/// A system under test that is not part of a bundled stack: [target.NAME].
struct Target {
  std::string url;
  /// The environment variable that holds the bearer token of its toggles API; empty: none is sent.
  std::string token_env;
};

/// [load.NAME]: open-loop load that runs from the baseline until after the alert has cleared.
struct Load {
  std::string name;
  std::string target;
  /// As `obsctl load run` has it, without an end of its own; the target's URL comes when the run starts.
  loadgen::LoadPlan plan;
};

/// "200/s", or what else the schedule is, in words.
std::string rate_text(const Load& load);

enum class OnNoData { inconclusive, fail, pass };

/// [[steady_state]]: a query that must be in bounds before the fault and again at the end.
struct SteadyState {
  std::string name;
  std::string query;
  Bounds tolerance;
  OnNoData on_no_data = OnNoData::inconclusive;
  Nanoseconds within = std::chrono::minutes(1);  ///< how long the gate waits for it to hold
};

/// [[check]]: something besides the alerts that must hold before the fault, after recovery, or both.
struct CheckStep {
  std::string name;
  verifiers::Question question;
  std::string target;  ///< of an HTTP check whose URL is a path on it; empty: the URL is whole
  bool before = true;
  bool after = true;
  Nanoseconds within = std::chrono::seconds(30);  ///< how long it is waited for
};

/// How a fault is seen to be there, and seen to be gone.
struct Confirmation {
  /// What the load sees: error_ratio, or response_p50, response_p95, response_p99 in seconds. Empty: see
  /// `path`.
  std::string metric;
  Bounds bounds;
  /// Instead of the load: GET this path on the target and expect this status (0: no connection at all).
  std::string path;
  int status = 0;
  Nanoseconds within = std::chrono::seconds(10);
};

/// When a fault is taken away again.
enum class StopWhen { notified, firing, after };

/// What a fault does to the requests of its target, as far as its kind and parameters say: what the planner
/// derives budgets from, and how the fault is recognised where the scenario does not say.
struct FaultEffect {
  double failing = 0;      ///< the share of the requests concerned that fails
  int status = 0;          ///< what the failing ones are answered; 0: nothing
  double delayed = 0;      ///< the share of the requests concerned that is held up
  Nanoseconds delay{};     ///< at least this long
  bool everywhere = true;  ///< all requests are concerned, not only those of some routes
  std::string probe;       ///< a path of the target that shows it; empty: none does
  int probe_status = 0;    ///< what is answered there meanwhile; 0: nothing

  /// Whether the load on its target shows it.
  bool shows_in_load() const { return failing > 0 || delayed > 0; }
};

/// What a fault waits for besides its time.
struct After {
  enum class What { fault_confirmed, fault_gone, alert_pending, alert_firing, alert_inactive };
  What what = What::fault_confirmed;
  std::string name;                              ///< of the fault or the alert
  Nanoseconds within = std::chrono::minutes(5);  ///< afterwards it will not come any more
};

/// [[fault]].
struct FaultSpec {
  std::string name;
  std::string target;
  std::string kind;  ///< a name in fault_kinds()
  /// After the load began, or after `after`; injection also waits for the steady state.
  Nanoseconds start{};
  std::optional<After> after;
  StopWhen stop = StopWhen::notified;
  Nanoseconds stop_after{};                            ///< for StopWhen::after, counted from injection
  Nanoseconds max_duration = std::chrono::minutes(5);  ///< cleared then at the latest; also the toggle's TTL
  std::optional<Confirmation> confirm;                 ///< absent: derived from the effect
  Json parameters = Json::object();                    ///< the kind's own keys, with every default filled in
  FaultEffect effect;
  /// What it breaks is (in) its target, and is gone with the stack that has the target.
  bool at_target = true;
  std::string description;        ///< "error-rate 30% → 503 on api"
  std::vector<std::string> urls;  ///< where it is done, besides its target
};

/// [chaos]: faults drawn from a seed, one after the other.
struct Chaos {
  std::optional<std::uint64_t> seed;               ///< absent: another one each run
  Nanoseconds budget{};                            ///< for all of them and the gaps between them
  Nanoseconds longest = std::chrono::seconds(30);  ///< of one fault
  Nanoseconds gap = std::chrono::seconds(10);      ///< between two
  std::vector<std::string> kinds;
  std::vector<std::string> targets;
};

/// [safety].
struct Safety {
  std::vector<std::string> allow_targets;  ///< hosts besides this machine that load and faults may go to
  Nanoseconds max_duration = std::chrono::hours(2);  ///< the run is aborted then
};

/// A time budget of one stage: derived from the rule, given in the file, or not asked for.
struct Within {
  bool expected = false;
  bool automatic = true;
  Nanoseconds limit{};  ///< when not automatic
};

/// [[expect.alert]].
struct AlertExpectation {
  std::string name;
  std::string caused_by;
  Labels labels;  ///< each must be on the alert
  Within pending, firing, inactive;
};

struct BodyCheck {
  std::string jsonpath;  ///< a dotted path with [index], from $; empty: all that a person can read
  std::string matches;   ///< regular expression (core::Regex), searched for
};

/// What the first notification of a stage has to say.
struct NotificationContent {
  Labels labels;       ///< each on every instance of the alert
  Labels annotations;  ///< regular expressions (core::Regex), each found in every instance's annotation
  std::optional<Labels> group;  ///< exactly the group's labels
  std::vector<BodyCheck> body;

  /// Whether only a payload that carries its alerts can be held to it, and not a text.
  bool needs_instances() const { return !labels.empty() || !annotations.empty() || group; }
};

/// A notification that has to come first.
struct Predecessor {
  std::string alert;
  std::string receiver;
  std::string caused_by;  ///< its own
};

/// [[expect.notification]].
struct NotificationExpectation {
  std::string alert;
  std::string receiver;
  std::string caused_by;
  Within firing, resolved;
  std::optional<std::int64_t> firing_count, resolved_count;
  NotificationContent content;
  std::optional<Predecessor> after;  ///< of the firing stage
};

/// [[expect.query]]: something besides an alert that must become visible in Prometheus.
struct QueryExpectation {
  std::string name;
  std::string query;
  Bounds tolerance;
  std::string caused_by;
  Nanoseconds within = std::chrono::seconds(30);
};

/// [[expect.suppressed]]: an alert that must fire and reach nobody.
struct SuppressionExpectation {
  std::string alert;
  std::string by;  ///< inhibition or silence
  std::string caused_by;
  Nanoseconds within{};  ///< zero: the alert's derived budget
};

struct AllowedAlert {
  std::string alertname;  ///< * stands for any run of characters
  Labels labels;
  std::string until;  ///< YYYY-MM-DD, for known ones; afterwards it counts as unexpected again
  std::string issue;

  /// Whether an alert with these labels may fire on `date` (YYYY-MM-DD).
  bool covers(const std::string& alert, const Labels& alert_labels, const std::string& date) const;
};

/// [expect.nothing_else].
struct NothingElse {
  std::vector<AllowedAlert> allow;
  /// How long to keep watching once everything else is settled. Absent: long enough for every loaded rule's
  /// `for` when the scenario expects no alert at all, else not at all.
  std::optional<Nanoseconds> watch;
};

/// [[threshold]] on the load's own results.
struct Threshold {
  std::string load;
  std::string metric;
  std::string phase = "whole";  ///< before-fault, during-fault, after-fault, whole
  Bounds bounds;                ///< ratios, requests/s, or seconds
};

/// [[abort]]: ends the run at once, faults rolled back.
struct AbortCondition {
  std::string query;   ///< true when it returns any sample
  Nanoseconds hold{};  ///< `for`: it must be true this long
};

struct Scenario {
  std::string id;    ///< "http-api/error-spike", or the file's stem
  std::string file;  ///< as it was opened
  std::string title;
  std::string description;
  std::string stack;  ///< empty: [prometheus] and [target.*] say where things are
  std::string prometheus_url;
  std::string alertmanager_url;
  std::string receiver_listen;
  std::map<std::string, Target> targets;
  std::vector<Load> loads;
  std::vector<SteadyState> steady_states;
  std::vector<CheckStep> checks;
  std::vector<FaultSpec> faults;
  std::optional<Chaos> chaos;
  Safety safety;
  std::vector<AlertExpectation> alerts;
  std::vector<NotificationExpectation> notifications;
  std::vector<QueryExpectation> queries;
  std::vector<SuppressionExpectation> suppressions;
  std::optional<NothingElse> nothing_else;
  std::vector<Threshold> thresholds;
  std::vector<AbortCondition> aborts;

  const FaultSpec* fault(const std::string& name) const;
};

/// A scenario whose every duration is multiplied by `factor`, for a stack started with that time scale.
/// Latencies of requests (delay, jitter, timeouts, response times) and rates are not schedule, and stay as
/// they are. Queries are rescaled by the runner.
Scenario scaled(Scenario scenario, double factor);

struct ScenarioFile {
  Scenario scenario;
  std::string text;                 ///< as read, for the checksum
  std::vector<core::Error> errors;  ///< all of them; when not empty the scenario is not to be used
};

/// Reads and checks a scenario. `file` is used in messages; `id` becomes Scenario::id.
ScenarioFile read_scenario(std::string text, const std::string& file, const std::string& id);

}  // namespace obsctl::scenarios
