// libFuzzer target for checks of a notification's payload: a path, a pattern and the payload, one a line.
// What a scenario may ask for never fails in any other way than by saying so. Build and run: make fuzz.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/regex.hpp"
#include "scenarios/payload.hpp"

using namespace obsctl::scenarios;

namespace {

/// The first line of `rest`, which loses it.
std::string take_line(std::string& rest) {
  const std::size_t end = rest.find('\n');
  std::string line = rest.substr(0, end);
  rest.erase(0, end == std::string::npos ? end : end + 1);
  return line;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string raw(reinterpret_cast<const char*>(data), size);
  const std::string path = take_line(raw);
  // Some patterns take exponential time; those are for their author to regret, not for us to find.
  std::string pattern = take_line(raw);
  if (pattern.find_first_of("*+{?") != std::string::npos) pattern = "x";
  if (!is_payload_path(path) || !obsctl::core::Regex::parse(pattern)) return 0;
  Event event;
  event.kind = "notification.firing";
  event.fields = {{"raw", raw}};
  NotificationContent wanted;
  wanted.body = {{path, pattern}, {"", pattern}};
  const std::string problem = content_problem(event, "A", wanted);
  if (problem != content_problem(event, "A", wanted)) std::abort();
  if (problem.size() > path.size() + pattern.size() + 400) std::abort();
  return 0;
}
