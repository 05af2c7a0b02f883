#include "cli/load_display.hpp"

#include "tests/support/catch.hpp"

using namespace obsctl;
using namespace obsctl::loadgen;
using namespace std::chrono_literals;

namespace {

Histogram histogram_of(core::Nanoseconds most, core::Nanoseconds slowest) {
  Histogram histogram;
  histogram.record(most, 98);
  histogram.record(slowest, 2);
  return histogram;
}

Summary example() {
  Summary summary;
  summary.target = "http://127.0.0.1:8080/";
  summary.arrivals = "constant 20/s";
  summary.elapsed = 5s;
  summary.counts.scheduled = 100;
  summary.counts.sent = 100;
  summary.counts.ok = 98;
  summary.counts.http_error = 2;
  summary.asked_rate = 20;
  summary.achieved_rate = 20;
  summary.statuses = {{200, 98}, {503, 2}};
  summary.response_time = histogram_of(12ms, 480ms);
  summary.service_time = histogram_of(11ms, 470ms);
  summary.schedule_lag = histogram_of(20us, 1ms);
  summary.pool_wait = histogram_of(0ms, 9ms);
  summary.cpu = 50ms;
  summary.connections_opened = 3;
  return summary;
}

}  // namespace

TEST_CASE("the live line says what a person watching wants to know") {
  Snapshot snapshot;
  snapshot.elapsed = 72s;
  snapshot.asked_rate = 1000;
  snapshot.counts.in_flight_at_end = 3;
  Window window;
  window.length = 1s;
  window.counts.sent = 998;
  window.counts.ok = 990;
  window.counts.timeout = 5;
  window.p50 = 1200us;
  window.p99 = 8100us;
  std::vector<Window> windows(3, window);
  windows[1].p99 = 16200us;
  SECTION("the latest full second") {
    CHECK(cli::load_live_line(snapshot, windows) ==
          "01:12  998/1000 rps  err 0.5%  p50 1.20ms  p99 8.10ms  in flight 3  ▅█▅");
  }
  SECTION("a second that has only begun is passed over") {
    windows.push_back({});
    windows.back().length = 100ms;
    CHECK(cli::load_live_line(snapshot, windows) ==
          "01:12  998/1000 rps  err 0.5%  p50 1.20ms  p99 8.10ms  in flight 3  ▅█▅▁");
  }
  SECTION("arrivals that wait are counted, a closed loop has no rate to keep") {
    snapshot.counts.unsent_at_end = 12;
    snapshot.asked_rate = 0;
    CHECK(cli::load_live_line(snapshot, {}) ==
          "01:12  0 rps  err 0.0%  p50 0s  p99 0s  in flight 3  waiting 12  ");
  }
}

TEST_CASE("a line is cut by characters, not by bytes") {
  CHECK(cli::cut_to_columns("p99 ▅█▅", 6) == "p99 ▅█");
  CHECK(cli::cut_to_columns("p99 ▅█▅", 7) == "p99 ▅█▅");
  CHECK(cli::cut_to_columns("", 7).empty());
}

TEST_CASE("a line is cut between its fields, so that no number loses its end") {
  const std::string line = "err 0.0%  p50 124us  p99 3.18ms";
  CHECK(cli::cut_to_columns(line, 31) == line);
  CHECK(cli::cut_to_columns(line, 30) == "err 0.0%  p50 124us");
  CHECK(cli::cut_to_columns(line, 19) == "err 0.0%  p50 124us");
  CHECK(cli::cut_to_columns(line, 18) == "err 0.0%");
  CHECK(cli::cut_to_columns(line, 5) == "err 0");
}

TEST_CASE("a sparkline's highest value is its highest bar") {
  CHECK(cli::sparkline({0, 1, 2, 4, 8}) == "▁▂▃▅█");
  CHECK(cli::sparkline({0, 0}) == "▁▁");
  CHECK(cli::sparkline({}).empty());
}

TEST_CASE("the summary can be pasted into a ticket") {
  CHECK(cli::load_summary_text(example()) ==
        "http://127.0.0.1:8080/  constant 20/s  5.00s\n"
        "\n"
        "  requests      100 due, 100 sent: 98 ok, 2 http errors\n"
        "  rate          20.0/s of 20.0/s asked\n"
        "  errors        2.0%  (200: 98, 503: 2)\n"
        "\n"
        "                      p50      p90      p95      p99    p99.9      max\n"
        "  response time    12.0ms   12.0ms   12.0ms    480ms    480ms    480ms\n"
        "  service time     11.0ms   11.0ms   11.0ms    470ms    470ms    470ms\n"
        "  schedule lag     20.5us   20.5us   20.5us   1.00ms   1.00ms   1.00ms\n"
        "  pool wait        0.51us   0.51us   0.51us   9.00ms   9.00ms   9.00ms\n"
        "\n"
        "  generator     1.0% of a core, 500.0us a request, 3 connections opened\n");
}

TEST_CASE("what makes a result doubtful stands at its end") {
  Summary summary = example();
  const auto notes = [&] {
    const std::string text = cli::load_summary_text(summary);
    return text.substr(text.find("  note  "));
  };
  summary.stopped_early = true;
  SECTION("of a closed loop") {
    summary.closed_loop = true;
    CHECK(notes() ==
          "  note          a closed loop waits for a slow target, so its times hide what users would see\n"
          "  note          stopped before its end\n");
  }
  SECTION("of a constant rate") {
    summary.pacing = "precise";
    summary.asked_rate = 20'000;
    summary.generator_limited = {true, "the generator ran late"};
    CHECK(notes() ==
          "  note          precise pacing at this rate keeps each sending thread's core busy\n"
          "  note          stopped before its end\n"
          "  INCONCLUSIVE  the generator ran late\n");
  }
}

TEST_CASE("a capacity curve ends with the knee") {
  Capacity capacity;
  capacity.knee = 400;
  capacity.upper_bound_found = true;
  CapacityPoint point;
  point.asked = 400;
  point.achieved = 399;
  point.good = true;
  point.response_time.p50 = 2ms;
  point.response_time.p99 = 40ms;
  point.response_time.p999 = 50ms;
  capacity.curve.push_back(point);
  point.asked = 800;
  point.achieved = 610;
  point.good = false;
  capacity.curve.push_back(point);
  CHECK(cli::capacity_text(capacity, "response_p99<100ms") ==
        "         asked    achieved   errors       p50       p99     p99.9\n"
        "          400/s        399/s    0.0%    2.00ms    40.0ms    50.0ms  good\n"
        "          800/s        610/s    0.0%    2.00ms    40.0ms    50.0ms  too much\n"
        "\n"
        "response_p99<100ms holds up to 400/s\n");
  capacity.upper_bound_found = false;
  CHECK(cli::capacity_text(capacity, "x").find("holds up to 400/s; no limit was found above that\n") !=
        std::string::npos);
  capacity.knee = 0;
  CHECK(cli::capacity_text(capacity, "x").find("\nno rate met x\n") != std::string::npos);
}
