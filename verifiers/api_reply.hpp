// What Prometheus' and Alertmanager's clients share: how a call is made and how an answer that is not a
// success becomes an error. Internal to verifiers/.
#pragma once

#include <stop_token>
#include <string>

#include "core/http_client.hpp"

namespace obsctl::verifiers {

/// Calls, and takes nothing but a 2xx. Errors: HttpClient::call's; unavailable for a 5xx, invalid_input for
/// any other status, both with the status and the server's own words (of an `error` or `message` key, or the
/// first line).
core::Result<core::HttpReply> call_api(core::HttpClient& http, const core::HttpCall& call,
                                       const std::stop_token& stop);

/// The error of a reply that is no success, as call_api makes it.
core::Error refusal(const core::HttpCall& call, const core::HttpReply& reply);

/// "GET http://host/path": what an error about the answer begins with.
std::string describe(const core::HttpCall& call);

/// The URL without slashes at its end.
std::string base_url(std::string url);

}  // namespace obsctl::verifiers
