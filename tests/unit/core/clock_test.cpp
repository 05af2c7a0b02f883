#include "core/clock.hpp"

#include <stop_token>
#include <thread>

#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using obsctl::core::ErrorKind;
using obsctl::core::format_utc;
using obsctl::core::ManualClock;
using obsctl::core::parse_rfc3339;
using obsctl::core::SteadyTime;
using obsctl::core::SystemClock;
using obsctl::core::WallTime;

namespace {

constexpr WallTime at(std::chrono::nanoseconds since_epoch) {
  return WallTime(since_epoch);
}

}  // namespace

TEST_CASE("a manual clock moves only when it is told to") {
  ManualClock clock;
  const SteadyTime start = clock.steady_now();
  const WallTime wall = clock.wall_now();
  CHECK(clock.steady_now() == start);

  SECTION("advancing moves both times alike") {
    clock.advance(90s);
    CHECK(clock.steady_now() - start == 90s);
    CHECK(clock.wall_now() - wall == 90s);
  }
  SECTION("sleeping moves it to the deadline") {
    CHECK(clock.sleep_for(5s, {}));
    CHECK(clock.steady_now() - start == 5s);
    CHECK(clock.wall_now() - wall == 5s);
  }
  SECTION("a deadline in the past is reached at once") {
    clock.advance(10s);
    CHECK(clock.sleep_until(start + 3s, {}));
    CHECK(clock.steady_now() - start == 10s);
  }
  SECTION("a sleeper that was stopped does not move it") {
    std::stop_source stop;
    stop.request_stop();
    CHECK_FALSE(clock.sleep_for(5s, stop.get_token()));
    CHECK(clock.steady_now() == start);
  }
}

TEST_CASE("a system clock's sleeper wakes at its deadline or when it is stopped") {
  SystemClock clock;
  const SteadyTime start = clock.steady_now();

  SECTION("at the deadline") {
    CHECK(clock.sleep_for(2ms, {}));
    CHECK(clock.steady_now() - start >= 2ms);
  }
  SECTION("at once for a deadline in the past") {
    CHECK(clock.sleep_until(start - 1h, {}));
    CHECK(clock.steady_now() - start < 10s);
  }
  SECTION("when it is stopped from another thread") {
    std::stop_source stop;
    std::jthread stopper([&] { stop.request_stop(); });
    CHECK_FALSE(clock.sleep_for(1h, stop.get_token()));
  }
}

TEST_CASE("a time is written in UTC with milliseconds") {
  CHECK(format_utc(at(0s)) == "1970-01-01T00:00:00.000Z");
  CHECK(format_utc(at(1'700'000'000s + 405'999'999ns)) == "2023-11-14T22:13:20.405Z");
  CHECK(format_utc(at(-1ns)) == "1969-12-31T23:59:59.999Z");
}

TEST_CASE("RFC 3339 is read as Prometheus and Alertmanager write it") {
  const auto [text, expected] = GENERATE(table<std::string, WallTime>(
      {{"2023-11-14T22:13:20Z", at(1'700'000'000s)},
       {"2023-11-14T22:13:20.4Z", at(1'700'000'000s + 400ms)},
       {"2023-11-14T22:13:20.123456789Z", at(1'700'000'000s + 123'456'789ns)},
       {"2023-11-14T22:13:20.1234567899999Z", at(1'700'000'000s + 123'456'789ns)},
       {"2023-11-15T03:43:20+05:30", at(1'700'000'000s)},
       {"2023-11-14T14:13:20.5-08:00", at(1'700'000'000s + 500ms)},
       {"2023-11-14t22:13:20z", at(1'700'000'000s)},
       {"2023-11-14 22:13:20Z", at(1'700'000'000s)},
       {"2024-02-29T00:00:00Z", at(1'709'164'800s)},
       {"2016-12-31T23:59:60Z", at(1'483'228'800s)},
       {"0001-01-01T00:00:00Z", WallTime::min()},
       {"1677-12-31T23:59:59Z", WallTime::min()},
       {"9999-12-31T23:59:59Z", WallTime::max()}}));
  CAPTURE(text);
  const auto parsed = parse_rfc3339(text);
  REQUIRE(parsed);
  CHECK(*parsed == expected);
}

TEST_CASE("what is not RFC 3339 is refused") {
  const std::string text = GENERATE(
      "", "yesterday", "2023-11-14", "2023-11-14T22:13:20", "2023-11-14T22:13Z", "2023-13-01T00:00:00Z",
      "2023-02-29T00:00:00Z", "2023-11-14T24:00:00Z", "2023-11-14T22:60:00Z", "2023-11-14T22:13:61Z",
      "2023-11-14T22:13:20.Z", "2023-11-14T22:13:20+0530", "2023-11-14T22:13:20+24:00",
      "2023-11-14T22:13:20Zjunk", "2023-1- 4T22:13:20Z", "+023-11-14T22:13:20Z", "2023-11-14X22:13:20Z");
  CAPTURE(text);
  const auto parsed = parse_rfc3339(text);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().kind == ErrorKind::invalid_input);
  CHECK(parsed.error().message == "\"" + text + "\" is not an RFC 3339 time");
}

TEST_CASE("a written time reads back as itself, to the millisecond") {
  const WallTime time = GENERATE(at(0s), at(1'700'000'000s + 1ms), at(4'102'444'800s), at(-86'400s));
  const auto back = parse_rfc3339(format_utc(time));
  REQUIRE(back);
  CHECK(*back == time);
}
