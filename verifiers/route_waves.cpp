// First fit: a check goes into the first wave where it disturbs nobody.
#include "verifiers/route_waves.hpp"

#include <algorithm>

namespace obsctl::verifiers {

namespace {

/// A check's own alert first, then those beside it.
std::vector<Labels> alerts_of(const RouteCheck& check) {
  std::vector<Labels> all = {check.labels};
  all.insert(all.end(), check.beside.begin(), check.beside.end());
  return all;
}

bool inhibit(const AlertmanagerConfig& config, const Labels& a, const Labels& b) {
  return std::any_of(config.inhibit_rules.begin(), config.inhibit_rules.end(),
                     [&](const InhibitRule& rule) { return rule.inhibits(a, b) || rule.inhibits(b, a); });
}

bool meet(const AlertmanagerConfig& config, const Labels& a, const Labels& b) {
  const auto routes_a = routes_for(config, a);
  const auto routes_b = routes_for(config, b);
  for (const Route* x : routes_a) {
    for (const Route* y : routes_b) {
      if (x == y && !x->group_by_all && group_labels(*x, a) == group_labels(*y, b)) return true;
      if (x->receiver == y->receiver && label_of(a, "alertname") == label_of(b, "alertname")) return true;
    }
  }
  return false;
}

bool disturb(const AlertmanagerConfig& config, bool groups_apart, const RouteCheck& one,
             const RouteCheck& other) {
  const auto may_be_muted = [&](const RouteCheck& check) {
    return !timed_routes(config, check.labels).empty();
  };
  if (groups_apart && may_be_muted(one) && may_be_muted(other)) return true;
  const auto ours = alerts_of(one);
  const auto theirs = alerts_of(other);
  return std::any_of(ours.begin(), ours.end(), [&](const Labels& a) {
    return std::any_of(theirs.begin(), theirs.end(), [&](const Labels& b) {
      return inhibit(config, a, b) || (groups_apart && meet(config, a, b));
    });
  });
}

}  // namespace

std::vector<std::vector<std::size_t>> waves_of(const std::vector<RouteCheck>& checks,
                                               const AlertmanagerConfig& config, bool groups_apart) {
  std::vector<std::vector<std::size_t>> waves;
  for (std::size_t i = 0; i < checks.size(); ++i) {
    const auto free = std::find_if(waves.begin(), waves.end(), [&](const std::vector<std::size_t>& wave) {
      return std::none_of(wave.begin(), wave.end(), [&](std::size_t other) {
        return disturb(config, groups_apart, checks[i], checks[other]);
      });
    });
    if (free == waves.end()) {
      waves.push_back({i});
    } else {
      free->push_back(i);
    }
  }
  return waves;
}

}  // namespace obsctl::verifiers
