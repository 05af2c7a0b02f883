// The receiver's endpoints. Everything here runs on the HTTP server's thread, but for forwarding, which has
// its own.
#include "verifiers/receiver.hpp"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <list>
#include <mutex>

#include <fmt/format.h>

#include "core/http_client.hpp"
#include "verifiers/notification_forwarder.hpp"
#include "verifiers/notification_store.hpp"
#include "verifiers/problem.hpp"
#include "verifiers/receiver_page.hpp"

namespace obsctl::verifiers {

using Exchange = std::shared_ptr<core::HttpExchange>;

namespace {

constexpr std::size_t kAnswerCount = 1000;
constexpr std::size_t kAnswerBytes = 16u << 20;
constexpr core::Nanoseconds kLongestWait = std::chrono::minutes(1);
constexpr std::size_t kShownOnPage = 200;
constexpr std::size_t kLongestName = 200;

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
  core::HttpResponse response = problem(405, fmt::format("this path takes {} only", allowed));
  response.headers.push_back({"Allow", std::string(allowed)});
  return response;
}

/// What the real thing answers to a message it has taken.
core::HttpResponse accepted(NotificationKind kind) {
  switch (kind) {
    case NotificationKind::slack:
      return {.status = 200, .body = "ok"};
    case NotificationKind::discord:
      return {.status = 204};
    case NotificationKind::webhook:
      break;
  }
  return {.status = 200, .body = "{\"accepted\":true}\n", .content_type = "application/json"};
}

}  // namespace

struct Receiver::State {
  State(const ReceiverOptions& given, core::Clock& the_clock, core::Logger& the_log)
      : options(given),
        clock(the_clock),
        log(the_log),
        store(given.max_notifications, given.max_bytes),
        forwarder(given.forward_timeout, given.forward_queue, the_log) {}

  /// A long poll that waits for its first notification.
  struct Poll {
    Exchange exchange;
    std::uint64_t after = 0;
  };

  void handle(const Exchange& exchange);
  void receive(const Exchange& exchange, NotificationKind kind, std::string_view segment);
  const ForwardRule* forward_for(NotificationKind kind, const std::string& receiver) const;
  void list(const Exchange& exchange);
  void park(const Exchange& exchange, std::uint64_t after, core::Nanoseconds wait);
  void forget(const core::HttpExchange* exchange);
  void answer_polls();
  bool drain(core::Nanoseconds deadline);
  void show_page(const Exchange& exchange);
  core::HttpResponse listing(std::uint64_t after) const;
  core::HttpResponse metrics() const;
  ReceiverCounts counts() const;

  const ReceiverOptions options;
  core::Clock& clock;
  core::Logger& log;
  NotificationStore store;
  std::atomic<std::uint64_t> rejected{0};
  std::atomic<std::uint64_t> by_kind[3] = {};
  std::mutex polls_mutex;
  std::list<Poll> polls;
  bool draining = false;  ///< guarded by polls_mutex: no poll is parked any more
  NotificationForwarder forwarder;
  // Last, so that it is destroyed first: its thread uses all the rest. (An answer that the forwarder gives
  // after that goes nowhere, which exchanges allow.)
  std::unique_ptr<core::HttpServer> server;
};

void Receiver::State::handle(const Exchange& exchange) {
  const std::string_view path = exchange->path();
  const bool reading = exchange->method() == "GET" || exchange->method() == "HEAD";
  for (const auto kind : {NotificationKind::webhook, NotificationKind::slack, NotificationKind::discord}) {
    const std::string prefix = fmt::format("/{}/", to_string(kind));
    if (path.starts_with(prefix)) return receive(exchange, kind, path.substr(prefix.size()));
  }
  if (path == "/api/v1/notifications") {
    if (reading) return list(exchange);
    if (exchange->method() != "DELETE") return exchange->respond(wrong_method("GET, DELETE"));
    store.clear();
    return exchange->respond({.status = 204});
  }
  if (path != "/" && path != "/healthz" && path != "/metrics") {
    return exchange->respond(
        problem(404,
                "there is nothing here; notifications go to /webhook/NAME, /slack/NAME or "
                "/discord/NAME"));
  }
  if (!reading) return exchange->respond(wrong_method("GET"));
  if (path == "/healthz") return exchange->respond({.body = "ok\n"});
  if (path == "/metrics") return exchange->respond(metrics());
  show_page(exchange);
}

void Receiver::State::receive(const Exchange& exchange, NotificationKind kind, std::string_view segment) {
  auto name = decoded_name(segment);
  if (!name)
    return exchange->respond(problem(404, fmt::format("a notification goes to /{}/NAME", to_string(kind))));
  if (exchange->method() != "POST") return exchange->respond(wrong_method("POST"));
  const ForwardRule* forward = forward_for(kind, *name);
  if (forward != nullptr && !forwarder.has_room()) {
    core::HttpResponse response = problem(503, "too many notifications are waiting to be passed on");
    response.headers.push_back({"Retry-After", "1"});
    return exchange->respond(std::move(response));
  }
  auto notification = parse_notification(kind, *name, std::string(exchange->body()), clock.wall_now());
  if (!notification) {
    ++rejected;
    log.warn("a notification was refused", {{"kind", std::string(to_string(kind))},
                                            {"receiver", *name},
                                            {"reason", notification.error().message}});
    return exchange->respond(problem(400, notification.error().message));
  }
  const auto kept = store.add(std::move(*notification));
  ++by_kind[static_cast<int>(kind)];
  log.debug("notification", {{"kind", std::string(to_string(kind))},
                             {"receiver", *name},
                             {"sequence", std::to_string(kept->sequence), true},
                             {"status", std::string(to_string(kept->status))}});
  if (forward != nullptr) {
    forwarder.add({exchange, forward->url, kind, std::move(*name)});
  } else {
    exchange->respond(accepted(kind));
  }
  answer_polls();
}

const ForwardRule* Receiver::State::forward_for(NotificationKind kind, const std::string& receiver) const {
  const ForwardRule* found = nullptr;
  for (const ForwardRule& rule : options.forwards) {
    if (rule.kind != kind) continue;
    if (rule.receiver == receiver) return &rule;
    if (rule.receiver.empty()) found = &rule;
  }
  return found;
}

core::HttpResponse Receiver::State::listing(std::uint64_t after) const {
  const auto items = store.after(after, kAnswerCount, kAnswerBytes);
  const auto counted = store.counts();
  std::string body =
      fmt::format("{{\"schema\":1,\"next\":{},\"accepted\":{},\"dropped\":{},\"notifications\":[",
                  items.empty() ? after : items.back()->sequence, counted.accepted, counted.dropped);
  for (const auto& item : items) {
    if (body.back() != '[') body += ",\n";
    body += notification_to_json(*item);
  }
  body += "]}\n";
  return {.body = std::move(body),
          .content_type = "application/json",
          .headers = {{"Cache-Control", "no-store"}}};
}

void Receiver::State::list(const Exchange& exchange) {
  std::uint64_t after = 0;
  if (const auto text = exchange->query("after")) {
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), after);
    if (error != std::errc() || end != text->data() + text->size()) {
      return exchange->respond(problem(400, "after is not a sequence number"));
    }
  }
  core::Nanoseconds wait{};
  if (const auto text = exchange->query("wait")) {
    const auto duration = core::parse_duration(*text);
    if (!duration) return exchange->respond(problem(400, "wait: " + duration.error().message));
    wait = std::min(*duration, kLongestWait);
  }
  if (wait == core::Nanoseconds::zero() || !store.after(after, 1, 0).empty()) {
    return exchange->respond(listing(after));
  }
  park(exchange, after, wait);
}

void Receiver::State::park(const Exchange& exchange, std::uint64_t after, core::Nanoseconds wait) {
  {
    const std::lock_guard lock(polls_mutex);
    if (!draining) polls.push_back({exchange, after});
    if (draining) wait = core::Nanoseconds::zero();
  }
  const auto* raw = exchange.get();
  exchange->on_gone([this, raw] { forget(raw); });
  exchange->after(wait, [this, after, raw, weak = std::weak_ptr(exchange)] {
    const Exchange waiting = weak.lock();
    forget(raw);
    if (waiting) waiting->respond(listing(after));
  });
}

void Receiver::State::forget(const core::HttpExchange* exchange) {
  const std::lock_guard lock(polls_mutex);
  polls.remove_if([exchange](const Poll& poll) { return poll.exchange.get() == exchange; });
}

void Receiver::State::answer_polls() {
  std::list<Poll> ready;
  {
    const std::lock_guard lock(polls_mutex);
    for (auto poll = polls.begin(); poll != polls.end();) {
      const auto here = poll++;
      if (draining || !store.after(here->after, 1, 0).empty()) ready.splice(ready.end(), polls, here);
    }
  }
  // Without the lock: an answer can run callbacks that forget the poll.
  for (const Poll& poll : ready) poll.exchange->respond(listing(poll.after));
}

bool Receiver::State::drain(core::Nanoseconds deadline) {
  {
    const std::lock_guard lock(polls_mutex);
    draining = true;
  }
  answer_polls();
  return server->drain(deadline);
}

void Receiver::State::show_page(const Exchange& exchange) {
  const bool refresh = exchange->query("refresh").has_value();
  exchange->respond({.body = render_receiver_page(store.newest(kShownOnPage), store.counts().accepted,
                                                  "http://" + std::string(exchange->header("Host")), refresh),
                     .content_type = "text/html; charset=utf-8",
                     .headers = {{"Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"},
                                 {"Cache-Control", "no-store"}}});
}

ReceiverCounts Receiver::State::counts() const {
  const auto stored = store.counts();
  const auto passed_on = forwarder.counts();
  return {stored.accepted,  rejected.load(), stored.dropped,   passed_on.forwarded,
          passed_on.failed, stored.kept,     stored.kept_bytes};
}

core::HttpResponse Receiver::State::metrics() const {
  const ReceiverCounts now = counts();
  std::string text =
      "# HELP obsctl_receiver_notifications_total Notifications accepted.\n"
      "# TYPE obsctl_receiver_notifications_total counter\n";
  for (const auto kind : {NotificationKind::webhook, NotificationKind::slack, NotificationKind::discord}) {
    text += fmt::format("obsctl_receiver_notifications_total{{kind=\"{}\"}} {}\n", to_string(kind),
                        by_kind[static_cast<int>(kind)].load());
  }
  const auto add = [&text](std::string_view name, std::string_view type, std::string_view help,
                           std::uint64_t value) {
    text += fmt::format(
        "# HELP obsctl_receiver_{0} {2}\n# TYPE obsctl_receiver_{0} {1}\nobsctl_receiver_{0} {3}\n", name,
        type, help, value);
  };
  add("rejected_total", "counter", "Malformed notifications refused.", now.rejected);
  add("dropped_total", "counter", "Notifications pushed out by newer ones.", now.dropped);
  add("forwarded_total", "counter", "Notifications that a real webhook has taken.", now.forwarded);
  add("forward_failures_total", "counter", "Notifications that a real webhook has not taken.",
      now.forward_failed);
  add("kept", "gauge", "Notifications in memory.", now.kept);
  add("kept_bytes", "gauge", "Size of their bodies.", now.kept_bytes);
  return {.body = std::move(text), .content_type = "text/plain; version=0.0.4; charset=utf-8"};
}

Receiver::Receiver(std::unique_ptr<State> state) : state_(std::move(state)) {}
Receiver::~Receiver() = default;

Result<std::unique_ptr<Receiver>> Receiver::start(const ReceiverOptions& options, core::Clock& clock,
                                                  core::Logger& log) {
  auto state = std::make_unique<State>(options, clock, log);
  core::HttpServerOptions http;
  http.address = options.address;
  http.port = options.port;
  http.max_body = options.max_body;
  auto server =
      core::HttpServer::start(http, [raw = state.get()](const Exchange& exchange) { raw->handle(exchange); });
  if (!server) return server.error();
  state->server = std::move(*server);
  return std::unique_ptr<Receiver>(new Receiver(std::move(state)));
}

std::uint16_t Receiver::port() const {
  return state_->server->port();
}

std::string Receiver::url() const {
  return state_->server->url();
}

std::string Receiver::url_for(NotificationKind kind, std::string_view name) const {
  return fmt::format("{}/{}/{}", url(), to_string(kind), core::percent_encoded(name));
}

namespace {

std::vector<Notification> copies_of(const std::vector<NotificationStore::Item>& items) {
  std::vector<Notification> copies;
  copies.reserve(items.size());
  for (const auto& item : items) copies.push_back(*item);
  return copies;
}

}  // namespace

std::vector<Notification> Receiver::after(std::uint64_t after) const {
  return copies_of(state_->store.after(after, SIZE_MAX, SIZE_MAX));
}

std::vector<Notification> Receiver::wait_after(std::uint64_t after, core::SteadyTime deadline,
                                               const std::stop_token& stop) const {
  return copies_of(state_->store.wait_after(after, deadline, stop));
}

void Receiver::clear() {
  state_->store.clear();
}

ReceiverCounts Receiver::counts() const {
  return state_->counts();
}

bool Receiver::drain(core::Nanoseconds deadline) {
  return state_->drain(deadline);
}

}  // namespace obsctl::verifiers
