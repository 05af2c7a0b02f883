// What a toggle does while it is on. A new kind of fault is one file: a class derived from Fault, a function
// that reads its fields, and a line in the table of the program that offers it (toggle_kinds.hpp).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/clock.hpp"
#include "core/duration.hpp"

namespace obsctl::stacks {

// What metrics and logs call the requests that have had no answer. Never on the wire; the numbers are
// nginx's.
constexpr int kClosedUnanswered = 444;
constexpr int kClientLeft = 499;

/// How a request ends, from the mildest to the hardest: each tells the client less than the one before it.
enum class Ending {
  answer,     ///< as without a fault
  status,     ///< an error status instead
  abort,      ///< the connection is closed without an answer
  reset,      ///< the connection is reset without an answer
  hang,       ///< nothing happens until the client leaves or the toggle goes off; then the request goes on
  blackhole,  ///< what the client sends is swallowed, even its leaving
};

/// What the toggles that are on have decided for one request. They combine like this, in whatever order they
/// were set: delays add up and come first; the hardest ending wins; of several statuses the one of the first
/// kind in the table; of several limits of the body the tightest. The body's limits hold for what is answered
/// at all, an error status among it.
struct FaultPlan {
  core::Nanoseconds delay{};
  Ending ending = Ending::answer;
  /// The kind of toggle, as its place in the table, that decided the ending.
  std::size_t decided_by = 0;
  /// Of Ending::status, else 0.
  int status = 0;
  /// Why, for the body of an answer with `status`; empty: the toggle's name says it all.
  std::string reason;
  /// For the header Retry-After; 0: none.
  core::Nanoseconds retry_after{};
  /// How fast the body goes out; 0: at once.
  std::uint64_t bytes_per_second = 0;
  /// The connection is closed after so many bytes of the body.
  std::optional<std::uint64_t> truncate_after;
  /// Bit i: kind i of the table affects the request.
  std::uint32_t kinds = 0;

  /// Ends the request so unless something harder is to happen.
  void end_with(Ending how);
  /// Ends it with a status unless something harder, or another status, has been said.
  void answer_with(int error_status, std::string why = {});
  void limit_rate(std::uint64_t to_bytes_per_second);
  void limit_body(std::uint64_t to_bytes);
};

/// What becomes of one call of something that the service depends on.
struct DependencyCall {
  bool fails = false;
  bool hangs = false;  ///< there is no outcome before the caller's timeout
  core::Nanoseconds takes{};
};

/// What /readyz says.
struct Readiness {
  struct Dependency {
    std::string_view name;
    bool up = true;
  };
  bool ready = true;  ///< of the service itself; the dependencies come on top
  std::vector<Dependency> dependencies;

  bool all() const;
};

/// What a fault may know of its surroundings.
struct FaultContext {
  /// The names of the routes that may be faulted; empty: they are not known beforehand (see RoutePatterns).
  const std::vector<std::string>& routes;
  const std::vector<std::string>& dependencies;
  core::Nanoseconds longest_delay;
  std::uint64_t seed;
  /// Outlives the fault.
  const core::Clock& clock;
  /// Writes a line of the program's log; from any thread.
  const std::function<void(std::string_view line)>& log_line;
};

class Fault {
 public:
  virtual ~Fault() = default;
  /// Adds the fault's parameters to the toggle's state.
  virtual void describe(nlohmann::ordered_json& state) const = 0;
  /// Decides for one request of a route that may be faulted. True: the request is affected.
  virtual bool affect_request(std::string_view /*route*/, FaultPlan&) { return false; }
  /// Decides for one call of a dependency. True: the call is affected.
  virtual bool affect_call(std::string_view /*dependency*/, DependencyCall&) { return false; }
  /// Begins what the fault does beside the requests. That has to end with the fault, and by itself after
  /// `ttl`.
  virtual void start(core::Nanoseconds /*ttl*/) {}
  /// True: something that /readyz reports is taken away.
  virtual bool affect_readiness(Readiness&) const { return false; }
  /// The statuses that it makes requests of `route` end with, so that their counters exist before the first
  /// one.
  virtual std::vector<int> statuses(std::string_view /*route*/) const { return {}; }
};

}  // namespace obsctl::stacks
