// The circuit breaker by itself: what opens it, what closes it, and whose word counts.
#include "stacks/services/circuit_breaker.hpp"

#include "core/clock.hpp"
#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using obsctl::core::ManualClock;
using obsctl::stacks::CircuitBreaker;
using State = CircuitBreaker::State;

namespace {

struct Bench {
  ManualClock clock;
  CircuitBreaker breaker{{.failures = 3, .open_for = 10s}};

  State state() const { return breaker.state(clock.steady_now()); }
  std::optional<CircuitBreaker::Ticket> admit() { return breaker.admit(clock.steady_now()); }
  bool fail() {
    const auto ticket = admit();
    if (ticket) breaker.failed(*ticket, clock.steady_now());
    return ticket.has_value();
  }
  bool succeed() {
    const auto ticket = admit();
    if (ticket) breaker.succeeded(*ticket);
    return ticket.has_value();
  }
  void open() {
    for (int i = 0; i < 3; ++i) REQUIRE(fail());
    REQUIRE(state() == State::open);
  }
};

}  // namespace

TEST_CASE("failures in a row open the breaker, failures with a success between them do not") {
  Bench bench;
  for (int i = 0; i < 5; ++i) {
    CHECK(bench.fail());
    CHECK(bench.fail());
    CHECK(bench.succeed());
  }
  CHECK(bench.state() == State::closed);
  CHECK(bench.breaker.wait(bench.clock.steady_now()) == 0s);
  bench.open();
  CHECK_FALSE(bench.admit());
  CHECK(bench.breaker.wait(bench.clock.steady_now()) == 10s);
  bench.clock.advance(10s - 1ns);
  CHECK_FALSE(bench.admit());
}

TEST_CASE("when its time has passed, one call at a time is on trial") {
  Bench bench;
  bench.open();
  bench.clock.advance(10s);
  CHECK(bench.state() == State::half_open);
  const auto trial = bench.admit();
  REQUIRE(trial);
  CHECK_FALSE(bench.admit());
  SECTION("a success closes it") {
    bench.breaker.succeeded(*trial);
    CHECK(bench.state() == State::closed);
    CHECK(bench.fail());
    CHECK(bench.fail());
    CHECK(bench.state() == State::closed);  // it counts from nothing again
  }
  SECTION("a failure opens it for as long again") {
    bench.clock.advance(1s);
    bench.breaker.failed(*trial, bench.clock.steady_now());
    CHECK(bench.state() == State::open);
    CHECK(bench.breaker.wait(bench.clock.steady_now()) == 10s);
  }
  SECTION("one whose caller left leaves the trial to the next") {
    bench.breaker.abandoned(*trial);
    CHECK(bench.succeed());
    CHECK(bench.state() == State::closed);
  }
}

TEST_CASE("calls from before the breaker changed have no say") {
  Bench bench;
  const auto early_success = bench.admit();
  const auto early_failure = bench.admit();
  REQUIRE((early_success && early_failure));
  bench.open();
  bench.breaker.succeeded(*early_success);
  CHECK(bench.state() == State::open);
  bench.clock.advance(4s);
  bench.breaker.failed(*early_failure, bench.clock.steady_now());
  CHECK(bench.breaker.wait(bench.clock.steady_now()) == 6s);
  bench.clock.advance(6s);
  const auto trial = bench.admit();
  REQUIRE(trial);
  bench.breaker.abandoned(*early_failure);
  CHECK_FALSE(bench.admit());
  bench.breaker.succeeded(*trial);
  bench.breaker.failed(*trial, bench.clock.steady_now());
  CHECK(bench.state() == State::closed);
}
