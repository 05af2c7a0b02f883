// Parts of a plan as they are written, on the command line and in a scenario's [load] alike: "500/s:30s",
// "shed-after=500ms", "100..2000". One notation, one set of mistakes; who reads says where the text stood.
#pragma once

#include <string_view>

#include "core/error.hpp"
#include "loadgen/plan.hpp"

namespace obsctl::loadgen {

// Errors of all: invalid_input, with a hint that shows the notation.

/// "500/s:30s" ramps to 500/s within 30s, "=500/s:30s" is a step to 500/s held for 30s.
core::Result<Stage> parse_stage(std::string_view text);

/// "50/s:1m": 50/s above and below the mean, once round a minute.
struct Sine {
  core::Rate amplitude;
  core::Nanoseconds period{};
};
core::Result<Sine> parse_sine(std::string_view text);

/// "queue", "drop" or "shed-after=500ms", into `plan`.
core::Result<void> parse_overload(std::string_view text, LoadPlan& plan);

/// "Name: value".
core::Result<core::HttpHeader> parse_header(std::string_view text);

/// "Name", or "Name: part of the value".
core::Result<core::HttpHeader> parse_expected_header(std::string_view text);

/// "/json/pointer", or "/json/pointer=value".
core::Result<Checks::JsonValue> parse_expected_json(std::string_view text);

/// Bytes: "100", "100..", "..2000" or "100..2000", into `checks`.
core::Result<void> parse_expected_size(std::string_view text, Checks& checks);

/// RFC 6901: empty, or segments that begin with "/", in which "~" is followed by 0 or 1.
bool is_json_pointer(std::string_view text);

/// Digits only, without a sign.
bool parse_whole_number(std::string_view digits, std::int64_t& out);

}  // namespace obsctl::loadgen
