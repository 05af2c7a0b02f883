#include "scenarios/runner.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "core/sha256.hpp"
#include "scenarios/baseline.hpp"
#include "scenarios/chaos.hpp"
#include "scenarios/gates.hpp"
#include "scenarios/observers.hpp"
#include "scenarios/overdue.hpp"
#include "scenarios/rule_samples.hpp"
#include "scenarios/run_document.hpp"
#include "scenarios/run_faults.hpp"
#include "verifiers/receiver_client.hpp"

namespace obsctl::scenarios {

using core::ErrorKind;
using core::Result;

namespace {

constexpr Nanoseconds kTick = std::chrono::milliseconds(100);
constexpr Nanoseconds kPoll = std::chrono::milliseconds(200);
// A baseline that is not clean after this long will not be.
constexpr Nanoseconds kBaselineWithin = std::chrono::seconds(30);

// For what a report shows of the rules: not worth a long wait at the end of a run.
constexpr Nanoseconds kSamplesWithin = std::chrono::seconds(1);

constexpr std::array kEndings{"run.interrupted", "run.error", "run.aborted", "run.inconclusive"};

bool ends_the_run(const Event& event) {
  return std::find(kEndings.begin(), kEndings.end(), event.kind) != kEndings.end();
}

class Runner {
 public:
  Runner(const ScenarioFile& file, const RunOptions& options, Journal& journal, const RunTick& tick,
         core::Clock& clock, core::Logger& log, std::stop_token stop, std::stop_token urgent)
      : file_(file),
        options_(options),
        journal_(journal),
        tick_(tick),
        clock_(clock),
        log_(log),
        stop_(std::move(stop)),
        urgent_(std::move(urgent)),
        load_(journal, log),
        faults_(journal, load_, clock, options.id) {}

  Result<RunOutcome> run() {
    if (auto checked = check_places(file_.scenario, options_.places); !checked) return checked.error();
    try {
      go_through();
    } catch (const std::exception& problem) {  // whatever it is, what is broken has to be mended
      journal_.append("run.error", {{"reason", fmt::format("internal error: {}", problem.what())}});
    }
    doing("rolling back");
    faults_.roll_back(around_ && around_->take_down);
    wind_down();
    if (refusal_) return *refusal_;
    RunOutcome outcome{plan_, judge_run(plan_.expectations, journal_.events())};
    journal_.append("run.finished", findings_json(outcome.plan, outcome.judgement));
    return outcome;
  }

 private:
  enum class Phase { before, after };

  void go_through() {
    open();
    // Each goes on only while nothing has ended the run.
    const bool went_through = around_ && baseline() && plan() && faults_.all_possible(stop_) &&
                              start_load() && steady(Phase::before) && checks(Phase::before) &&
                              experiment() && steady(Phase::after) && checks(Phase::after) && keep_watching();
    static_cast<void>(went_through);
    if (overdue_ && !stop_.stop_requested())
      overdue_->look(plan_.expectations, journal_.events(), true, stop_);
  }

  void doing(std::string_view what) {
    doing_ = what;
    tick();
  }

  void tick() {
    if (!tick_) return;
    const std::vector<LoadView> loads = load_.view();
    try {
      tick_({doing_, planned_ ? &plan_ : nullptr, loads});
    } catch (const std::exception&) {
      // What shows the run must not end it.
    }
  }

  bool journal_has_ending() const {
    const std::vector<Event> events = journal_.events();
    return std::any_of(events.begin(), events.end(), ends_the_run);
  }

  /// Whether the run has to end now, with the reason journalled.
  bool over() {
    if (refusal_ || journal_has_ending()) return true;
    if (stop_.stop_requested()) {
      journal_.append("run.interrupted", {{"reason", "interrupted"}});
      return true;
    }
    if (clock_.steady_now() - began_ >= max_duration()) {
      journal_.append("run.aborted", {{"reason", fmt::format("the run is longer than {}, its max_duration",
                                                             core::format_duration(max_duration()))}});
      return true;
    }
    if (around_ && around_->stack) {
      if (const auto failure = around_->stack->failed()) {
        journal_.append("run.inconclusive",
                        {{"reason", fmt::format("{} {}", failure->service, to_string(failure->status))},
                         {"last_lines", failure->last_lines},
                         {"log", failure->log_file.string()}});
        return true;
      }
    }
    return false;
  }

  Nanoseconds max_duration() const {
    return options_.max_duration.value_or(file_.scenario.safety.max_duration);
  }

  /// Waits for the next event or tick, at most until `deadline`; false when the run is over.
  bool wait_for_news(core::SteadyTime deadline) {
    journal_.wait_for_more(seen_, std::min(deadline, clock_.steady_now() + kTick), stop_);
    seen_ = journal_.size();
    tick();
    return !over();
  }

  /// Asks again and again until `holds` is true; false when `deadline` passes or the run is over.
  template <class Holds>
  bool poll_until(core::SteadyTime deadline, Holds holds) {
    while (!over()) {
      if (holds()) return true;
      const core::SteadyTime next = clock_.steady_now() + kPoll;
      if (next > deadline) return false;
      while (clock_.steady_now() < next) {
        if (!wait_for_news(next)) return false;
      }
    }
    return false;
  }

  void open() {
    const Scenario& scenario = file_.scenario;
    journal_.append("run.started", {{"scenario", scenario.id},
                                    {"title", scenario.title},
                                    {"file", scenario.file},
                                    {"scenario_sha256", core::sha256(file_.text)},
                                    {"stack", scenario.stack},
                                    {"time_scale", options_.places.time_scale},
                                    {"without_fault", options_.without_fault},
                                    {"obsctl", options_.version},
                                    {"revision", options_.revision}});
    faults_.pick_up_left(stop_);
    doing("starting the stack");
    const auto progress = [this](const stacks::Progress& step) {
      if (step.kind == stacks::Progress::Kind::service_ready) {
        journal_.append("stack.service_ready",
                        {{"service", step.service}, {"after_s", core::to_seconds(step.elapsed)}});
      }
      tick();
    };
    const core::SteadyTime began = clock_.steady_now();
    auto opened = open_surroundings(scenario, options_.places, progress, clock_, log_, stop_);
    if (!opened) {
      const ErrorKind kind = opened.error().kind;
      if (kind == ErrorKind::usage || kind == ErrorKind::not_found || kind == ErrorKind::invalid_input) {
        refusal_ = opened.error();
      } else if (kind == ErrorKind::cancelled) {
        journal_.append("run.interrupted", {{"reason", "interrupted while the stack was starting"}});
      } else {
        journal_.append("run.error", {{"reason", to_string(opened.error())}});
      }
      return;
    }
    around_ = std::move(*opened);
    auto fitted = with_drawn_faults(scenario, options_.seed, clock_, journal_);
    if (fitted) fitted = for_time_scale(std::move(*fitted), around_->time_scale);
    if (!fitted) {
      refusal_ = fitted.error();
      return;
    }
    scenario_ = std::move(*fitted);
    prometheus_.emplace(around_->prometheus_url);
    if (around_->grafana) annotations_.emplace(*around_->grafana, options_.id, journal_);
    if (!around_->alertmanager_url.empty()) alertmanager_.emplace(around_->alertmanager_url);
    Json ready = to_json(*around_);
    ready["after_s"] = core::to_seconds(clock_.steady_now() - began);
    if (!around_->stack) ready["versions"] = reach();
    journal_.append("stack.ready", std::move(ready));
  }

  /// What runs elsewhere has to be there from the start: nothing of ours will bring it up. The versions that
  /// it says it has.
  Json reach() {
    Json versions = Json::object();
    Result<void> reached = prometheus_->ready(stop_);
    if (reached && alertmanager_) reached = alertmanager_->ready(stop_);
    if (!reached) {
      if (!stop_.stop_requested()) journal_.append("run.error", {{"reason", to_string(reached.error())}});
      return versions;
    }
    if (const auto build = prometheus_->build_info(stop_)) versions["prometheus"] = build->version;
    if (!alertmanager_) return versions;
    if (const auto status = alertmanager_->status(stop_)) versions["alertmanager"] = status->version;
    return versions;
  }

  bool baseline() {
    doing("waiting for a clean baseline");
    std::string problem;
    std::size_t rules = 0;
    std::size_t targets = 0;
    const bool clean = poll_until(clock_.steady_now() + kBaselineWithin, [&] {
      auto look = look_at_baseline(scenario_, around_->stack != nullptr, *prometheus_, clock_, stop_);
      problem = look.problem;
      rules = look.rules;
      targets = look.targets;
      return problem.empty();
    });
    if (clean) {
      journal_.append("baseline.ok", {{"rules", rules}, {"targets", targets}});
    } else if (!over()) {
      journal_.append("run.inconclusive", {{"reason", fmt::format("no clean baseline: {}", problem)}});
    }
    return clean;
  }

  bool plan() {
    auto situation = look_at(*prometheus_, alertmanager_ ? &*alertmanager_ : nullptr, stop_);
    if (!situation) {
      if (!over()) journal_.append("run.inconclusive", {{"reason", to_line(situation.error())}});
      return false;
    }
    situation->fresh = around_->fresh;
    auto made = make_plan(scenario_, *situation);
    if (!made) {
      refusal_ = made.error();
      return false;
    }
    plan_ = std::move(*made);
    planned_ = true;
    if (auto prepared = faults_.prepare(scenario_.faults, around_->places, options_.without_fault);
        !prepared) {
      refusal_ = prepared.error();
      return false;
    }
    journal_.append("plan.made", plan_json(plan_));
    return start_observers(*situation);
  }

  bool start_observers(const Situation& situation) {
    Watch watch;
    watch.prometheus_url = around_->prometheus_url;
    watch.alertmanager_url = around_->alertmanager_url;
    watch.receiver_url = around_->receiver_url;
    watch.evaluation_interval = plan_.evaluation_interval;
    watch.alert_names = situation.alert_names();
    for (const PlannedRule& rule : plan_.rules) watch.groups.insert(rule.group);
    watch.queries = scenario_.queries;
    watch.aborts = scenario_.aborts;
    if (!watch.receiver_url.empty()) {
      verifiers::ReceiverClient receiver(watch.receiver_url);
      const auto earlier = receiver.next(0, Nanoseconds::zero(), stop_);
      if (!earlier) {
        if (!over()) journal_.append("run.error", {{"reason", to_line(earlier.error())}});
        return false;
      }
      if (!earlier->empty()) watch.notifications_seen = earlier->back().sequence;
    }
    observers_.emplace(std::move(watch), journal_, clock_);
    if (alertmanager_) {
      overdue_.emplace(journal_, *prometheus_, *alertmanager_, around_->alertmanager_log(), clock_, stop_);
    }
    return true;
  }

  bool start_load() {
    doing("starting the load");
    if (auto started = load_.start(scenario_, around_->places); !started) {
      journal_.append("run.error", {{"reason", to_line(started.error())}});
      return false;
    }
    load_started_ = clock_.steady_now();
    return !over();
  }

  bool steady(Phase phase) {
    doing("waiting for the steady state");
    return std::all_of(scenario_.steady_states.begin(), scenario_.steady_states.end(),
                       [&](const SteadyState& state) {
                         const Gate gate{"steady_state", "steady_state.held", "steady_state.broken",
                                         phase,          state.within,        state.on_no_data};
                         return passes(gate, state.name, [&] { return ask(state, *prometheus_, stop_); });
                       });
  }

  bool checks(Phase phase) {
    doing("checking");
    core::HttpClient http;
    const verifiers::Sources sources{&*prometheus_, alertmanager_ ? &*alertmanager_ : nullptr, nullptr, &http,
                                     &clock_};
    return std::all_of(scenario_.checks.begin(), scenario_.checks.end(), [&](const CheckStep& check) {
      if (!(phase == Phase::before ? check.before : check.after)) return true;
      const Gate gate{"check", "check.held", "check.broken", phase, check.within, OnNoData::inconclusive};
      return passes(gate, check.name, [&] { return ask(check, around_->places, sources, stop_); });
    });
  }

  struct Gate {
    const char* kind;
    const char* held;
    const char* broken;
    Phase phase;
    Nanoseconds within;
    OnNoData on_no_data;
  };

  /// Asks until it holds and journals what it came to. False when the run cannot go on: what fails before the
  /// faults is a gate, for on what is broken already nothing can be tried; afterwards everything is worth
  /// looking at.
  template <class Ask>
  bool passes(const Gate& gate, const std::string& name, Ask ask_once) {
    verifiers::Answer last;
    const bool held = poll_until(clock_.steady_now() + gate.within, [&] {
      last = ask_once();
      return last.holds();
    });
    if (!held && over()) return false;
    const bool no_data = last.state == verifiers::Answer::State::no_data;
    const bool well = held || (no_data && gate.on_no_data == OnNoData::pass);
    const bool before = gate.phase == Phase::before;
    Json fields{{gate.kind, name}, {"phase", before ? "before" : "after"}, {"evidence", last.evidence}};
    if (!last.details.empty()) fields["details"] = last.details;
    if (!well)
      fields["outcome"] = no_data && gate.on_no_data == OnNoData::inconclusive ? "inconclusive" : "fail";
    journal_.append(well ? gate.held : gate.broken, std::move(fields));
    return well || !before;
  }

  /// What decides whether to go on: nothing that was expected has failed to come.
  bool nothing_missed(const std::vector<Event>& events, core::WallTime now) const {
    return std::none_of(plan_.expectations.begin(), plan_.expectations.end(),
                        [&](const Expectation& expectation) {
                          if (expectation.fault.empty()) return false;
                          const Outcome outcome = judge(expectation, events, now, false).outcome;
                          return outcome == Outcome::missed || outcome == Outcome::unexpected;
                        });
  }

  bool all_settled(const std::vector<Event>& events, core::WallTime now) const {
    return std::all_of(plan_.expectations.begin(), plan_.expectations.end(),
                       [&](const Expectation& expectation) {
                         return expectation.fault.empty() ||
                                judge(expectation, events, now, false).outcome != Outcome::waiting;
                       });
  }

  /// The faults and all that is expected of them. False when something is missing already: the rest would
  /// only take time.
  bool experiment() {
    const core::SteadyTime gate =
        load_started_ + (scenario_.loads.empty() ? Nanoseconds::zero() : plan_.settle);
    doing("filling the rules' windows with load");
    while (true) {
      if (clock_.steady_now() >= gate)
        doing_ = faults_.all_done() ? "waiting for the alerts to clear" : "watching";
      if (!gate_passed_ && clock_.steady_now() >= gate) {
        gate_passed_ = true;
        if (load_.tell_shortfall()) return false;  // before anything is broken
      }
      if (over()) return false;
      faults_.step(gate, load_started_, plan_.expectations, stop_);
      const std::vector<Event> events = journal_.events();
      const core::WallTime now = clock_.wall_now();
      if (overdue_) overdue_->look(plan_.expectations, events, false, stop_);
      if (!nothing_missed(events, now)) return false;
      if (faults_.all_done() && all_settled(events, now)) return !over();
      // Confirmation looks at the load, which makes no events: a shorter tick.
      if (!wait_for_news(clock_.steady_now() + kTick / 2)) return false;
    }
  }

  bool keep_watching() {
    if (plan_.watch.count() > 0) doing("watching that nothing else fires");
    const core::SteadyTime until = clock_.steady_now() + plan_.watch;
    while (clock_.steady_now() < until) {
      if (!wait_for_news(until)) return false;
    }
    journal_.append("watch.finished", {{"watched_s", core::to_seconds(plan_.watch)}});
    return !over();
  }

  void wind_down() {
    const bool interrupted = stop_.stop_requested();
    std::stop_source at_once;
    if (interrupted) at_once.request_stop();
    load_.finish(interrupted ? at_once.get_token() : urgent_);
    observers_.reset();
    annotations_.reset();  // while the stack's Grafana is still there
    if (!around_) return;
    if (planned_) {
      verifiers::PrometheusClient quick(around_->prometheus_url, {.timeout = kSamplesWithin});
      append_rule_samples(journal_, quick, plan_, journal_.start(), clock_.wall_now(), urgent_);
    }
    if (around_->receiver) around_->receiver->drain(std::chrono::seconds(1));
    if (!around_->take_down) {
      if (around_->stack) journal_.append("stack.kept", {{"instance", around_->stack->instance()}});
      return;
    }
    doing("taking the stack down");
    const Result<void> down = around_->stack->down();
    journal_.append("stack.down", down ? Json::object() : Json{{"problem", to_line(down.error())}});
  }

  const ScenarioFile& file_;
  const RunOptions& options_;
  Journal& journal_;
  const RunTick& tick_;
  core::Clock& clock_;
  core::Logger& log_;
  const std::stop_token stop_;
  const std::stop_token urgent_;

  Scenario scenario_;  ///< for the stack's time scale, and with the faults of [chaos]
  std::optional<Surroundings> around_;
  std::optional<verifiers::PrometheusClient> prometheus_;
  std::optional<verifiers::AlertmanagerClient> alertmanager_;
  RunLoad load_;
  RunFaults faults_;
  std::optional<Observers> observers_;
  std::optional<Annotations> annotations_;       ///< where there is a Grafana
  std::optional<OverdueNotifications> overdue_;  ///< where there is an Alertmanager
  Plan plan_;
  bool planned_ = false;
  std::optional<core::Error> refusal_;  ///< the scenario cannot work here
  const core::SteadyTime began_ = clock_.steady_now();
  core::SteadyTime load_started_{};
  bool gate_passed_ = false;
  std::size_t seen_ = 0;
  std::string_view doing_ = "starting";
};

}  // namespace

Result<RunOutcome> run_scenario(const ScenarioFile& file, const RunOptions& options, Journal& journal,
                                const RunTick& tick, core::Clock& clock, core::Logger& log,
                                const std::stop_token& stop, const std::stop_token& urgent) {
  return Runner(file, options, journal, tick, clock, log, stop, urgent).run();
}

}  // namespace obsctl::scenarios
