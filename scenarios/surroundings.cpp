#include "scenarios/surroundings.hpp"

#include <set>

#include <fmt/format.h>

#include "core/http_server.hpp"
#include "core/text.hpp"
#include "scenarios/safety.hpp"
#include "stacks/manifest.hpp"
#include "stacks/promql_durations.hpp"
#include "stacks/supervisor.hpp"

namespace obsctl::scenarios {

using core::ErrorKind;
using core::Result;

namespace {

std::set<std::string> target_names(const Scenario& scenario) {
  std::set<std::string> names;
  for (const Load& load : scenario.loads) names.insert(load.target);
  for (const FaultSpec& fault : scenario.faults) {
    if (!fault.target.empty()) names.insert(fault.target);
  }
  if (scenario.chaos) names.insert(scenario.chaos->targets.begin(), scenario.chaos->targets.end());
  for (const CheckStep& check : scenario.checks) {
    if (!check.target.empty()) names.insert(check.target);
  }
  return names;
}

/// With a path of "/" left out, so that paths can be added.
std::string base_url(std::string url) {
  while (!url.empty() && url.back() == '/') url.pop_back();
  return url;
}

Result<std::unique_ptr<stacks::Stack>> bring_up(const Scenario& scenario, const PlaceOptions& options,
                                                const stacks::ProgressCallback& progress,
                                                const std::stop_token& stop) {
  if (!options.attach.empty()) return stacks::attach(options.attach);
  const auto manifest = stacks::load_stack(scenario.stack);
  if (!manifest) return manifest.error();
  const stacks::UpOptions up{
      .time_scale = options.time_scale, .runtime = options.runtime, .without = options.without};
  return options.keep ? stacks::up_detached(*manifest, up, progress, stop)
                      : stacks::bring_up(*manifest, up, progress, stop);
}

/// The services that every run needs, and the targets that this scenario names.
Result<void> find_in_stack(const Scenario& scenario, Surroundings& around) {
  stacks::Stack& stack = *around.stack;
  for (const auto& [service, url] :
       {std::pair{"prometheus", &around.prometheus_url}, std::pair{"alertmanager", &around.alertmanager_url},
        std::pair{"receiver", &around.receiver_url}}) {
    if (!url->empty()) continue;
    const auto found = stack.endpoint(service);
    if (!found) return found.error();
    *url = *found;
  }
  for (const std::string& name : target_names(scenario)) {
    if (scenario.targets.count(name) == 1) continue;
    const auto url = stack.endpoint(name);
    if (!url) return url.error();
    around.places[name] = {name, *url, stack.token(), &stack};
  }
  return {};
}

/// A target that is no service of a stack of ours. `token_env` may be empty.
FaultPlace elsewhere(const std::string& name, const std::string& url, const std::string& token_env) {
  FaultPlace place{name, base_url(url), {}, nullptr};
  if (!token_env.empty()) place.token_variable = token_env;
  place.token = token_from(place.token_variable);
  return place;
}

void find_elsewhere(const Scenario& scenario, const PlaceOptions& options, Surroundings& around) {
  around.prometheus_url = base_url(options.prometheus.empty() ? scenario.prometheus_url : options.prometheus);
  around.alertmanager_url =
      base_url(options.alertmanager.empty() ? scenario.alertmanager_url : options.alertmanager);
  around.receiver_url = base_url(options.receiver);
  for (const auto& [name, target] : scenario.targets) {
    around.places[name] = elsewhere(name, target.url, target.token_env);
  }
  for (const auto& [name, url] : options.targets) {
    const auto declared = scenario.targets.find(name);
    around.places[name] =
        elsewhere(name, url, declared == scenario.targets.end() ? "" : declared->second.token_env);
  }
}

/// Whose dashboards get the run's faults and alerts: the one that is named, else the stack's own.
std::optional<AnnotatedGrafana> find_grafana(const PlaceOptions& options, const stacks::Stack* stack) {
  std::string url = options.grafana;
  std::string password;
  if (url.empty() && stack != nullptr) {
    if (const auto own = stack->endpoint("grafana")) url = *own;
    password = stack->token();
  }
  if (url.empty()) return std::nullopt;
  const auto access = verifiers::grafana_access(url, verifiers::kGrafanaTokenVariable, password);
  if (!access) return std::nullopt;  // check_places has looked at it
  return AnnotatedGrafana{*access, options.grafana_dashboard};
}

Result<void> start_receiver(const Scenario& scenario, const PlaceOptions& options, core::Clock& clock,
                            core::Logger& log, Surroundings& around) {
  const std::string listen = options.listen.empty() ? scenario.receiver_listen : options.listen;
  if (!around.receiver_url.empty() || listen.empty()) return {};
  const auto address = core::parse_listen_address(listen);
  if (!address) return address.error();
  verifiers::ReceiverOptions receiver;
  receiver.address = address->address;
  receiver.port = address->port;
  auto started = verifiers::Receiver::start(receiver, clock, log);
  if (!started) return started.error();
  around.receiver = std::move(*started);
  around.receiver_url = around.receiver->url();
  return {};
}

}  // namespace

Json to_json(const Surroundings& around) {
  Json json{{"prometheus", core::without_credentials(around.prometheus_url)},
            {"alertmanager", core::without_credentials(around.alertmanager_url)},
            {"receiver", core::without_credentials(around.receiver_url)},
            {"time_scale", around.time_scale}};
  if (!around.stack) return json;
  json["stack"] = around.stack->name();
  json["instance"] = around.stack->instance();
  json["versions"] = around.stack->versions();
  json["notes"] = around.stack->notes();
  for (const stacks::FileChecksum& sum : around.stack->checksums())
    json["files"].push_back({{"path", sum.path}, {"sha256", sum.source}});
  return json;
}

Result<void> check_places(const Scenario& scenario, const PlaceOptions& options) {
  const bool uses_stack = !scenario.stack.empty() && !options.elsewhere();
  const auto refuse = [](std::string message, std::string hint) {
    return core::make_error(ErrorKind::usage, std::move(message), std::move(hint));
  };
  if (!options.attach.empty() && options.elsewhere()) {
    return refuse("--attach and --prometheus, --alertmanager, --receiver or --target exclude each other",
                  "name either a stack that is up or the parts themselves");
  }
  if (options.time_scale != 1.0 && (!uses_stack || !options.attach.empty())) {
    return refuse("--time-scale works on a stack that this run starts",
                  options.attach.empty() ? "rules that run elsewhere keep their durations"
                                         : "a stack that is up keeps the scale that it was started with");
  }
  if ((options.runtime != stacks::Runtime::native || !options.without.empty()) &&
      (!uses_stack || !options.attach.empty())) {
    return refuse("--runtime and --without are for a stack that this run starts",
                  "what is up already keeps the runtime that it was started with");
  }
  if (options.keep && (!uses_stack || !options.attach.empty())) {
    return refuse("--keep is for a stack that this run starts", "what runs elsewhere is never taken down");
  }
  if (!options.grafana.empty()) {
    if (const auto url = core::parse_url(options.grafana); !url)
      return refuse("--grafana: " + url.error().message, url.error().hint);
  }
  if (uses_stack || !options.attach.empty()) return {};
  if (options.prometheus.empty() && scenario.prometheus_url.empty()) {
    return refuse("where is Prometheus?",
                  "add --prometheus URL, or [prometheus] with url = \"…\" to the scenario");
  }
  const bool receives =
      !options.receiver.empty() || !options.listen.empty() || !scenario.receiver_listen.empty();
  if (!scenario.notifications.empty() && !receives) {
    return refuse(
        "the scenario expects notifications, but there is no receiver to see them arrive",
        "add --receiver URL of an \"obsctl serve receiver\", or --listen HOST:PORT, and point Alertmanager "
        "there");
  }
  if (!scenario.suppressions.empty() && options.alertmanager.empty() && scenario.alertmanager_url.empty()) {
    return refuse("the scenario expects a suppressed alert, which only Alertmanager knows of",
                  "add --alertmanager URL");
  }
  for (const std::string& name : target_names(scenario)) {
    if (options.targets.count(name) == 1 || scenario.targets.count(name) == 1) continue;
    return refuse(fmt::format("where is the target \"{}\"?", name), fmt::format("add --target {}=URL", name));
  }
  return {};
}

std::filesystem::path Surroundings::alertmanager_log() const {
  if (!stack) return {};
  const auto services = stack->status();
  if (!services) return {};
  for (const stacks::ServiceStatus& service : *services) {
    if (service.url == alertmanager_url) return service.log_file;
  }
  return {};
}

Result<Surroundings> open_surroundings(const Scenario& scenario, const PlaceOptions& options,
                                       const stacks::ProgressCallback& progress, core::Clock& clock,
                                       core::Logger& log, const std::stop_token& stop) {
  Surroundings around;
  find_elsewhere(scenario, options, around);
  if (!options.elsewhere() && (!scenario.stack.empty() || !options.attach.empty())) {
    auto stack = bring_up(scenario, options, progress, stop);
    if (!stack) return stack.error();
    around.stack = std::move(*stack);
    around.take_down = options.attach.empty() && !options.keep;
    around.fresh = options.attach.empty();
    around.time_scale = around.stack->time_scale();
    if (const auto found = find_in_stack(scenario, around); !found) {
      if (around.fresh) static_cast<void>(around.stack->down());
      return found.error();
    }
  }
  if (const auto allowed = check_hosts(scenario, around.places, options.allow_targets); !allowed) {
    if (around.fresh && around.stack) static_cast<void>(around.stack->down());
    return allowed.error();
  }
  around.grafana = find_grafana(options, around.stack.get());
  if (const auto started = start_receiver(scenario, options, clock, log, around); !started)
    return started.error();
  return around;
}

Result<Scenario> for_time_scale(Scenario scenario, double factor) {
  if (factor == 1.0) return scenario;
  scenario = scaled(std::move(scenario), factor);
  std::vector<std::string*> queries;
  for (SteadyState& state : scenario.steady_states) queries.push_back(&state.query);
  for (QueryExpectation& query : scenario.queries) queries.push_back(&query.query);
  for (AbortCondition& abort : scenario.aborts) queries.push_back(&abort.query);
  for (CheckStep& check : scenario.checks) {
    if (auto* within = std::get_if<verifiers::QueryWithin>(&check.question))
      queries.push_back(&within->query);
    if (auto* absent = std::get_if<verifiers::SeriesAbsent>(&check.question))
      queries.push_back(&absent->query);
  }
  for (std::string* query : queries) {
    const auto scaling = stacks::scale_promql(*query, factor);
    if (!scaling) {
      return core::make_error(ErrorKind::invalid_input, fmt::format("the query {} cannot be scaled by {}: {}",
                                                                    *query, factor, scaling.error().message));
    }
    *query = stacks::with_edits(*query, scaling->edits);
  }
  return scenario;
}

}  // namespace obsctl::scenarios
