// See the header; written by hand because it has three fields and no nesting.
#include "verifiers/problem.hpp"

#include <fmt/format.h>

#include "core/log.hpp"

namespace obsctl::verifiers {

namespace {

std::string_view title_of(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 413:
      return "Content Too Large";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Error";
  }
}

}  // namespace

core::HttpResponse problem(int status, std::string_view detail) {
  std::string escaped;
  core::append_json_escaped(escaped, detail);
  return {
      .status = status,
      .body = fmt::format("{{\"type\":\"about:blank\",\"title\":\"{}\",\"status\":{},\"detail\":\"{}\"}}\n",
                          title_of(status), status, escaped),
      .content_type = "application/problem+json"};
}

}  // namespace obsctl::verifiers
