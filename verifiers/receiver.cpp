// Puts the receiver's parts together: one inbox, an HTTP server and, on request, an SMTP server in front of
// it.
#include "verifiers/receiver.hpp"

#include <fmt/format.h>

#include "core/http_client.hpp"
#include "verifiers/receiver_http.hpp"
#include "verifiers/receiver_mail.hpp"

namespace obsctl::verifiers {

struct Receiver::State {
  State(const ReceiverOptions& given, core::Clock& clock, core::Logger& log)
      : options(given),
        inbox(options, clock, log),
        board(clock),
        polls(inbox),
        forwarder(options.forward_timeout, options.forward_queue, log),
        http({options, inbox, polls, board, forwarder, log}),
        mail(inbox, board) {
    inbox.on_recorded([this] { polls.answer_parked(); });
    for (const auto& [receiver, steps] : options.misbehaviours) board.set(receiver, steps, std::nullopt);
  }

  const ReceiverOptions options;
  ReceiverInbox inbox;
  MisbehaviourBoard board;
  ReceiverPolls polls;
  NotificationForwarder forwarder;
  ReceiverHttp http;
  ReceiverMail mail;
  // Last, so that they are destroyed first: their threads use all the rest. (An answer that the forwarder
  // gives after that goes nowhere, which exchanges allow.)
  std::unique_ptr<core::HttpServer> server;
  std::unique_ptr<SmtpServer> smtp;
};

namespace {

SmtpServerOptions smtp_options(const ReceiverOptions& options) {
  return {.address = options.smtp->address,
          .port = options.smtp->port,
          .max_message = options.max_body,
          .auth = options.smtp->auth,
          .certificate = options.smtp->certificate,
          .key = options.smtp->key,
          .timeout = options.smtp->timeout};
}

}  // namespace

Receiver::Receiver(std::unique_ptr<State> state) : state_(std::move(state)) {}
Receiver::~Receiver() = default;

Result<std::unique_ptr<Receiver>> Receiver::start(const ReceiverOptions& options, core::Clock& clock,
                                                  core::Logger& log) {
  auto state = std::make_unique<State>(options, clock, log);
  State* raw = state.get();
  if (options.smtp) {
    auto smtp = SmtpServer::start(smtp_options(options),
                                  [raw](SmtpMessage message) { return raw->mail.take(std::move(message)); });
    if (!smtp) return smtp.error();
    state->smtp = std::move(*smtp);
    state->http.set_mail_authority(state->smtp->authority());
  }
  core::HttpServerOptions http;
  http.address = options.address;
  http.port = options.port;
  http.max_body = options.max_body;
  auto server = core::HttpServer::start(
      http, [raw](const ReceiverHttp::Exchange& exchange) { raw->http.handle(exchange); });
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

std::string Receiver::smarthost() const {
  return state_->smtp ? state_->smtp->authority() : std::string();
}

std::string Receiver::url_for(NotificationKind kind, std::string_view name) const {
  if (kind != NotificationKind::email) {
    return fmt::format("{}/{}/{}", url(), to_string(kind), core::percent_encoded(name));
  }
  return state_->smtp ? fmt::format("smtp://{}/{}", smarthost(), core::percent_encoded(name)) : std::string();
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
  return copies_of(state_->inbox.store().after(after, SIZE_MAX, SIZE_MAX));
}

std::vector<Notification> Receiver::wait_after(std::uint64_t after, core::SteadyTime deadline,
                                               const std::stop_token& stop) const {
  return copies_of(state_->inbox.store().wait_after(after, deadline, stop));
}

void Receiver::clear() {
  state_->inbox.store().clear();
}

bool Receiver::misbehave(const std::string& receiver, std::vector<Misbehaviour> steps) {
  return state_->board.set(receiver, std::move(steps), std::nullopt);
}

bool Receiver::behave(const std::string& receiver) {
  return state_->board.clear(receiver);
}

ReceiverCounts Receiver::counts() const {
  return state_->http.counts();
}

bool Receiver::drain(core::Nanoseconds deadline) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  state_->polls.drain();
  state_->http.drain();
  const bool mails = !state_->smtp || state_->smtp->drain(deadline);
  const auto left =
      std::max<core::Nanoseconds>(until - std::chrono::steady_clock::now(), std::chrono::seconds(0));
  return state_->server->drain(left) && mails;
}

}  // namespace obsctl::verifiers
