// What a run adds up to, while it goes on and when it is over; and whether the figures are the target's.
#include <algorithm>

#include <fmt/format.h>

#include "loadgen/plan_check.hpp"
#include "loadgen/threaded_run.hpp"

namespace obsctl::loadgen {

using core::Nanoseconds;

namespace {

bool contains(const std::vector<int>& numbers, int number) {
  return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

/// Whether a phase is the one of that name, or a part of it.
bool belongs_to(std::string_view phase, std::string_view name) {
  return phase.substr(0, name.size()) == name && (phase.size() == name.size() || phase[name.size()] == '/');
}

}  // namespace

PhaseSum ThreadedRun::sum_of(const std::vector<int>& recorders) const {
  PhaseSum sum;
  for (const int recorder : recorders) {
    for (const auto& worker : workers_) sum.add(*worker->phase(recorder));
  }
  return sum;
}

PhaseSum ThreadedRun::measured_sum() const {
  std::vector<int> recorders;
  for (const Phase& phase : phases_) {
    if (phase.name != "warm-up" && !contains(recorders, phase.recorder)) recorders.push_back(phase.recorder);
  }
  return sum_of(recorders);
}

void ThreadedRun::complete(Counts& counts, std::int64_t scheduled) const {
  counts.in_flight_at_end = std::max<std::int64_t>(0, counts.sent - counts.completed());
  const std::int64_t handled = counts.sent + counts.dropped + counts.shed;
  // Looked at while arrivals are being released, what was sent may be ahead of the clock that was read
  // before.
  counts.scheduled = std::max(scheduled, handled);
  counts.unsent_at_end = counts.scheduled - handled;
}

Statistics ThreadedRun::statistics_of(const PhaseSum& sum, std::int64_t scheduled, Nanoseconds length) const {
  Statistics result;
  result.counts = sum.counts;
  complete(result.counts, scheduled);
  result.length = length;
  result.response_time = quantiles_of(sum.response_time);
  result.service_time = quantiles_of(sum.service_time);
  result.schedule_lag = quantiles_of(sum.schedule_lag);
  result.pool_wait = quantiles_of(sum.pool_wait);
  return result;
}

Statistics ThreadedRun::phase_statistics(std::string_view name) const {
  const RunTime end = std::max<RunTime>(0, measured_now());
  const std::int64_t scheduled_now = scheduled_before(now_cursor_, end);
  std::int64_t scheduled = 0;
  Nanoseconds length{};
  std::vector<int> recorders;
  for (std::size_t i = 0; i < phases_.size(); ++i) {
    if (!belongs_to(phases_[i].name, name)) continue;
    if (!contains(recorders, phases_[i].recorder)) recorders.push_back(phases_[i].recorder);
    const RunTime from = std::max<RunTime>(0, phases_[i].start);
    const bool over = i + 1 < phases_.size() && phases_[i + 1].start < end;
    const RunTime to = over ? phases_[i + 1].start : end;
    if (to <= from) continue;
    scheduled += (over ? phases_[i + 1].scheduled_before : scheduled_now) - phases_[i].scheduled_before;
    length += Nanoseconds(to - from);
  }
  return recorders.empty() ? Statistics{} : statistics_of(sum_of(recorders), scheduled, length);
}

Statistics ThreadedRun::phase(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  return phase_statistics(name);
}

std::int64_t ThreadedRun::measured_scheduled() const {
  const std::size_t first = phases_.front().name == "warm-up" ? 1 : 0;
  const std::int64_t before = phases_[first].scheduled_before;
  return std::max<std::int64_t>(0, scheduled_before(now_cursor_, measured_now()) - before);
}

Statistics ThreadedRun::whole() const {
  const std::lock_guard lock(mutex_);
  const Nanoseconds length(std::max<RunTime>(0, measured_now() - shared_->first_measured));
  const std::int64_t scheduled = measured_scheduled();
  return statistics_of(measured_sum(), scheduled, length);
}

Snapshot ThreadedRun::snapshot() const {
  const std::lock_guard lock(mutex_);
  Snapshot snapshot;
  const RunTime at = now();
  snapshot.elapsed = Nanoseconds(at - shared_->first_measured);
  const bool sending = at < shared_->end.load() && shared_->plan.arrivals.concurrency == 0;
  snapshot.asked_rate =
      sending ? shared_->schedule.rate_at(Nanoseconds(at)) / static_cast<double>(shared_->plan.stripe_count)
              : 0;
  const std::int64_t scheduled = measured_scheduled();
  for (const auto& worker : workers_) {
    for (const Phase& phase : phases_) {
      const bool first_slot = &phase == &*std::find_if(phases_.begin(), phases_.end(), [&](const Phase& p) {
        return p.recorder == phase.recorder;
      });
      if (first_slot && phase.name != "warm-up")
        worker->phase(phase.recorder)->counts.add_to(snapshot.counts);
    }
    snapshot.connections += worker->connections();
  }
  complete(snapshot.counts, scheduled);
  snapshot.finished = finished();
  return snapshot;
}

GeneratorLimited ThreadedRun::judge_generator(const PhaseSum& sum, std::int64_t scheduled) const {
  const LoadPlan& plan = shared_->plan;
  if (plan.arrivals.concurrency > 0 || sum.counts.sent == 0) return {};
  const Nanoseconds lag = sum.schedule_lag.quantile(0.99);
  const Nanoseconds limit = plan.lag_limit + (plan.pacing == Pacing::coalesce ? std::chrono::milliseconds(1)
                                                                              : std::chrono::milliseconds(0));
  if (lag > limit) {
    return {true, fmt::format("the generator ran late: its p99 schedule lag is {}, above the limit of {}",
                              core::format_rounded(lag), core::format_rounded(limit))};
  }
  const Nanoseconds waited = sum.pool_wait.quantile(0.99);
  const std::int64_t handled = sum.counts.sent + sum.counts.dropped + sum.counts.shed;
  if (scheduled >= 100 && waited < std::chrono::milliseconds(1) &&
      static_cast<double>(handled) < plan.achieved_limit * static_cast<double>(scheduled)) {
    return {true, fmt::format("the generator sent {} of {} arrivals although connections were free", handled,
                              scheduled)};
  }
  return {};
}

GeneratorLimited ThreadedRun::generator_limited() const {
  const std::lock_guard lock(mutex_);
  const std::int64_t scheduled = measured_scheduled();
  return judge_generator(measured_sum(), scheduled);
}

std::string ThreadedRun::check_invariants(const Counts& c) const {
  if (c.scheduled != c.sent + c.dropped + c.shed + c.unsent_at_end) {
    return fmt::format("scheduled {} is not sent {} + dropped {} + shed {} + unsent_at_end {}", c.scheduled,
                       c.sent, c.dropped, c.shed, c.unsent_at_end);
  }
  if (c.sent != c.completed() + c.in_flight_at_end) {
    return fmt::format(
        "sent {} is not ok {} + http_error {} + check_failed {} + timeout {} + connection_error {} + "
        "in_flight_at_end {}",
        c.sent, c.ok, c.http_error, c.check_failed, c.timeout, c.connection_error, c.in_flight_at_end);
  }
  return {};
}

void ThreadedRun::summarise_endpoints(Summary& summary) const {
  const auto& names = shared_->mix.endpoints();
  if (names.size() == 1) {
    summary.endpoints.push_back({names[0], summary.counts, summary.response_time, summary.service_time});
  }
  for (std::size_t i = 0; names.size() > 1 && i < names.size(); ++i) {
    EndpointSummary endpoint;
    endpoint.name = names[i];
    for (const auto& worker : workers_) {
      const EndpointRecorder& recorder = *worker->endpoints()[i];
      recorder.counts.add_to(endpoint.counts);
      recorder.response_time.add_to(endpoint.response_time);
      recorder.service_time.add_to(endpoint.service_time);
    }
    endpoint.counts.in_flight_at_end = endpoint.counts.sent - endpoint.counts.completed();
    endpoint.counts.scheduled = endpoint.counts.sent;
    summary.endpoints.push_back(std::move(endpoint));
  }
}

Summary ThreadedRun::summarise(RunTime drained, bool early) {
  const LoadPlan& plan = shared_->plan;
  Summary summary;
  summary.target = describe_target(plan);
  summary.arrivals = describe_arrivals(plan.arrivals);
  summary.seed = plan.seed;
  summary.stripe_index = plan.stripe_index;
  summary.stripe_count = plan.stripe_count;
  summary.threads = plan.threads;
  summary.pacing = describe_pacing(plan.pacing);
  summary.closed_loop = plan.arrivals.concurrency > 0;
  summary.started_at = wall_start_ + Nanoseconds(shared_->first_measured);
  summary.elapsed = Nanoseconds(std::max<RunTime>(0, measured_now() - shared_->first_measured));
  summary.drained = Nanoseconds(drained);
  summary.stopped_early = early;

  PhaseSum sum = measured_sum();
  summary.counts = sum.counts;
  std::int64_t warm_up_in_flight = 0;
  if (phases_.front().name == "warm-up") {
    const Counts warm_up = sum_of({0}).counts;
    warm_up_in_flight = warm_up.sent - warm_up.completed();
  }
  summary.counts.scheduled = summary.closed_loop ? sum.counts.sent : measured_scheduled();
  for (const auto& worker : workers_) {
    summary.counts.unsent_at_end += worker->unsent();
    summary.counts.in_flight_at_end += worker->in_flight_at_end();
    summary.bytes_sent += worker->bytes_sent();
    summary.bytes_received += worker->bytes_received();
    summary.connections_opened += worker->connections_opened();
    summary.cpu += worker->cpu();
    worker->connect_time().add_to(summary.connect_time);
    for (int status = 100; status < 1000; ++status) {
      if (const std::int64_t n = worker->status_count(status).get(); n > 0) summary.statuses[status] += n;
    }
    for (const auto& [failure, n] : worker->failures()) summary.failures[failure] += n;
  }
  summary.counts.in_flight_at_end -= warm_up_in_flight;
  summary.broken_invariant = check_invariants(summary.counts);
  if (!summary.broken_invariant.empty())
    log_.error("the load's counts do not add up", {{"why", summary.broken_invariant}});
  summary.generator_limited = judge_generator(sum, summary.counts.scheduled);
  const double seconds = std::max(core::to_seconds(summary.elapsed), 1e-9);
  summary.asked_rate = static_cast<double>(summary.counts.scheduled) / seconds;
  summary.achieved_rate = static_cast<double>(summary.counts.sent) / seconds;
  summary.response_time = std::move(sum.response_time);
  summary.service_time = std::move(sum.service_time);
  summary.schedule_lag = std::move(sum.schedule_lag);
  summary.pool_wait = std::move(sum.pool_wait);
  for (const Phase& phase : phases_) {
    const std::string name = phase.name.substr(0, phase.name.find('/'));
    const bool known = std::any_of(summary.phases.begin(), summary.phases.end(),
                                   [&](const PhaseSummary& p) { return p.name == name; });
    if (!known) summary.phases.push_back({name, phase_statistics(name)});
  }
  collect_windows();
  summary.windows = windows_;
  summarise_endpoints(summary);
  return summary;
}

}  // namespace obsctl::loadgen
