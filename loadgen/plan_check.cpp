// The rules of a plan.
#include "loadgen/plan_check.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "loadgen/plan_text.hpp"

namespace obsctl::loadgen {

namespace {

core::Error bad_plan(std::string message, std::string hint = {}) {
  return core::make_error(core::ErrorKind::invalid_input, std::move(message), std::move(hint));
}

}  // namespace

core::Result<void> check_plan(const LoadPlan& plan) {
  if (plan.target.scheme != "http" && plan.target.scheme != "https") {
    return bad_plan(fmt::format("a load's target is http or https, not \"{}\"", plan.target.scheme));
  }
  if (plan.target.host.empty())
    return bad_plan("the load has no target", "give a URL such as http://127.0.0.1:8080/");
  if (plan.arrivals.concurrency < 0) return bad_plan("a closed loop needs a concurrency of 1 or more");
  if (plan.threads < 1 || plan.threads > 256) return bad_plan("the number of threads is between 1 and 256");
  if (plan.max_connections < 1) return bad_plan("there must be at least one connection");
  if (plan.stripe_count < 1 || plan.stripe_index < 0 || plan.stripe_index >= plan.stripe_count) {
    return bad_plan(fmt::format("the stripe {}/{} does not exist", plan.stripe_index + 1, plan.stripe_count),
                    "the first of three generators is 1/3, the last 3/3");
  }
  for (const core::Nanoseconds timeout : {plan.connect_timeout, plan.request_timeout}) {
    if (timeout.count() <= 0 || timeout > std::chrono::hours(1))
      return bad_plan("timeouts are between 1ns and 1h");
  }
  if (plan.duration.count() < 0 || plan.warm_up.count() < 0 || plan.drain_timeout.count() < 0) {
    return bad_plan("durations are not negative");
  }
  if (plan.overload == Overload::shed_after && plan.shed_after.count() <= 0) {
    return bad_plan("shed-after needs a duration", "such as shed-after=500ms");
  }
  if (plan.first_phase == "warm-up") return bad_plan("the phase \"warm-up\" has a meaning of its own");
  for (const RequestSpec& spec : plan.mix) {
    for (const Checks::JsonValue& value : spec.checks.json) {
      if (!is_json_pointer(value.pointer)) {
        return bad_plan(fmt::format("\"{}\" is not a JSON pointer", value.pointer),
                        "write it as /items/0/id (RFC 6901)");
      }
    }
  }
  return {};
}

std::string describe_target(const LoadPlan& plan) {
  std::string text = fmt::format("{}://{}", plan.target.scheme, plan.target.authority());
  if (plan.mix.empty()) text += plan.target.target;
  if (!plan.unix_socket.empty()) text += fmt::format(" (at {})", plan.unix_socket);
  if (!plan.connect_to.empty()) text += fmt::format(" (at {})", plan.connect_to);
  return text;
}

std::string describe_arrivals(const Arrivals& arrivals) {
  if (arrivals.concurrency > 0) return fmt::format("closed loop of {}", arrivals.concurrency);
  std::string text = arrivals.poisson ? "poisson, " : "";
  if (arrivals.sine_period.count() > 0) {
    return text + fmt::format("sine {} ± {} every {}", core::format_rate(arrivals.rate),
                              core::format_rate(arrivals.sine_amplitude),
                              core::format_duration(arrivals.sine_period));
  }
  if (arrivals.stages.empty()) return text + fmt::format("constant {}", core::format_rate(arrivals.rate));
  text += fmt::format("stages from {}", core::format_rate(arrivals.rate));
  for (const Stage& stage : arrivals.stages) {
    text += fmt::format("{} {} {} {}", &stage == &arrivals.stages.front() ? ":" : ",",
                        stage.hold ? "at" : "to", core::format_rate(stage.rate),
                        (stage.hold ? "for " : "in ") + core::format_duration(stage.duration));
  }
  if (arrivals.endless) text += " and onwards";
  return text;
}

std::string describe_pacing(Pacing pacing) {
  switch (pacing) {
    case Pacing::timer:
      return "timer";
    case Pacing::precise:
      return "precise";
    case Pacing::coalesce:
      return "coalesce";
  }
  return {};
}

}  // namespace obsctl::loadgen
