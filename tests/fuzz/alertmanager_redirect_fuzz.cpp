// libFuzzer target for an Alertmanager configuration that is not to leave the machine: it is refused with a
// place, or what comes out is YAML that leads nowhere but to us, and routes as the original did. Build and
// run: make fuzz.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "stacks/alertmanager_redirect.hpp"
#include "verifiers/alertmanager_config.hpp"

using namespace obsctl;

namespace {

const stacks::RedirectTarget kTarget{"http://127.0.0.1:1", "127.0.0.1:2", "0.28.0"};

std::vector<std::string> receivers_of(const verifiers::AlertmanagerConfig& config) {
  std::vector<std::string> names;
  // Short labels: a matcher may be any regular expression, and this is about routes.
  for (const verifiers::Route* route : routes_for(config, {{"alertname", "X"}, {"severity", "a"}}))
    names.push_back(route->receiver);
  return names;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string yaml(reinterpret_cast<const char*>(data), size);
  const auto redirected = stacks::redirect_alertmanager_config(yaml, "f", "/folder", kTarget);
  if (!redirected) {
    if (redirected.error().message.empty() || !redirected.error().where) std::abort();
    return 0;
  }
  const auto before = verifiers::parse_alertmanager_config(yaml, "f");
  if (!before) return 0;
  const auto after = verifiers::parse_alertmanager_config(redirected->text, "redirected");
  if (!after || receivers_of(*before) != receivers_of(*after)) std::abort();
  for (const verifiers::ReceiverConfig& receiver : after->receivers) {
    for (const verifiers::Integration& integration : receiver.integrations) {
      if (!integration.url.empty() && !integration.url.starts_with(kTarget.url + "/")) std::abort();
    }
  }
  return 0;
}
