// One thread's epoll: descriptors, timers and work from other threads. The HTTP server sits directly on it,
// because a level of its own above epoll costs more per request than the parser does. Linux only, like
// core/process.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "core/clock.hpp"
#include "core/error.hpp"

struct epoll_event;

namespace obsctl::core {

/// The way into a loop from any thread. Outlives its loop: what is posted after the loop has ended is
/// dropped.
class Mailbox {
 public:
  Mailbox() = default;
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  /// Runs `action` on the loop's thread. False: the loop has ended and the action was dropped.
  bool post(std::function<void()> action);
  bool on_loop_thread() const {
    return std::this_thread::get_id() == thread_.load(std::memory_order_relaxed);
  }

 private:
  friend class EventLoop;
  std::mutex mutex_;
  std::vector<std::function<void()>> actions_;
  int wake_ = -1;
  bool closed_ = false;
  std::atomic<std::thread::id> thread_{};
};

class EventLoop {
 public:
  /// Told when a descriptor is ready. Registered edge-triggered.
  class Watcher {
   public:
    virtual ~Watcher() = default;
    /// `events` are epoll's: EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLHUP, EPOLLERR.
    virtual void on_events(std::uint32_t events) = 0;
  };
  using Timers = std::multimap<SteadyTime, std::function<void()>>;
  using TimerId = Timers::iterator;

  /// Errors: unavailable (out of descriptors).
  static Result<std::unique_ptr<EventLoop>> create();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Runs until stop(), on the calling thread. What was posted before stop() is run first.
  void run();

  // The rest belongs to the loop's thread, and to whoever prepares the loop before run().
  void stop() { stopped_ = true; }
  /// For so long after the last events it looks for new ones without going to sleep. Waking up takes longer
  /// than an answer that comes soon; a core is busy meanwhile.
  void busy_poll(Nanoseconds time) { busy_poll_ = time; }
  /// False when the descriptor cannot be watched. `events` may contain EPOLLET.
  bool watch(int descriptor, std::uint32_t events, Watcher& watcher);
  void unwatch(int descriptor);
  /// Runs `action` once at `time`. The id is good until the action starts or is cancelled.
  TimerId at(SteadyTime time, std::function<void()> action);
  void cancel(TimerId timer);
  /// Runs `action` after the events at hand, before waiting for new ones.
  void soon(std::function<void()> action) { soon_.push_back(std::move(action)); }
  /// Keeps a watcher that has been closed alive until no event at hand can refer to it.
  void keep_for_now(std::shared_ptr<void> thing) { kept_.push_back(std::move(thing)); }
  /// The time at which the events at hand were taken up; cheaper than the clock.
  SteadyTime now() const { return now_; }
  const std::shared_ptr<Mailbox>& mailbox() const { return mailbox_; }

 private:
  EventLoop() = default;
  int wait(epoll_event* events);
  void take_up(void* watcher, std::uint32_t events);
  void run_due_timers();
  void run_soon();
  void run_posted();
  void arm();

  int epoll_ = -1;
  int timer_ = -1;
  std::shared_ptr<Mailbox> mailbox_;
  Timers timers_;
  SteadyTime armed_ = SteadyTime::max();
  std::vector<std::function<void()>> soon_;
  std::vector<std::shared_ptr<void>> kept_;
  SteadyTime now_{};
  Nanoseconds busy_poll_{};
  bool stopped_ = false;
};

/// One timer of a loop that is set again and again. Belongs to the loop's thread.
class Alarm {
 public:
  Alarm(EventLoop& loop, std::function<void()> ring) : loop_(loop), ring_(std::move(ring)) {}

  /// Rings once at `time`, and not when it was to ring before; SteadyTime::max(): not at all.
  void set(SteadyTime time);
  bool is_set() const { return timer_.has_value(); }

 private:
  EventLoop& loop_;
  const std::function<void()> ring_;
  std::optional<EventLoop::TimerId> timer_;
  SteadyTime time_ = SteadyTime::max();
};

/// Tells a waiting thread that the loop has done something. Shared with the loop, which may come to it only
/// after the wait has ended.
class Completion {
 public:
  void report();
  /// True: reported before `time` had passed and `stop` was triggered.
  bool wait_for(Nanoseconds time, const std::stop_token& stop);

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool reported_ = false;
};

/// Runs the loop on a new thread, which takes no signals: they are for the main thread. Join it after stop().
std::thread run_on_own_thread(EventLoop& loop);

}  // namespace obsctl::core
