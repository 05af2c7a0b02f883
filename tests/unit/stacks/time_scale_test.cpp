#include "stacks/time_scale.hpp"

#include "core/file.hpp"
#include "tests/support/catch.hpp"

using obsctl::core::to_string;
using obsctl::stacks::check_time_scale;
using obsctl::stacks::FileKind;
using obsctl::stacks::scale_file;

namespace {

std::string scaled(const std::string& text, FileKind kind, double factor = 0.2) {
  const auto result = scale_file(text, "file.yml", kind, factor);
  if (!result) return to_string(result.error());
  return result->text;
}

}  // namespace

TEST_CASE("prometheus.yml is scaled in place and keeps its comments") {
  CHECK(scaled(R"(# scrape_interval: 5s in a comment
global:
  scrape_interval: 5s   # five
  scrape_timeout: "5s"
  evaluation_interval: '15s'
  rule_query_offset: 1m
  external_labels: {scrape_interval: 5s}
scrape_configs:
  - job_name: slow   # scrape_interval: 5s
    scrape_interval: 1m
    scrape_timeout: 10s
  - {job_name: quick, scrape_interval: 1s}
)",
               FileKind::prometheus) == R"(# scrape_interval: 5s in a comment
global:
  scrape_interval: 1s   # five
  scrape_timeout: "1s"
  evaluation_interval: '3s'
  rule_query_offset: 12s
  external_labels: {scrape_interval: 5s}
scrape_configs:
  - job_name: slow   # scrape_interval: 5s
    scrape_interval: 12s
    scrape_timeout: 2s
  - {job_name: quick, scrape_interval: 200ms}
)");
}

TEST_CASE("a default that prometheus.yml leaves out is written into it, scaled") {
  SECTION("into the block that is there") {
    CHECK(scaled("global:\n  # ours\n  scrape_interval: 5s\n", FileKind::prometheus) ==
          "global:\n  # ours\n  evaluation_interval: 12s\n  scrape_interval: 1s\n");
  }
  SECTION("into a flow map") {
    CHECK(scaled("global: {evaluation_interval: 5s}\n", FileKind::prometheus) ==
          "global: {scrape_interval: 12s, scrape_timeout: 2s, evaluation_interval: 1s}\n");
  }
  SECTION("into an empty block") {
    CHECK(
        scaled("global:\nscrape_configs: []\n", FileKind::prometheus) ==
        "global: {scrape_interval: 12s, evaluation_interval: 12s, scrape_timeout: 2s}\nscrape_configs: []\n");
  }
  SECTION("into a new block") {
    CHECK(scaled("# none\nscrape_configs: []\n", FileKind::prometheus) ==
          "# none\nglobal: {scrape_interval: 12s, evaluation_interval: 12s, scrape_timeout: 2s}\n"
          "scrape_configs: []\n");
  }
}

TEST_CASE("rules are scaled wherever a duration counts") {
  CHECK(scaled(R"(groups:
  - name: g   # interval: 1m
    interval: 30s
    query_offset: 1m
    rules:
      - alert: A
        expr: rate(a{for="5m"}[5m]) > 5   # [5m]
        for: &d 10m
        keep_firing_for: *d
        labels: {for: 5m, window: "[5m]"}
        annotations:
          description: over [5m] for 10m
      - record: a:rate5m
        expr: |
          # over [5m]
          sum by (job) (
            rate(a{x="\"[5m]\""}[5m])
          )
          /
            sum(rate(b[5m] offset 1h))
      - alert: Folded
        expr: >-
          rate(a[5m])
            > 5
          and rate(b[10m]) > 0
      - alert: Plain
        expr: rate(a[5m]) > 5
          and rate(b[10m]) > 0
      - alert: Double
        expr: "rate(a{b=\"[5m]\"}[5m])\n > 5"
      - alert: Single
        expr: 'rate(a{b=''[5m]''}[5m]) > 5'
)",
               FileKind::rules) == R"(groups:
  - name: g   # interval: 1m
    interval: 6s
    query_offset: 12s
    rules:
      - alert: A
        expr: rate(a{for="5m"}[1m]) > 5   # [5m]
        for: &d 2m
        keep_firing_for: *d
        labels: {for: 5m, window: "[5m]"}
        annotations:
          description: over [5m] for 10m
      - record: a:rate5m
        expr: |
          # over [5m]
          sum by (job) (
            rate(a{x="\"[5m]\""}[1m])
          )
          /
            sum(rate(b[1m] offset 12m))
      - alert: Folded
        expr: >-
          rate(a[1m])
            > 5
          and rate(b[2m]) > 0
      - alert: Plain
        expr: rate(a[1m]) > 5
          and rate(b[2m]) > 0
      - alert: Double
        expr: "rate(a{b=\"[5m]\"}[1m])\n > 5"
      - alert: Single
        expr: 'rate(a{b=''[5m]''}[1m]) > 5'
)");
}

TEST_CASE("alertmanager.yml is scaled in every route, with the root's defaults written out") {
  CHECK(scaled(R"(global:
  resolve_timeout: 5m
route:
  receiver: all
  group_by: [alertname]
  group_wait: 10s
  routes:
    - receiver: a
      group_interval: 1m
      routes:
        - receiver: b
          repeat_interval: 1h
receivers:
  - name: all
    webhook_configs: [{url: "http://x", max_alerts: 0}]
)",
               FileKind::alertmanager) == R"(global:
  resolve_timeout: 1m
route:
  group_interval: 1m
  repeat_interval: 48m
  receiver: all
  group_by: [alertname]
  group_wait: 2s
  routes:
    - receiver: a
      group_interval: 12s
      routes:
        - receiver: b
          repeat_interval: 12m
receivers:
  - name: all
    webhook_configs: [{url: "http://x", max_alerts: 0}]
)");
  CHECK(scaled("route: {receiver: a}\n", FileKind::alertmanager) ==
        "global: {resolve_timeout: 1m}\n"
        "route: {group_wait: 6s, group_interval: 1m, repeat_interval: 48m, receiver: a}\n");
}

TEST_CASE("a factor of 1 and a file of another kind change nothing") {
  const std::string text = "global:\n  scrape_interval: 90s\n";
  CHECK(scaled(text, FileKind::prometheus, 1.0) == text);
  CHECK(scaled(text, FileKind::other) == text);
}

TEST_CASE("merged defaults are scaled where they are written") {
  CHECK(scaled("x: &d\n  for: 5m\ngroups:\n- rules:\n  - <<: *d\n    expr: up\n", FileKind::rules) ==
        "x: &d\n  for: 1m\ngroups:\n- rules:\n  - <<: *d\n    expr: up\n");
}

TEST_CASE("what cannot be scaled is refused with its place") {
  const auto [text, kind, why] = GENERATE(table<std::string, FileKind, std::string>({
      {"global:\n  scrape_interval: 1ms\n", FileKind::prometheus,
       "file.yml:2:20: scrape_interval: 1ms at a time scale of 0.2 is less than 1ms, the shortest duration "
       "of "
       "Prometheus\n  hint: use a larger time scale"},
      {"global:\n  scrape_interval: 5 s\n", FileKind::prometheus,
       "file.yml:2:20: scrape_interval: \"5 s\" is not a Prometheus duration\n  hint: write it like 30s, 5m, "
       "1h30m "
       "or 250ms"},
      {"scrape_configs:\n  - job_name: a\n    scrape_interval: 5s\n    scrape_timeout: 10s\n",
       FileKind::prometheus, "file.yml:4:21: scrape_timeout 10s is longer than the scrape interval 5s"},
      {"groups:\n  - rules:\n      - alert: A\n        expr: |\n          up and\n          rate(a[5m + 1m]) "
       "> 0\n",
       FileKind::rules,
       "file.yml:6:17: expr: \"[5m + 1m]\" is more than a plain duration; such a range cannot be scaled\n"
       "  hint: give the rule plain durations, or leave the time scale at 1"},
      {"groups:\n  - rules:\n      - expr: \"rate(a[5m]) \\u003e 5 and rate(a[5m])\"\n", FileKind::rules,
       "file.yml:3:15: this value is written with escapes that cannot be followed\n  hint: write it as a "
       "block (|) or "
       "without quotes"},
      {"a: [\n", FileKind::rules, "file.yml:2:1: not valid YAML: end of sequence flow not found"},
  }));
  CHECK(scaled(text, kind) == why);
}

TEST_CASE("rules whose value does not scale are noted") {
  const auto result = scale_file(
      "groups:\n  - rules:\n      - alert: Many\n        expr: increase(a[5m]) > 10\n      - record: r\n"
      "        expr: time() - a\n",
      "rules.yml", FileKind::rules, 0.2);
  REQUIRE(result);
  CHECK(result->notes ==
        std::vector<std::string>{
            "rules.yml:4: Many uses increase, whose value does not scale with time: compare it with care",
            "rules.yml:6: r uses time, whose value does not scale with time: compare it with care"});
  const auto muted = scale_file("route:\n  receiver: a\n  mute_time_intervals: [nights]\n", "am.yml",
                                FileKind::alertmanager, 0.2);
  REQUIRE(muted);
  CHECK(muted->notes ==
        std::vector<std::string>{"am.yml:2: mute_time_intervals are times of day and are not scaled"});
}

TEST_CASE("the bundled stack's rules scale without a note") {
  for (const auto& [file, kind] :
       {std::pair("stacks/http-api/prometheus/alerts.yml", FileKind::rules),
        std::pair("stacks/http-api/prometheus/prometheus.yml", FileKind::prometheus),
        std::pair("stacks/http-api/alertmanager/alertmanager.yml", FileKind::alertmanager)}) {
    CAPTURE(file);
    const auto result = scale_file(*obsctl::core::read_file(file), file, kind, 0.1);
    REQUIRE(result);
    CHECK(result->notes.empty());
  }
}

TEST_CASE("a time scale outside its bounds is refused") {
  CHECK(check_time_scale(0.2));
  CHECK(to_string(check_time_scale(0).error()) ==
        "a time scale of 0 is outside 0.001 to 100\n  hint: 0.2 makes ten minutes two");
  CHECK_FALSE(check_time_scale(-1));
  CHECK_FALSE(check_time_scale(101));
  CHECK_FALSE(check_time_scale(std::nan("")));
}
