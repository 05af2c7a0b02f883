// Checks on answers, cheapest first.
#include "loadgen/checks.hpp"

#include <algorithm>
#include <cctype>

#include <nlohmann/json.hpp>  // IWYU pragma: keep

namespace obsctl::loadgen {

namespace {

bool same_letter(char a, char b) {
  return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
}

bool has_header(std::string_view headers, const core::HttpHeader& wanted) {
  while (!headers.empty()) {
    const std::size_t end = std::min(headers.find('\n'), headers.size());
    const std::string_view line = headers.substr(0, end);
    headers.remove_prefix(std::min(end + 1, headers.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = line.substr(0, colon);
    if (!std::equal(name.begin(), name.end(), wanted.name.begin(), wanted.name.end(), same_letter)) continue;
    if (wanted.value.empty() || line.substr(colon).find(wanted.value) != std::string_view::npos) return true;
  }
  return false;
}

bool value_holds(const nlohmann::json& document, const Checks::JsonValue& want) {
  try {
    const nlohmann::json::json_pointer pointer(want.pointer);  // checked when the plan was
    if (!document.contains(pointer)) return false;
    const nlohmann::json& value = document.at(pointer);
    if (!want.equals) return true;
    return value.is_string() ? value.get_ref<const std::string&>() == *want.equals
                             : value.dump() == *want.equals;
  } catch (const nlohmann::json::exception&) {
    return false;  // an index above 64 bits, and text that is not UTF-8
  }
}

bool json_holds(std::string_view body, const std::vector<Checks::JsonValue>& wanted) {
  const nlohmann::json document = nlohmann::json::parse(body, nullptr, false);
  if (document.is_discarded()) return false;
  return std::all_of(wanted.begin(), wanted.end(),
                     [&](const Checks::JsonValue& want) { return value_holds(document, want); });
}

}  // namespace

Judgement judge(const Checks& checks, const Answer& answer, std::string_view& why) {
  const bool status_ok = checks.statuses.empty() ? answer.status < 400
                                                 : std::find(checks.statuses.begin(), checks.statuses.end(),
                                                             answer.status) != checks.statuses.end();
  if (!status_ok) {
    why = "status";
    return Judgement::http_error;
  }
  const auto failed = [&](const char* what) {
    why = what;
    return Judgement::check_failed;
  };
  if (checks.max_service_time.count() > 0 && answer.service_time > checks.max_service_time)
    return failed("check: time");
  if (checks.min_body >= 0 && answer.body_bytes < checks.min_body) return failed("check: size");
  if (checks.max_body >= 0 && answer.body_bytes > checks.max_body) return failed("check: size");
  for (const core::HttpHeader& header : checks.headers) {
    if (!has_header(answer.headers, header)) return failed("check: header");
  }
  for (const std::string& part : checks.body_contains) {
    if (answer.body.find(part) == std::string_view::npos) return failed("check: body");
  }
  if (!checks.json.empty() && !json_holds(answer.body, checks.json)) return failed("check: json");
  return Judgement::ok;
}

}  // namespace obsctl::loadgen
