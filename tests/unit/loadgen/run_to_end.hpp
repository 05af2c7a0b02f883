// What tests of whole runs share: a plan with short waits, and a run whose sums are checked whatever else it
// shows.
#pragma once

#include <chrono>
#include <string>

#include "loadgen/load_run.hpp"
#include "tests/support/catch.hpp"

namespace obsctl::loadgen {

inline const std::string kPong = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\npong\n";

inline LoadPlan plan_for(const std::string& url, std::int64_t per_second, core::Nanoseconds duration) {
  LoadPlan plan;
  plan.target = *core::parse_url(url);
  plan.arrivals = Arrivals::constant(core::Rate{per_second, std::chrono::seconds(1)});
  plan.duration = duration;
  plan.drain_timeout = std::chrono::seconds(5);
  return plan;
}

inline Summary run_to_end(LoadPlan plan) {
  core::Logger log(core::LogLevel::off);
  auto run = LoadRun::start(std::move(plan), log);
  REQUIRE(run);
  (*run)->wait(std::chrono::steady_clock::now() + std::chrono::seconds(30), {});
  Summary summary = (*run)->stop();
  CHECK(summary.broken_invariant == "");
  const Counts& c = summary.counts;
  CHECK(c.scheduled == c.sent + c.dropped + c.shed + c.unsent_at_end);
  CHECK(c.sent == c.ok + c.http_error + c.check_failed + c.timeout + c.connection_error + c.in_flight_at_end);
  std::int64_t in_windows = 0;
  for (const Window& window : summary.windows) in_windows += window.counts.sent;
  CHECK(in_windows == c.sent);
  return summary;
}

}  // namespace obsctl::loadgen
