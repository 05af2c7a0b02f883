// Cutting a job of Prometheus off from its targets, and connecting it again, in the text of its
// configuration.
#include "stacks/scrape_cut.hpp"

#include "tests/support/catch.hpp"

using namespace obsctl;
using stacks::is_job_cut_off;
using stacks::with_job_connected;
using stacks::with_job_cut_off;

namespace {

const std::string kText = R"(global: {scrape_interval: 5s}
scrape_configs:
  # The service.
  - job_name: api   # ours
    static_configs:
      - targets: ["api:8080"]
  - {job_name: node, static_configs: [{targets: ["node:9100"]}]}
  - job_name: far
    proxy_url: http://proxy:3128
)";

}  // namespace

TEST_CASE("a job that is cut off goes by way of nowhere, and nothing else is changed") {
  const auto cut = with_job_cut_off(kText, "p.yml", "api");
  REQUIRE(cut);
  CHECK(*cut == R"(global: {scrape_interval: 5s}
scrape_configs:
  # The service.
  - proxy_url: http://127.0.0.1:1
    job_name: api   # ours
    static_configs:
      - targets: ["api:8080"]
  - {job_name: node, static_configs: [{targets: ["node:9100"]}]}
  - job_name: far
    proxy_url: http://proxy:3128
)");
  CHECK(is_job_cut_off(*cut, "p.yml", "api").value());
  CHECK_FALSE(is_job_cut_off(*cut, "p.yml", "node").value());
  CHECK(with_job_cut_off(*cut, "p.yml", "api").value() == *cut);
}

TEST_CASE("connecting a job again restores the text to the letter, whatever else was cut meanwhile") {
  const std::string both =
      with_job_cut_off(with_job_cut_off(kText, "p.yml", "api").value(), "p.yml", "node").value();
  const std::string node = with_job_connected(both, "p.yml", "api").value();
  CHECK(node == with_job_cut_off(kText, "p.yml", "node").value());
  CHECK(with_job_connected(node, "p.yml", "node").value() == kText);
  CHECK(with_job_connected(kText, "p.yml", "far").value() == kText);
}

TEST_CASE("a job that cannot be cut off is named, with its place") {
  const auto [job, text, message] = GENERATE(table<std::string, std::string, std::string>({
      {"web", kText, "p.yml:1:1: there is no job \"web\"\n  hint: its jobs are api, node, far"},
      {"far", kText,
       "p.yml:9:16: job \"far\" is scraped through a proxy already\n  hint: break that proxy instead"},
      {"api", "a: [", "p.yml:1:5: not valid YAML: end of sequence flow not found"},
  }));
  const auto cut = with_job_cut_off(text, "p.yml", job);
  REQUIRE_FALSE(cut);
  CHECK(to_string(cut.error()) == message);
}
