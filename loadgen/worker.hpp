// One sending thread: takes its stripe of the schedule, releases what is due, hands it to its transport,
// records how it ended. The order inside a turn of the loop is what keeps it truthful: read what has arrived,
// release what is due, arm the timer once, and never from a completion (see docs/explanation/performance.md).
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/clock.hpp"
#include "loadgen/arrivals.hpp"
#include "loadgen/http1_transport.hpp"
#include "loadgen/plan.hpp"
#include "loadgen/poller.hpp"
#include "loadgen/recorder.hpp"
#include "loadgen/request_mix.hpp"
#include "loadgen/tls.hpp"
#include "loadgen/transport.hpp"

namespace obsctl::loadgen {

inline constexpr int kMaxPhases = 128;

/// What all threads of a run share. Written before they start, except for the atomics.
struct RunShared {
  LoadPlan plan;
  Schedule schedule;
  RequestMix mix;
  std::vector<Endpoint> endpoints;
  std::int64_t index_limit = INT64_MAX;  ///< arrivals from this index on are not sent
  RunTime first_measured = 0;            ///< the end of the warm-up
  RunTime planned_end = kNever;

  std::atomic<int> waiting_to_start{0};     ///< threads that have their connections
  std::atomic<std::int64_t> started_ns{0};  ///< steady clock; 0: not yet
  std::atomic<RunTime> end{kNever};         ///< nothing due at or after this is sent
  std::atomic<bool> abandon{false};         ///< do not wait for what is in flight
  std::atomic<int> phase_count{0};
  std::array<std::atomic<RunTime>, kMaxPhases> phase_start{};
  std::array<int, kMaxPhases> phase_recorder{};  ///< which PhaseRecorder: a name used twice has one
};

class Worker final : public TransportEvents {
 public:
  /// `tls` is null for plain connections; everything outlives the worker.
  Worker(RunShared& shared, int index, const TlsContext* tls);
  ~Worker() override;

  /// Starts the thread; it opens its connections, waits for RunShared::started_ns, and runs to the end.
  void start();
  void join();

  // For any thread, while it runs.
  const PhaseRecorder* phase(int recorder) const { return phases_[static_cast<std::size_t>(recorder)].get(); }
  /// Before the phase is published in RunShared.
  void add_phase(int recorder) {
    phases_[static_cast<std::size_t>(recorder)] = std::make_unique<PhaseRecorder>();
  }
  WindowSeries& windows() { return windows_; }
  const std::vector<std::unique_ptr<EndpointRecorder>>& endpoints() const { return endpoints_; }
  const HistogramRecorder& connect_time() const { return connect_time_; }
  const Tally& status_count(int status) const { return statuses_[static_cast<std::size_t>(status)]; }
  std::map<std::string, std::int64_t> failures() const;
  std::int64_t connections() const { return connections_.get(); }
  std::int64_t connections_opened() const { return opened_.get(); }
  std::int64_t bytes_sent() const { return bytes_sent_.get(); }
  std::int64_t bytes_received() const { return bytes_received_.get(); }
  core::Nanoseconds cpu() const { return core::Nanoseconds(cpu_.get()); }
  bool finished() const { return finished_.load(); }
  /// Once finished: arrivals that were due and never sent, by count, and what was in flight.
  std::int64_t unsent() const { return unsent_.get(); }
  std::int64_t in_flight_at_end() const { return in_flight_at_end_.get(); }

  /// When its last request was done.
  RunTime ended() const { return ended_.get(); }

  // TransportEvents, on the worker's own thread.
  RunTime now() const override;
  void on_done(const Exchange& exchange, const Outcome& outcome) override;
  void on_connected(RunTime took) override;
  void on_bytes(std::size_t sent, std::size_t received) override;

 private:
  /// An arrival that was due and waits for a connection.
  struct Waiting {
    std::int64_t index;
    RunTime due;
    RunTime released;
  };

  void run();
  void open_connections();
  void loop();
  bool handle_events(core::Nanoseconds timeout);
  bool release(RunTime now);
  void release_one(RunTime now, RunTime due, std::int64_t index);
  void serve_waiting(RunTime now);
  void serve_vacancies();
  void dispatch(std::int64_t index, RunTime due, RunTime released);
  void count_lost(RunTime due, Tally CountRecorder::*which);
  void tick(RunTime now);
  void wait(RunTime now);
  void spin_until(RunTime target);
  RunTime next_arrival() const;
  void count_unsent();
  void drain_in_flight();
  bool sending_over(RunTime now) const;
  bool all_released() const;
  PhaseRecorder& phase_at(RunTime due);
  WindowRecorder* window_at(RunTime due);
  std::int64_t window_index(RunTime due) const;

  RunShared& shared_;
  const LoadPlan& plan_;
  const int index_;
  const bool closed_loop_;
  Poller poller_;
  std::unique_ptr<Transport> transport_;
  std::thread thread_;

  std::int64_t started_ns_ = 0;
  ArrivalCursor cursor_;
  std::vector<Waiting> ring_;  ///< fixed capacity; ring_first_ … ring_first_ + ring_size_
  std::size_t ring_first_ = 0;
  std::size_t ring_size_ = 0;
  std::int64_t closed_budget_ = INT64_MAX;
  std::int64_t closed_index_ = 0;
  int vacancies_ = 0;  ///< closed loop: senders without a request
  bool sending_ = false;
  std::int64_t cpu_before_ = 0;
  RunTime next_tick_ = 0;
  RunTime next_grid_ = 0;
  RunTime retry_vacancies_at_ = 0;
  std::int64_t second_ = 0;

  std::array<std::unique_ptr<PhaseRecorder>, kMaxPhases> phases_;
  std::vector<std::unique_ptr<EndpointRecorder>> endpoints_;
  WindowSeries windows_;
  HistogramRecorder connect_time_;
  std::array<Tally, 1000> statuses_;
  mutable std::mutex failures_mutex_;
  std::map<std::string, std::int64_t, std::less<>> failures_;
  Tally connections_;
  Tally opened_;
  Tally bytes_sent_;
  Tally bytes_received_;
  Tally cpu_;
  Tally unsent_;
  Tally in_flight_at_end_;
  Tally ended_;
  std::atomic<bool> finished_{false};
};

}  // namespace obsctl::loadgen
