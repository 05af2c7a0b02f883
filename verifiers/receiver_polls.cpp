// Long polls. A poll is answered by whoever takes it off the list, so by one only.
#include "verifiers/receiver_polls.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "core/http_response_text.hpp"

namespace obsctl::verifiers {

namespace {

constexpr std::size_t kAnswerCount = 1000;
constexpr std::size_t kAnswerBytes = 16u << 20;
constexpr core::Nanoseconds kLongestWait = std::chrono::minutes(1);

}  // namespace

core::HttpResponse ReceiverPolls::listing(std::uint64_t after) const {
  const auto items = inbox_.store().after(after, kAnswerCount, kAnswerBytes);
  const auto counted = inbox_.store().counts();
  std::string body = fmt::format(
      "{{\"schema\":1,\"next\":{},\"accepted\":{},\"refused\":{},\"dropped\":{},\"notifications\":[",
      items.empty() ? after : items.back()->sequence, counted.accepted, counted.refused, counted.dropped);
  for (const auto& item : items) {
    if (body.back() != '[') body += ",\n";
    body += notification_to_json(*item);
  }
  body += "]}\n";
  return {.body = std::move(body),
          .content_type = "application/json",
          .headers = {{"Cache-Control", "no-store"}}};
}

void ReceiverPolls::answer(const Exchange& exchange) {
  std::uint64_t after = 0;
  if (const auto text = exchange->query("after")) {
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), after);
    if (error != std::errc() || end != text->data() + text->size()) {
      return exchange->respond(core::problem_response(400, "after is not a sequence number"));
    }
  }
  core::Nanoseconds wait{};
  if (const auto text = exchange->query("wait")) {
    const auto duration = core::parse_duration(*text);
    if (!duration) return exchange->respond(core::problem_response(400, "wait: " + duration.error().message));
    wait = std::min(*duration, kLongestWait);
  }
  if (wait == core::Nanoseconds::zero() || !inbox_.store().after(after, 1, 0).empty()) {
    return exchange->respond(listing(after));
  }
  park(exchange, after, wait);
}

void ReceiverPolls::park(const Exchange& exchange, std::uint64_t after, core::Nanoseconds wait) {
  {
    const std::lock_guard lock(mutex_);
    if (!draining_) polls_.push_back({exchange, after});
    if (draining_) wait = core::Nanoseconds::zero();
  }
  const auto* raw = exchange.get();
  exchange->on_gone([this, raw] { forget(raw); });
  exchange->after(wait, [this, after, raw, weak = std::weak_ptr(exchange)] {
    const Exchange waiting = weak.lock();
    forget(raw);
    if (waiting) waiting->respond(listing(after));
  });
  // An email can have come on its own thread between the first look and the parking.
  answer_parked();
}

void ReceiverPolls::forget(const core::HttpExchange* exchange) {
  const std::lock_guard lock(mutex_);
  polls_.remove_if([exchange](const Poll& poll) { return poll.exchange.get() == exchange; });
}

void ReceiverPolls::answer_parked() {
  std::list<Poll> ready;
  {
    const std::lock_guard lock(mutex_);
    for (auto poll = polls_.begin(); poll != polls_.end();) {
      const auto here = poll++;
      if (draining_ || !inbox_.store().after(here->after, 1, 0).empty()) {
        ready.splice(ready.end(), polls_, here);
      }
    }
  }
  // Without the lock: an answer can run callbacks that forget the poll.
  for (const Poll& poll : ready) poll.exchange->respond(listing(poll.after));
}

void ReceiverPolls::drain() {
  {
    const std::lock_guard lock(mutex_);
    draining_ = true;
  }
  answer_parked();
}

}  // namespace obsctl::verifiers
