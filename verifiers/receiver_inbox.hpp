// Where every delivery ends, over HTTP or SMTP: it is numbered, judged, kept, counted and told to whoever
// waits. Safe to use from any thread. Internal to verifiers/.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "core/log.hpp"
#include "verifiers/notification_store.hpp"
#include "verifiers/receiver.hpp"

namespace obsctl::verifiers {

class ReceiverInbox {
 public:
  ReceiverInbox(const ReceiverOptions& options, core::Clock& clock, core::Logger& log);

  /// Called after each recorded one, on the thread that brought it. Set before the first delivery.
  void on_recorded(std::function<void()> action) { recorded_ = std::move(action); }

  NotificationStore::Item record(Notification notification);

  /// What was malformed: counted, not kept.
  struct Rejection {
    NotificationKind kind{};
    std::string receiver;
    std::string reason;
    core::WallTime at;
  };
  void reject(NotificationKind kind, const std::string& receiver, const std::string& reason);
  std::optional<Rejection> last_rejection() const;

  NotificationStore& store() { return store_; }
  const NotificationStore& store() const { return store_; }
  core::Clock& clock() const { return clock_; }

  /// Without what was forwarded.
  ReceiverCounts counts() const;
  std::uint64_t accepted_of(NotificationKind kind) const {
    return by_kind_[static_cast<std::size_t>(kind)].load();
  }

 private:
  core::Clock& clock_;
  core::Logger& log_;
  NotificationStore store_;
  std::function<void()> recorded_;
  std::array<std::atomic<std::uint64_t>, kNotificationKinds.size()> by_kind_{};
  std::atomic<std::uint64_t> rejected_{0};
  mutable std::mutex rejection_mutex_;
  std::optional<Rejection> last_rejection_;
};

}  // namespace obsctl::verifiers
