#include "stacks/services/dependencies.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/http_response_text.hpp"
#include "stacks/services/problem.hpp"

namespace obsctl::stacks {

namespace {

constexpr std::array<std::string_view, 4> kOutcomes{"success", "error", "timeout", "rejected"};

prometheus::ClientMetric metric(const std::string& dependency, double value) {
  prometheus::ClientMetric one;
  one.label = {{"dependency", dependency}};
  one.counter.value = one.gauge.value = value;
  return one;
}

}  // namespace

core::Result<DependsOn> parse_depends_on(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0 || equals + 1 == text.size())
    return core::make_error(core::ErrorKind::invalid_input,
                            fmt::format("\"{}\" does not say which route depends on what", text),
                            "write it as ROUTE=NAME, such as /api/v1/work=database");
  return DependsOn{std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

/// The calls of one request.
struct Dependencies::Round {
  std::shared_ptr<core::HttpExchange> exchange;
  std::vector<std::string> names;
  Done done;
  std::size_t next = 0;
  std::uint32_t kinds = 0;
  CircuitBreaker::Ticket ticket = 0;
  bool over = false;
};

Dependencies::Dependencies(DependenciesOptions options, ToggleBoard& board, const core::Clock& clock)
    : options_(std::move(options)), board_(board), clock_(clock) {
  for (const DependsOn& one : options_.depends)
    called_.try_emplace(one.dependency, Called{CircuitBreaker(options_.breaker)});
}

bool Dependencies::needed_by(std::string_view route) const {
  return std::any_of(options_.depends.begin(), options_.depends.end(),
                     [route](const DependsOn& one) { return one.route == route; });
}

void Dependencies::call_all(const std::shared_ptr<core::HttpExchange>& exchange, std::string_view route,
                            Done done, Left left) {
  const auto round = std::make_shared<Round>();
  round->exchange = exchange;
  round->done = std::move(done);
  for (const DependsOn& one : options_.depends) {
    if (one.route == route) round->names.push_back(one.dependency);
  }
  exchange->on_gone([this, round, left = std::move(left)] {
    if (round->over) return;
    called_.find(round->names[round->next])->second.breaker.abandoned(round->ticket);
    left(round->kinds);
  });
  next(round);
}

void Dependencies::next(const std::shared_ptr<Round>& round) {
  if (round->next == round->names.size()) {
    round->over = true;
    return round->done(round->kinds, std::nullopt);
  }
  const std::string& name = round->names[round->next];
  call(round, name, called_.find(name)->second);
}

void Dependencies::call(const std::shared_ptr<Round>& round, const std::string& name, Called& called) {
  const auto ticket = called.breaker.admit(clock_.steady_now());
  if (!ticket) return ended(round, name, called, Outcome::rejected);
  round->ticket = *ticket;
  const DependencyCall plan = board_.call(name, round->kinds);
  const bool in_time = !plan.hangs && plan.takes < options_.timeout;
  const core::Nanoseconds takes = in_time ? plan.takes : options_.timeout;
  const Outcome outcome = !in_time ? Outcome::timeout : plan.fails ? Outcome::error : Outcome::success;
  if (takes <= core::Nanoseconds(0)) return ended(round, name, called, outcome);
  round->exchange->after(takes,
                         [this, round, name, &called, outcome] { ended(round, name, called, outcome); });
}

void Dependencies::ended(const std::shared_ptr<Round>& round, const std::string& name, Called& called,
                         Outcome outcome) {
  ++called.outcomes[static_cast<std::size_t>(outcome)];
  if (outcome == Outcome::success) {
    called.breaker.succeeded(round->ticket);
    ++round->next;
    return next(round);
  }
  const core::SteadyTime now = clock_.steady_now();
  core::HttpResponse failure;
  if (outcome == Outcome::rejected) {
    failure = problem(503, fmt::format("the circuit breaker of the dependency {} is open", name));
    failure.headers.push_back(core::retry_after(called.breaker.wait(now)));
  } else {
    called.breaker.failed(round->ticket, now);
    failure = outcome == Outcome::error
                  ? problem(503, fmt::format("the dependency {} failed", name))
                  : problem(504, fmt::format("the dependency {} did not answer within {}", name,
                                             core::format_duration(options_.timeout)));
  }
  round->over = true;
  round->done(round->kinds, std::move(failure));
}

std::vector<prometheus::MetricFamily> Dependencies::metrics() const {
  if (called_.empty()) return {};
  prometheus::MetricFamily states{"circuit_breaker_state",
                                  "Of the calls of a dependency: 0 closed, 1 half open, 2 open.",
                                  prometheus::MetricType::Gauge,
                                  {}};
  prometheus::MetricFamily requests{
      "dependency_requests_total",
      "Calls of a dependency by how they ended; rejected: the breaker was open and none was made.",
      prometheus::MetricType::Counter,
      {}};
  for (const auto& [name, called] : called_) {
    states.metric.push_back(metric(name, static_cast<double>(called.breaker.state(clock_.steady_now()))));
    for (std::size_t i = 0; i < kOutcomes.size(); ++i) {
      requests.metric.push_back(metric(name, static_cast<double>(called.outcomes[i])));
      requests.metric.back().label.push_back({"outcome", std::string(kOutcomes[i])});
    }
  }
  return {std::move(states), std::move(requests)};
}

}  // namespace obsctl::stacks
