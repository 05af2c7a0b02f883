// See fault_calls.hpp.
#include "scenarios/faults/fault_calls.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "core/text.hpp"

namespace obsctl::scenarios {

using core::ErrorKind;
using core::Result;

Result<core::HttpReply> call_api(core::HttpClient& http, core::HttpCall call, const std::stop_token& stop,
                                 bool absent_will_do) {
  call.timeout = std::chrono::seconds(5);
  call.max_body = 4u << 20;
  auto reply = http.call(call, stop);
  if (!reply) return reply.error();
  if (reply->ok() || (absent_will_do && reply->status == 404)) return reply;
  constexpr std::size_t kExcerpt = 200;
  const std::string said(core::trimmed(std::string_view(reply->body).substr(0, kExcerpt)));
  constexpr int kConflict = 409;
  constexpr int kPreconditionFailed = 412;
  const bool conflict = reply->status == kConflict || reply->status == kPreconditionFailed;
  return core::make_error(
      conflict ? ErrorKind::conflict : ErrorKind::unavailable,
      fmt::format("{} {} answered {}{}{}", call.method, core::without_credentials(call.url), reply->status,
                  said.empty() ? "" : ": ", said));
}

Result<core::WallTime> change_by(core::HttpClient& http, core::Clock& clock, core::HttpCall call,
                                 const std::stop_token& stop, bool absent_will_do) {
  const core::WallTime at = clock.wall_now();
  const auto reply = call_api(http, std::move(call), stop, absent_will_do);
  if (!reply) return reply.error();
  return at;
}

Result<Json> call_json(core::HttpClient& http, core::HttpCall call, const std::stop_token& stop) {
  const auto reply = call_api(http, call, stop);
  if (!reply) return reply.error();
  Json json = Json::parse(reply->body, nullptr, false);
  if (!json.is_discarded()) return {boost::system::in_place_value, std::move(json)};
  return core::make_error(ErrorKind::protocol, fmt::format("{} {} did not answer with JSON", call.method,
                                                           core::without_credentials(call.url)));
}

std::string read_api(core::TomlTable& table, FaultSpec& fault, const std::string& by_default) {
  std::string url = table.string("api").value_or(by_default);
  if (const auto parsed = core::parse_url(url); !parsed) {
    table.report_at("api", fmt::format("{}.api: {}", table.path(), parsed.error().message),
                    parsed.error().hint);
  }
  while (!url.empty() && url.back() == '/') url.pop_back();
  fault.urls.push_back(url);
  return url;
}

Result<std::string> with_variables(const std::string& text) {
  std::string result;
  std::size_t at = 0;
  while (true) {
    const std::size_t begin = text.find("${", at);
    if (begin == std::string::npos) return result.append(text, at);
    const std::size_t end = text.find('}', begin);
    if (end == std::string::npos) return result.append(text, at);
    const std::string name = text.substr(begin + 2, end - begin - 2);
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) {
      return core::make_error(ErrorKind::usage, fmt::format("the environment variable {} is not set", name),
                              fmt::format("export {}=… before the run", name));
    }
    result.append(text, at, begin - at).append(value);
    at = end + 1;
  }
}

std::string delete_call(const std::string& url, const FaultPlace& place) {
  std::string token = "$" + place.token_variable;
  if (place.stack != nullptr) {
    const auto file = place.stack->run_directory() / "token";
    if (std::filesystem::exists(file)) token = fmt::format("$(cat {})", shell_quoted(file.string()));
  }
  return fmt::format("curl -X DELETE -H \"Authorization: Bearer {}\" {}", token,
                     shell_quoted(core::without_credentials(url)));
}

std::string shell_quoted(const std::string& text) {
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("-_./:=@%+,").find(static_cast<char>(c)) != std::string_view::npos;
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), plain)) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string shell_expanded(const std::string& text) {
  if (text.find("${") == std::string::npos) return shell_quoted(text);
  std::string quoted = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool variable = text[i] == '$' && text.substr(i + 1, 1) == "{";
    if (text[i] == '"' || text[i] == '\\' || text[i] == '`' || (text[i] == '$' && !variable)) quoted += '\\';
    quoted += text[i];
  }
  return quoted + "\"";
}

}  // namespace obsctl::scenarios
