// A first scenario for an alerting rule that has none: the fault that its expression asks for, its alert and
// everybody who has to be told. A beginning to be looked at, but one that validates.
#pragma once

#include <string>
#include <vector>

#include "scenarios/situation.hpp"

namespace obsctl::scenarios {

/// Where a scenario's parts are: in a stack, or at URLs.
struct FirstPlaces {
  std::string stack;  ///< its name or folder; empty: the URLs
  std::string prometheus_url;
  std::string alertmanager_url;
  std::string receiver_listen = "127.0.0.1:9099";
  std::string target = "api";  ///< the service, or the target, that is put under load and broken
  std::string target_url;      ///< for URLs
  std::string path = "/";      ///< what the load asks for
};

/// The text of a scenario file for one of the situation's alerting rules. Pure.
std::string first_scenario(const verifiers::Rule& rule, const Situation& situation,
                           const FirstPlaces& places);

/// "high-error-rate" of "HighErrorRate": the name of its file, without ".toml".
std::string scenario_name(const std::string& alert);

}  // namespace obsctl::scenarios
