// A run's one-second windows: the threads' parts added up, in order and without gaps.
#include <algorithm>

#include "loadgen/threaded_run.hpp"

namespace obsctl::loadgen {

using core::Nanoseconds;

namespace {

constexpr auto kSecond = std::chrono::seconds(1);

}  // namespace

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

}  // namespace obsctl::loadgen
