// See findings_output.hpp.
#include "cli/findings_output.hpp"

#include <algorithm>
#include <vector>

#include <nlohmann/json.hpp>

#include "cli/stack_display.hpp"

namespace obsctl::cli {

using core::Finding;

std::string findings_table(const core::Findings& findings) {
  std::vector<std::vector<std::string>> rows{{"", "WHAT", "NAME", "DETAIL"}};
  for (const Finding& finding : findings) {
    const char* state = finding.state == Finding::State::well     ? "ok"
                        : finding.state == Finding::State::failed ? "FAILED"
                                                                  : "skipped";
    rows.push_back({state, finding.kind, finding.name, finding.detail});
  }
  return table(rows);
}

nlohmann::json findings_json(const core::Findings& findings) {
  nlohmann::json list = nlohmann::json::array();
  for (const Finding& finding : findings) {
    nlohmann::json one{{"kind", finding.kind},
                       {"name", finding.name},
                       {"ok", finding.state != Finding::State::failed},
                       {"detail", finding.detail}};
    if (finding.state == Finding::State::skipped) one["skipped"] = true;
    list.push_back(std::move(one));
  }
  return list;
}

bool none_failed(const core::Findings& findings) {
  return std::none_of(findings.begin(), findings.end(),
                      [](const Finding& finding) { return finding.state == Finding::State::failed; });
}

}  // namespace obsctl::cli
