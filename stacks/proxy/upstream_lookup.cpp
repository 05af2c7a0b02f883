// See the header.
#include "stacks/proxy/upstream_lookup.hpp"

#include <chrono>

namespace obsctl::stacks {

namespace {

constexpr auto kNowAndThen = std::chrono::seconds(30);
constexpr auto kAtMostOnceIn = std::chrono::seconds(1);

}  // namespace

UpstreamLookup::UpstreamLookup(UpstreamAddress upstream, Resolve resolve,
                               std::function<void(const sockaddr_in6&)> found)
    : upstream_(std::move(upstream)),
      resolve_(std::move(resolve)),
      found_(std::move(found)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

void UpstreamLookup::hurry() {
  const std::lock_guard lock(mutex_);
  in_a_hurry_ = true;
  hurried_.notify_all();
}

void UpstreamLookup::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  for (;;) {
    hurried_.wait_for(lock, stop, kNowAndThen, [this] { return in_a_hurry_; });
    if (stop.stop_requested()) return;
    in_a_hurry_ = false;
    lock.unlock();
    if (const auto address = resolve_(upstream_)) found_(*address);
    lock.lock();
    hurried_.wait_for(lock, stop, kAtMostOnceIn, [] { return false; });
  }
}

}  // namespace obsctl::stacks
