// See toggle_fault.hpp. Every toggle is set with a TTL, so that it goes away by itself when obsctl cannot
// take it away any more.
#include "scenarios/faults/toggle_fault.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/http_client.hpp"
#include "scenarios/faults/fault_calls.hpp"

namespace obsctl::scenarios {

using core::Error;
using core::ErrorKind;
using core::Result;
using core::WallTime;

namespace {

using nlohmann::json;

struct ToggleState {
  bool active = false;
  std::string expires_at;
};

class ToggleFault final : public Fault {
 public:
  ToggleFault(FaultSpec spec, const FaultPlace& place, core::Clock& clock)
      : spec_(std::move(spec)),
        target_(place.target),
        url_(fmt::format("{}/api/v1/toggles/{}", place.url, spec_.kind)),
        token_(place.token),
        undo_(delete_call(url_, place)),
        token_variable_(place.token_variable),
        clock_(clock) {}

  bool has_ttl() const override { return true; }

  std::string undo() const override { return undo_; }

  Result<void> check(const std::stop_token& stop) override {
    const auto before = call("GET", nullptr, stop);
    if (!before) return before.error();
    if (before->active) {
      return core::make_error(ErrorKind::unavailable,
                              fmt::format("{} of {} is on already, until {}; somebody else set it",
                                          spec_.kind, target_, before->expires_at),
                              undo());
    }
    return {};
  }

  Result<WallTime> inject(const std::stop_token& stop) override {
    const WallTime at = clock_.wall_now();
    const auto set = call("PUT", body(), stop);
    if (!set) return set.error();
    if (!set->active) {
      return core::make_error(ErrorKind::protocol,
                              fmt::format("{} took the toggle but says that it is off", shown_));
    }
    return at;
  }

  Result<FaultSight> look(const std::stop_token& stop) override {
    const auto state = call("GET", nullptr, stop);
    if (!state) return state.error();
    return FaultSight{state->active, state->active
                                         ? fmt::format("the toggle is on until {}", state->expires_at)
                                         : "the toggle is off"};
  }

  Result<WallTime> clear(const std::stop_token& stop) override {
    const WallTime at = clock_.wall_now();
    const auto cleared = call("DELETE", nullptr, stop);
    if (!cleared) return cleared.error();
    if (cleared->active) {
      return core::make_error(ErrorKind::protocol, fmt::format("{} is still on after DELETE", shown_));
    }
    return at;
  }

 private:
  Json body() const {
    Json fields = spec_.parameters;
    fields["ttl"] = core::format_duration(spec_.max_duration);
    return fields;
  }

  /// The toggle's state after the call.
  Result<ToggleState> call(const std::string& method, const Json& body, const std::stop_token& stop) {
    core::HttpCall call{
        .method = method, .url = url_, .timeout = std::chrono::seconds(2), .max_body = 1u << 20};
    if (!token_.empty()) call.headers.push_back({"Authorization", "Bearer " + token_});
    if (!body.is_null()) {
      call.headers.push_back({"Content-Type", "application/json"});
      // Not over a fault that somebody else has set since it was looked at.
      call.headers.push_back({"If-None-Match", "*"});
      call.body = body.dump();
    }
    const auto reply = http_.call(call, stop);
    if (!reply) return reply.error();
    json state = json::parse(reply->body, nullptr, false);
    if (!reply->ok()) return refusal(method, *reply, state);
    if (!state.is_object() || !state.contains("active") || !state["active"].is_boolean()) {
      return core::make_error(ErrorKind::protocol,
                              fmt::format("{} {} did not answer with a toggle's state", method, shown_),
                              "is this a service with obsctl's toggles API?");
    }
    const json expires = state.value("expires_at", json());
    return ToggleState{state["active"].get<bool>(),
                       expires.is_string() ? expires.get<std::string>() : "it is cleared"};
  }

  Error refusal(const std::string& method, const core::HttpReply& reply, const json& problem) const {
    const bool told = problem.is_object() && problem.contains("detail") && problem["detail"].is_string();
    std::string hint;
    if (reply.status == 401 || reply.status == 403) {
      hint = fmt::format("the token of its toggles is taken from ${}", token_variable_);
    } else if (reply.status == 404) {
      hint = "is this a service with obsctl's toggles API?";
    }
    constexpr int kPreconditionFailed = 412;
    return core::make_error(
        reply.status == kPreconditionFailed ? ErrorKind::conflict : ErrorKind::unavailable,
        fmt::format("{} {} answered {}{}", method, shown_, reply.status,
                    told ? ": " + problem["detail"].get<std::string>() : ""),
        hint);
  }

  const FaultSpec spec_;
  const std::string target_;
  const std::string url_;
  const std::string shown_ = core::without_credentials(url_);
  const std::string token_;
  const std::string undo_;
  const std::string token_variable_;
  core::Clock& clock_;
  core::HttpClient http_;
};

}  // namespace

std::unique_ptr<Fault> make_toggle_fault(const FaultSpec& spec, const FaultPlace& place, core::Clock& clock) {
  return std::make_unique<ToggleFault>(spec, place, clock);
}

}  // namespace obsctl::scenarios
