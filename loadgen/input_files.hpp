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
/// for a body, blank lines between targets, # for comments; or its JSON format, one object a line. Body files
/// are looked for beside the targets file, then from where the command runs. Errors as above.
core::Result<std::vector<RequestSpec>> read_vegeta_targets(const std::string& path);
/// The same from a text; `path` is what errors name, and where body files are looked for.
core::Result<std::vector<RequestSpec>> parse_vegeta_targets(std::string_view text, const std::string& path);

}  // namespace obsctl::loadgen
