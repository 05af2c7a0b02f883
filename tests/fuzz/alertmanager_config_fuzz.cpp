// libFuzzer target for Alertmanager's configuration, which may come from anybody's Alertmanager: it is read
// or refused, and what is read routes every alert somewhere. Build and run: make fuzz.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "verifiers/alertmanager_config.hpp"

using namespace obsctl::verifiers;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string yaml(reinterpret_cast<const char*>(data), size);
  const auto config = parse_alertmanager_config(yaml, "fuzz.yml");
  if (!config) return config.error().message.empty() ? (std::abort(), 0) : 0;
  // A matcher may be a regular expression without end; short labels keep the run about the reader.
  const Labels labels = {{"alertname", "X"}, {"severity", "a"}};
  const auto routes = routes_for(*config, labels);
  if (config->root.matchers.empty() && routes.empty()) std::abort();
  for (const Route* route : routes) static_cast<void>(group_labels(*route, labels));
  for (const InhibitRule& rule : config->inhibit_rules) static_cast<void>(rule.inhibits(labels, labels));
  return 0;
}
