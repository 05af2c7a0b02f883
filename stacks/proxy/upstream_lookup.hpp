// Asks again, while the proxy runs, where the upstream's name leads to: a container that comes back may have
// another address. On a thread of its own, because the system's resolver blocks.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "stacks/proxy/upstream_address.hpp"

namespace obsctl::stacks {

class UpstreamLookup {
 public:
  using Resolve = std::function<core::Result<sockaddr_in6>(const UpstreamAddress&)>;

  /// `found` is told each answer, on the lookup's thread. A name that cannot be resolved is none.
  UpstreamLookup(UpstreamAddress upstream, Resolve resolve, std::function<void(const sockaddr_in6&)> found);
  /// Waits for an answer that is on its way, at most as long as the system's resolver does.
  ~UpstreamLookup() = default;
  UpstreamLookup(const UpstreamLookup&) = delete;
  UpstreamLookup& operator=(const UpstreamLookup&) = delete;

  /// Asks now instead of after the half minute between two questions, but once a second at most. From any
  /// thread.
  void hurry();

 private:
  void run(const std::stop_token& stop);

  const UpstreamAddress upstream_;
  const Resolve resolve_;
  const std::function<void(const sockaddr_in6&)> found_;
  std::mutex mutex_;
  std::condition_variable_any hurried_;
  bool in_a_hurry_ = false;
  std::jthread thread_;  ///< last, so that it ends before what it uses
};

}  // namespace obsctl::stacks
