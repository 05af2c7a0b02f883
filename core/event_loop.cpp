#include "core/event_loop.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace obsctl::core {

namespace {

constexpr int kBatch = 256;

/// Events carry a Watcher's address, or the address of one of the loop's own two descriptors' members.
void* tag(void* address) {
  return address;
}

}  // namespace

Mailbox::~Mailbox() {
  if (wake_ >= 0) ::close(wake_);
}

bool Mailbox::post(std::function<void()> action) {
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  actions_.push_back(std::move(action));
  if (actions_.size() == 1) {
    const std::uint64_t one = 1;
    // Fails only when the counter is full, and then the loop is awake anyway.
    [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof one);
  }
  return true;
}

Result<std::unique_ptr<EventLoop>> EventLoop::create() {
  std::unique_ptr<EventLoop> loop(new EventLoop);
  loop->mailbox_ = std::make_shared<Mailbox>();
  loop->epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  loop->timer_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  loop->mailbox_->wake_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (loop->epoll_ < 0 || loop->timer_ < 0 || loop->mailbox_->wake_ < 0) {
    return make_error(ErrorKind::unavailable,
                      fmt::format("cannot set up an event loop: {}", std::strerror(errno)),
                      "raise the limit of open files (ulimit -n)");
  }
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = tag(&loop->timer_);
  ::epoll_ctl(loop->epoll_, EPOLL_CTL_ADD, loop->timer_, &event);
  event.data.ptr = tag(&loop->mailbox_);
  ::epoll_ctl(loop->epoll_, EPOLL_CTL_ADD, loop->mailbox_->wake_, &event);
  loop->now_ = std::chrono::steady_clock::now();
  return loop;
}

EventLoop::~EventLoop() {
  {
    const std::lock_guard lock(mailbox_->mutex_);
    mailbox_->closed_ = true;
  }
  // Actions may own exchanges that own the mailbox: drop them outside the lock.
  mailbox_->actions_.clear();
  if (timer_ >= 0) ::close(timer_);
  if (epoll_ >= 0) ::close(epoll_);
}

bool EventLoop::watch(int descriptor, std::uint32_t events, Watcher& watcher) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = tag(&watcher);
  return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

void EventLoop::unwatch(int descriptor) {
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, nullptr);
}

EventLoop::TimerId EventLoop::at(SteadyTime time, std::function<void()> action) {
  const TimerId timer = timers_.emplace(time, std::move(action));
  if (time < armed_) arm();
  return timer;
}

void EventLoop::cancel(TimerId timer) {
  // The action is destroyed after it has left the queue: its captures may cancel other timers.
  const auto node = timers_.extract(timer);
}

void EventLoop::arm() {
  const SteadyTime next = timers_.empty() ? SteadyTime::max() : timers_.begin()->first;
  if (next == armed_) return;
  armed_ = next;
  itimerspec when{};
  if (next != SteadyTime::max()) {
    // A time in the past must still ring; zero would disarm.
    const auto ns = std::max<std::int64_t>(1, std::chrono::nanoseconds(next.time_since_epoch()).count());
    when.it_value.tv_sec = ns / 1'000'000'000;
    when.it_value.tv_nsec = ns % 1'000'000'000;
  }
  ::timerfd_settime(timer_, TFD_TIMER_ABSTIME, &when, nullptr);
}

void EventLoop::run_due_timers() {
  // Only those due now: an action that re-arms itself for "now" must not keep the loop from its descriptors.
  const SteadyTime due = std::chrono::steady_clock::now();
  while (!timers_.empty() && timers_.begin()->first <= due) {
    auto node = timers_.extract(timers_.begin());
    node.mapped()();
  }
  arm();
}

void EventLoop::run_soon() {
  std::vector<std::function<void()>> actions;
  actions.swap(soon_);
  for (auto& action : actions) action();
}

void EventLoop::run_posted() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(mailbox_->wake_, &count, sizeof count);
  std::vector<std::function<void()>> actions;
  {
    const std::lock_guard lock(mailbox_->mutex_);
    actions.swap(mailbox_->actions_);
  }
  for (auto& action : actions) action();
}

void EventLoop::take_up(void* watcher, std::uint32_t events) {
  if (watcher == tag(&timer_)) {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = ::read(timer_, &count, sizeof count);
    armed_ = SteadyTime::max();
    run_due_timers();
  } else if (watcher == tag(&mailbox_)) {
    run_posted();
  } else {
    static_cast<Watcher*>(watcher)->on_events(events);
  }
}

int EventLoop::wait(epoll_event* events) {
  if (busy_poll_ > Nanoseconds(0) && soon_.empty()) {
    const SteadyTime end = now_ + busy_poll_;
    while (std::chrono::steady_clock::now() < end) {
      if (const int count = ::epoll_wait(epoll_, events, kBatch, 0); count != 0) return count;
      std::this_thread::yield();  // to whoever is to cause an event, and shares the core
    }
  }
  return ::epoll_wait(epoll_, events, kBatch, soon_.empty() ? -1 : 0);
}

void EventLoop::run() {
  mailbox_->thread_ = std::this_thread::get_id();
  std::array<epoll_event, kBatch> events{};
  while (!stopped_) {
    const int count = wait(events.data());
    now_ = std::chrono::steady_clock::now();
    for (int i = 0; i < count; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      take_up(event.data.ptr, event.events);
    }
    if (!soon_.empty()) run_soon();
    if (!kept_.empty()) kept_.clear();
  }
}

void Alarm::set(SteadyTime time) {
  if (timer_ && time_ == time) return;
  if (timer_) loop_.cancel(*timer_);
  timer_.reset();
  time_ = time;
  if (time == SteadyTime::max()) return;
  timer_ = loop_.at(time, [this] {
    timer_.reset();
    ring_();
  });
}

void Completion::report() {
  const std::lock_guard lock(mutex_);
  reported_ = true;
  changed_.notify_all();
}

bool Completion::wait_for(Nanoseconds time, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, stop, time, [this] { return reported_; });
}

std::thread run_on_own_thread(EventLoop& loop) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread([&loop] { loop.run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace obsctl::core
