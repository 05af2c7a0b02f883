// What a sending thread writes down: how requests ended, in which phase and window, and what was never sent.
#include <algorithm>

#include "loadgen/checks.hpp"
#include "loadgen/worker.hpp"

namespace obsctl::loadgen {

namespace {

constexpr RunTime kRetryPause = 1'000'000;  ///< closed loop: after a request that ended in a connection error
constexpr RunTime kSecond = 1'000'000'000;
constexpr std::size_t kMaxFailures = 64;

}  // namespace

void Worker::count_lost(RunTime due, Tally CountRecorder::*which) {
  (phase_at(due).counts.*which).add();
  if (WindowRecorder* window = window_at(due)) (window->counts.*which).add();
}

PhaseRecorder& Worker::phase_at(RunTime due) {
  int slot = shared_.phase_count.load(std::memory_order_acquire) - 1;
  while (slot > 0 &&
         shared_.phase_start[static_cast<std::size_t>(slot)].load(std::memory_order_relaxed) > due)
    --slot;
  return *phases_[static_cast<std::size_t>(shared_.phase_recorder[static_cast<std::size_t>(slot)])];
}

std::int64_t Worker::window_index(RunTime due) const {
  return (due - shared_.first_measured) / kSecond;
}

WindowRecorder* Worker::window_at(RunTime due) {
  return due < shared_.first_measured ? nullptr : &windows_.at(window_index(due));
}

void Worker::on_done(const Exchange& exchange, const Outcome& outcome) {
  const RunTime done = now();
  const RunTime service = done - exchange.sent;
  std::string_view why = outcome.failure;
  Ending ending = outcome.delivery == Delivery::timeout ? Ending::timeout : Ending::connection_error;
  const MixEntry& entry = shared_.mix.entry(exchange.entry);
  if (outcome.delivery == Delivery::answered) {
    if (exchange.window != nullptr) statuses_[static_cast<std::size_t>(outcome.status)].add();
    const Judgement judgement = judge(
        entry.checks,
        {outcome.status, outcome.headers, outcome.body, outcome.body_bytes, core::Nanoseconds(service)}, why);
    ending = judgement == Judgement::ok           ? Ending::ok
             : judgement == Judgement::http_error ? Ending::http_error
                                                  : Ending::check_failed;
  }
  const auto slot = static_cast<std::size_t>(ending);
  const RunTime response = done - exchange.due;
  exchange.phase->response_time.record(response);
  exchange.phase->service_time.record(service);
  exchange.phase->pool_wait.record(exchange.sent - exchange.dispatched);
  exchange.phase->counts.endings[slot].add();
  if (!endpoints_.empty()) {
    EndpointRecorder& endpoint = *endpoints_[entry.endpoint];
    endpoint.response_time.record(response);
    endpoint.service_time.record(service);
    endpoint.counts.endings[slot].add();
  }
  if (exchange.window != nullptr) {
    exchange.window->response_time.record(response);
    exchange.window->counts.endings[slot].add();
    exchange.window->bytes_received.add(outcome.body_bytes);
    --exchange.window->open;
  }
  if (ending != Ending::ok && ending != Ending::http_error && exchange.window != nullptr) {
    const std::lock_guard lock(failures_mutex_);
    const auto found = failures_.find(why);
    if (found != failures_.end()) {
      ++found->second;
    } else {
      ++failures_[failures_.size() < kMaxFailures ? std::string(why) : "(others)"];
    }
  }
  if (!closed_loop_) return;
  ++vacancies_;
  if (ending == Ending::connection_error || ending == Ending::timeout) {
    retry_vacancies_at_ = done + kRetryPause;
  } else if (sending_ && done < shared_.end.load(std::memory_order_relaxed)) {
    serve_vacancies();
  }
}

std::map<std::string, std::int64_t> Worker::failures() const {
  const std::lock_guard lock(failures_mutex_);
  return {failures_.begin(), failures_.end()};
}

void Worker::on_connected(RunTime took) {
  connect_time_.record(took);
  opened_.add();
}

void Worker::on_bytes(std::size_t sent, std::size_t received) {
  if (sent > 0) bytes_sent_.add(static_cast<std::int64_t>(sent));
  if (received > 0) bytes_received_.add(static_cast<std::int64_t>(received));
}

void Worker::count_unsent() {
  if (closed_loop_) return;
  std::int64_t unsent = 0;
  for (; ring_size_ > 0; --ring_size_, ring_first_ = (ring_first_ + 1) % ring_.size()) {
    unsent += ring_[ring_first_].due >= shared_.first_measured ? 1 : 0;
  }
  const RunTime end = shared_.abandon.load() ? std::min(shared_.end.load(), now()) : shared_.end.load();
  for (; cursor_.due().count() < end && cursor_.index() < shared_.index_limit; cursor_.advance()) {
    unsent += cursor_.due().count() >= shared_.first_measured ? 1 : 0;
  }
  unsent_.set(unsent);
}

}  // namespace obsctl::loadgen
