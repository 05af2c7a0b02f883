// Files that say what to send: rows for placeholders (CSV, JSONL) and vegeta's targets.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "loadgen/plan.hpp"

namespace obsctl::loadgen {

/// CSV (RFC 4180, the first row names the columns) or, when the name ends in .jsonl or .ndjson, one JSON
/// object a line, all with the same keys. Errors: not_found, unavailable, invalid_input with file and line.
core::Result<Feeder> read_feeder(const std::string& path, Feeder::Order order);
core::Result<Feeder> parse_csv(std::string_view text, const std::string& file);
core::Result<Feeder> parse_jsonl(std::string_view text, const std::string& file);

/// vegeta's HTTP format (https://github.com/tsenart/vegeta#http-format): "METHOD URL", header lines, "@file"
/// for a body, blank lines between targets, # for comments. Body files are found relative to the targets
/// file. Errors as above.
core::Result<std::vector<RequestSpec>> read_vegeta_targets(const std::string& path);

}  // namespace obsctl::loadgen
