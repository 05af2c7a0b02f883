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

Json about(const FaultSpec& spec) {
  return {{"fault", spec.name}};
}

}  // namespace

Confirmation default_confirmation(const FaultEffect& effect) {
  Confirmation confirmation;
  if (effect.failing > 0) {
    confirmation.metric = "error_ratio";
    // A fault on some routes only is seen by those requests of the load that go there.
    confirmation.bounds.at_least = effect.everywhere ? 0.8 * effect.failing : 0.01;
  } else if (effect.delayed > 0) {
    confirmation.metric = effect.delayed >= 0.6    ? "response_p50"
                          : effect.delayed >= 0.06 ? "response_p95"
                                                   : "response_p99";
    confirmation.bounds.at_least = core::to_seconds(effect.delay);
  } else {
    confirmation.path = effect.probe;
    confirmation.status = effect.probe_status;
  }
  return confirmation;
}

Result<void> RunFaults::prepare(const std::vector<FaultSpec>& specs,
                                const std::map<std::string, FaultPlace>& places, bool skip) {
  for (const FaultSpec& spec : specs) {
    const auto known = places.find(spec.target);
    const FaultPlace place = known == places.end() ? FaultPlace{} : known->second;
    auto fault = make_fault(spec, place, clock_);
    if (!fault) return fault.error();
    Running running;
    running.spec = spec;
    running.place = place;
    running.fault = std::move(*fault);
    running.confirmation = spec.confirm.value_or(default_confirmation(spec.effect));
    running.skip = skip;
    faults_.push_back(std::move(running));
  }
  return {};
}

void RunFaults::step(core::SteadyTime gate, core::SteadyTime started,
                     const std::vector<Expectation>& expectations, const std::stop_token& stop) {
  for (Running& fault : faults_) {
    if (given_up_) return;
    switch (fault.state) {
      case State::waiting:
        if (is_due(fault, gate, started)) inject(fault, stop);
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

void RunFaults::pick_up_left(const std::stop_token& stop) {
  std::vector<FaultLedger::Entry> left = ledger_.entries();
  std::reverse(left.begin(), left.end());  // the last first, as they lie on each other
  for (const FaultLedger::Entry& entry : left) {
    if (entry.looked_after || (entry.record.held && !entry.record.is_over(clock_.wall_now()))) continue;
    Json fields{{"fault", entry.record.spec.name},
                {"of_run", entry.record.run},
                {"description", entry.record.spec.description}};
    const Result<void> cleared = ledger_.clear(entry, clock_, stop);
    if (!cleared) {
      fields["reason"] = to_line(cleared.error());
      fields["undo"] = entry.record.undo;
    }
    journal_.append(cleared ? "left_fault.cleared" : "left_fault.still_there", std::move(fields));
  }
}

namespace {

/// When what `after` speaks of happened.
std::optional<WallTime> happened(const After& after, const std::vector<Event>& events) {
  using What = After::What;
  const std::map<What, std::pair<std::string_view, const char*>> kinds{
      {What::fault_confirmed, {"fault.confirmed", "fault"}},
      {What::fault_gone, {"fault.clear_confirmed", "fault"}},
      {What::alert_pending, {"alert.pending", "alert"}},
      {What::alert_firing, {"alert.firing", "alert"}},
      {What::alert_inactive, {"alert.inactive", "alert"}}};
  const auto& [kind, key] = kinds.at(after.what);
  for (const Event& event : events) {
    const bool left_out = event.kind == "fault.skipped" || event.flag("skipped");
    if ((event.kind == kind || (left_out && key == std::string_view("fault"))) &&
        event.text(key) == after.name)
      return event.at;
  }
  return std::nullopt;
}

}  // namespace

bool RunFaults::is_due(const Running& fault, core::SteadyTime gate, core::SteadyTime started) {
  const core::SteadyTime now = clock_.steady_now();
  if (!fault.spec.after) return now >= std::max(gate, started + fault.spec.start);
  if (now < gate) return false;
  const After& after = *fault.spec.after;
  if (const auto at = happened(after, journal_.events())) return clock_.wall_now() >= *at + fault.spec.start;
  if (now >= gate + after.within)
    give_up(fmt::format("fault \"{}\" was to come after {}, which did not happen within {}", fault.spec.name,
                        after.name, core::format_duration(after.within)));
  return false;
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
  given_up_ = true;
  journal_.append("run.inconclusive", {{"reason", reason}});
}

bool RunFaults::any_other_in_place(const Running& fault) const {
  return std::any_of(faults_.begin(), faults_.end(),
                     [&](const Running& other) { return &other != &fault && other.in_place; });
}

void RunFaults::begin_phase_of(Running& fault, const char* phase) {
  // Two parts of one phase must not be one: a fault is gone while another is still there.
  fault.phase = fmt::format("{}/{}{}", phase, fault.in_place ? "" : "after-", fault.spec.name);
  load_.begin_phase(fault.phase);
  for (Running& other : faults_) {
    if (other.state == State::confirming || other.state == State::confirming_clear) other.phase = fault.phase;
  }
}

bool RunFaults::is_possible(Running& fault, const std::stop_token& stop) {
  const Result<void> possible = fault.fault->check(stop);
  // A call that was broken off says nothing about the fault.
  if (!possible && !stop.stop_requested())
    give_up(fmt::format("fault \"{}\" cannot be injected: {}", fault.spec.name, to_line(possible.error())));
  return possible.has_value();
}

bool RunFaults::all_possible(const std::stop_token& stop) {
  return std::all_of(faults_.begin(), faults_.end(),
                     [&](Running& fault) { return fault.skip || is_possible(fault, stop); });
}

void RunFaults::inject(Running& fault, const std::stop_token& stop) {
  Json fields = about(fault.spec);
  fields["description"] = fault.spec.description;
  if (fault.skip) {
    journal_.append("fault.skipped", std::move(fields));
    load_.begin_phase(kDuringFault);
    fault.injected = clock_.steady_now();
    enter(fault, State::active);
    return;
  }
  if (!is_possible(fault, stop)) return;
  auto record = ledger_.add(record_of(fault.spec, fault.place, *fault.fault, run_, clock_.wall_now()));
  if (!record) {
    give_up(fmt::format("fault \"{}\" cannot be injected: {}", fault.spec.name, to_line(record.error())));
    return;
  }
  fault.record = std::move(*record);
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
  if (!at && at.error().kind == core::ErrorKind::conflict) {  // what is there is not ours
    fault.in_place = false;
    drop_record(fault);
  }
  if (!at) {
    if (stop.stop_requested()) return;  // it says nothing; rolling back takes away what may be there
    give_up(fmt::format("fault \"{}\" could not be injected: {}", fault.spec.name, to_line(at.error())));
    return;
  }
  journal_.append_at(*at, "fault.injected", std::move(fields));
  begin_phase_of(fault, kDuringFault);
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
  begin_phase_of(fault, any_other_in_place(fault) ? kDuringFault : kAfterFault);
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

std::optional<FaultSight> RunFaults::look(const Running& fault, const std::stop_token& stop) {
  const Confirmation& how = fault.confirmation;
  if (!how.path.empty()) {
    const auto reply = http_.call(
        {.url = fault.place.url + how.path, .timeout = std::chrono::seconds(1), .max_body = 1u << 20}, stop);
    const int status = reply ? reply->status : 0;
    return FaultSight{status == how.status, status == 0 ? fmt::format("{} does not answer", how.path)
                                                        : fmt::format("{} answers {}", how.path, status)};
  }
  if (how.metric.empty()) {
    const auto sight = fault.fault->look(stop);
    if (!sight) return FaultSight{!fault.in_place, to_line(sight.error())};
    return *sight;
  }
  const auto statistics = load_.seen(fault.spec.target, fault.phase);
  if (!statistics || statistics->counts.completed() < kEnoughRequests) return std::nullopt;
  const std::optional<double> value = metric_of(*statistics, how.metric);
  if (!value) return std::nullopt;
  return FaultSight{how.bounds.hold_for(*value),
                    fmt::format("the load's {} is {:.3g} over {} requests", how.metric, *value,
                                statistics->counts.completed())};
}

void RunFaults::drop_record(Running& fault) {
  fault.record->remove();
  fault.record.reset();
}

/// That it is gone has to be said by the target too, whatever the load sees: only then is its record dropped.
bool RunFaults::is_confirmed(const Running& fault, const FaultSight& sight, bool present,
                             const std::stop_token& stop) {
  if (sight.present != present) return false;
  if (present) return true;
  const auto target = fault.fault->look(stop);
  return target && !target->present;
}

void RunFaults::confirm(Running& fault, bool present, const std::stop_token& stop) {
  const std::optional<FaultSight> sight = look(fault, stop);
  if (sight && is_confirmed(fault, *sight, present, stop)) {
    if (!present) drop_record(fault);
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

void RunFaults::roll_back(bool stack_goes) {
  std::vector<Running*> in_place;
  for (Running& fault : faults_) {
    if (fault.record) in_place.push_back(&fault);
  }
  std::sort(in_place.begin(), in_place.end(),
            [](const Running* one, const Running* other) { return one->injected > other->injected; });
  for (Running* fault : in_place) roll_back(*fault, stack_goes);
}

void RunFaults::roll_back(Running& fault, bool stack_goes) {
  const bool gone = stack_goes && fault.place.stack != nullptr && fault.spec.at_target;
  journal_.append("fault.clearing", {{"fault", fault.spec.name}, {"rollback", true}});
  // Nobody confirms a rollback by the load, which may have ended: the target itself has to say so.
  const Result<WallTime> at = gone ? fault.fault->clear({}) : clear_for_sure(*fault.fault, clock_, {});
  fault.in_place = false;
  if (at || gone) drop_record(fault);
  if (at) {
    journal_.append_at(*at, "fault.cleared", {{"fault", fault.spec.name}, {"rollback", true}});
  } else if (gone) {
    journal_.append("fault.cleared", {{"fault", fault.spec.name}, {"rollback", true}, {"with", "its stack"}});
  } else {
    Json fields{{"fault", fault.spec.name}, {"reason", to_line(at.error())}, {"undo", fault.fault->undo()}};
    if (fault.fault->has_ttl()) fields["ends_by_itself_after_s"] = core::to_seconds(fault.spec.max_duration);
    journal_.append("fault.not_removed", std::move(fields));
  }
}

}  // namespace obsctl::scenarios
