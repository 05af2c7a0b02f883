// See safety.hpp.
#include "scenarios/safety.hpp"

#include <algorithm>
#include <cctype>
#include <cstdint>

#include <arpa/inet.h>
#include <fmt/format.h>

#include "core/http_client.hpp"

namespace obsctl::scenarios {

using core::Result;

bool is_this_machine(std::string_view host) {
  std::string name(host);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  const std::string_view below = ".localhost";
  if (name == "localhost" || name == "::1") return true;
  if (name.size() > below.size() && name.compare(name.size() - below.size(), below.size(), below) == 0)
    return true;
  // "127.example.com" and "127.999.1.1" are names like any other.
  in_addr address{};
  constexpr std::uint32_t kLoopback = 127;
  return ::inet_pton(AF_INET, name.c_str(), &address) == 1 && ntohl(address.s_addr) >> 24U == kLoopback;
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

Result<void> check_fault_url(std::string_view what, const std::string& url,
                             const std::vector<std::string>& allowed) {
  const std::string shown = core::without_credentials(url);
  if (shown == url) return check_host(what, url, allowed);
  return core::make_error(core::ErrorKind::usage,
                          fmt::format("{} has a password in its URL, {}", what, shown),
                          "it would be written down with the fault; use a header or a token");
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
      if (auto checked = check_fault_url(fmt::format("fault \"{}\"", fault.name), url, hosts); !checked)
        return checked;
    }
  }
  for (const std::string& target : scenario.chaos ? scenario.chaos->targets : std::vector<std::string>()) {
    if (auto checked = check_fault_url("[chaos]", places.at(target).url, hosts); !checked) return checked;
  }
  return {};
}

}  // namespace obsctl::scenarios
