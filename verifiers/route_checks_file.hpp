// What to ask about routes as people write it: label sets and expectations on the command line, and a TOML
// file for many. docs/reference/verify-routes.md describes both.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "verifiers/route_check.hpp"

namespace obsctl::verifiers {

/// A silence for as long as the checks take; it concerns their alerts only.
struct RouteSilence {
  std::vector<LabelMatcher> matchers;
  std::string comment;
};

struct RouteChecks {
  std::vector<RouteCheck> checks;
  std::vector<RouteSilence> silences = {};
};

/// Reads a file; `file` names it in errors. Every mistake in it is in `errors`, each with its place; what is
/// returned then is not to be used. Text that is not TOML is one mistake.
RouteChecks read_route_checks(std::string_view text, const std::string& file,
                              std::vector<core::Error>& errors);

/// `alertname=HighErrorRate,severity=critical`; values may be quoted. Errors: usage.
Result<Labels> parse_label_set(const std::string& text);

/// Adds an expectation: `receiver=NAME` (several are several), `group_by=a,b`, `suppressed_by=inhibition`.
/// Errors: usage.
Result<void> add_expectation(RouteCheck& check, const std::string& text);

}  // namespace obsctl::verifiers
