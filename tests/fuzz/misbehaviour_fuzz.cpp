// libFuzzer target for how misbehaviours are written: what is accepted reads back as itself, the rest is
// refused with a reason. Build and run: make fuzz.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "verifiers/receiver_misbehaviour.hpp"

using namespace obsctl::verifiers;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto steps = parse_misbehaviours({reinterpret_cast<const char*>(data), size});
  if (!steps) return steps.error().message.empty() ? (std::abort(), 0) : 0;
  std::string text;
  for (const Misbehaviour& step : *steps) text += (text.empty() ? "" : ",") + to_string(step);
  const auto again = parse_misbehaviours(text);
  if (!again || *again != *steps) std::abort();
  return 0;
}
