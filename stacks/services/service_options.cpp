#include "stacks/services/service_options.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "core/text.hpp"
#include "stacks/services/request_id.hpp"
#include "stacks/services/routes.hpp"

namespace obsctl::stacks {

namespace {

std::optional<core::Error> unknown_call(const ServiceOptions& options) {
  const std::vector<std::string> callers = faultable_routes();
  for (const DependsOn& one : options.calls.depends) {
    const bool known_route = std::find(callers.begin(), callers.end(), one.route) != callers.end();
    const auto& names = options.dependencies;
    if (known_route && std::find(names.begin(), names.end(), one.dependency) != names.end()) continue;
    return core::make_error(
        core::ErrorKind::invalid_input,
        fmt::format("{}={}: there is no such {}", one.route, one.dependency,
                    known_route ? "dependency" : "route"),
        fmt::format("routes that may depend on something are {}; dependencies are {} (--dependency)",
                    fmt::join(callers, ", "), fmt::join(names, ", ")));
  }
  return std::nullopt;
}

}  // namespace

core::Result<std::vector<std::string>> parse_probe_targets(std::string_view text) {
  std::vector<std::string> targets;
  std::string spaced(text);
  std::replace_if(
      spaced.begin(), spaced.end(), [](char c) { return c == ',' || c == '\t' || c == '\n'; }, ' ');
  for (const std::string_view target : core::split(spaced, ' ')) {
    if (target.empty()) continue;
    if (const auto url = core::parse_url(target); !url) return url.error();
    if (const std::string shown = core::without_credentials(target); shown != target)
      return core::make_error(
          core::ErrorKind::invalid_input,
          fmt::format("{} has a user and a password in it, which every alert would show", shown),
          "write it without; the blackbox exporter's modules have basic_auth");
    targets.emplace_back(target);
  }
  return targets;
}

std::optional<core::Error> contradiction(const ServiceOptions& options) {
  using core::ErrorKind;
  if (options.toggle_ttl <= core::Nanoseconds(0) || options.toggle_ttl > options.toggle_ttl_max)
    return core::make_error(
        ErrorKind::invalid_input,
        fmt::format("the toggles' default TTL ({}) must be above 0 and at most the longest ({})",
                    core::format_duration(options.toggle_ttl), core::format_duration(options.toggle_ttl_max)),
        "change --toggle-ttl or --toggle-ttl-max");
  if (!(options.access_log.sample >= 0 && options.access_log.sample <= 1))
    return core::make_error(ErrorKind::invalid_input,
                            fmt::format("{} is not a fraction of the requests", options.access_log.sample),
                            "give --access-log-sample a number from 0 to 1");
  const std::set<std::string> names(options.dependencies.begin(), options.dependencies.end());
  if (names.size() != options.dependencies.size() ||
      !std::all_of(names.begin(), names.end(), is_sane_request_id))
    return core::make_error(ErrorKind::invalid_input,
                            "the dependencies' names must be different, of letters, digits and ._-",
                            "change --dependency");
  return unknown_call(options);
}

}  // namespace obsctl::stacks
