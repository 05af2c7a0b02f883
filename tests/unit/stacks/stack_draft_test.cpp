#include "stacks/stack_draft.hpp"

#include <algorithm>
#include <cstdlib>

#include "core/file.hpp"
#include "stacks/manifest.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace obsctl::stacks;
using obsctl::core::to_string;
using obsctl::core::write_file;
using obsctl::tests::TemporaryDirectory;
namespace fs = std::filesystem;

namespace {

constexpr const char* kShop = R"yaml(name: Shop
services:
  shop:
    image: localhost/shop:1
    ports: ["127.0.0.1:${OBSCTL_SHOP_PORT:-8080}:8080"]
    healthcheck:
      test: ["CMD-SHELL", "curl -f http://localhost:8080/health || exit 1"]
  db:
    image: docker.io/library/postgres:16
    ports:
      - target: 5432
        published: 15432
    restart: unless-stopped
  prometheus:
    image: docker.io/prom/prometheus:v2.55.1
    command: --config.file=/etc/prometheus/main.yml --storage.tsdb.path=/prometheus
    ports: ["9090:9090/tcp", "9091:9091/udp"]
    volumes:
      - ./monitoring/prometheus.yml:/etc/prometheus/main.yml:ro
      - type: bind
        source: ./monitoring/rules
        target: /etc/prometheus/rules
      - data:/prometheus
  am:
    image: quay.io/prometheus/alertmanager@sha256:aa
    ports: ["9093"]
  worker:
    image: localhost/worker:1
  debug:
    image: localhost/debug:1
    ports: ["1:1"]
    profiles: [debug]
  built:
    build: .
    ports: ["2:2"]
  Odd_name:
    image: x
    ports: ["3:3"]
)yaml";

void write_shop(const fs::path& folder) {
  REQUIRE(write_file(folder / "compose.yaml", kShop));
  REQUIRE(write_file(
      folder / "monitoring/prometheus.yml",
      "global:\n  scrape_interval: 5s\nrule_files:\n  - rules/*.yml\n  - /etc/prometheus/rules/b.yml\n"
      "  - /elsewhere/c.yml\n"));
  REQUIRE(write_file(folder / "monitoring/rules/a.yml", "groups: []\n"));
  REQUIRE(write_file(folder / "monitoring/rules/b.yml", "groups: []\n"));
}

bool has(const StackDraft& draft, const std::string& text) {
  return draft.toml.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("a stack is drafted from a compose file, and what is not known is said where it belongs") {
  const TemporaryDirectory folder;
  write_shop(folder.path());
  const auto draft = draft_stack(folder / "compose.yaml");
  REQUIRE(draft);
  INFO(draft->toml);
  CHECK(draft->name == "shop");
  CHECK(draft->services == std::vector<std::string>{"shop", "db", "prometheus", "am"});
  CHECK(
      has(*draft, "[service.shop]\naddress = \"shop:8080\"\nready = \"/health\"\nruntime = \"compose\"\n\n"));
  CHECK(has(*draft, "[service.db]\naddress = \"db:5432\"\n# A path that answers 2xx"));
  CHECK(
      has(*draft, "# compose.yaml: \"127.0.0.1:${OBSCTL_DB_PORT:-5432}:5432\"\n# It is restarted by itself"));
  CHECK(has(*draft,
            "# To be filled in below: the rule files /elsewhere/c.yml are not among what it mounts of this "
            "folder.\n\n"
            "[service.prometheus.files]\n\"monitoring/prometheus.yml\" = \"prometheus\"\n"
            "\"monitoring/rules/a.yml\" = \"rules\"\n\"monitoring/rules/b.yml\" = \"rules\"\n"));
  CHECK(has(*draft,
            "# To be filled in below: its /etc/alertmanager/alertmanager.yml is not among the files that it "
            "mounts of this folder.\n#[service.am.files]\n#\"alertmanager/alertmanager.yml\" = "
            "\"alertmanager\"\n"));
  CHECK(has(*draft, "# Scenarios look for a service called alertmanager: there is none.\n"));
  CHECK(draft->left_out ==
        std::vector<std::string>{
            "worker: it publishes no port: add ports: [\"127.0.0.1:${OBSCTL_WORKER_PORT:-PORT}:PORT\"]",
            "debug: it is only there with the profile debug",
            "built: it has no image: name the one that it builds, image: localhost/built",
            "Odd_name: its name is not one of lower-case letters, digits and dashes: call it otherwise in "
            "both files"});
  CHECK(has(*draft, "\n# worker: it publishes no port"));
  CHECK(has(*draft, "\n#[service.worker]\n#address = \"worker:PORT\"\n"));
  CHECK(draft->files == std::vector<fs::path>{"monitoring/prometheus.yml", "monitoring/rules"});

  // It is a stack.toml, comments and all, also once what was left out has been taken in.
  const auto manifest = parse_manifest(draft->toml, folder.path(), "stack.toml");
  REQUIRE(manifest.has_value());
  CHECK(manifest->find("shop")->ready.path == "/health");
  CHECK(manifest->find("prometheus")->files.size() == 3);
  const auto natively = for_runtime(*manifest, Runtime::native, {});
  REQUIRE_FALSE(natively);
  CHECK(to_string(natively.error()) ==
        "the stack shop has no service for the native runtime\n  hint: add --runtime compose");
  CHECK(for_runtime(*manifest, Runtime::compose, {})->services.size() == 4);
}

TEST_CASE("what is known of an image is used wherever it comes from") {
  struct Row {
    const char* service;
    const char* ready;
  };
  const auto row = GENERATE(values<Row>({
      {"image: grafana/grafana:11.4.0\n    ports: [\"3000:3000\"]", "/api/health"},
      {"image: localhost/ci/blackbox-exporter@sha256:1\n    ports: [\"9115:9115\"]", "/-/healthy"},
      {"image: prom/prometheus\n    ports: [\"80:1\", \"9090:9090\"]", "/-/ready"},
      {"image: prom/prometheus\n    command: [--web.listen-address=:80]\n    ports: [\"80:80\"]", "tcp"},
      {"image: localhost/obsctl:1\n    command: [serve, service]\n    ports: [\"8080:8080\"]", "/readyz"},
      {"image: localhost/obsctl:1\n    command: serve receiver\n    ports: [\"9099:9099\"]", "/healthz"},
      {"image: x\n    healthcheck: {test: [CMD, wget, 'http://127.0.0.1:7/up']}\n    ports: [\"7\"]", "/up"},
      {"image: x\n    healthcheck: {test: [CMD, wget, 'http://127.0.0.1:8/up']}\n    ports: [\"7\"]", "tcp"},
  }));
  const auto compose = read_compose_file(std::string("services:\n  one:\n    ") + row.service + "\n",
                                         "compose.yaml", [](const std::string&) { return std::nullopt; });
  REQUIRE(compose);
  const auto draft = draft_stack(*compose, ".", "compose.yaml");
  REQUIRE(draft);
  INFO(draft->toml);
  CHECK(has(*draft, std::string("ready = \"") + row.ready + "\"\n"));
}

TEST_CASE("what a compose file takes from elsewhere is said, and what it needs of its folder is known") {
  const auto compose = read_compose_file(R"yaml(name: "two\nlines"
include:
  - ./more.yaml
  - path: [a.yaml, ../b.yaml]
services:
  range:
    image: x
    ports: ["127.0.0.1:3000-3005:4000-4005/tcp", "0"]
    env_file: web.env
    volumes: ["../up:/up"]
  based: {ports: ["1:1"], extends: {file: base.yaml, service: b}, env_file: [{path: ./web.env}, db.env]}
  node: {image: node-exporter, network_mode: host}
  alertmanager: {image: prom/alertmanager}
  shown: {image: x, expose: ["1234"]}
  chosen: {image: prom/pushgateway, ports: ["127.0.0.1::9091"]}
configs: {one: {file: ./one.conf}}
secrets: {two: {file: /etc/two}, three: {external: true}}
)yaml",
                                         "compose.yaml", [](const std::string&) { return std::nullopt; });
  REQUIRE(compose);
  const auto draft = draft_stack(*compose, ".", "compose.yaml");
  REQUIRE(draft);
  INFO(draft->toml);
  CHECK(has(*draft, "[service.range]\naddress = \"range:4000\"\n"));
  CHECK(has(*draft,
            "\n# It mounts ../up, which is outside of this folder, and a run only has what is in it.\n"));
  CHECK(has(*draft, "\n# Not looked into: the services of the files that compose.yaml includes.\n"));
  // Its port is not fixed.
  CHECK(has(*draft,
            "[service.chosen]\naddress = \"chosen:9091\"\nready = \"/-/ready\"\nruntime = \"compose\"\n\n"));
  CHECK(has(*draft, "#[service.alertmanager]\n#address = \"alertmanager:9093\"\n#ready = \"/-/ready\"\n"));
  CHECK(draft->left_out ==
        std::vector<std::string>{
            "based: it extends another service, which is not looked into: name its image and ports here",
            "node: its network is the host's, where no port is published: take network_mode away and publish "
            "one",
            "alertmanager: it publishes no port: add ports: "
            "[\"127.0.0.1:${OBSCTL_ALERTMANAGER_PORT:-9093}:9093\"]",
            "shown: it publishes no port: add ports: [\"127.0.0.1:${OBSCTL_SHOWN_PORT:-1234}:1234\"]",
            "include: the services of other files are not looked into"});
  std::vector<fs::path> files = draft->files;
  std::sort(files.begin(), files.end());
  CHECK(files == std::vector<fs::path>{"a.yaml", "base.yaml", "db.env", "more.yaml", "one.conf", "web.env"});
  CHECK(parse_manifest(draft->toml, ".", "stack.toml").has_value());
}

TEST_CASE("a compose file of which nothing can be taken over is an error with every reason") {
  const auto compose = read_compose_file("services:\n  a:\n    image: x\n  b:\n    build: .\n",
                                         "compose.yaml", [](const std::string&) { return std::nullopt; });
  REQUIRE(compose);
  CHECK(
      to_string(draft_stack(*compose, ".", "compose.yaml").error()) ==
      "compose.yaml: no service can be taken over\n  hint: a: it publishes no port: add ports: "
      "[\"127.0.0.1:${OBSCTL_A_PORT:-PORT}:PORT\"]; b: it has no image: name the one that it builds, image: "
      "localhost/b");
}

TEST_CASE("the bundled compose file drafts the services that its stack.toml has") {
  ::unsetenv("OBSCTL_API_PORT");
  const auto draft = draft_stack("stacks/http-api/compose.yaml");
  REQUIRE(draft);
  const auto manifest = read_manifest("stacks/http-api");
  REQUIRE(manifest.has_value());
  const auto drafted = parse_manifest(draft->toml, "stacks/http-api", "stack.toml");
  REQUIRE(drafted.has_value());
  REQUIRE(drafted->services.size() == manifest->services.size());
  for (const Service& service : manifest->services) {
    INFO(service.name);
    const Service* found = drafted->find(service.name);
    REQUIRE(found != nullptr);
    CHECK(found->address == service.address);
    CHECK(found->ready.path == service.ready.path);
    // But for what only has addresses in it, which are the same in containers.
    for (const ConfigFile& file : service.files) {
      if (file.kind == FileKind::other) continue;
      CHECK(std::any_of(found->files.begin(), found->files.end(), [&](const ConfigFile& other) {
        return other.path == file.path && other.kind == file.kind;
      }));
    }
  }
}
