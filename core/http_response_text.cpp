#include "core/http_response_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

#include <fmt/format.h>

#include "core/log.hpp"

namespace obsctl::core {

namespace {

constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void append_number(std::string& out, std::size_t number) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

void append_field_text(std::string& out, std::string_view text) {
  const std::size_t start = out.size();
  out += text;
  for (std::size_t i = start; i < out.size(); ++i) {
    const auto c = static_cast<unsigned char>(out[i]);
    if ((c < 0x20 && c != '\t') || c == 0x7f) out[i] = ' ';
  }
}

/// RFC 9110: these never have content, and 204 and 1xx not even a Content-Length.
bool has_no_content(int status) {
  return status < 200 || status == 204 || status == 304;
}

}  // namespace

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 418:
      return "I'm a teapot";
    case 422:
      return "Unprocessable Content";
    case 425:
      return "Too Early";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "Unknown";
  }
}

std::string http_date(std::int64_t unix_seconds) {
  const auto time = static_cast<std::time_t>(unix_seconds);
  std::tm parts{};
  gmtime_r(&time, &parts);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[static_cast<std::size_t>(parts.tm_wday)],
                     parts.tm_mday, kMonths[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

HttpResponse problem_response(int status, std::string_view detail) {
  HttpResponse response{.status = status, .content_type = "application/problem+json"};
  fmt::format_to(std::back_inserter(response.body),
                 R"({{"type":"about:blank","title":"{}","status":{},"detail":")", reason_phrase(status),
                 status);
  append_json_escaped(response.body, detail);
  response.body += "\"}\n";
  return response;
}

HttpHeader retry_after(Nanoseconds wait) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait);
  return {"Retry-After", std::to_string(std::max<std::int64_t>(1, seconds.count()))};
}

std::size_t append_response(std::string& out, const HttpResponse& response, std::string_view date,
                            const ResponseFraming& framing) {
  const bool no_content = has_no_content(response.status);
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::size_t>(response.status));
  out += ' ';
  out += reason_phrase(response.status);
  out += "\r\nDate: ";
  out += date;
  if (!no_content) {
    if (!response.content_type.empty()) {
      out += "\r\nContent-Type: ";
      append_field_text(out, response.content_type);
    }
    out += "\r\nContent-Length: ";
    append_number(out, response.body.size());
  }
  if (!framing.keep_alive) {
    out += "\r\nConnection: close";
  } else if (framing.http_1_0) {
    out += "\r\nConnection: keep-alive";
  }
  for (const HttpHeader& header : response.headers) {
    out += "\r\n";
    append_field_text(out, header.name);
    out += ": ";
    append_field_text(out, header.value);
  }
  out += "\r\n\r\n";
  if (no_content || framing.head_only) return 0;
  out += response.body;
  return response.body.size();
}

}  // namespace obsctl::core
