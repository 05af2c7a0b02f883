// libFuzzer target for the bodies of the toggles API: whatever kind reads a body, it names what is wrong or
// takes it, and what it then says of itself is a body that means the same. The first byte picks the kind.
// Build and run: make fuzz.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/clock.hpp"
#include "stacks/services/toggle_kinds.hpp"

using namespace obsctl::stacks;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

/// The toggle's state; nothing when the body is refused.
std::string read(const ToggleKind& kind, const nlohmann::json& body, const FaultContext& context) {
  FieldReader fields(body);
  const auto fault = kind.read(fields, context);
  if (!fields.finish().empty()) return {};
  FaultPlan plan;
  for (const std::string& route : context.routes) fault->affect_request(route, plan);
  require(plan.delay >= obsctl::core::Nanoseconds(0));
  nlohmann::ordered_json state;
  fault->describe(state);
  return state.dump();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ToggleKinds& kinds = service_toggle_kinds();
  const ToggleKind& kind = kinds[data[0] % kinds.size()];
  const auto body = nlohmann::json::parse(data + 1, data + size, nullptr, false);
  if (body.is_discarded() || !body.is_object()) return 0;
  const obsctl::core::ManualClock clock;
  const std::vector<std::string> known{"/api/v1/ping", "/api/v1/work"};
  const std::vector<std::string> unknown;
  const std::vector<std::string> dependencies{"database", "cache"};
  const std::function<void(std::string_view)> log_line = [](std::string_view) {};
  for (const auto* routes : {&known, &unknown}) {
    const FaultContext context{*routes, dependencies, std::chrono::seconds(30), 1, clock, log_line};
    const std::string state = read(kind, body, context);
    if (!state.empty()) require(read(kind, nlohmann::json::parse(state), context) == state);
  }
  return 0;
}
