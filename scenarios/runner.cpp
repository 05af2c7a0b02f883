#include "scenarios/runner.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "core/sha256.hpp"
#include "scenarios/baseline.hpp"
#include "scenarios/chaos.hpp"
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
    open();
    // Each goes on only while nothing has ended the run.
    const bool went_through = around_ && baseline() && plan() && start_load() && steady("before") &&
                              checks("before") && experiment() && steady("after") && checks("after") &&
                              keep_watching();
    static_cast<void>(went_through);
    wind_down();
    if (refusal_) return *refusal_;
    RunOutcome outcome{plan_, judge_run(plan_.expectations, journal_.events())};
    journal_.append("run.finished", findings_json(outcome.plan, outcome.judgement));
    return outcome;
  }

 private:
  void doing(std::string_view what) {
    doing_ = what;
    tick();
  }

  void tick() {
    if (!tick_) return;
    const std::vector<LoadView> loads = load_.view();
    tick_({doing_, planned_ ? &plan_ : nullptr, loads});
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
    auto fitted = with_drawn_faults(scenario);
    if (fitted) fitted = for_time_scale(std::move(*fitted), around_->time_scale);
    if (!fitted) {
      refusal_ = fitted.error();
      return;
    }
    scenario_ = std::move(*fitted);
    prometheus_.emplace(around_->prometheus_url);
    if (!around_->alertmanager_url.empty()) alertmanager_.emplace(around_->alertmanager_url);
    Json ready{{"prometheus", around_->prometheus_url},
               {"alertmanager", around_->alertmanager_url},
               {"receiver", around_->receiver_url},
               {"time_scale", around_->time_scale},
               {"after_s", core::to_seconds(clock_.steady_now() - began)}};
    if (around_->stack) {
      ready["stack"] = around_->stack->name();
      ready["instance"] = around_->stack->instance();
      ready["versions"] = around_->stack->versions();
      ready["notes"] = around_->stack->notes();
      for (const stacks::FileChecksum& sum : around_->stack->checksums()) {
        ready["files"].push_back({{"path", sum.path}, {"sha256", sum.source}});
      }
    }
    if (!around_->stack) ready["versions"] = reach();
    journal_.append("stack.ready", std::move(ready));
  }

  /// With the faults of [chaos] among the others, and the seed journalled that draws them again.
  Result<Scenario> with_drawn_faults(Scenario scenario) {
    if (!scenario.chaos) return scenario;
    const auto by_time = static_cast<std::uint64_t>(clock_.wall_now().time_since_epoch().count() / 1000);
    const std::uint64_t seed = options_.seed.value_or(scenario.chaos->seed.value_or(by_time % 1'000'000'000));
    auto drawn = draw_faults(*scenario.chaos, seed, scenario.loads);
    if (!drawn) return drawn.error();
    Json fields{{"seed", seed}, {"faults", Json::array()}};
    for (const FaultSpec& fault : *drawn) {
      fields["faults"].push_back({{"fault", fault.name},
                                  {"description", fault.description},
                                  {"lasts_s", core::to_seconds(fault.stop_after)}});
    }
    journal_.append("chaos.drawn", std::move(fields));
    scenario.faults.insert(scenario.faults.end(), drawn->begin(), drawn->end());
    return scenario;
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
      overdue_.emplace(journal_, *prometheus_, *alertmanager_, alertmanager_log(), clock_, stop_);
    }
    return true;
  }

  /// Of a stack on this machine; empty for an Alertmanager that runs elsewhere.
  std::filesystem::path alertmanager_log() const {
    if (!around_->stack) return {};
    const auto services = around_->stack->status();
    if (!services) return {};
    for (const stacks::ServiceStatus& service : *services) {
      if (service.url == around_->alertmanager_url) return service.log_file;
    }
    return {};
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

  struct Reading {
    bool has_data = false;
    bool holds = false;
    std::string evidence;
  };

  Reading read(const SteadyState& state) {
    const auto samples = prometheus_->query(state.query, stop_);
    if (!samples) return {false, false, to_line(samples.error())};
    Reading reading{false, true, "the query returns nothing"};
    for (const verifiers::Sample& sample : *samples) {
      if (sample.value != sample.value) continue;  // NaN: 0/0 before the first request
      reading.has_data = true;
      if (state.tolerance.hold_for(sample.value) && !reading.holds) continue;
      reading.holds = state.tolerance.hold_for(sample.value);
      reading.evidence =
          fmt::format("{} is {:.4g}, wanted {}", state.name, sample.value, state.tolerance.text());
    }
    reading.holds = reading.holds && reading.has_data;
    return reading;
  }

  bool steady(const char* phase) {
    doing("waiting for the steady state");
    for (const SteadyState& state : scenario_.steady_states) {
      Reading last;
      const bool held = poll_until(clock_.steady_now() + state.within, [&] {
        last = read(state);
        return last.holds;
      });
      if (!held && over()) return false;
      const bool passes = held || (!last.has_data && state.on_no_data == OnNoData::pass);
      Json fields{{"steady_state", state.name}, {"phase", phase}, {"evidence", last.evidence}};
      if (!passes) {
        const bool unknown = !last.has_data && state.on_no_data == OnNoData::inconclusive;
        fields["outcome"] = unknown ? "inconclusive" : "fail";
      }
      journal_.append(passes ? "steady_state.held" : "steady_state.broken", std::move(fields));
      // Before the fault it is a gate; afterwards every one is worth looking at.
      if (!passes && std::string_view(phase) == "before") return false;
    }
    return true;
  }

  /// A check that fails before the fault ends the run: on what is broken already nothing can be tried.
  bool checks(const char* phase) {
    doing("checking");
    core::HttpClient http;
    const verifiers::Sources sources{&*prometheus_, alertmanager_ ? &*alertmanager_ : nullptr, nullptr, &http,
                                     &clock_};
    const bool before = std::string_view(phase) == "before";
    for (const CheckStep& check : scenario_.checks) {
      if (!(before ? check.before : check.after)) continue;
      verifiers::Question question = check.question;
      if (auto* endpoint = std::get_if<verifiers::HttpAnswers>(&question);
          endpoint != nullptr && !check.target.empty())
        endpoint->url = around_->places.at(check.target).url + endpoint->url;
      verifiers::Answer last;
      const bool held = poll_until(clock_.steady_now() + check.within, [&] {
        const auto answer = ask(question, sources, stop_);
        last = answer ? *answer
                      : verifiers::Answer{verifiers::Answer::State::no_data, to_line(answer.error()), {}};
        return last.holds();
      });
      if (!held && over()) return false;
      Json fields{{"check", check.name},
                  {"phase", phase},
                  {"evidence", fmt::format("{}: {}", describe(question), last.evidence)}};
      if (!last.details.empty()) fields["details"] = last.details;
      if (!held)
        fields["outcome"] = last.state == verifiers::Answer::State::no_data ? "inconclusive" : "fail";
      journal_.append(held ? "check.held" : "check.broken", std::move(fields));
      if (!held && before) return false;
    }
    return true;
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
    doing("rolling back");
    const bool interrupted = stop_.stop_requested();
    if (overdue_ && !interrupted) overdue_->look(plan_.expectations, journal_.events(), true, stop_);
    faults_.roll_back(around_ && around_->take_down);
    std::stop_source at_once;
    if (interrupted) at_once.request_stop();
    load_.finish(interrupted ? at_once.get_token() : urgent_);
    observers_.reset();
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
