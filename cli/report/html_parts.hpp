// The sections of an HTML report, each a pure function of the run. Internal to cli/report/.
#pragma once

#include <string>
#include <string_view>

#include "cli/report/run_report.hpp"

namespace obsctl::cli {

/// Text from outside, escaped, which cannot turn the direction of what stands around it.
std::string isolated(std::string_view text);
/// Two columns of names and texts; those without a text are left out. Escapes both.
std::string pairs_list(const Pairs& pairs);
/// One alert rule as a rule file has it.
std::string rule_yaml(const ReportedRule& rule);

std::string html_stages(const RunReport& report);
std::string html_checks(const RunReport& report);
std::string html_load(const RunReport& report);
std::string html_rules(const RunReport& report);
std::string html_faults(const RunReport& report);
std::string html_notifications(const RunReport& report);
std::string html_identity(const RunReport& report);
std::string html_events(const RunReport& report);

}  // namespace obsctl::cli
