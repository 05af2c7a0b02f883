// Turns what is not a success into an error that quotes the server: without its words nobody knows what to
// mend.
#include "verifiers/api_reply.hpp"

#include <fmt/format.h>

#include "core/text.hpp"
#include "verifiers/json_reader.hpp"

namespace obsctl::verifiers {

namespace {

/// What the server says about its refusal, on one line of at most 300 bytes.
std::string words_of(const core::HttpReply& reply) {
  std::string words;
  const nlohmann::json document = nlohmann::json::parse(reply.body, nullptr, false);
  if (document.is_string()) words = document.get<std::string>();  // Alertmanager's v2 answers a bare string
  for (const char* key : {"error", "message", "detail"}) {
    if (!words.empty() || !document.is_object()) break;
    const auto found = document.find(key);
    if (found != document.end() && found->is_string()) words = found->get<std::string>();
  }
  if (words.empty() && !document.is_structured())
    words = core::split(core::trimmed(reply.body), '\n').front();
  if (words.size() > 300) words = words.substr(0, 300) + "…";
  for (char& c : words) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return words;
}

}  // namespace

std::string describe(const core::HttpCall& call) {
  return fmt::format("{} {}", call.method, core::without_credentials(call.url));
}

std::string base_url(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url;
}

core::Error refusal(const core::HttpCall& call, const core::HttpReply& reply) {
  const auto kind = reply.status >= 500 ? core::ErrorKind::unavailable : core::ErrorKind::invalid_input;
  const std::string words = words_of(reply);
  return core::make_error(kind, fmt::format("{}: answered {}{}{}", describe(call), reply.status,
                                            words.empty() ? "" : ": ", words));
}

core::Result<core::HttpReply> call_api(core::HttpClient& http, const core::HttpCall& call,
                                       const std::stop_token& stop) {
  auto reply = http.call(call, stop);
  if (!reply || reply->ok()) return reply;
  return refusal(call, *reply);
}

}  // namespace obsctl::verifiers
