#include "cli/monitoring.hpp"

#include <optional>
#include <utility>

#include "core/http_client.hpp"
#include "stacks/supervisor.hpp"

namespace obsctl::cli {

using core::Result;

void add_monitoring(CLI::App& command, Monitoring& flags) {
  command.add_option("--prometheus", flags.prometheus, "the Prometheus to ask")
      ->envname("OBSCTL_PROMETHEUS_URL")
      ->type_name("URL");
  command.add_option("--alertmanager", flags.alertmanager, "the Alertmanager to ask")
      ->envname("OBSCTL_ALERTMANAGER_URL")
      ->type_name("URL");
  command.add_option("--attach", flags.attach, "ask a stack that is up: its name in \"obsctl stack list\"")
      ->type_name("NAME");
}

void add_receiver(CLI::App& command, Monitoring& flags) {
  command.add_option("--receiver", flags.receiver, "the \"obsctl serve receiver\" to ask")
      ->envname("OBSCTL_RECEIVER_URL")
      ->type_name("URL");
}

Result<Monitoring> find_monitoring(Monitoring flags) {
  const auto urls = {std::pair{"prometheus", &flags.prometheus},
                     std::pair{"alertmanager", &flags.alertmanager}, std::pair{"receiver", &flags.receiver}};
  if (!flags.attach.empty()) {
    const auto stack = stacks::attach(flags.attach);
    if (!stack) return stack.error();
    flags.time_scale = (*stack)->time_scale();
    flags.stack = (*stack)->name();
    for (const auto& [service, url] : urls) {
      if (const auto endpoint = (*stack)->endpoint(service); endpoint && url->empty()) *url = *endpoint;
    }
  }
  for (const auto& [service, url] : urls) {
    if (url->empty()) continue;
    if (const auto parsed = core::parse_url(*url); !parsed) return parsed.error();
  }
  return flags;
}

Result<Monitoring> find_prometheus(Monitoring flags) {
  auto found = find_monitoring(std::move(flags));
  if (found && found->prometheus.empty()) {
    return core::make_error(core::ErrorKind::usage, "there is no Prometheus to ask",
                            "add --prometheus URL, or --attach NAME for a stack that is up");
  }
  return found;
}

Result<scenarios::Situation> look_at(const Monitoring& places, const std::stop_token& stop) {
  verifiers::PrometheusClient prometheus(places.prometheus);
  std::optional<verifiers::AlertmanagerClient> alertmanager;
  if (!places.alertmanager.empty()) alertmanager.emplace(places.alertmanager);
  return scenarios::look_at(prometheus, alertmanager ? &*alertmanager : nullptr, stop);
}

}  // namespace obsctl::cli
