// The course of a run: starting the threads, phases, waiting, stopping.
#include "loadgen/threaded_run.hpp"

#include <algorithm>
#include <condition_variable>

namespace obsctl::loadgen {

using core::Nanoseconds;

namespace {

constexpr auto kSecond = std::chrono::seconds(1);
/// From the call of begin_phase: longer than a thread takes to see it, short against any phase.
constexpr RunTime kPhaseNotice = 5'000'000;
constexpr RunTime kStartNotice = 5'000'000;

ArrivalCursor whole_stripe(const RunShared& shared) {
  return ArrivalCursor(shared.schedule, shared.plan.seed, shared.plan.stripe_index, shared.plan.stripe_count);
}

}  // namespace

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
    log_.warn("a load run has at most 128 phases; this one is not begun", {{"phase", name}});
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

}  // namespace obsctl::loadgen
