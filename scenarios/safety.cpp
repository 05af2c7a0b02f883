// See safety.hpp.
#include "scenarios/safety.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "core/http_client.hpp"

namespace obsctl::scenarios {

using core::Result;

bool is_this_machine(std::string_view host) {
  const auto ends_with = [&](std::string_view end) {
    return host.size() >= end.size() && host.substr(host.size() - end.size()) == end;
  };
  if (host == "localhost" || ends_with(".localhost") || host == "::1") return true;
  // Four numbers: "127.example.com" is a name like any other.
  return host.rfind("127.", 0) == 0 && std::count(host.begin(), host.end(), '.') == 3 &&
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

Result<void> check_host(std::string_view what, const std::string& url,
                        const std::vector<std::string>& allowed) {
  const auto parsed = core::parse_url(url);
  if (!parsed) return parsed.error();
  if (is_this_machine(parsed->host)) return {};
  if (std::find(allowed.begin(), allowed.end(), parsed->host) != allowed.end()) return {};
  return core::make_error(
      core::ErrorKind::usage,
      fmt::format("{} goes to {}, which is not this machine and has not been allowed", what, parsed->host),
      fmt::format("if it may be broken: --allow-target {0}, or [safety] with allow_targets = [\"{0}\"]",
                  parsed->host));
}

Result<void> check_hosts(const Scenario& scenario, const std::map<std::string, FaultPlace>& places,
                         const std::vector<std::string>& allowed) {
  std::vector<std::string> hosts = scenario.safety.allow_targets;
  hosts.insert(hosts.end(), allowed.begin(), allowed.end());
  for (const Load& load : scenario.loads) {
    auto checked = check_host(fmt::format("load \"{}\"", load.name), places.at(load.target).url, hosts);
    if (!checked) return checked;
  }
  for (const FaultSpec& fault : scenario.faults) {
    std::vector<std::string> urls = fault.urls;
    if (const auto place = places.find(fault.target); place != places.end())
      urls.push_back(place->second.url);
    for (const std::string& url : urls) {
      if (auto checked = check_host(fmt::format("fault \"{}\"", fault.name), url, hosts); !checked)
        return checked;
    }
  }
  return {};
}

}  // namespace obsctl::scenarios
