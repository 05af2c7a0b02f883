// Errors as the service's clients get them: application/problem+json (RFC 9457).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/http_server.hpp"

namespace obsctl::stacks {

/// What is wrong with one field of a body, or with one query parameter.
struct FieldError {
  /// A member of the body as a JSON pointer in a fragment ("#/rate"), or a query parameter's name ("ms").
  std::string where;
  std::string detail;

  bool operator==(const FieldError&) const = default;
};

/// title is the status's reason phrase; `errors`, when there are any, becomes a member of that name.
core::HttpResponse problem(int status, std::string_view detail, const std::vector<FieldError>& errors = {});

/// Any JSON document as an answer.
core::HttpResponse json_answer(int status, std::string body);

}  // namespace obsctl::stacks
