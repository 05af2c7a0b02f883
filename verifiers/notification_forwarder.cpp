// One thread, one call at a time: chat webhooks are rate-limited to about one message a second anyway, and
// order is kept.
#include "verifiers/notification_forwarder.hpp"

#include <utility>

#include <fmt/format.h>

#include "core/http_response_text.hpp"

namespace obsctl::verifiers {

NotificationForwarder::NotificationForwarder(core::Nanoseconds timeout, std::size_t max_queue,
                                             core::Logger& log)
    : timeout_(timeout),
      max_queue_(max_queue),
      log_(log),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

NotificationForwarder::~NotificationForwarder() {
  thread_.request_stop();
  thread_.join();
  for (const Item& item : queue_)
    item.exchange->respond(core::problem_response(503, "the receiver is being stopped"));
}

bool NotificationForwarder::has_room() const {
  const std::lock_guard lock(mutex_);
  return queue_.size() < max_queue_;
}

void NotificationForwarder::add(Item item) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(item));
  }
  grown_.notify_one();
}

NotificationForwarder::Counts NotificationForwarder::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

void NotificationForwarder::run(const std::stop_token& stop) {
  core::HttpClient http;
  for (;;) {
    Item item;
    {
      std::unique_lock lock(mutex_);
      if (!grown_.wait(lock, stop, [this] { return !queue_.empty(); }) || stop.stop_requested()) return;
      item = std::move(queue_.front());
      queue_.pop_front();
    }
    pass_on(http, item, stop);
  }
}

void NotificationForwarder::pass_on(core::HttpClient& http, const Item& item, const std::stop_token& stop) {
  const auto reply = http.call({.method = "POST",
                                .url = item.url,
                                .headers = {{"Content-Type", "application/json"}},
                                .body = std::string(item.exchange->body()),
                                .timeout = timeout_,
                                .max_body = 64u << 10},
                               stop);
  const bool passed = reply && reply->ok();
  {
    const std::lock_guard lock(mutex_);
    ++(passed ? counts_.forwarded : counts_.failed);
  }
  if (reply) {
    core::HttpResponse response{.status = reply->status, .body = reply->body};
    if (const auto type = reply->header("Content-Type"); !type.empty()) response.content_type = type;
    if (const auto after = reply->header("Retry-After"); !after.empty()) {
      response.headers.push_back({"Retry-After", std::string(after)});
    }
    item.exchange->respond(std::move(response));
  } else {
    // The error's own text names the URL, which is a secret: only its kind is told.
    const bool slow = reply.error().kind == core::ErrorKind::timeout;
    item.exchange->respond(slow ? core::problem_response(504, "the real webhook did not answer in time")
                                : core::problem_response(502, "the real webhook cannot be reached"));
  }
  if (passed) return;
  const std::string status = reply                                            ? std::to_string(reply->status)
                             : reply.error().kind == core::ErrorKind::timeout ? "no answer in time"
                                                                              : "cannot be reached";
  log_.warn("a notification was not passed on",
            {{"kind", std::string(to_string(item.kind))}, {"receiver", item.receiver}, {"webhook", status}});
}

}  // namespace obsctl::verifiers
