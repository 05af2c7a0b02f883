// HTTP calls of faults, to the APIs that break and mend things: each has to be answered with success, and
// what is said otherwise is told.
#pragma once

#include <stop_token>
#include <string>

#include "core/clock.hpp"
#include "core/http_client.hpp"
#include "core/toml_reader.hpp"
#include "scenarios/faults/fault.hpp"
#include "scenarios/json.hpp"
#include "scenarios/scenario.hpp"

namespace obsctl::scenarios {

/// The answer, where its status is 200 to 299 (or 404, where that will do). Errors: those of
/// core::HttpClient::call; conflict (409, 412) and unavailable with the status and the beginning of what was
/// answered.
core::Result<core::HttpReply> call_api(core::HttpClient& http, core::HttpCall call,
                                       const std::stop_token& stop, bool absent_will_do = false);

/// The same; returns when it was sent, from when its effect can have begun. Errors: as call_api.
core::Result<core::WallTime> change_by(core::HttpClient& http, core::Clock& clock, core::HttpCall call,
                                       const std::stop_token& stop, bool absent_will_do = false);

/// The same, as JSON. Errors: and protocol, when it is not JSON.
core::Result<Json> call_json(core::HttpClient& http, core::HttpCall call, const std::stop_token& stop);

/// The key `api`: the URL of what a fault talks to, without a slash at its end; noted among the fault's URLs.
std::string read_api(core::TomlTable& table, FaultSpec& fault, const std::string& by_default);

/// `text` with every ${NAME} replaced by that environment variable, so that files and journals need hold no
/// secret. Errors: usage, naming the variable that is not set.
core::Result<std::string> with_variables(const std::string& text);

/// What a person types to DELETE `url`, with the token from where he has it: the stack's file, or a variable.
std::string delete_call(const std::string& url, const FaultPlace& place);

/// For a shell: in single quotes where it has to be.
std::string shell_quoted(const std::string& text);
/// The same for a text in which the shell is to expand ${NAME}.
std::string shell_expanded(const std::string& text);

}  // namespace obsctl::scenarios
