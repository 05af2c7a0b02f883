// Reading feeders and targets.
#include "loadgen/input_files.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "core/text.hpp"

namespace obsctl::loadgen {

namespace {

core::Error at_line(const std::string& file, int line, std::string message, std::string hint = {}) {
  core::Error error = core::make_error(core::ErrorKind::invalid_input, std::move(message), std::move(hint));
  error.where = core::SourcePosition{file, line, 1};
  return error;
}

/// One CSV record from the front of `text`; `line` is advanced past it. False: a quote is not closed.
bool take_record(std::string_view& text, std::vector<std::string>& fields, int& line) {
  fields.assign(1, "");
  bool quoted = false;
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') ++line;
    if (quoted) {
      if (c != '"') {
        fields.back() += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        fields.back() += '"';
        ++i;
      } else {
        quoted = false;
      }
    } else if (c == '"' && fields.back().empty()) {
      quoted = true;
    } else if (c == ',') {
      fields.emplace_back();
    } else if (c == '\n') {
      ++i;
      break;
    } else if (c != '\r') {
      fields.back() += c;
    }
  }
  text.remove_prefix(i);
  return !quoted;
}

}  // namespace

core::Result<Feeder> parse_csv(std::string_view text, const std::string& file) {
  Feeder feeder;
  if (text.substr(0, 3) == "\xef\xbb\xbf") text.remove_prefix(3);
  int line = 1;
  std::vector<std::string> fields;
  while (!text.empty()) {
    const int at = line;
    if (!take_record(text, fields, line)) return at_line(file, at, "a quoted field has no end");
    if (fields.size() == 1 && fields[0].empty()) continue;
    if (feeder.columns.empty()) {
      feeder.columns = fields;
    } else if (fields.size() != feeder.columns.size()) {
      return at_line(
          file, at,
          fmt::format("the row has {} fields, the header {}", fields.size(), feeder.columns.size()));
    } else {
      feeder.rows.push_back(fields);
    }
  }
  if (feeder.rows.empty()) return at_line(file, line, "there are no rows", "the first row names the columns");
  return feeder;
}

core::Result<Feeder> parse_jsonl(std::string_view text, const std::string& file) {
  Feeder feeder;
  int line = 0;
  for (const std::string_view row_text : core::split(text, '\n')) {
    ++line;
    if (core::trimmed(row_text).empty()) continue;
    const auto row = nlohmann::json::parse(row_text, nullptr, false);
    if (!row.is_object() || row.empty()) return at_line(file, line, "not a JSON object");
    if (feeder.columns.empty()) {
      for (const auto& [key, value] : row.items()) feeder.columns.push_back(key);
    }
    std::vector<std::string> fields;
    for (const std::string& column : feeder.columns) {
      const auto value = row.find(column);
      if (value == row.end())
        return at_line(file, line, fmt::format("the key \"{}\" of the first row is missing", column));
      fields.push_back(value->is_string() ? value->get<std::string>() : value->dump());
    }
    feeder.rows.push_back(std::move(fields));
  }
  if (feeder.rows.empty()) return at_line(file, line, "there are no rows");
  return feeder;
}

core::Result<Feeder> read_feeder(const std::string& path, Feeder::Order order) {
  const auto text = core::read_file(path);
  if (!text) return text.error();
  const std::string extension = std::filesystem::path(path).extension().string();
  const bool json = extension == ".jsonl" || extension == ".ndjson";
  auto feeder = json ? parse_jsonl(*text, path) : parse_csv(*text, path);
  if (feeder) feeder->order = order;
  return feeder;
}

}  // namespace obsctl::loadgen
