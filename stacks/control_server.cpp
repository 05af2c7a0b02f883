// See control_server.hpp.
#include "stacks/control_server.hpp"

#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/text.hpp"
#include "stacks/control_protocol.hpp"

namespace obsctl::stacks {

using core::ErrorKind;
using core::Result;
using nlohmann::json;
using namespace std::chrono_literals;

namespace {

/// For answers that are on their way when the supervisor ends.
constexpr auto kDrain = 1s;

int http_status(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
    case ErrorKind::invalid_input:
      return 400;
    case ErrorKind::not_found:
      return 404;
    case ErrorKind::unavailable:
      return 409;
    case ErrorKind::timeout:
      return 504;
    default:
      return 500;
  }
}

void answer(const std::shared_ptr<core::HttpExchange>& exchange, int status, const json& body) {
  exchange->respond({.status = status,
                     .body = body.dump(-1, ' ', false, json::error_handler_t::replace) + "\n",
                     .content_type = "application/json"});
}

void answer(const std::shared_ptr<core::HttpExchange>& exchange, const core::Error& error, int status = 0) {
  answer(exchange, status == 0 ? http_status(error.kind) : status, to_json(error));
}

}  // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::start(Stack& stack, std::string token) {
  std::unique_ptr<ControlServer> control(new ControlServer(stack, std::move(token)));
  auto server =
      core::HttpServer::start({.max_body = 64U << 10U, .max_connections = 100},
                              [raw = control.get()](const Exchange& exchange) { raw->handle(exchange); });
  if (!server) return server.error();
  control->server_ = std::move(*server);
  return control;
}

ControlServer::~ControlServer() {
  if (server_) server_->drain(kDrain);
}

std::string ControlServer::url() const {
  return server_->url();
}

void ControlServer::handle(const Exchange& exchange) {
  if (!core::equal_in_constant_time(exchange->header("authorization"), "Bearer " + token_)) {
    return answer(exchange, core::make_error(ErrorKind::usage, "the token is wrong or missing"), 401);
  }
  const std::vector<std::string_view> parts = core::split(exchange->path(), '/');  // "", "v1", …
  const bool post = exchange->method() == "POST";
  if (exchange->path() == "/v1/status" && exchange->method() == "GET") return answer_status(exchange);
  if (exchange->path() == "/v1/down" && post) {
    return hand_over(exchange, [this] {
      down_ = true;
      return stack_.down();
    });
  }
  if (parts.size() == 5 && parts[1] == "v1" && parts[2] == "services" && post) {
    return handle_service(exchange, std::string(parts[3]), parts[4]);
  }
  answer(exchange, core::make_error(ErrorKind::not_found, fmt::format("no such call: {} {}",
                                                                      exchange->method(), exchange->path())));
}

void ControlServer::answer_status(const Exchange& exchange) {
  const auto services = stack_.status();
  if (!services) return answer(exchange, services.error());
  json document{{"services", json::array()}, {"failed", nullptr}};
  for (const ServiceStatus& service : *services) document["services"].push_back(to_json(service));
  if (const auto failure = stack_.failed()) document["failed"] = to_json(*failure);
  answer(exchange, 200, document);
}

void ControlServer::handle_service(const Exchange& exchange, const std::string& service,
                                   std::string_view verb) {
  const json body = json::parse(exchange->body().empty() ? "{}" : exchange->body(), nullptr, false);
  if (!body.is_object())
    return answer(exchange, core::make_error(ErrorKind::invalid_input, "the body is not an object"));
  if (verb == "start") return hand_over(exchange, [=, this] { return stack_.start_service(service); });
  if (verb == "stop") {
    const json mode = body.value("mode", json("terminate"));
    if (mode != "terminate" && mode != "kill") {
      return answer(exchange, core::make_error(ErrorKind::invalid_input, "mode is terminate or kill"));
    }
    const StopMode how = mode == "kill" ? StopMode::kill : StopMode::terminate;
    return hand_over(exchange, [=, this] { return stack_.stop_service(service, how); });
  }
  if (verb == "signal") {
    const json number = body.value("signal", json());
    if (!number.is_number_integer() || number < 1 || number > 64) {
      return answer(exchange, core::make_error(ErrorKind::invalid_input, "signal is a number from 1 to 64"));
    }
    return hand_over(exchange,
                     [=, this, value = number.get<int>()] { return stack_.signal_service(service, value); });
  }
  answer(exchange, core::make_error(ErrorKind::not_found, fmt::format("no such call: {}", exchange->path())));
}

void ControlServer::hand_over(const Exchange& exchange, std::function<Result<void>()> action) {
  const std::lock_guard lock(mutex_);
  jobs_.emplace_back([exchange, action = std::move(action)] {
    const Result<void> done = action();
    if (done) {
      answer(exchange, 200, json::object());
    } else {
      answer(exchange, done.error());
    }
  });
  arrived_.notify_one();
}

bool ControlServer::serve_one(core::Nanoseconds patience, const std::stop_token& stop) {
  std::function<void()> job;
  {
    std::unique_lock lock(mutex_);
    arrived_.wait_for(lock, stop, patience, [this] { return !jobs_.empty(); });
    if (jobs_.empty()) return true;
    job = std::move(jobs_.front());
    jobs_.pop_front();
  }
  job();
  return !down_;
}

}  // namespace obsctl::stacks
