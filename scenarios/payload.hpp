// What a scenario may demand of a notification's payload: that the text at a path matches a regular
// expression. The reader and the judgement share it, so that what the one accepts the other can follow.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scenarios/scenario.hpp"

namespace obsctl::scenarios {

/// $ followed by .key and [index], such as "$.attachments[0].title".
bool is_payload_path(std::string_view text);

/// What is wrong with a payload, for people; empty when every check holds. `raw` is JSON as it was received.
/// Paths have to be such as the above accepts.
std::string payload_problem(const std::string& raw, const std::vector<BodyCheck>& checks);

}  // namespace obsctl::scenarios
