// libFuzzer target for the response parser: whole and split input must agree. Build and run: make fuzz.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "loadgen/response_parser.hpp"

using obsctl::loadgen::ResponseParser;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const bool head = (data[0] & 1) != 0;
  const std::size_t step = 1 + (data[0] >> 1) % 32;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  ResponseParser whole;
  whole.reset(head, {true, 64});
  std::string_view input = bytes;
  const auto state = whole.feed(input);
  ResponseParser split;
  split.reset(head, {true, 64});
  auto split_state = ResponseParser::State::more;
  std::string_view rest = bytes;
  while (!rest.empty() && split_state == ResponseParser::State::more) {
    std::string_view part = rest.substr(0, step);
    const std::size_t given = part.size();
    split_state = split.feed(part);
    rest.remove_prefix(given - part.size());
  }
  if (split_state != state || split.body() != whole.body()) std::abort();
  if (state == ResponseParser::State::done && rest.size() != input.size()) std::abort();
  if (whole.body().size() > 64) std::abort();
  if (state == ResponseParser::State::more) whole.end_of_stream();
  return 0;
}
