// See remote_stack.hpp.
#include "stacks/remote_stack.hpp"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace obsctl::stacks {

namespace fs = std::filesystem;
using core::ErrorKind;
using core::Result;
using nlohmann::json;
using namespace std::chrono_literals;

namespace {

constexpr auto kQuestionTimeout = 3s;
/// A start waits for readiness, an end for graceful services.
constexpr auto kCommandTimeout = 40s;
/// For the supervisor to end after its answer.
constexpr auto kGoneDeadline = 10s;

}  // namespace

RemoteStack::RemoteStack(StackFile file, fs::path directory)
    : file_(std::move(file)), directory_(std::move(directory)) {}

Result<std::string> RemoteStack::endpoint(std::string_view service) const {
  const auto found = file_.urls.find(std::string(service));
  if (found != file_.urls.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [name, url] : file_.urls) names.push_back(name);
  return unknown_service(file_.stack, service, names);
}

Result<json> RemoteStack::call(const std::string& method, const std::string& path, const std::string& body,
                               core::Nanoseconds timeout) {
  const std::lock_guard lock(mutex_);
  const auto reply = http_.call({.method = method,
                                 .url = file_.control_url + path,
                                 .headers = {{"Authorization", "Bearer " + file_.control_token}},
                                 .body = body,
                                 .timeout = timeout});
  if (!reply) {
    return core::make_error(reply.error().kind,
                            fmt::format("the supervisor of {} (pid {}) does not answer: {}", file_.instance,
                                        file_.supervisor, reply.error().message),
                            "obsctl stack list shows what is up");
  }
  json document = json::parse(reply->body, nullptr, false);
  if (!reply->ok()) {
    if (auto error = error_from(document)) return std::move(*error);
  }
  if (reply->ok() && document.is_object()) {
    return {boost::system::in_place_value, std::move(document)};
  }
  return core::make_error(ErrorKind::protocol, fmt::format("the supervisor of {} answered {} to {} {}",
                                                           file_.instance, reply->status, method, path));
}

Result<std::vector<ServiceStatus>> RemoteStack::status() {
  const Result<json> document = call("GET", "/v1/status", "", kQuestionTimeout);
  if (!document) return document.error();
  std::vector<ServiceStatus> services;
  for (const json& entry : document->value("services", json::array())) {
    if (auto status = status_from(entry)) services.push_back(std::move(*status));
  }
  return services;
}

std::optional<ServiceFailure> RemoteStack::failed() {
  const Result<json> document = call("GET", "/v1/status", "", kQuestionTimeout);
  if (!document) return ServiceFailure{"supervisor", {1, 0}, to_line(document.error()), {}};
  return failure_from(document->value("failed", json()));
}

Result<void> RemoteStack::command(std::string_view service, std::string_view verb, const std::string& body) {
  if (const auto known = endpoint(service); !known) return known.error();
  const auto done = call("POST", fmt::format("/v1/services/{}/{}", service, verb), body, kCommandTimeout);
  if (!done) return done.error();
  return {};
}

Result<void> RemoteStack::stop_service(std::string_view service, StopMode mode) {
  return command(service, "stop", json{{"mode", mode == StopMode::kill ? "kill" : "terminate"}}.dump());
}

Result<void> RemoteStack::start_service(std::string_view service) {
  return command(service, "start", "{}");
}

Result<void> RemoteStack::signal_service(std::string_view service, int number) {
  return command(service, "signal", json{{"signal", number}}.dump());
}

Result<void> RemoteStack::down() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(down_, true)) return {};
  }
  const Result<json> done = call("POST", "/v1/down", "{}", kCommandTimeout);
  if (!done) return done.error();
  if (core::wait_for_end(file_.supervisor, kGoneDeadline)) return {};
  return core::make_error(ErrorKind::timeout, fmt::format("the supervisor of {} (pid {}) is still there",
                                                          file_.instance, file_.supervisor));
}

}  // namespace obsctl::stacks
