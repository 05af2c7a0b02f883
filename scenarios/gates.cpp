// See gates.hpp.
#include "scenarios/gates.hpp"

#include <cmath>

#include <fmt/format.h>

#include "verifiers/prometheus_client.hpp"

namespace obsctl::scenarios {

using verifiers::Answer;

Answer ask(const SteadyState& state, verifiers::PrometheusClient& prometheus, const std::stop_token& stop) {
  const auto samples = prometheus.query(state.query, stop);
  if (!samples) return {Answer::State::no_data, to_line(samples.error()), {}};
  Answer answer{Answer::State::no_data, "the query returns nothing", {}};
  for (const verifiers::Sample& sample : *samples) {
    if (std::isnan(sample.value)) continue;  // 0/0 before the first request
    const bool holds = state.tolerance.hold_for(sample.value);
    if (holds && answer.state == Answer::State::fails) continue;  // one that does not is what to tell
    answer.state = holds ? Answer::State::holds : Answer::State::fails;
    answer.evidence =
        fmt::format("{} is {:.4g}, wanted {}", state.name, sample.value, state.tolerance.text());
  }
  return answer;
}

Answer ask(const CheckStep& check, const std::map<std::string, FaultPlace>& places,
           const verifiers::Sources& sources, const std::stop_token& stop) {
  verifiers::Question question = check.question;
  if (auto* endpoint = std::get_if<verifiers::HttpAnswers>(&question);
      endpoint != nullptr && !check.target.empty())
    endpoint->url = places.at(check.target).url + endpoint->url;
  auto asked = verifiers::ask(question, sources, stop);
  Answer answer = asked ? std::move(*asked) : Answer{Answer::State::no_data, to_line(asked.error()), {}};
  answer.evidence = fmt::format("{}: {}", describe(question), answer.evidence);
  return answer;
}

}  // namespace obsctl::scenarios
