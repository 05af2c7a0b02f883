// Starts the sending threads and adds up what they record.
#include "loadgen/load_run.hpp"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>

#include <fmt/format.h>
#include <sys/resource.h>

#include "loadgen/curl_transport.hpp"
#include "loadgen/plan_check.hpp"
#include "loadgen/worker.hpp"

namespace obsctl::loadgen {

using core::Nanoseconds;

namespace {

constexpr auto kSecond = std::chrono::seconds(1);
/// From the call of begin_phase: longer than a thread takes to see it, short against any phase.
constexpr RunTime kPhaseNotice = 5'000'000;
constexpr RunTime kStartNotice = 5'000'000;

/// Adds a thread's window to a sum.
struct WindowSum {
  Window window;
  Histogram response{window_layout()};
  Histogram lag{window_layout()};

  void add(const FinishedWindow& part) {
    window.counts += part.counts;
    add_sparse(response, part.response_time);
    add_sparse(lag, part.schedule_lag);
    window.max = std::max(window.max, part.max);
    window.in_flight += part.in_flight;
    window.bytes_received += part.bytes_received;
  }
  static void add_sparse(Histogram& histogram, const FinishedWindow::Sparse& sparse) {
    for (const auto& [counter, n] : sparse)
      histogram.record(Nanoseconds(histogram.layout().highest_at(counter)), n);
  }
  Window finished() {
    window.p50 = std::min(window.max, response.quantile(0.5));
    window.p95 = std::min(window.max, response.quantile(0.95));
    window.p99 = std::min(window.max, response.quantile(0.99));
    window.lag_p99 = lag.quantile(0.99);
    return window;
  }
};

/// A phase's sum over threads while the run goes on.
struct PhaseSum {
  Counts counts;
  Histogram response_time;
  Histogram service_time;
  Histogram schedule_lag;
  Histogram pool_wait;

  void add(const PhaseRecorder& recorder) {
    recorder.response_time.add_to(response_time);
    recorder.service_time.add_to(service_time);
    recorder.schedule_lag.add_to(schedule_lag);
    recorder.pool_wait.add_to(pool_wait);
    recorder.counts.add_to(counts);
  }
};

class ThreadedRun final : public LoadRun {
 public:
  ThreadedRun(std::unique_ptr<RunShared> shared, std::optional<TlsContext> tls, core::Logger& log);
  ~ThreadedRun() override;
  void launch();

  core::SteadyTime started_at() const override {
    return core::SteadyTime(Nanoseconds(shared_->started_ns.load()));
  }
  void begin_phase(std::string name) override;
  Statistics phase(std::string_view name) const override;
  Statistics whole() const override;
  Snapshot snapshot() const override;
  std::vector<Window> windows_since(std::int64_t index) const override;
  std::vector<Window> recent_windows(int count) const override;
  GeneratorLimited generator_limited() const override;
  bool finished() const override;
  bool wait(core::SteadyTime deadline, const std::stop_token& stop) override;
  Summary stop(const std::stop_token& urgent) override;

 private:
  struct Phase {
    std::string name;
    RunTime start = 0;
    std::int64_t scheduled_before = 0;
    int recorder = 0;
  };

  RunTime now() const;
  RunTime measured_now() const { return std::min(now(), shared_->end.load()); }
  std::int64_t scheduled_before(ArrivalCursor& cursor, RunTime time) const;
  PhaseSum sum_of(int recorder) const;
  PhaseSum measured_sum() const;
  Statistics statistics_of(const PhaseSum& sum, std::int64_t scheduled, Nanoseconds length) const;
  Statistics phase_statistics(std::string_view name) const;
  std::int64_t measured_scheduled() const;
  void complete(Counts& counts, std::int64_t scheduled) const;
  void collect_windows() const;
  void finish_window(WindowSum& sum) const;
  GeneratorLimited judge_generator(const PhaseSum& sum, std::int64_t scheduled) const;
  Summary summarise(RunTime drained, bool early);
  void summarise_endpoints(Summary& summary) const;
  std::string check_invariants(const Counts& counts) const;

  std::unique_ptr<RunShared> shared_;
  std::optional<TlsContext> tls_;
  core::Logger& log_;
  core::WallTime wall_start_{};
  std::vector<std::unique_ptr<Worker>> workers_;
  mutable std::mutex mutex_;
  std::vector<Phase> phases_;
  mutable ArrivalCursor phase_cursor_;
  mutable ArrivalCursor now_cursor_;
  mutable ArrivalCursor window_cursor_;
  mutable std::vector<std::deque<FinishedWindow>> collected_;  ///< by thread, not yet added up
  mutable std::vector<Window> windows_;
  mutable std::int64_t window_scheduled_ = 0;  ///< before the next window
  std::optional<Summary> summary_;
};

ArrivalCursor whole_stripe(const RunShared& shared) {
  return ArrivalCursor(shared.schedule, shared.plan.seed, shared.plan.stripe_index, shared.plan.stripe_count);
}

ThreadedRun::ThreadedRun(std::unique_ptr<RunShared> shared, std::optional<TlsContext> tls, core::Logger& log)
    : shared_(std::move(shared)),
      tls_(std::move(tls)),
      log_(log),
      phase_cursor_(whole_stripe(*shared_)),
      now_cursor_(whole_stripe(*shared_)),
      window_cursor_(whole_stripe(*shared_)) {
  const LoadPlan& plan = shared_->plan;
  if (plan.warm_up.count() > 0) phases_.push_back({"warm-up", INT64_MIN, 0, 0});
  const int first = static_cast<int>(phases_.size());
  phases_.push_back({plan.first_phase, shared_->first_measured,
                     scheduled_before(phase_cursor_, shared_->first_measured), first});
  for (std::size_t i = 0; i < phases_.size(); ++i) {
    shared_->phase_start[i].store(i == 0 ? INT64_MIN : phases_[i].start);
    shared_->phase_recorder[i] = phases_[i].recorder;
  }
  window_scheduled_ = scheduled_before(window_cursor_, shared_->first_measured);
  for (int k = 0; k < plan.threads; ++k) {
    workers_.push_back(std::make_unique<Worker>(*shared_, k, tls_ ? &*tls_ : nullptr));
    for (const Phase& phase : phases_) workers_.back()->add_phase(phase.recorder);
  }
  collected_.resize(workers_.size());
  shared_->phase_count.store(static_cast<int>(phases_.size()));
}

ThreadedRun::~ThreadedRun() {
  shared_->end.store(std::min(shared_->end.load(), now()));
  shared_->abandon.store(true);
  for (const auto& worker : workers_) worker->join();
}

void ThreadedRun::launch() {
  for (const auto& worker : workers_) worker->start();
  const auto patience = std::chrono::steady_clock::now() + shared_->plan.connect_timeout + kSecond;
  while (shared_->waiting_to_start.load() < shared_->plan.threads &&
         std::chrono::steady_clock::now() < patience) {
    std::this_thread::sleep_for(std::chrono::microseconds(500));
  }
  wall_start_ = std::chrono::system_clock::now() + Nanoseconds(kStartNotice);
  const auto start = std::chrono::steady_clock::now() + Nanoseconds(kStartNotice);
  shared_->started_ns.store(Nanoseconds(start.time_since_epoch()).count());
}

RunTime ThreadedRun::now() const {
  return (std::chrono::steady_clock::now() - started_at()).count();
}

std::int64_t ThreadedRun::scheduled_before(ArrivalCursor& cursor, RunTime time) const {
  if (shared_->plan.arrivals.concurrency > 0) return 0;
  std::int64_t limit = INT64_MAX;
  if (shared_->index_limit != INT64_MAX) {
    const LoadPlan& plan = shared_->plan;
    const std::int64_t all = shared_->index_limit;
    limit = all <= plan.stripe_index ? 0 : (all - plan.stripe_index - 1) / plan.stripe_count + 1;
  }
  return std::min(limit, cursor.count_before(Nanoseconds(std::max<RunTime>(time, 0))));
}

void ThreadedRun::begin_phase(std::string name) {
  const std::lock_guard lock(mutex_);
  if (phases_.size() >= kMaxPhases) {
    log_.warn("a load run has at most 32 phases; this one is not begun", {{"phase", name}});
    return;
  }
  int recorder = 0;
  const auto known =
      std::find_if(phases_.begin(), phases_.end(), [&](const Phase& p) { return p.name == name; });
  if (known != phases_.end()) {
    recorder = known->recorder;
  } else {
    for (const Phase& phase : phases_) recorder = std::max(recorder, phase.recorder + 1);
    for (const auto& worker : workers_) worker->add_phase(recorder);
  }
  const auto slot = phases_.size();
  const RunTime start = std::max(now() + kPhaseNotice, shared_->first_measured);
  shared_->phase_recorder[slot] = recorder;
  shared_->phase_start[slot].store(start, std::memory_order_relaxed);
  shared_->phase_count.store(static_cast<int>(slot) + 1, std::memory_order_release);
  phases_.push_back({std::move(name), start, scheduled_before(phase_cursor_, start), recorder});
}

PhaseSum ThreadedRun::sum_of(int recorder) const {
  PhaseSum sum;
  for (const auto& worker : workers_) sum.add(*worker->phase(recorder));
  return sum;
}

PhaseSum ThreadedRun::measured_sum() const {
  PhaseSum sum;
  std::vector<int> seen;
  for (const Phase& phase : phases_) {
    if (phase.name == "warm-up" || std::find(seen.begin(), seen.end(), phase.recorder) != seen.end())
      continue;
    seen.push_back(phase.recorder);
    for (const auto& worker : workers_) sum.add(*worker->phase(phase.recorder));
  }
  return sum;
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
  int recorder = -1;
  for (std::size_t i = 0; i < phases_.size(); ++i) {
    if (phases_[i].name != name) continue;
    recorder = phases_[i].recorder;
    const RunTime from = std::max<RunTime>(0, phases_[i].start);
    const bool over = i + 1 < phases_.size() && phases_[i + 1].start < end;
    const RunTime to = over ? phases_[i + 1].start : end;
    if (to <= from) continue;
    scheduled += (over ? phases_[i + 1].scheduled_before : scheduled_now) - phases_[i].scheduled_before;
    length += Nanoseconds(to - from);
  }
  return recorder < 0 ? Statistics{} : statistics_of(sum_of(recorder), scheduled, length);
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

bool ThreadedRun::finished() const {
  return std::all_of(workers_.begin(), workers_.end(), [](const auto& worker) { return worker->finished(); });
}

bool ThreadedRun::wait(core::SteadyTime deadline, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  while (!finished()) {
    const auto next = std::min<core::SteadyTime>(
        deadline, std::chrono::steady_clock::now() + std::chrono::milliseconds(10));
    if (stop.stop_requested() || std::chrono::steady_clock::now() >= deadline) return finished();
    std::unique_lock lock(mutex);
    wake.wait_until(lock, stop, next, [] { return false; });
  }
  return true;
}

void ThreadedRun::finish_window(WindowSum& sum) const {
  Window& window = sum.window;
  window.index = static_cast<std::int64_t>(windows_.size());
  const RunTime from = shared_->first_measured + window.index * Nanoseconds(kSecond).count();
  const RunTime to = std::min(from + Nanoseconds(kSecond).count(), std::max(from, measured_now()));
  window.length = Nanoseconds(to - from);
  const std::int64_t in_flight = window.counts.in_flight_at_end;
  const std::int64_t scheduled_up_to = scheduled_before(window_cursor_, to);
  complete(window.counts, scheduled_up_to - window_scheduled_);
  window.counts.in_flight_at_end = in_flight;
  window_scheduled_ = scheduled_up_to;
  windows_.push_back(sum.finished());
}

void ThreadedRun::collect_windows() const {
  for (std::size_t k = 0; k < workers_.size(); ++k) {
    for (FinishedWindow& window : workers_[k]->windows().take_finished())
      collected_[k].push_back(std::move(window));
  }
  const bool over = finished();
  while (true) {
    const auto have =
        std::count_if(collected_.begin(), collected_.end(), [](const auto& c) { return !c.empty(); });
    if (have == 0 || (!over && have < static_cast<std::ptrdiff_t>(collected_.size()))) return;
    WindowSum sum;
    for (auto& windows : collected_) {
      if (windows.empty()) continue;
      sum.add(windows.front());
      windows.pop_front();
    }
    finish_window(sum);
  }
}

std::vector<Window> ThreadedRun::windows_since(std::int64_t index) const {
  const std::lock_guard lock(mutex_);
  collect_windows();
  if (index < 0) index = 0;
  if (index >= static_cast<std::int64_t>(windows_.size())) return {};
  return {windows_.begin() + index, windows_.end()};
}

std::vector<Window> ThreadedRun::recent_windows(int count) const {
  const std::lock_guard lock(mutex_);
  collect_windows();
  const RunTime at = measured_now() - shared_->first_measured;
  if (at <= 0 || count <= 0) return {};
  const std::int64_t last = (at - 1) / Nanoseconds(kSecond).count();
  const auto known = static_cast<std::int64_t>(windows_.size());
  std::vector<Window> result;
  for (std::int64_t index = std::max<std::int64_t>(0, last - count + 1); index <= last; ++index) {
    if (index < known) {
      result.push_back(windows_[static_cast<std::size_t>(index)]);
      continue;
    }
    WindowSum sum;
    sum.window.index = index;
    for (std::size_t k = 0; k < workers_.size(); ++k) {
      for (const FinishedWindow& part : collected_[k]) {
        if (part.index == index) sum.add(part);
      }
      workers_[k]->windows().add_unfinished(index, sum.window.counts, sum.response, sum.lag,
                                            sum.window.in_flight, sum.window.bytes_received);
    }
    const Nanoseconds from = index * Nanoseconds(kSecond);
    sum.window.length = std::min<Nanoseconds>(kSecond, Nanoseconds(at) - from);
    const Nanoseconds rate_at = from + sum.window.length / 2 + Nanoseconds(shared_->first_measured);
    const double asked = shared_->plan.arrivals.concurrency > 0
                             ? 0
                             : shared_->schedule.rate_at(rate_at) * core::to_seconds(sum.window.length);
    complete(sum.window.counts, static_cast<std::int64_t>(asked) / shared_->plan.stripe_count);
    sum.window.max = std::max(sum.window.max, sum.response.max());
    result.push_back(sum.finished());
  }
  return result;
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

Summary ThreadedRun::stop(const std::stop_token& urgent) {
  if (summary_) return *summary_;
  const bool over = finished();
  const RunTime planned = shared_->end.load();
  const RunTime at = std::max(now(), shared_->first_measured);
  const bool early = !over && at < planned;
  // A run that came to its own end keeps the end of its plan, though its last request was done before that.
  if (early || planned == kNever) shared_->end.store(at);
  if (over && shared_->plan.arrivals.concurrency > 0) {  // of a closed loop nobody knows before when that is
    RunTime last = 0;
    for (const auto& worker : workers_) last = std::max(last, worker->ended());
    shared_->end.store(std::min(planned, last));
  }
  const auto patience = std::chrono::steady_clock::now() + shared_->plan.drain_timeout * 2 + kSecond;
  if (!wait(patience, urgent)) shared_->abandon.store(true);
  for (const auto& worker : workers_) worker->join();
  const RunTime drained = std::max<RunTime>(0, now() - shared_->end.load());
  const std::lock_guard lock(mutex_);
  summary_ = summarise(drained, early);
  return *summary_;
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
    const Counts warm_up = sum_of(0).counts;
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
    const bool known = std::any_of(summary.phases.begin(), summary.phases.end(),
                                   [&](const PhaseSummary& p) { return p.name == phase.name; });
    if (!known) summary.phases.push_back({phase.name, phase_statistics(phase.name)});
  }
  collect_windows();
  summary.windows = windows_;
  summarise_endpoints(summary);
  return summary;
}

/// Each connection is a descriptor; the soft limit is raised as far as it must and may be.
core::Result<void> allow_descriptors(const LoadPlan& plan) {
  const rlim_t wanted = static_cast<rlim_t>(std::max(plan.max_connections, plan.arrivals.concurrency)) + 128;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return {};
  if (limit.rlim_max < wanted) {
    return core::make_error(
        core::ErrorKind::unavailable,
        fmt::format("{} connections need more open files than the limit of {}",
                    std::max(plan.max_connections, plan.arrivals.concurrency), limit.rlim_max),
        "raise it with ulimit -n, or use fewer connections");
  }
  limit.rlim_cur = wanted;
  setrlimit(RLIMIT_NOFILE, &limit);
  return {};
}

/// The end of the measured part, where the plan has one.
RunTime planned_end(const RunShared& shared) {
  const LoadPlan& plan = shared.plan;
  RunTime end = kNever;
  if (plan.duration.count() > 0) end = (plan.warm_up + plan.duration).count();
  if (plan.arrivals.concurrency > 0) return end;
  if (shared.schedule.length().count() > 0) end = std::min<RunTime>(end, shared.schedule.length().count());
  if (shared.index_limit != INT64_MAX) {
    const ArrivalCursor after_last(shared.schedule, plan.seed, shared.index_limit, 1);
    end = std::min<RunTime>(end, after_last.due().count());
  }
  return end;
}

}  // namespace

core::Result<std::unique_ptr<LoadRun>> LoadRun::start(LoadPlan plan, core::Logger& log) {
  const auto checked = check_plan(plan);
  if (!checked) return checked.error();
  if (plan.version == HttpVersion::http2) {
    const auto curl = check_curl(plan);
    if (!curl) return curl.error();
  }
  const auto descriptors = allow_descriptors(plan);
  if (!descriptors) return descriptors.error();
  auto shared = std::make_unique<RunShared>();
  shared->plan = std::move(plan);
  const LoadPlan& kept = shared->plan;
  if (kept.arrivals.concurrency == 0) {
    auto schedule = Schedule::compile(kept.arrivals);
    if (!schedule) return schedule.error();
    shared->schedule = std::move(*schedule);
  }
  auto mix = RequestMix::compile(kept);
  if (!mix) return mix.error();
  shared->mix = std::move(*mix);
  auto endpoints = resolve_target(kept);
  if (!endpoints) return endpoints.error();
  shared->endpoints = std::move(*endpoints);
  std::optional<TlsContext> tls;
  if (kept.target.scheme == "https") {
    auto context = TlsContext::create(kept.tls, kept.target.host);
    if (!context) return context.error();
    tls = std::move(*context);
  }
  shared->first_measured = kept.warm_up.count();
  std::int64_t limit = kept.max_requests;
  if (shared->mix.limit() > 0) limit = limit > 0 ? std::min(limit, shared->mix.limit()) : shared->mix.limit();
  if (limit > 0 && kept.arrivals.concurrency == 0) {
    ArrivalCursor warm_up(shared->schedule, kept.seed, 0, 1);
    shared->index_limit = warm_up.count_before(kept.warm_up) + limit;
  }
  shared->planned_end = planned_end(*shared);
  shared->end.store(shared->planned_end);
  auto run = std::make_unique<ThreadedRun>(std::move(shared), std::move(tls), log);
  run->launch();
  return std::unique_ptr<LoadRun>(std::move(run));
}

}  // namespace obsctl::loadgen
