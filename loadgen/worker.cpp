// The loop of a sending thread.
#include "loadgen/worker.hpp"

#include <algorithm>

#include <sys/prctl.h>
#include <time.h>

#include "loadgen/curl_transport.hpp"

namespace obsctl::loadgen {

namespace {

/// Arrivals released, and events handled, before the loop looks at the other side again.
constexpr int kBatch = 256;
/// Arrivals that wait for a connection and are remembered one by one. What is due beyond that is released
/// later; its wait is the target's doing as well, so its lag counts as zero then.
constexpr std::size_t kRing = 1u << 16;
/// Nearer than this, arming a timer costs more than polling until then.
constexpr RunTime kTooNearToArm = 20'000;
constexpr RunTime kSpin = 60'000;      ///< Pacing::precise: before an arrival
constexpr RunTime kSpinOnly = 15'000;  ///< … and without looking at sockets
constexpr RunTime kGrid = 1'000'000;   ///< Pacing::coalesce
constexpr RunTime kTick = 20'000'000;  ///< between looks at the windows and the clock of the CPU
constexpr RunTime kSecond = 1'000'000'000;

std::int64_t thread_cpu_ns() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::int64_t{time.tv_sec} * kSecond + time.tv_nsec;
}

std::int64_t steady_ns() {
  return std::chrono::duration_cast<core::Nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// Thread `index`'s part of what `total` threads share; at least `least`.
int share(int whole, int index, int total, int least) {
  return std::max(least, whole / total + (index < whole % total ? 1 : 0));
}

int initial_connections(const RunShared& shared) {
  const LoadPlan& plan = shared.plan;
  if (plan.arrivals.concurrency > 0) return plan.arrivals.concurrency;
  if (plan.initial_connections >= 0) return std::min(plan.initial_connections, plan.max_connections);
  const double enough = std::clamp(shared.schedule.peak_rate() * 0.02, 1.0, 64.0);  // answers within 20 ms
  return std::min(static_cast<int>(enough), plan.max_connections);
}

}  // namespace

Worker::Worker(RunShared& shared, int index, const TlsContext* tls)
    : shared_(shared),
      plan_(shared.plan),
      index_(index),
      closed_loop_(shared.plan.arrivals.concurrency > 0),
      cursor_(shared.schedule, plan_.seed, plan_.stripe_index + index * plan_.stripe_count,
              plan_.stripe_count * plan_.threads) {
  Limits limits;
  limits.connections =
      share(closed_loop_ ? plan_.arrivals.concurrency : plan_.max_connections, index, plan_.threads, 1);
  limits.in_flight = plan_.max_in_flight == 0 ? 0 : share(plan_.max_in_flight, index, plan_.threads, 1);
  if (plan_.version == HttpVersion::http2) {
    if (closed_loop_) limits.in_flight = limits.connections;
    transport_ = make_curl_transport(poller_, plan_, shared.mix, limits, *this);
  } else {
    transport_ =
        std::make_unique<Http1Transport>(poller_, plan_, shared.mix, shared.endpoints, tls, limits, *this);
  }
  ring_.resize(closed_loop_ ? 1 : kRing);
  if (closed_loop_) {
    vacancies_ = share(plan_.arrivals.concurrency, index, plan_.threads, 0);
    if (plan_.max_requests > 0) {
      closed_budget_ =
          plan_.max_requests / plan_.threads + (index < plan_.max_requests % plan_.threads ? 1 : 0);
    }
  }
  if (shared.mix.endpoints().size() > 1) {
    for (std::size_t i = 0; i < shared.mix.endpoints().size(); ++i) {
      endpoints_.push_back(std::make_unique<EndpointRecorder>());
    }
  }
}

Worker::~Worker() {
  join();
}

void Worker::start() {
  thread_ = std::thread([this] { run(); });
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

RunTime Worker::now() const {
  return steady_ns() - started_ns_;
}

void Worker::run() {
  prctl(PR_SET_TIMERSLACK, 1);
  open_connections();
  shared_.waiting_to_start.fetch_add(1);
  while (shared_.started_ns.load() == 0 && !shared_.abandon.load()) {
    handle_events(std::chrono::microseconds(200));
  }
  started_ns_ = shared_.started_ns.load();
  cpu_before_ = thread_cpu_ns();
  loop();
  count_unsent();
  drain_in_flight();
  in_flight_at_end_.set(transport_->in_flight());
  ended_.set(now());
  cpu_.set(thread_cpu_ns() - cpu_before_);
  const RunTime end = std::min(shared_.end.load(), now());
  if (end > shared_.first_measured) windows_.finish_before(window_index(end - 1) + 1, true);
  transport_->close();
  finished_.store(true);
}

void Worker::open_connections() {
  const int wanted = initial_connections(shared_);
  transport_->open(share(wanted, index_, plan_.threads, 0));
  while (transport_->opening() > 0 && !shared_.abandon.load()) {
    handle_events(std::chrono::milliseconds(1));
    transport_->check_deadlines(now());
  }
}

void Worker::loop() {
  sending_ = true;
  while (true) {
    const RunTime at = now();
    if (at >= next_tick_) tick(at);
    if (transport_->next_deadline() <= at) transport_->check_deadlines(at);
    bool more = false;
    if (closed_loop_) {
      if (at >= 0) serve_vacancies();
    } else {
      serve_waiting(at);
      more = release(at);
    }
    if (sending_over(at)) break;
    wait(more ? kNever : now());
  }
  sending_ = false;
}

/// True when there were any.
bool Worker::handle_events(core::Nanoseconds timeout) {
  const auto events = poller_.wait(timeout);
  int handled = 0;
  for (const epoll_event& event : events) {
    transport_->on_event(event.data.u64, event.events);
    // A long batch of answers must not make the next arrivals late.
    if (sending_ && !closed_loop_ && (++handled & 3) == 0) {
      serve_waiting(now());
      release(now());
    }
  }
  return !events.empty();
}

bool Worker::all_released() const {
  return cursor_.due().count() >= shared_.end.load(std::memory_order_relaxed) ||
         cursor_.index() >= shared_.index_limit;
}

bool Worker::sending_over(RunTime at) const {
  if (shared_.abandon.load(std::memory_order_relaxed)) return true;
  const RunTime end = shared_.end.load(std::memory_order_relaxed);
  if (closed_loop_) return at >= end || closed_index_ >= closed_budget_;
  const bool counted =
      shared_.index_limit != INT64_MAX;  // such a run is over with its last request, not its last gap
  if (all_released() && ring_size_ == 0) return at >= end || counted;
  if (at < end) return false;
  if (at > end + plan_.drain_timeout.count()) return true;
  const bool wants_all = counted && end == shared_.planned_end;
  return ring_size_ > 0 && !transport_->ready() && !wants_all;
}

/// Releases what is due, at most a batch; true when there is more.
bool Worker::release(RunTime at) {
  if (plan_.pacing == Pacing::coalesce) {
    if (at < next_grid_) return false;
    next_grid_ = at - at % kGrid + kGrid;
  }
  for (int i = 0; i < kBatch; ++i) {
    const RunTime due = cursor_.due().count();
    if (due > at || all_released()) return false;
    if (ring_size_ == ring_.size()) return false;
    release_one(at, due, cursor_.index());
    cursor_.advance();
  }
  next_grid_ = 0;
  return true;
}

void Worker::release_one(RunTime at, RunTime due, std::int64_t index) {
  if (ring_size_ == 0 && transport_->ready()) {
    dispatch(index, due, kNever);
    return;
  }
  if (plan_.overload == Overload::drop) {
    count_lost(due, &CountRecorder::dropped);
    return;
  }
  ring_[(ring_first_ + ring_size_) % ring_.size()] = Waiting{index, due, at};
  ++ring_size_;
}

void Worker::serve_waiting(RunTime at) {
  while (ring_size_ > 0) {
    const Waiting head = ring_[ring_first_];
    if (plan_.overload == Overload::shed_after && at - head.due > plan_.shed_after.count()) {
      count_lost(head.due, &CountRecorder::shed);
    } else if (transport_->ready()) {
      dispatch(head.index, head.due, head.released);
    } else {
      return;
    }
    ring_first_ = (ring_first_ + 1) % ring_.size();
    --ring_size_;
  }
}

void Worker::serve_vacancies() {
  if (vacancies_ == 0 || (retry_vacancies_at_ > 0 && now() < retry_vacancies_at_)) return;
  const int wanted = vacancies_;
  for (int i = 0; i < wanted && closed_index_ < closed_budget_ && transport_->ready(); ++i) {
    --vacancies_;
    dispatch(index_ + closed_index_++ * plan_.threads, kNever, kNever);
  }
}

/// `released` is kNever for an arrival that did not have to wait; `due` is kNever in a closed loop: now.
void Worker::dispatch(std::int64_t index, RunTime due, RunTime released) {
  Exchange exchange;
  exchange.index = index;
  exchange.entry = shared_.mix.pick(index);
  const RunTime sent = now();  // as late as can be: lag is measured up to here
  exchange.due = due == kNever ? sent : due;
  exchange.sent = sent;
  exchange.dispatched = released == kNever ? sent : released;
  // With the ring full, arrivals are released late because the target is: the wait is the pool's.
  if (released != kNever && ring_size_ >= ring_.size() - 1) exchange.dispatched = exchange.due;
  PhaseRecorder& phase = phase_at(exchange.due);
  exchange.phase = &phase;
  exchange.window = window_at(exchange.due);
  phase.counts.sent.add();
  phase.schedule_lag.record(exchange.dispatched - exchange.due);
  if (!endpoints_.empty()) endpoints_[shared_.mix.entry(exchange.entry).endpoint]->counts.sent.add();
  if (exchange.window != nullptr) {
    exchange.window->counts.sent.add();
    exchange.window->schedule_lag.record(exchange.dispatched - exchange.due);
    ++exchange.window->open;
  }
  transport_->send(exchange);
}

void Worker::tick(RunTime at) {
  next_tick_ = at + kTick;
  cpu_.set(thread_cpu_ns() - cpu_before_);
  connections_.set(transport_->connections());
  if (at < shared_.first_measured) return;
  const std::int64_t second = window_index(at);
  if (second == second_) return;
  windows_.note_in_flight(second - 1, transport_->in_flight());
  second_ = second;
  std::int64_t limit = second;
  if (sending_ && !closed_loop_) {
    const RunTime next = ring_size_ > 0 ? ring_[ring_first_].due : cursor_.due().count();
    if (next < shared_.first_measured) return;
    if (next != kNever) limit = std::min(limit, window_index(next));
  }
  windows_.finish_before(limit, false);
  if (windows_.pending_before(limit)) second_ = second - 1;  // look again at the next tick
}

RunTime Worker::next_arrival() const {
  if (closed_loop_) return vacancies_ > 0 && closed_index_ < closed_budget_ ? retry_vacancies_at_ : kNever;
  if (all_released() || ring_size_ == ring_.size()) return kNever;
  const RunTime due = cursor_.due().count();
  if (plan_.pacing != Pacing::coalesce) return due;
  return std::max(next_grid_, (due + kGrid - 1) / kGrid * kGrid);
}

/// Waits for events or for what is next to do, and handles the events. `at` is kNever when there is more to
/// do now.
void Worker::wait(RunTime at) {
  if (at == kNever) {
    handle_events({});
    return;
  }
  RunTime others = std::min(next_tick_, transport_->next_deadline());
  others = std::min(others, shared_.end.load(std::memory_order_relaxed));
  if (plan_.overload == Overload::shed_after && ring_size_ > 0) {
    others = std::min(others, ring_[ring_first_].due + plan_.shed_after.count() + 1);
  }
  const RunTime arrival = next_arrival();
  if (plan_.pacing == Pacing::precise && arrival <= others) {
    if (arrival - at > kSpin) {
      handle_events(core::Nanoseconds(arrival - kSpin - at));
    } else {
      spin_until(arrival);
    }
    return;
  }
  const RunTime left = std::min(arrival, others) - at;
  const bool poll = left <= 0 || (left < kTooNearToArm && plan_.pacing == Pacing::timer);
  handle_events(core::Nanoseconds(poll ? 0 : left));
}

void Worker::spin_until(RunTime target) {
  for (RunTime at = now(); at < target; at = now()) {
    if (target - at > kSpinOnly) handle_events({});
  }
}

void Worker::drain_in_flight() {
  const RunTime give_up = now() + plan_.drain_timeout.count();
  next_tick_ = 0;
  while (transport_->in_flight() > 0 && !shared_.abandon.load()) {
    const RunTime at = now();
    if (at >= give_up) return;
    if (at >= next_tick_) tick(at);
    transport_->check_deadlines(at);
    handle_events(core::Nanoseconds(std::min({next_tick_, transport_->next_deadline(), give_up}) - at));
  }
}

}  // namespace obsctl::loadgen
