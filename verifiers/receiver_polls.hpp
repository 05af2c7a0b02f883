// GET /api/v1/notifications: answers at once, or parks the request until something has been recorded.
// Internal to verifiers/.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>

#include "core/http_server.hpp"
#include "verifiers/receiver_inbox.hpp"

namespace obsctl::verifiers {

class ReceiverPolls {
 public:
  using Exchange = std::shared_ptr<core::HttpExchange>;

  explicit ReceiverPolls(const ReceiverInbox& inbox) : inbox_(inbox) {}

  void answer(const Exchange& exchange);
  /// Answers the parked ones for which there is something now. From any thread.
  void answer_parked();
  /// Answers all of them, and parks no more.
  void drain();

 private:
  struct Poll {
    Exchange exchange;
    std::uint64_t after = 0;
  };
  void park(const Exchange& exchange, std::uint64_t after, core::Nanoseconds wait);
  void forget(const core::HttpExchange* exchange);
  core::HttpResponse listing(std::uint64_t after) const;

  const ReceiverInbox& inbox_;
  std::mutex mutex_;
  std::list<Poll> polls_;
  bool draining_ = false;
};

}  // namespace obsctl::verifiers
