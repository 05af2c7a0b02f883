// What the service depends on. Nothing is connected to: a call of a dependency succeeds at once unless the
// toggle "dependency" says otherwise. What the service makes of it is real, though: a timeout, and a circuit
// breaker for each dependency, which goes on refusing calls after the dependency is back until it has tried
// one. Used on the server's thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <prometheus/metric_family.h>

#include "core/http_server.hpp"
#include "stacks/services/circuit_breaker.hpp"
#include "stacks/services/toggle_board.hpp"

namespace obsctl::stacks {

/// A route, by its label, that calls a dependency for each of its requests.
struct DependsOn {
  std::string route;
  std::string dependency;

  bool operator==(const DependsOn&) const = default;
};

/// Reads "/api/v1/work=database". Errors: invalid_input.
core::Result<DependsOn> parse_depends_on(std::string_view text);

struct DependenciesOptions {
  std::vector<DependsOn> depends = {};
  /// After which a call has failed.
  core::Nanoseconds timeout = std::chrono::seconds(1);
  CircuitBreakerOptions breaker = {};
};

class Dependencies {
 public:
  /// `board` and `clock` outlive the object.
  Dependencies(DependenciesOptions options, ToggleBoard& board, const core::Clock& clock);

  bool needed_by(std::string_view route) const;
  /// Told the toggles that affected the calls, and the answer to give when one of them failed.
  using Done = std::function<void(std::uint32_t kinds, std::optional<core::HttpResponse> failure)>;
  using Left = std::function<void(std::uint32_t kinds)>;
  /// Calls what `route` depends on, one after the other, until one fails. `left` runs instead of `done` when
  /// the client leaves meanwhile.
  void call_all(const std::shared_ptr<core::HttpExchange>& exchange, std::string_view route, Done done,
                Left left);

  /// circuit_breaker_state and dependency_requests_total, for the dependencies that a route has.
  std::vector<prometheus::MetricFamily> metrics() const;

 private:
  enum class Outcome { success, error, timeout, rejected };
  struct Called {
    CircuitBreaker breaker;
    std::array<std::uint64_t, 4> outcomes{};
  };
  struct Round;

  void next(const std::shared_ptr<Round>& round);
  void call(const std::shared_ptr<Round>& round, const std::string& name, Called& called);
  void ended(const std::shared_ptr<Round>& round, const std::string& name, Called& called, Outcome outcome);

  const DependenciesOptions options_;
  ToggleBoard& board_;
  const core::Clock& clock_;
  std::map<std::string, Called, std::less<>> called_;
};

}  // namespace obsctl::stacks
