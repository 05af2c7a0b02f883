// What a check found of one thing: the form in which `stack verify` and `verify grafana` tell what is well
// and what is not.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace obsctl::core {

struct Finding {
  enum class State {
    well,
    failed,
    skipped,  ///< could not be looked at, which is nobody's fault
  };

  std::string kind;  ///< "service", "target", "rule", "panel", "grafana", "datasource"
  std::string name;  ///< "api", "blackbox http://api:8080/readyz", "HighErrorRate", "http-api: Latency B"
  State state = State::well;
  std::string detail =
      {};  ///< what is wrong, or why it was skipped; of what is well: what was seen, if anything
};

inline Finding finding(std::string kind, std::string name, bool well, std::string detail = {}) {
  return {std::move(kind), std::move(name), well ? Finding::State::well : Finding::State::failed,
          std::move(detail)};
}

using Findings = std::vector<Finding>;

}  // namespace obsctl::core
