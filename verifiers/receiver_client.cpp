// The long poll is one call whose deadline is the wait and some more, so that a receiver that hangs is
// noticed.
#include "verifiers/receiver_client.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "verifiers/api_reply.hpp"
#include "verifiers/json_reader.hpp"
#include "verifiers/notification_json.hpp"

namespace obsctl::verifiers {

ReceiverClient::ReceiverClient(std::string url) : url_(base_url(std::move(url))) {}

Result<std::vector<Notification>> ReceiverClient::next(std::uint64_t after, core::Nanoseconds wait,
                                                       const std::stop_token& stop) {
  constexpr core::Nanoseconds longest = std::chrono::minutes(1);
  const auto millis =
      std::chrono::ceil<std::chrono::milliseconds>(std::clamp(wait, core::Nanoseconds::zero(), longest));
  const core::HttpCall call{
      .url = fmt::format("{}/api/v1/notifications?after={}&wait={}ms", url_, after, millis.count()),
      .timeout = millis + std::chrono::seconds(5)};
  const auto reply = call_api(http_, call, stop);
  if (!reply) return reply.error();
  JsonErrors errors(core::ErrorKind::protocol, describe(call));
  const auto document = parse_json(reply->body, errors);
  if (!document) return *errors.first();
  std::vector<Notification> notifications;
  const JsonReader root(*document, "", errors);
  for (const JsonReader& item : root.list("notifications")) notifications.push_back(read_notification(item));
  if (errors.first()) return *errors.first();
  return notifications;
}

Result<void> ReceiverClient::clear(const std::stop_token& stop) {
  const auto reply = call_api(http_, {.method = "DELETE", .url = url_ + "/api/v1/notifications"}, stop);
  if (!reply) return reply.error();
  return {};
}

Result<void> ReceiverClient::misbehave(std::string_view receiver, const std::vector<Misbehaviour>& steps,
                                       core::Nanoseconds ttl, const std::string& token,
                                       const std::stop_token& stop) {
  nlohmann::json body{{"behaviours", nlohmann::json::array()}, {"ttl", core::format_duration(ttl)}};
  for (const Misbehaviour& step : steps) body["behaviours"].push_back(to_string(step));
  const auto reply =
      call_api(http_,
               {.method = "PUT",
                .url = fmt::format("{}/api/v1/misbehaviour/{}", url_, core::percent_encoded(receiver)),
                .headers = {{"Authorization", "Bearer " + token}},
                .body = body.dump()},
               stop);
  if (!reply) return reply.error();
  return {};
}

Result<void> ReceiverClient::behave(std::string_view receiver, const std::string& token,
                                    const std::stop_token& stop) {
  const auto reply =
      call_api(http_,
               {.method = "DELETE",
                .url = fmt::format("{}/api/v1/misbehaviour/{}", url_, core::percent_encoded(receiver)),
                .headers = {{"Authorization", "Bearer " + token}}},
               stop);
  if (!reply) return reply.error();
  return {};
}

Result<void> ReceiverClient::ready(const std::stop_token& stop) {
  const auto reply = call_api(http_, {.url = url_ + "/healthz"}, stop);
  if (!reply) return reply.error();
  return {};
}

}  // namespace obsctl::verifiers
