// What a scenario may demand of a notification: labels and annotations of its alerts, its group, and that the
// text at a path, or all that can be read, matches a regular expression. The reader and the judgement share
// the paths, so that what the one accepts the other can follow.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scenarios/journal.hpp"
#include "scenarios/scenario.hpp"

namespace obsctl::scenarios {

/// $ followed by .key and [index], such as "$.attachments[0].title".
bool is_payload_path(std::string_view text);

/// What is wrong with a notification of `alert`, for people; empty when everything holds. `event` is a
/// notification.firing or notification.resolved. Paths have to be such as the above accepts.
std::string content_problem(const Event& event, const std::string& alert, const NotificationContent& wanted);

}  // namespace obsctl::scenarios
