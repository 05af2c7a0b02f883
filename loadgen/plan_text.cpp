// Small texts into parts of a plan.
#include "loadgen/plan_text.hpp"

#include <charconv>

#include <fmt/format.h>

#include "core/text.hpp"

namespace obsctl::loadgen {

namespace {

using core::Result;

core::Error bad_text(std::string message, std::string hint) {
  return core::make_error(core::ErrorKind::invalid_input, std::move(message), std::move(hint));
}

/// Before and after a header's colon; without a colon the value is empty.
core::HttpHeader split_header(std::string_view text) {
  const std::size_t colon = text.find(':');
  core::HttpHeader header{std::string(core::trimmed(text.substr(0, colon))), {}};
  if (colon != std::string_view::npos) header.value = core::trimmed(text.substr(colon + 1));
  return header;
}

}  // namespace

bool parse_whole_number(std::string_view digits, std::int64_t& out) {
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  return failure == std::errc() && end == digits.data() + digits.size() && out >= 0;
}

bool is_json_pointer(std::string_view text) {
  if (!text.empty() && text.front() != '/') return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '~' && (i + 1 == text.size() || (text[i + 1] != '0' && text[i + 1] != '1'))) return false;
  }
  return true;
}

Result<Stage> parse_stage(std::string_view text) {
  Stage stage;
  stage.hold = !text.empty() && text.front() == '=';
  const std::string_view rest = stage.hold ? text.substr(1) : text;
  const std::size_t colon = rest.find(':');
  if (colon == std::string_view::npos) {
    return bad_text(
        fmt::format("\"{}\" has no duration", text),
        "write 500/s:30s for a ramp to 500/s within 30s, =500/s:30s for a step to 500/s held for 30s");
  }
  const std::string_view rate_text = rest.substr(0, colon);
  const auto rate = core::parse_rate(rate_text);
  if (!rate && core::parse_duration(rate_text)) {
    return bad_text(fmt::format("\"{}\" has its duration first", text), "write the rate first: 500/s:30s");
  }
  if (!rate) return rate.error();
  const auto duration = core::parse_duration(rest.substr(colon + 1));
  if (!duration) return duration.error();
  stage.rate = *rate;
  stage.duration = *duration;
  return stage;
}

Result<Sine> parse_sine(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return bad_text(fmt::format("\"{}\" has no period", text),
                    "write 50/s:1m for 50/s above and below the rate, once a minute");
  }
  const auto amplitude = core::parse_rate(text.substr(0, colon));
  if (!amplitude) return amplitude.error();
  const auto period = core::parse_duration(text.substr(colon + 1));
  if (!period) return period.error();
  return Sine{*amplitude, *period};
}

Result<void> parse_overload(std::string_view text, LoadPlan& plan) {
  constexpr std::string_view kShedAfter = "shed-after=";
  if (text == "queue") {
    plan.overload = Overload::queue;
  } else if (text == "drop") {
    plan.overload = Overload::drop;
  } else if (text.substr(0, kShedAfter.size()) == kShedAfter) {
    const auto after = core::parse_duration(text.substr(kShedAfter.size()));
    if (!after) return after.error();
    plan.overload = Overload::shed_after;
    plan.shed_after = *after;
  } else {
    return bad_text(fmt::format("\"{}\" is not a policy", text), "write queue, drop or shed-after=500ms");
  }
  return {};
}

Result<core::HttpHeader> parse_header(std::string_view text) {
  core::HttpHeader header = split_header(text);
  if (header.name.empty() || text.find(':') == std::string_view::npos)
    return bad_text(fmt::format("\"{}\" is not a header", text), "write it as 'Name: value'");
  return header;
}

Result<core::HttpHeader> parse_expected_header(std::string_view text) {
  core::HttpHeader header = split_header(text);
  if (header.name.empty())
    return bad_text(fmt::format("\"{}\" names no header", text), "write 'Name' or 'Name: part of the value'");
  return header;
}

Result<Checks::JsonValue> parse_expected_json(std::string_view text) {
  const std::size_t equals = text.find('=');
  Checks::JsonValue value{std::string(text.substr(0, equals)), std::nullopt};
  if (!is_json_pointer(value.pointer)) {
    return bad_text(fmt::format("\"{}\" is not a JSON pointer", value.pointer),
                    "write it as /items/0/id (RFC 6901)");
  }
  if (equals != std::string_view::npos) value.equals = text.substr(equals + 1);
  return value;
}

Result<void> parse_expected_size(std::string_view text, Checks& checks) {
  const std::size_t dots = text.find("..");
  const bool range = dots != std::string_view::npos;
  const auto bound = [](std::string_view digits, std::int64_t& out) {
    return digits.empty() || parse_whole_number(digits, out);
  };
  if (text.empty() || !bound(text.substr(0, dots), checks.min_body) ||
      (range && !bound(text.substr(dots + 2), checks.max_body))) {
    return bad_text(fmt::format("\"{}\" is not a size", text), "write 100, 100.. or 100..2000 (bytes)");
  }
  if (!range) checks.max_body = checks.min_body;
  return {};
}

}  // namespace obsctl::loadgen
