// Slack: https://api.slack.com/messaging/webhooks; Discord: 204 without ?wait; PagerDuty:
// https://developer.pagerduty.com/docs/events-api-v2/overview/#response-codes--retry-logic; Teams: connectors
// say "1", workflows 202.
#include "verifiers/receiver_answers.hpp"

#include <fmt/format.h>

#include "core/http_response_text.hpp"
#include "core/log.hpp"
#include "core/sha256.hpp"

namespace obsctl::verifiers {

namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  core::append_json_escaped(out, text);
  return out + '"';
}

}  // namespace

core::HttpResponse taken_answer(const Notification& notification) {
  switch (notification.kind) {
    case NotificationKind::slack:
      return {.status = 200, .body = "ok"};
    case NotificationKind::discord:
      return {.status = 204};
    case NotificationKind::pagerduty: {
      // An event without a key begins an incident of its own, whose key PagerDuty chooses.
      const std::string key = notification.dedup_key.empty() ? core::sha256(notification.raw).substr(0, 32)
                                                             : notification.dedup_key;
      return {.status = 202,
              .body = fmt::format(
                  "{{\"status\":\"success\",\"message\":\"Event processed\",\"dedup_key\":{}}}", quoted(key)),
              .content_type = "application/json"};
    }
    case NotificationKind::msteams:
      if (notification.raw.find("\"attachments\"") != std::string::npos) return {.status = 202};
      return {.status = 200, .body = "1"};
    case NotificationKind::generic:
      return {.status = 200, .body = "ok\n"};
    case NotificationKind::webhook:
    case NotificationKind::email:
      break;
  }
  return {.status = 200, .body = "{\"accepted\":true}\n", .content_type = "application/json"};
}

core::HttpResponse malformed_answer(NotificationKind kind, std::string_view reason) {
  if (kind != NotificationKind::pagerduty) return core::problem_response(400, reason);
  return {.status = 400,
          .body = fmt::format(
              "{{\"status\":\"invalid event\",\"message\":\"Event object is invalid\",\"errors\":[{}]}}",
              quoted(reason)),
          .content_type = "application/json"};
}

}  // namespace obsctl::verifiers
