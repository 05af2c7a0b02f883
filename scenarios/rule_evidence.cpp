// What the samples of a rule say about an alert that did not come: a label that is not called so, or a
// threshold that was not reached.
#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "scenarios/judging.hpp"

namespace obsctl::scenarios {

namespace {

struct Extremes {
  double least = 0;
  double most = 0;
};

/// Of all series of a "rule.samples" event since `from_s`; nothing when no sample is a number.
std::optional<Extremes> extremes_since(const Event& samples, double from_s) {
  std::optional<Extremes> found;
  for (const Json& series : samples.fields.value("series", Json::array())) {
    for (const Json& sample : series.value("values", Json::array())) {
      if (sample.at(0).get<double>() < from_s || !sample.at(1).is_number()) continue;
      const double value = sample.at(1).get<double>();
      found = found ? Extremes{std::min(found->least, value), std::max(found->most, value)}
                    : Extremes{value, value};
    }
  }
  return found;
}

std::string evidence_of(const Event& samples, double from_s) {
  const std::string operation = samples.text("operation");
  // Without a comparison it is the whole rule, of which nothing is left while it does not hold.
  if (operation.empty() || samples.fields.contains("left_out")) return {};
  const auto extremes = extremes_since(samples, from_s);
  if (!extremes) return "its expression has no value";
  const double threshold = samples.number("threshold");
  if (operation.starts_with('>') && extremes->most < threshold)
    return fmt::format("its expression was {:.4g} at the most, and has to be above {:.4g}", extremes->most,
                       threshold);
  if (operation.starts_with('<') && extremes->least > threshold)
    return fmt::format("its expression was {:.4g} at the least, and has to be below {:.4g}", extremes->least,
                       threshold);
  return {};
}

}  // namespace

std::string rule_evidence(const std::string& alert, const std::vector<Event>& events, core::WallTime from) {
  for (const Event& event : events) {
    if (event.kind != "rule.samples" || event.text("alert") != alert) continue;
    // The samples count from the run's start, which is its first event.
    std::string evidence = evidence_of(event, core::to_seconds(from - events.front().at));
    if (!evidence.empty()) return evidence;
  }
  return {};
}

}  // namespace obsctl::scenarios
