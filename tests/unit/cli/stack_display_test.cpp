#include "cli/stack_display.hpp"

#include "tests/support/catch.hpp"

using namespace obsctl;
using namespace std::chrono_literals;

TEST_CASE("a table's columns line up and its last is not padded") {
  CHECK(cli::table({{"SERVICE", "URL"}, {"api", "http://a"}, {"node-exporter", "x"}}) ==
        "SERVICE        URL\napi            http://a\nnode-exporter  x\n");
}

TEST_CASE("a step on the way up is one line with its time") {
  using Kind = stacks::Progress::Kind;
  CHECK(cli::progress_line({Kind::started, "api", 0, 0, 1ms}).empty());
  CHECK(cli::progress_line({Kind::service_ready, "api", 0, 0, 118ms}) == "  118ms  api is ready");
  CHECK(cli::progress_line({Kind::targets_up, "prometheus", 3, 6, 5160ms}) ==
        "  5.16s  3 of 6 scrape targets are up");
  CHECK(cli::progress_line({Kind::alertmanager_found, "prometheus", 0, 0, 5s}) ==
        "  5.00s  prometheus has discovered its Alertmanager");
}

TEST_CASE("the state of services is a table") {
  const std::vector<stacks::ServiceStatus> services{
      {"api", "http://127.0.0.1:1", "api:8080", 12, stacks::ServiceState::running, {}},
      {"blackbox", "http://127.0.0.1:2", "blackbox:9115", 0, stacks::ServiceState::failed, {}}};
  CHECK(cli::status_table(services) ==
        "SERVICE   STATE    PID  URL\n"
        "api       running  12   http://127.0.0.1:1\n"
        "blackbox  failed   -    http://127.0.0.1:2\n");
}
