#include "scenarios/journal_file.hpp"

#include <cmath>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "core/file.hpp"
#include "core/text.hpp"
#include "scenarios/run_document.hpp"

namespace obsctl::scenarios {

namespace {

using core::ErrorKind;
using core::Result;

// What journals nest is far below; what nests deeper is dropped, since writing it again would recurse.
constexpr int kDeepest = 40;
constexpr int kSchema = 1;

Json parse(std::string_view text) {
  const auto shallow = [](int depth, Json::parse_event_t, const Json&) { return depth <= kDeepest; };
  return Json::parse(text, shallow, false);
}

core::Error no_journal(const std::filesystem::path& file, const std::string& why) {
  return core::make_error(
      ErrorKind::invalid_input, fmt::format("{} is not the journal of a run: {}", file.string(), why),
      "a run leaves journal.json in its folder; \"obsctl scenario run … --json\" prints it");
}

// No run takes years; beyond this, times could not be computed with.
constexpr double kLongestRun = 1e8;

bool is_event(const Json& json) {
  return json.is_object() && json.contains("t_s") && json["t_s"].is_number() &&
         std::abs(json["t_s"].get<double>()) < kLongestRun && json.contains("at") && json["at"].is_string() &&
         json.contains("kind") && json["kind"].is_string();
}

/// The events of a stream. The last line may be cut off: obsctl was killed while it wrote.
Result<std::vector<Json>> read_lines(const std::filesystem::path& file, std::string_view text) {
  std::vector<Json> lines;
  const std::vector<std::string_view> parts = core::split(text, '\n');
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].empty()) continue;
    Json line = parse(parts[i]);
    if (is_event(line)) {
      lines.push_back(std::move(line));
    } else if (i + 1 < parts.size()) {
      return no_journal(file, fmt::format("line {} is no event", i + 1));
    }
  }
  if (lines.empty()) return no_journal(file, "it holds no event");
  return lines;
}

Result<Json> document_of_stream(const std::filesystem::path& file, std::string_view text) {
  const auto lines = read_lines(file, text);
  if (!lines) return lines.error();
  std::vector<Event> events;
  std::optional<core::WallTime> start;
  for (Json line : *lines) {
    const auto at = core::parse_rfc3339(line["at"].get<std::string>());
    if (!at) return no_journal(file, at.error().message);
    const core::Nanoseconds since = core::from_seconds(line["t_s"].get<double>());
    // `at` is exact to the millisecond only; the first event says when the run began, t_s says the rest.
    if (!start) start = *at - since;
    Event event{*start + since, line["kind"].get<std::string>()};
    for (const char* key : {"t_s", "at", "kind"}) line.erase(key);
    event.fields = std::move(line);
    events.push_back(std::move(event));
  }
  return Result<Json>(
      boost::system::in_place_value,
      run_document(std::filesystem::absolute(file).parent_path().filename().string(), events, *start));
}

}  // namespace

Result<Json> read_journal(const std::filesystem::path& file) {
  const auto text = core::read_file(file);
  if (!text) return text.error();
  return parse_journal(*text, file);
}

Result<Json> parse_journal(std::string_view text, const std::filesystem::path& file) {
  Json document = parse(text);
  // One line that is an event is a stream too.
  if (document.is_discarded() || is_event(document)) {
    if (text.find("\"t_s\"") == std::string::npos) return no_journal(file, "it is no JSON");
    return document_of_stream(file, text);
  }
  if (!document.is_object() || !document.contains("schema") || !document["schema"].is_number_integer())
    return no_journal(file, "it has no schema");
  const auto schema = document["schema"].get<std::int64_t>();
  if (schema != kSchema) {
    return core::make_error(ErrorKind::invalid_input,
                            fmt::format("{} is a journal of schema {}; this obsctl reads schema {}",
                                        file.string(), schema, kSchema),
                            schema > kSchema ? "a newer obsctl has written it: use that, or update this one"
                                             : "use the obsctl that has written it");
  }
  if (!document.contains("run") || !document["run"].is_object() || !document.contains("verdict") ||
      !document["verdict"].is_string() || !document.contains("events") || !document["events"].is_array()) {
    return no_journal(file, "it has no run, verdict or events");
  }
  return Result<Json>(boost::system::in_place_value, std::move(document));
}

}  // namespace obsctl::scenarios
