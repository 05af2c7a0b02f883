// libFuzzer target for the files and flags that load reads: feeders, vegeta targets, placeholders,
// conditions, HdrHistogram texts, and results (for load merge and compare). The first byte chooses which.
// What is accepted must be whole; the rest is refused with a reason. Build and run: make fuzz.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "loadgen/base64.hpp"
#include "loadgen/combine.hpp"
#include "loadgen/condition.hpp"
#include "loadgen/histogram.hpp"
#include "loadgen/input_files.hpp"
#include "loadgen/request_text.hpp"

using namespace obsctl::loadgen;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check_feeder(const obsctl::core::Result<Feeder>& feeder) {
  if (!feeder) {
    require(!feeder.error().message.empty() && feeder.error().where.has_value());
    return;
  }
  require(!feeder->rows.empty());
  for (const auto& row : feeder->rows) require(row.size() == feeder->columns.size());
}

void check_placeholders(std::string_view text) {
  Feeder feeder;
  feeder.columns = {"a"};
  feeder.rows = {{std::string(text)}};
  for (const auto place : {RequestText::Place::path, RequestText::Place::header}) {
    const auto compiled = RequestText::compile("{{a}}", &feeder, place);
    std::string out;
    compiled->append(out, 1, 2, &feeder, 0);
    require(out.find('\n') == std::string::npos);  // a value cannot begin a line of its own
    if (const auto own = RequestText::compile(text, nullptr, place)) own->append(out, 1, 2, nullptr, 0);
  }
}

void check_result(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) return;
  const auto summary = summary_from_json(json);
  if (!summary) return;
  static_cast<void>(merge({*summary, *summary}));
  static_cast<void>(compare(*summary, *summary, 0.05));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 7) {
    case 0:
      check_feeder(parse_csv(text, "f"));
      break;
    case 1:
      check_feeder(parse_jsonl(text, "f"));
      break;
    case 2:
      // "@file" lines would read files of the machine.
      if (text.find('@') == std::string_view::npos) static_cast<void>(parse_vegeta_targets(text, "f"));
      break;
    case 3:
      check_placeholders(text);
      break;
    case 4:
      if (const auto condition = Condition::parse(text)) {
        require(Condition::parse(condition->text()).has_value());
        const Summary nothing;
        static_cast<void>(condition->measured(nothing));
      }
      break;
    case 5:
      if (const auto histogram = Histogram::from_base64(text)) {
        require(histogram->count() >= 0);
        require(Histogram::from_base64(histogram->to_base64())->count() == histogram->count());
      }
      if (const auto bytes = base64_decoded(text)) require(base64_decoded(base64_encoded(*bytes)) == *bytes);
      break;
    default:
      check_result(text);
  }
  return 0;
}
