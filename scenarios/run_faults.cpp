#include "scenarios/run_faults.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace obsctl::scenarios {

using core::Result;
using core::WallTime;

namespace {

// A phase begins this long after it was asked for (LoadRun::begin_phase), and a little more.
constexpr Nanoseconds kPhaseChange = std::chrono::milliseconds(10);
constexpr std::int64_t kEnoughRequests = 20;
constexpr int kRollbackAttempts = 5;

Json about(const FaultSpec& spec) {
  return {{"fault", spec.name}};
}

}  // namespace

Confirmation default_confirmation(const FaultSpec& spec) {
  Confirmation confirmation;
  if (spec.kind == "error-rate") {
    confirmation.metric = "error_ratio";
    // A fault on some routes only is seen by those requests of the load that go there.
    confirmation.bounds.at_least = spec.routes.empty() ? 0.8 * spec.rate : 0.01;
  } else if (spec.kind == "latency") {
    confirmation.metric = spec.rate >= 0.6    ? "response_p50"
                          : spec.rate >= 0.06 ? "response_p95"
                                              : "response_p99";
    confirmation.bounds.at_least = core::to_seconds(spec.delay - spec.jitter);
  } else if (spec.kind == "kill") {
    confirmation.metric = "error_ratio";
    confirmation.bounds.at_least = 0.9;
  } else if (spec.kind == "pause") {
    confirmation.path = "/";
    confirmation.status = 0;
  } else {
    confirmation.path = "/readyz";
    confirmation.status = 503;
  }
  return confirmation;
}

Result<void> RunFaults::prepare(const std::vector<FaultSpec>& specs,
                                const std::map<std::string, FaultPlace>& places, bool skip) {
  for (const FaultSpec& spec : specs) {
    const FaultPlace& place = places.at(spec.target);
    auto fault = make_fault(spec, place, clock_);
    if (!fault) return fault.error();
    Running running;
    running.spec = spec;
    running.place = place;
    running.fault = std::move(*fault);
    running.confirmation = spec.confirm.value_or(default_confirmation(spec));
    running.skip = skip;
    faults_.push_back(std::move(running));
  }
  return {};
}

void RunFaults::step(core::SteadyTime gate, core::SteadyTime started,
                     const std::vector<Expectation>& expectations, const std::stop_token& stop) {
  for (Running& fault : faults_) {
    switch (fault.state) {
      case State::waiting:
        if (clock_.steady_now() >= std::max(gate, started + fault.spec.start)) inject(fault, stop);
        break;
      case State::confirming:
        confirm(fault, true, stop);
        break;
      case State::active:
        if (is_time_to_clear(fault, expectations)) clear(fault);
        break;
      case State::clearing:  // the attempt before did not work
        clear(fault);
        break;
      case State::confirming_clear:
        confirm(fault, false, stop);
        break;
      case State::done:
        break;
    }
  }
}

bool RunFaults::all_done() const {
  return std::all_of(faults_.begin(), faults_.end(),
                     [](const Running& fault) { return fault.state == State::done; });
}

void RunFaults::enter(Running& fault, State state) {
  fault.state = state;
  fault.since = clock_.steady_now();
}

void RunFaults::give_up(const std::string& reason) {
  journal_.append("run.inconclusive", {{"reason", reason}});
}

bool RunFaults::any_other_in_place(const Running& fault) const {
  return std::any_of(faults_.begin(), faults_.end(),
                     [&](const Running& other) { return &other != &fault && other.in_place; });
}

void RunFaults::inject(Running& fault, const std::stop_token& stop) {
  Json fields = about(fault.spec);
  fields["description"] = fault.fault->description();
  if (fault.skip) {
    journal_.append("fault.skipped", std::move(fields));
    load_.begin_phase(kDuringFault);
    fault.injected = clock_.steady_now();
    enter(fault, State::active);
    return;
  }
  if (const Result<void> possible = fault.fault->check(stop); !possible) {
    give_up(fmt::format("fault \"{}\" cannot be injected: {}", fault.spec.name, to_line(possible.error())));
    return;
  }
  load_.begin_phase(kInjecting);
  clock_.sleep_for(kPhaseChange, stop);
  fields["type"] = fault.spec.kind;
  fields["target"] = fault.spec.target;
  fields["max_duration_s"] = core::to_seconds(fault.spec.max_duration);
  fields["undo"] = fault.fault->undo();
  journal_.append("fault.injecting", fields);
  fault.in_place = true;  // from here on it may be, whatever the call says
  fault.injected = clock_.steady_now();
  const Result<WallTime> at = fault.fault->inject(stop);
  if (!at) {
    give_up(fmt::format("fault \"{}\" could not be injected: {}", fault.spec.name, to_line(at.error())));
    return;
  }
  journal_.append_at(*at, "fault.injected", std::move(fields));
  load_.begin_phase(kDuringFault);
  enter(fault, State::confirming);
}

void RunFaults::clear(Running& fault) {
  if (fault.skip) {
    journal_.append("fault.cleared", {{"fault", fault.spec.name}, {"skipped", true}});
    load_.begin_phase(kAfterFault);
    enter(fault, State::done);
    return;
  }
  if (fault.state != State::clearing) {
    enter(fault, State::clearing);
    journal_.append("fault.clearing", about(fault.spec));
    load_.begin_phase(kClearing);
  }
  const Result<WallTime> at = fault.fault->clear({});
  if (!at) {
    if (clock_.steady_now() - fault.since < std::chrono::seconds(3)) return;  // the next step tries again
    give_up(fmt::format("fault \"{}\" could not be taken away: {}", fault.spec.name, to_line(at.error())));
    return;
  }
  fault.in_place = false;
  journal_.append_at(*at, "fault.cleared", about(fault.spec));
  load_.begin_phase(any_other_in_place(fault) ? kDuringFault : kAfterFault);
  enter(fault, State::confirming_clear);
}

bool RunFaults::is_time_to_clear(const Running& fault, const std::vector<Expectation>& expectations) const {
  const Nanoseconds lasted = clock_.steady_now() - fault.injected;
  if (lasted >= fault.spec.max_duration) return true;
  if (fault.spec.stop == StopWhen::after) return lasted >= fault.spec.stop_after;
  const std::vector<Event> events = journal_.events();
  const WallTime now = clock_.wall_now();
  return std::all_of(expectations.begin(), expectations.end(), [&](const Expectation& expectation) {
    if (expectation.fault != fault.spec.name || !expectation.on_injection()) return true;
    const bool about_alert = expectation.kind == Expectation::Kind::alert;
    if (fault.spec.stop == StopWhen::firing && !about_alert) return true;
    return judge(expectation, events, now, false).outcome != Outcome::waiting;
  });
}

std::optional<RunFaults::Sight> RunFaults::look(const Running& fault, const char* phase,
                                                const std::stop_token& stop) {
  const Confirmation& how = fault.confirmation;
  if (!how.path.empty()) {
    const auto reply = http_.call(
        {.url = fault.place.url + how.path, .timeout = std::chrono::seconds(1), .max_body = 1u << 20}, stop);
    const int status = reply ? reply->status : 0;
    return Sight{status == how.status, status == 0 ? fmt::format("{} does not answer", how.path)
                                                   : fmt::format("{} answers {}", how.path, status)};
  }
  const auto statistics = load_.seen(fault.spec.target, phase);
  if (!statistics || statistics->counts.completed() < kEnoughRequests) return std::nullopt;
  const std::optional<double> value = metric_of(*statistics, how.metric);
  if (!value) return std::nullopt;
  return Sight{how.bounds.hold_for(*value), fmt::format("the load's {} is {:.3g} over {} requests",
                                                        how.metric, *value, statistics->counts.completed())};
}

void RunFaults::confirm(Running& fault, bool present, const std::stop_token& stop) {
  const char* phase = present || any_other_in_place(fault) ? kDuringFault : kAfterFault;
  const std::optional<Sight> sight = look(fault, phase, stop);
  if (sight && sight->present == present) {
    journal_.append(present ? "fault.confirmed" : "fault.clear_confirmed",
                    {{"fault", fault.spec.name}, {"evidence", sight->evidence}});
    enter(fault, present ? State::active : State::done);
    return;
  }
  if (clock_.steady_now() - fault.since < fault.confirmation.within) return;
  give_up(fmt::format("fault \"{}\" was {} but never seen to be {}: {}", fault.spec.name,
                      present ? "injected" : "taken away", present ? "there" : "gone",
                      sight ? sight->evidence : "too few requests to tell"));
}

void RunFaults::roll_back(bool gone) {
  for (Running& fault : faults_) {
    if (!fault.in_place || fault.skip) continue;
    journal_.append("fault.clearing", {{"fault", fault.spec.name}, {"rollback", true}});
    Nanoseconds pause = std::chrono::milliseconds(100);
    Result<WallTime> at = fault.fault->clear({});
    for (int attempt = 1; !at && !gone && attempt < kRollbackAttempts; ++attempt, pause *= 2) {
      clock_.sleep_for(pause, {});
      at = fault.fault->clear({});
    }
    fault.in_place = false;
    if (at) {
      journal_.append_at(*at, "fault.cleared", {{"fault", fault.spec.name}, {"rollback", true}});
    } else if (gone) {
      journal_.append("fault.cleared",
                      {{"fault", fault.spec.name}, {"rollback", true}, {"with", "its stack"}});
    } else {
      Json fields{{"fault", fault.spec.name}, {"reason", to_line(at.error())}, {"undo", fault.fault->undo()}};
      if (fault.fault->has_ttl())
        fields["ends_by_itself_after_s"] = core::to_seconds(fault.spec.max_duration);
      journal_.append("fault.not_removed", std::move(fields));
    }
  }
}

}  // namespace obsctl::scenarios
