// A queue of shared, immutable notifications, so that readers hold the lock for pointers only.
#include "verifiers/notification_store.hpp"

#include <algorithm>
#include <utility>

namespace obsctl::verifiers {

NotificationStore::Item NotificationStore::add(Notification notification) {
  std::vector<Item> pushed_out;  // destroyed outside the lock
  Item item;
  {
    const std::lock_guard lock(mutex_);
    notification.sequence = ++last_;
    recurrences_.judge(notification);
    if (notification.refused) ++refused_;
    bytes_ += notification.raw.size();
    item = std::make_shared<const Notification>(std::move(notification));
    items_.push_back(item);
    while (items_.size() > 1 && (items_.size() > max_count_ || bytes_ > max_bytes_)) {
      bytes_ -= items_.front()->raw.size();
      pushed_out.push_back(std::move(items_.front()));
      items_.pop_front();
      ++dropped_;
    }
  }
  grown_.notify_all();
  return item;
}

std::deque<NotificationStore::Item>::const_iterator NotificationStore::first_after(
    std::uint64_t after) const {
  return std::partition_point(items_.begin(), items_.end(),
                              [after](const Item& item) { return item->sequence <= after; });
}

std::vector<NotificationStore::Item> NotificationStore::after(std::uint64_t after, std::size_t limit,
                                                              std::size_t max_bytes) const {
  const std::lock_guard lock(mutex_);
  std::vector<Item> found;
  std::size_t bytes = 0;
  for (auto item = first_after(after); item != items_.end() && found.size() < limit; ++item) {
    bytes += (*item)->raw.size();
    if (!found.empty() && bytes > max_bytes) break;
    found.push_back(*item);
  }
  return found;
}

std::vector<NotificationStore::Item> NotificationStore::wait_after(std::uint64_t after,
                                                                   core::SteadyTime deadline,
                                                                   const std::stop_token& stop) const {
  std::unique_lock lock(mutex_);
  const auto there = [&] { return !items_.empty() && items_.back()->sequence > after; };
  if (!grown_.wait_until(lock, stop, deadline, there)) return {};
  return {first_after(after), items_.end()};
}

std::vector<NotificationStore::Item> NotificationStore::newest(std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  const std::size_t count = std::min(limit, items_.size());
  return {items_.rbegin(), items_.rbegin() + static_cast<std::ptrdiff_t>(count)};
}

void NotificationStore::clear() {
  std::deque<Item> old;
  const std::lock_guard lock(mutex_);
  std::swap(old, items_);
  recurrences_.clear();
  bytes_ = 0;
}

NotificationStore::Counts NotificationStore::counts() const {
  const std::lock_guard lock(mutex_);
  return {last_ - refused_, refused_, dropped_, items_.size(), bytes_};
}

}  // namespace obsctl::verifiers
