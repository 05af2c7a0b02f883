// Which path takes what, and what becomes of a delivery: taken, passed on, refused on request, or malformed.
#include "verifiers/receiver_http.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "core/http_response_text.hpp"
#include "verifiers/receiver_answers.hpp"
#include "verifiers/receiver_page.hpp"

namespace obsctl::verifiers {

using core::problem_response;

namespace {

constexpr std::size_t kShownOnPage = 200;
constexpr std::size_t kLongestName = 200;
constexpr std::string_view kApi = "/api/v1/";
constexpr std::string_view kMisbehaviour = "misbehaviour/";
/// What PagerDuty's own clients add to the address they are given.
constexpr std::string_view kPagerdutyPath = "/v2/enqueue";

/// A path's segment with %XX decoded; nothing when it is empty, too long, or holds what no name does.
std::optional<std::string> decoded_name(std::string_view segment) {
  std::string name;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    unsigned value = static_cast<unsigned char>(segment[i]);
    if (segment[i] == '%') {
      if (segment.size() < i + 3) return std::nullopt;
      const auto [end, error] = std::from_chars(segment.data() + i + 1, segment.data() + i + 3, value, 16);
      if (error != std::errc() || end != segment.data() + i + 3) return std::nullopt;
      i += 2;
    }
    if (value < ' ' || value == 0x7f || value == '/') return std::nullopt;
    name += static_cast<char>(value);
  }
  if (name.empty() || name.size() > kLongestName) return std::nullopt;
  return name;
}

core::HttpResponse wrong_method(std::string_view allowed) {
  core::HttpResponse response = problem_response(405, fmt::format("this path takes {} only", allowed));
  response.headers.push_back({"Allow", std::string(allowed)});
  return response;
}

bool reads(const core::HttpExchange& exchange) {
  return exchange.method() == "GET" || exchange.method() == "HEAD";
}

}  // namespace

ReceiverHttp::ReceiverHttp(const Parts& parts)
    : parts_(parts),
      gate_({.token = parts.options.token,
             .locked =
                 "misbehaviour is locked: the receiver was started without a token (OBSCTL_RECEIVER_TOKEN)",
             .realm = "misbehaviour"},
            parts.inbox.clock()),
      api_(parts.board, gate_, parts.log) {}

void ReceiverHttp::handle(const Exchange& exchange) {
  const std::string_view path = exchange->path();
  for (const auto kind : kNotificationKinds) {
    const std::string_view name = to_string(kind);
    if (kind == NotificationKind::email || path.size() < name.size() + 2 || path[name.size() + 1] != '/')
      continue;
    if (path.substr(1, name.size()) == name)
      return notification_path(exchange, kind, path.substr(name.size() + 2));
  }
  if (path.starts_with(kApi)) return api(exchange, path.substr(kApi.size()));
  show(exchange, path);
}

void ReceiverHttp::notification_path(const Exchange& exchange, NotificationKind kind, std::string_view rest) {
  if (kind == NotificationKind::pagerduty && rest.ends_with(kPagerdutyPath)) {
    rest.remove_suffix(kPagerdutyPath.size());
  }
  const auto name = decoded_name(rest);
  if (!name) {
    return exchange->respond(
        problem_response(404, fmt::format("a notification goes to /{}/NAME", to_string(kind))));
  }
  if (exchange->method() != "POST") return exchange->respond(wrong_method("POST"));
  receive(exchange, kind, *name);
}

void ReceiverHttp::receive(const Exchange& exchange, NotificationKind kind, const std::string& receiver) {
  if (forward_for(kind, receiver) != nullptr && !parts_.forwarder.has_room()) {
    core::HttpResponse response = problem_response(503, "too many notifications are waiting to be passed on");
    response.headers.push_back(core::retry_after(std::chrono::seconds(1)));
    return exchange->respond(std::move(response));
  }
  auto notification =
      parse_notification(kind, receiver, std::string(exchange->body()), parts_.inbox.clock().wall_now());
  if (!notification) {
    parts_.inbox.reject(kind, receiver, notification.error().message);
    return exchange->respond(malformed_answer(kind, notification.error().message));
  }
  if (const auto misbehaviour = parts_.board.take(receiver)) {
    return misbehave(exchange, std::move(*notification), *misbehaviour);
  }
  deliver(exchange, std::move(*notification));
}

void ReceiverHttp::deliver(const Exchange& exchange, Notification notification) {
  const auto kept = parts_.inbox.record(std::move(notification));
  if (const ForwardRule* forward = forward_for(kept->kind, kept->receiver)) {
    parts_.forwarder.add({exchange, forward->url, kept->kind, kept->receiver});
  } else {
    exchange->respond(taken_answer(*kept));
  }
}

void ReceiverHttp::misbehave(const Exchange& exchange, Notification notification, Misbehaviour misbehaviour) {
  misbehaviour.times.reset();
  notification.misbehaviour = to_string(misbehaviour);
  if (misbehaviour.kind == Misbehaviour::Kind::slow) {
    return deliver_late(exchange, std::move(notification), misbehaviour.delay);
  }
  notification.refused = true;
  if (misbehaviour.kind == Misbehaviour::Kind::status) notification.answer = misbehaviour.status;
  parts_.inbox.record(std::move(notification));
  switch (misbehaviour.kind) {
    case Misbehaviour::Kind::status: {
      core::HttpResponse response =
          problem_response(misbehaviour.status, "the receiver was told to refuse this");
      if (misbehaviour.retry_after) response.headers.push_back(core::retry_after(*misbehaviour.retry_after));
      return exchange->respond(std::move(response));
    }
    case Misbehaviour::Kind::hang:
      return hang(exchange);
    case Misbehaviour::Kind::close:
    case Misbehaviour::Kind::slow:
      return exchange->reset();
  }
}

void ReceiverHttp::hang(const Exchange& exchange) {
  exchange->on_gone([this, raw = exchange.get()] {
    const std::lock_guard lock(hanging_mutex_);
    std::erase_if(hanging_, [raw](const Exchange& one) { return one.get() == raw; });
  });
  const std::lock_guard lock(hanging_mutex_);
  hanging_.push_back(exchange);
}

void ReceiverHttp::deliver_late(const Exchange& exchange, Notification notification,
                                core::Nanoseconds delay) {
  // Whether it has arrived is known when the answer has been given, or the sender has left.
  const auto waiting = std::make_shared<std::optional<Notification>>(std::move(notification));
  exchange->on_gone([this, waiting] {
    if (!*waiting) return;
    Notification given_up = std::move(**waiting);
    waiting->reset();
    given_up.refused = true;
    parts_.inbox.record(std::move(given_up));
  });
  exchange->after(delay, [this, waiting, weak = std::weak_ptr(exchange)] {
    const Exchange open = weak.lock();
    if (!*waiting || !open) return;
    Notification taken = std::move(**waiting);
    waiting->reset();
    deliver(open, std::move(taken));
  });
}

const ForwardRule* ReceiverHttp::forward_for(NotificationKind kind, const std::string& receiver) const {
  const ForwardRule* found = nullptr;
  for (const ForwardRule& rule : parts_.options.forwards) {
    if (rule.kind != kind) continue;
    if (rule.receiver == receiver) return &rule;
    if (rule.receiver.empty()) found = &rule;
  }
  return found;
}

void ReceiverHttp::api(const Exchange& exchange, std::string_view path) {
  if (path == "notifications") {
    if (reads(*exchange)) return parts_.polls.answer(exchange);
    if (exchange->method() != "DELETE") return exchange->respond(wrong_method("GET, DELETE"));
    if (auto refused = gate_.excess()) return exchange->respond(std::move(*refused));
    parts_.inbox.store().clear();
    return exchange->respond({.status = 204});
  }
  if (path == "misbehaviour") return exchange->respond(api_.answer_all(*exchange));
  if (path.starts_with(kMisbehaviour)) {
    if (const auto name = decoded_name(path.substr(kMisbehaviour.size()))) {
      return exchange->respond(api_.answer_one(*exchange, *name));
    }
  }
  exchange->respond(problem_response(
      404, "there is nothing here; the API has notifications, misbehaviour and misbehaviour/NAME"));
}

void ReceiverHttp::show(const Exchange& exchange, std::string_view path) {
  constexpr std::string_view one = "/notifications/";
  if (path != "/" && path != "/healthz" && path != "/metrics" && !path.starts_with(one)) {
    return exchange->respond(problem_response(
        404,
        "there is nothing here; notifications go to /webhook/NAME, /slack/NAME, /discord/NAME, "
        "/pagerduty/NAME, /msteams/NAME or /generic/NAME"));
  }
  if (!reads(*exchange)) return exchange->respond(wrong_method("GET"));
  if (path == "/") return exchange->respond(page(*exchange));
  if (path == "/healthz") return exchange->respond({.body = "ok\n"});
  if (path == "/metrics") return exchange->respond(metrics());
  exchange->respond(single(path.substr(one.size())));
}

core::HttpResponse ReceiverHttp::page(const core::HttpExchange& exchange) const {
  const auto refresh = exchange.query("refresh");
  ReceiverPage page;
  page.items = parts_.inbox.store().newest(kShownOnPage);
  page.counts = counts();
  page.rejection = parts_.inbox.last_rejection();
  page.base = "http://" + std::string(exchange.header("Host"));
  page.mail = mail_authority_;
  page.refresh = refresh != "off";
  return page_response(render(page));
}

core::HttpResponse ReceiverHttp::single(std::string_view rest) const {
  std::uint64_t sequence = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), sequence);
  const bool is_number = error == std::errc() && end == rest.data() + rest.size() && sequence > 0;
  const auto found =
      is_number ? parts_.inbox.store().after(sequence - 1, 1, 0) : std::vector<NotificationStore::Item>();
  if (found.empty() || found.front()->sequence != sequence) {
    return problem_response(404, "there is no such notification, or it has been pushed out by newer ones");
  }
  return page_response(render_single(*found.front()));
}

ReceiverCounts ReceiverHttp::counts() const {
  ReceiverCounts counts = parts_.inbox.counts();
  const auto passed_on = parts_.forwarder.counts();
  counts.forwarded = passed_on.forwarded;
  counts.forward_failed = passed_on.failed;
  return counts;
}

core::HttpResponse ReceiverHttp::metrics() const {
  const ReceiverCounts now = counts();
  std::string text =
      "# HELP obsctl_receiver_notifications_total Notifications accepted.\n"
      "# TYPE obsctl_receiver_notifications_total counter\n";
  for (const auto kind : kNotificationKinds) {
    text += fmt::format("obsctl_receiver_notifications_total{{kind=\"{}\"}} {}\n", to_string(kind),
                        parts_.inbox.accepted_of(kind));
  }
  const auto add = [&text](std::string_view name, std::string_view type, std::string_view help,
                           std::uint64_t value) {
    text += fmt::format(
        "# HELP obsctl_receiver_{0} {2}\n# TYPE obsctl_receiver_{0} {1}\nobsctl_receiver_{0} {3}\n", name,
        type, help, value);
  };
  add("refused_total", "counter", "Notifications refused because the receiver was told to.", now.refused);
  add("rejected_total", "counter", "Malformed notifications refused.", now.rejected);
  add("dropped_total", "counter", "Notifications pushed out by newer ones.", now.dropped);
  add("forwarded_total", "counter", "Notifications that a real webhook has taken.", now.forwarded);
  add("forward_failures_total", "counter", "Notifications that a real webhook has not taken.",
      now.forward_failed);
  add("kept", "gauge", "Notifications in memory.", now.kept);
  add("kept_bytes", "gauge", "Size of their bodies.", now.kept_bytes);
  return {.body = std::move(text), .content_type = "text/plain; version=0.0.4; charset=utf-8"};
}

void ReceiverHttp::drain() {
  std::vector<Exchange> hanging;
  {
    const std::lock_guard lock(hanging_mutex_);
    hanging.swap(hanging_);
  }
  for (const Exchange& exchange : hanging) exchange->reset();
}

}  // namespace obsctl::verifiers
