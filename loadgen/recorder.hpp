// Where one sending thread writes what it measures. Every number has one writer and is an atomic, so that
// other threads look at it while the run goes on, without a lock on the way of a request.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "loadgen/histogram.hpp"
#include "loadgen/statistics.hpp"

namespace obsctl::loadgen {

/// How a request ended.
enum class Ending { ok, http_error, check_failed, timeout, connection_error };

/// Counts with one writer. `scheduled`, `unsent_at_end` and `in_flight_at_end` are not counted but computed.
struct CountRecorder {
  Tally sent;
  Tally dropped;
  Tally shed;
  std::array<Tally, 5> endings;  ///< by Ending

  void add_to(Counts& counts) const;
};

/// One phase, as far as one thread has seen it.
struct PhaseRecorder {
  CountRecorder counts;
  HistogramRecorder response_time;
  HistogramRecorder service_time;
  HistogramRecorder schedule_lag;
  HistogramRecorder pool_wait;
};

struct EndpointRecorder {
  CountRecorder counts;
  HistogramRecorder response_time;
  HistogramRecorder service_time;
};

/// Histograms of windows keep two digits: they are many.
inline HistogramLayout window_layout() {
  return HistogramLayout(2);
}

/// One second of one thread, being filled.
struct WindowRecorder {
  std::int64_t index = 0;
  CountRecorder counts;
  HistogramRecorder response_time{window_layout()};
  HistogramRecorder schedule_lag{window_layout()};
  Tally bytes_received;
  Tally in_flight;
  std::int64_t open = 0;  ///< sent and not done; only the sending thread looks at it

  void clear(std::int64_t new_index);
};

/// One second of one thread, over: the counters that are not zero.
struct FinishedWindow {
  using Sparse = std::vector<std::pair<std::uint16_t, std::uint32_t>>;
  std::int64_t index = 0;
  Counts counts;
  Sparse response_time;
  Sparse schedule_lag;
  core::Nanoseconds max{};
  std::int64_t in_flight = 0;
  std::int64_t bytes_received = 0;
};

/// The windows of one thread: opened when the first arrival of a second is handled, finished in order.
class WindowSeries {
 public:
  /// The window of second `index`. Sending thread only; `index` is not finished yet.
  WindowRecorder& at(std::int64_t index);
  /// Finishes windows up to but not including `limit`, as far as they have nothing open (`force`: whatever is
  /// open).
  void finish_before(std::int64_t limit, bool force);
  /// Whether finish_before(limit, false) would have work left.
  bool pending_before(std::int64_t limit) const { return next_ < limit; }
  /// Notes how much is in flight as the second `index` ends.
  void note_in_flight(std::int64_t index, std::int64_t in_flight);

  /// Any thread: takes the finished windows away.
  std::vector<FinishedWindow> take_finished();
  /// Any thread: adds up what is known of second `index`, if it is being filled.
  void add_unfinished(std::int64_t index, Counts& counts, Histogram& response, Histogram& lag,
                      std::int64_t& in_flight, std::int64_t& bytes) const;

 private:
  mutable std::mutex mutex_;  ///< of the lists' shape, not of what is recorded
  std::deque<std::unique_ptr<WindowRecorder>> live_;
  std::vector<std::unique_ptr<WindowRecorder>> spare_;
  std::vector<FinishedWindow> finished_;
  WindowRecorder* latest_ = nullptr;
  std::int64_t next_ = 0;  ///< the first that is not finished
};

}  // namespace obsctl::loadgen
