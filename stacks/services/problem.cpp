#include "stacks/services/problem.hpp"

#include <nlohmann/json.hpp>

#include "core/http_response_text.hpp"

namespace obsctl::stacks {

core::HttpResponse problem(int status, std::string_view detail, const std::vector<FieldError>& errors) {
  nlohmann::ordered_json body{{"type", "about:blank"},
                              {"title", core::reason_phrase(status)},
                              {"status", status},
                              {"detail", detail}};
  for (const FieldError& error : errors) {
    const bool in_body = error.where.starts_with('#');
    body["errors"].push_back({{in_body ? "pointer" : "parameter", error.where}, {"detail", error.detail}});
  }
  // Text from outside may not be UTF-8; it is replaced, never a reason to throw.
  core::HttpResponse response =
      json_answer(status, body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n');
  response.content_type = "application/problem+json";
  return response;
}

core::HttpResponse json_answer(int status, std::string body) {
  return {.status = status, .body = std::move(body), .content_type = "application/json"};
}

}  // namespace obsctl::stacks
