// libFuzzer target for what is asked about routes: a file for many, and label sets and expectations as the
// command line takes them. Each mistake has a place in the text; what is accepted can be sent and judged.
// Build and run: make fuzz.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "verifiers/route_checks_file.hpp"

using namespace obsctl::verifiers;
using obsctl::core::Error;

namespace {

void check_mistake(const Error& error, std::ptrdiff_t lines) {
  if (error.message.empty() || !error.where || error.where->file != "f") std::abort();
  if (error.where->line < 1 || error.where->line > lines || error.where->column < 1) std::abort();
}

void check_labels(const Labels& labels) {
  if (labels.empty()) std::abort();
  for (const auto& [name, value] : labels) {
    if (name.empty() || value.empty()) std::abort();
  }
}

void check_accepted(const RouteChecks& file) {
  if (file.checks.empty()) std::abort();
  for (const RouteCheck& check : file.checks) {
    check_labels(check.labels);
    for (const Labels& beside : check.beside) check_labels(beside);
    if (check.receivers && check.receivers->empty()) std::abort();
    RouteObservation seen;
    seen.held = true;
    seen.sent = check.labels;
    const RouteFinding finding = judge_route(check, seen, {});
    if (finding.outcome == RouteFinding::Outcome::failed && finding.problems.empty()) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  std::vector<Error> errors;
  const RouteChecks file = read_route_checks(text, "f", errors);
  const auto lines = std::count(text.begin(), text.end(), '\n') + 1;
  for (const Error& error : errors) check_mistake(error, lines);
  if (errors.empty()) check_accepted(file);

  if (const auto labels = parse_label_set(text)) {
    check_labels(*labels);
  } else if (labels.error().message.empty()) {
    std::abort();
  }
  RouteCheck check;
  if (const auto added = add_expectation(check, text); !added && added.error().message.empty()) std::abort();
  return 0;
}
