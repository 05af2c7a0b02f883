// Bookkeeping only; see the header.
#include "verifiers/receiver_inbox.hpp"

#include <utility>

namespace obsctl::verifiers {

ReceiverInbox::ReceiverInbox(const ReceiverOptions& options, core::Clock& clock, core::Logger& log)
    : clock_(clock),
      log_(log),
      store_(options.max_notifications, options.max_bytes, options.duplicate_within) {}

NotificationStore::Item ReceiverInbox::record(Notification notification) {
  auto kept = store_.add(std::move(notification));
  if (!kept->refused) ++by_kind_[static_cast<std::size_t>(kept->kind)];
  log_.debug("notification", {{"kind", std::string(to_string(kept->kind))},
                              {"receiver", kept->receiver},
                              {"sequence", std::to_string(kept->sequence), true},
                              {"status", std::string(to_string(kept->status))},
                              {"refused", kept->refused ? "true" : "false", true}});
  if (recorded_) recorded_();
  return kept;
}

void ReceiverInbox::reject(NotificationKind kind, const std::string& receiver, const std::string& reason) {
  ++rejected_;
  log_.warn("a notification was refused",
            {{"kind", std::string(to_string(kind))}, {"receiver", receiver}, {"reason", reason}});
  const std::lock_guard lock(rejection_mutex_);
  last_rejection_ = Rejection{kind, receiver, reason, clock_.wall_now()};
}

std::optional<ReceiverInbox::Rejection> ReceiverInbox::last_rejection() const {
  const std::lock_guard lock(rejection_mutex_);
  return last_rejection_;
}

ReceiverCounts ReceiverInbox::counts() const {
  const auto stored = store_.counts();
  ReceiverCounts counts;
  counts.accepted = stored.accepted;
  counts.refused = stored.refused;
  counts.rejected = rejected_.load();
  counts.dropped = stored.dropped;
  counts.kept = stored.kept;
  counts.kept_bytes = stored.kept_bytes;
  return counts;
}

}  // namespace obsctl::verifiers
