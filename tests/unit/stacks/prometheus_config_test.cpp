#include "stacks/prometheus_config.hpp"

#include "tests/support/catch.hpp"

using namespace obsctl::stacks;
using obsctl::core::to_string;

TEST_CASE("what Prometheus is expected to see is read from its configuration") {
  const auto expected = expected_targets(R"(
alerting: {alertmanagers: [{static_configs: [{targets: [am]}]}]}
scrape_configs:
  - {job_name: a, static_configs: [{targets: [x, y]}, {targets: [z]}]}
  - {job_name: b, dns_sd_configs: [{names: [n]}]}
)",
                                         "p.yml");
  REQUIRE(expected);
  CHECK(expected->static_targets == 3);
  CHECK(expected->alertmanagers);
  CHECK_FALSE(expected_targets("global: {}", "p.yml")->alertmanagers);
}

TEST_CASE("a rule file that the stack does not list is found before Prometheus passes over it") {
  Manifest manifest;
  Service prometheus;
  prometheus.files = {{"prometheus/alerts.yml", FileKind::rules}, {"prometheus/other.yml", FileKind::other}};
  manifest.services.push_back(prometheus);
  const auto check = [&](const std::string& rule_files) {
    const auto result =
        check_rule_files("rule_files: " + rule_files + "\n", "p.yml", "prometheus/prometheus.yml", manifest);
    return result ? "listed" : to_string(result.error());
  };
  CHECK(check("[alerts.yml]") == "listed");
  CHECK(check("[\"*.yml\", ./alerts.yml, ../prometheus/alerts.yml]") == "listed");
  CHECK(check("[]") == "listed");
  CHECK(check("[alerts.yml, rules/*.yml]") ==
        "p.yml:1:26: rule_files: rules/*.yml matches no file that the stack lists\n  hint: write it relative "
        "to this "
        "file, and list what it matches in stack.toml under [service.NAME.files] as \"rules\"");
  CHECK_THAT(check("[/etc/prometheus/alerts.yml]"),
             Catch::Matchers::StartsWith("p.yml:1:14: rule_files: /etc/"));
  CHECK_THAT(check("[other.yml]"), Catch::Matchers::StartsWith("p.yml:1:14: rule_files: other.yml"));
}
