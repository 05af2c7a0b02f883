// A run on its threads: what LoadRun promises, kept by workers that each take a stripe of one schedule. Its
// three parts are the course of a run (threaded_run.cpp), its windows (run_windows.cpp) and its sums
// (run_summary.cpp).
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "loadgen/load_run.hpp"
#include "loadgen/worker.hpp"

namespace obsctl::loadgen {

struct WindowSum;

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
    return core::SteadyTime(core::Nanoseconds(shared_->started_ns.load()));
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
  PhaseSum sum_of(const std::vector<int>& recorders) const;
  PhaseSum measured_sum() const;
  Statistics statistics_of(const PhaseSum& sum, std::int64_t scheduled, core::Nanoseconds length) const;
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

}  // namespace obsctl::loadgen
