#include "stacks/rendering.hpp"

#include "core/file.hpp"
#include "core/sha256.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace obsctl::stacks;
using obsctl::core::sha256;
using obsctl::core::write_file;
using obsctl::tests::TemporaryDirectory;

namespace {

struct Sample {
  TemporaryDirectory folder;
  Manifest manifest;

  Sample() {
    REQUIRE(write_file(folder / "p.yml",
                       "global:\n  scrape_interval: 5s\n  evaluation_interval: 5s\nrule_files: [r.yml]\n"
                       "# see api:8080\nscrape_configs: [{job_name: a, static_configs: [{targets: "
                       "['api:8080']}]}]\n"));
    REQUIRE(write_file(folder / "r.yml",
                       "groups:\n- rules:\n  - alert: A\n    expr: increase(a{x=\"api:8080\"}[5m]) > 1\n"));
    Service service;
    service.name = "prometheus";
    service.files = {{"p.yml", FileKind::prometheus}, {"r.yml", FileKind::rules}, {"r.yml", FileKind::rules}};
    manifest.name = "sample";
    manifest.folder = folder.path();
    manifest.services = {service, service};
  }
};

}  // namespace

TEST_CASE("files are rendered once each, scaled and with this machine's addresses") {
  const Sample sample;
  const auto rendering = render(sample.manifest, {{"api:8080", "127.0.0.1:21000"}}, 0.2);
  REQUIRE(rendering);
  REQUIRE(rendering->files.size() == 2);
  CHECK(rendering->files[0].text ==
        "global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\nrule_files: [r.yml]\n# see "
        "127.0.0.1:21000\n"
        "scrape_configs: [{job_name: a, static_configs: [{targets: ['127.0.0.1:21000']}]}]\n");
  CHECK(rendering->files[1].text ==
        "groups:\n- rules:\n  - alert: A\n    expr: increase(a{x=\"127.0.0.1:21000\"}[1m]) > 1\n");
  CHECK(rendering->notes ==
        std::vector<std::string>{
            "r.yml:4: A uses increase, whose value does not scale with time: compare it with care"});
  const FileChecksum& sum = rendering->files[1].checksum;
  CHECK(sum.path == "r.yml");
  CHECK(sum.kind == "rules");
  CHECK(sum.source == sha256(*obsctl::core::read_file(sample.folder / "r.yml")));
  CHECK(sum.rendered == sha256(rendering->files[1].text));
}

TEST_CASE("without addresses and scale the files come out as they are") {
  const Sample sample;
  const auto rendering = render(sample.manifest, {}, 1.0);
  REQUIRE(rendering);
  for (const RenderedFile& file : rendering->files) CHECK(file.checksum.source == file.checksum.rendered);
  CHECK(rendering->notes.empty());
}

TEST_CASE("a rule file that is not listed stops the rendering") {
  Sample sample;
  for (Service& service : sample.manifest.services) service.files = {{"p.yml", FileKind::prometheus}};
  const auto rendering = render(sample.manifest, {}, 1.0);
  REQUIRE_FALSE(rendering);
  CHECK_THAT(to_string(rendering.error()),
             Catch::Matchers::Contains("p.yml:4:14: rule_files: r.yml matches no file"));
}
