// The bounded memory of a receiver: notifications in the order they came, numbered from 1, the oldest pushed
// out when there are too many or too large. Judges each for recurrence as it is numbered. Safe to use from
// any thread. Internal to verifiers/.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <stop_token>
#include <vector>

#include "core/clock.hpp"
#include "verifiers/notification.hpp"
#include "verifiers/notification_recurrence.hpp"

namespace obsctl::verifiers {

class NotificationStore {
 public:
  using Item = std::shared_ptr<const Notification>;

  NotificationStore(std::size_t max_count, std::size_t max_bytes, core::Nanoseconds duplicate_within)
      : max_count_(max_count), max_bytes_(max_bytes), recurrences_(duplicate_within, kRememberedGroups) {}

  /// Numbers, judges and keeps it, and wakes who waits. The newest is always kept, however large.
  Item add(Notification notification);
  /// Kept ones with a sequence above `after`, oldest first: at most `limit`, and no more once their bodies
  /// are together `max_bytes` long; at least one if there is one.
  std::vector<Item> after(std::uint64_t after, std::size_t limit, std::size_t max_bytes) const;
  /// As above, without limits, once there is one; empty at the deadline or when stopped.
  std::vector<Item> wait_after(std::uint64_t after, core::SteadyTime deadline,
                               const std::stop_token& stop) const;
  /// The newest `limit`, newest first.
  std::vector<Item> newest(std::size_t limit) const;
  /// Forgets everything; numbers go on.
  void clear();

  struct Counts {
    std::uint64_t accepted = 0, refused = 0, dropped = 0, kept = 0, kept_bytes = 0;
  };
  Counts counts() const;

 private:
  static constexpr std::size_t kRememberedGroups = 10'000;

  std::deque<Item>::const_iterator first_after(std::uint64_t after) const;

  const std::size_t max_count_;
  const std::size_t max_bytes_;
  mutable std::mutex mutex_;
  mutable std::condition_variable_any grown_;
  RecurrenceMemory recurrences_;
  std::deque<Item> items_;
  std::size_t bytes_ = 0;
  std::uint64_t last_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace obsctl::verifiers
