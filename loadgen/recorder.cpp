// Opening, finishing and reading windows.
#include "loadgen/recorder.hpp"

#include <algorithm>

namespace obsctl::loadgen {

void CountRecorder::add_to(Counts& counts) const {
  // What is in flight is computed as a difference, so the endings are read before what was sent.
  const auto ended = [&](Ending ending) { return endings[static_cast<std::size_t>(ending)].get(); };
  counts.ok += ended(Ending::ok);
  counts.http_error += ended(Ending::http_error);
  counts.check_failed += ended(Ending::check_failed);
  counts.timeout += ended(Ending::timeout);
  counts.connection_error += ended(Ending::connection_error);
  counts.sent += sent.get();
  counts.dropped += dropped.get();
  counts.shed += shed.get();
}

void WindowRecorder::clear(std::int64_t new_index) {
  index = new_index;
  counts.sent.set(0);
  counts.dropped.set(0);
  counts.shed.set(0);
  for (Tally& tally : counts.endings) tally.set(0);
  response_time.clear();
  schedule_lag.clear();
  bytes_received.set(0);
  in_flight.set(0);
  open = 0;
}

WindowRecorder& WindowSeries::at(std::int64_t index) {
  if (latest_ != nullptr && latest_->index == index) return *latest_;
  const auto found =
      std::find_if(live_.begin(), live_.end(), [&](const auto& w) { return w->index >= index; });
  if (found == live_.end() || (*found)->index != index) {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<WindowRecorder> window;
    if (spare_.empty()) {
      window = std::make_unique<WindowRecorder>();
    } else {
      window = std::move(spare_.back());
      spare_.pop_back();
    }
    window->clear(index);
    latest_ = live_.insert(found, std::move(window))->get();
  } else {
    latest_ = found->get();
  }
  return *latest_;
}

namespace {

FinishedWindow::Sparse sparse(const HistogramRecorder& recorder, core::Nanoseconds* max) {
  Histogram histogram(window_layout());
  recorder.add_to(histogram);
  if (max != nullptr) *max = histogram.max();
  FinishedWindow::Sparse result;
  const auto& counters = histogram.counters();
  for (std::size_t i = 0; i < counters.size(); ++i) {
    if (counters[i] != 0) {
      result.emplace_back(static_cast<std::uint16_t>(i), static_cast<std::uint32_t>(counters[i]));
    }
  }
  return result;
}

FinishedWindow finished(const WindowRecorder& window) {
  FinishedWindow result;
  result.index = window.index;
  window.counts.add_to(result.counts);
  result.counts.in_flight_at_end = window.open;
  result.response_time = sparse(window.response_time, &result.max);
  result.schedule_lag = sparse(window.schedule_lag, nullptr);
  result.in_flight = window.in_flight.get();
  result.bytes_received = window.bytes_received.get();
  return result;
}

}  // namespace

void WindowSeries::finish_before(std::int64_t limit, bool force) {
  while (next_ < limit) {
    const bool exists = !live_.empty() && live_.front()->index == next_;
    if (exists && live_.front()->open > 0 && !force) return;
    FinishedWindow window;
    window.index = next_;
    if (exists) window = finished(*live_.front());
    const std::lock_guard lock(mutex_);
    finished_.push_back(std::move(window));
    if (exists) {
      if (latest_ == live_.front().get()) latest_ = nullptr;
      spare_.push_back(std::move(live_.front()));
      live_.pop_front();
    }
    ++next_;
  }
}

void WindowSeries::note_in_flight(std::int64_t index, std::int64_t in_flight) {
  if (index >= next_) at(index).in_flight.set(in_flight);
}

std::vector<FinishedWindow> WindowSeries::take_finished() {
  const std::lock_guard lock(mutex_);
  return std::exchange(finished_, {});
}

void WindowSeries::add_unfinished(std::int64_t index, Counts& counts, Histogram& response, Histogram& lag,
                                  std::int64_t& in_flight, std::int64_t& bytes) const {
  const std::lock_guard lock(mutex_);
  for (const auto& window : live_) {
    if (window->index != index) continue;
    window->counts.add_to(counts);
    window->response_time.add_to(response);
    window->schedule_lag.add_to(lag);
    in_flight += window->in_flight.get();
    bytes += window->bytes_received.get();
  }
}

}  // namespace obsctl::loadgen
