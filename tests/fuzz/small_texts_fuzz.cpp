// libFuzzer target for the small texts that come from files, flags and other programs: durations, rates, RFC
// 3339 times, URLs, globs. What is accepted reads back as itself; the rest is refused with a reason. Build
// and run: make fuzz.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/clock.hpp"
#include "core/http_client.hpp"
#include "core/rate.hpp"
#include "core/text.hpp"

using namespace obsctl::core;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto duration = parse_duration(text)) {
    require(duration->count() >= 0);
    require(parse_duration(format_duration(*duration)).value() == *duration);
  }
  if (const auto rate = parse_rate(text)) {
    require(rate->count >= 0 && rate->per.count() > 0);
    const auto back = parse_rate(format_rate(*rate)).value();
    require(back == *rate);
  }
  if (const auto time = parse_rfc3339(text); time && *time != WallTime::min() && *time != WallTime::max()) {
    const auto millis = std::chrono::floor<std::chrono::milliseconds>(*time);
    require(parse_rfc3339(format_utc(*time)).value() == millis);
  }
  if (const auto url = parse_url(text)) {
    require(!url->host.empty() && !url->target.empty() && url->target.front() == '/');
  }
  const std::size_t half = size / 2;
  require(glob_matches(text, text));
  static_cast<void>(glob_matches(text.substr(0, half), text.substr(half)));
  require(trimmed(trimmed(text)) == trimmed(text));
  require(split(text, ',').size() >= 1);
  return 0;
}
