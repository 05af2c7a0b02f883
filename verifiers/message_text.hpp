// What the text of a chat message says about alerts. Messages come from templates that anybody may have
// written, so this reads the forms of Alertmanager's and Grafana's default templates and their common
// variations, and reports nothing rather than guess. Internal to verifiers/.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "verifiers/notification.hpp"

namespace obsctl::verifiers {

struct MessageContent {
  NotifiedStatus status = NotifiedStatus::unknown;
  std::int64_t announced = 0;
  std::vector<NotifiedAlert> alerts;
};

/// Understands, line by line: a marker with the alert's name behind it ("[FIRING:2] HighErrorRate api",
/// "[RESOLVED] …", "FIRING: …", also with markup around the name), and the lists of Alertmanager's default
/// messages ("Alerts Firing:", "Labels:", " - alertname = …", "Annotations:", "Source: …", also as Markdown
/// for Teams, and as the email has it: "[2] Firing", "Labels", "alertname = …", "Source <…>"). Lists, where
/// there are any, are the alerts; else the markers are.
MessageContent read_message_text(std::string_view text);

/// Slack's and Teams' colours: "good", "warning", "danger", "attention", "#rrggbb" or "rrggbb". Mostly red or
/// yellow is firing, mostly green is resolved.
NotifiedStatus status_of_colour_name(std::string_view colour);

/// Discord's: 0xRRGGBB as a number; anything that is not one is unknown.
NotifiedStatus status_of_colour(double colour);

}  // namespace obsctl::verifiers
