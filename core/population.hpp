// What is connected to a server on an event loop: kept alive while it is, looked through for what has taken
// too long, and drained at the end. What the HTTP server and the fault proxy have in common.
#pragma once

#include <algorithm>
#include <functional>
#include <future>
#include <memory>
#include <stop_token>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/duration.hpp"
#include "core/event_loop.hpp"

namespace obsctl::core {

/// A `Member` has sweep(SteadyTime), which ends what has taken too long; drain(), which ends it as soon as
/// nothing is cut off by that; cut(), which ends it at once; and lingering(): nobody waits for anything more
/// of it. Belongs to the loop's thread, but for drain().
template <class Member>
class Population {
 public:
  /// What takes longer than `shortest`, the shortest of its timeouts, is ended at most an eighth late: one
  /// timer serves all.
  Population(EventLoop& loop, Nanoseconds shortest)
      : loop_(loop),
        period_(std::clamp<Nanoseconds>(shortest / 8, std::chrono::milliseconds(2),
                                        std::chrono::milliseconds(500))) {}

  std::size_t size() const { return members_.size(); }

  void add(std::shared_ptr<Member> member) {
    Member* const key = member.get();
    members_.emplace(key, std::move(member));
    keep_sweeping();
  }

  /// False: it was not one of them.
  bool remove(Member& member) {
    const bool removed = members_.erase(&member) > 0;
    if (members_.empty() && when_empty_) std::exchange(when_empty_, nullptr)();
    return removed;
  }

  /// `action` may remove members.
  template <class Action>
  void for_each(Action action) {
    std::vector<std::shared_ptr<Member>> all;
    all.reserve(members_.size());
    for (const auto& [key, member] : members_) all.push_back(member);
    for (const auto& member : all) action(*member);
  }

  /// True: nobody was still waiting for anything.
  bool cut_all() {
    bool nobody_waited = true;
    for_each([&](Member& member) {
      if (!member.lingering()) nobody_waited = false;
      member.cut();
    });
    return nobody_waited;
  }

  /// From another thread than the loop's: does `first` there, lets every member end by itself, and cuts those
  /// that have not after `deadline` or once `urgent` is triggered. True: nobody was still waiting for
  /// anything.
  bool drain(std::function<void()> first, Nanoseconds deadline, const std::stop_token& urgent) {
    const auto progress = std::make_shared<Completion>();
    loop_.mailbox()->post([this, progress, first = std::move(first)] {
      first();
      for_each([](Member& member) { member.drain(); });
      if (members_.empty()) {
        progress->report();
      } else {
        when_empty_ = [progress] { progress->report(); };
      }
    });
    if (progress->wait_for(deadline, urgent)) return true;
    std::promise<bool> cut;
    loop_.mailbox()->post([this, &cut] { cut.set_value(cut_all()); });
    return cut.get_future().get();
  }

 private:
  void keep_sweeping() {
    if (sweeping_ || members_.empty()) return;
    sweeping_ = true;
    loop_.at(std::chrono::steady_clock::now() + period_, [this] {
      sweeping_ = false;
      const SteadyTime now = std::chrono::steady_clock::now();
      for_each([now](Member& member) { member.sweep(now); });
      keep_sweeping();
    });
  }

  EventLoop& loop_;
  const Nanoseconds period_;
  std::unordered_map<Member*, std::shared_ptr<Member>> members_;
  bool sweeping_ = false;
  std::function<void()> when_empty_;
};

}  // namespace obsctl::core
