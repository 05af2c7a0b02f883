// The http-api stack in real containers, by podman: every scenario passes as it does natively, services are
// stopped, paused and started again, and nothing is left, however it ends.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <map>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "core/http_client.hpp"
#include "core/process.hpp"
#include "core/text.hpp"
#include "stacks/compose_project.hpp"
#include "stacks/manifest.hpp"
#include "stacks/runtime.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/compose_images.hpp"
#include "tests/support/obsctl_binary.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace std::chrono_literals;
using namespace obsctl::stacks;
using nlohmann::json;
using obsctl::core::ChildProcess;
using obsctl::core::to_string;
using obsctl::tests::compose_images_are_here;
using obsctl::tests::obsctl_binary;
using obsctl::tests::TemporaryDirectory;
namespace fs = std::filesystem;

namespace {

bool within(std::chrono::milliseconds time, const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(50ms);
  }
  return true;
}

/// What podman lists of a project: containers, networks or volumes.
std::size_t count_of(std::vector<std::string> list, const std::string& project) {
  list.insert(list.begin(), "/usr/bin/podman");
  list.insert(list.end(), {"--quiet", "--filter", "label=com.docker.compose.project=" + project});
  const auto output = obsctl::core::run_command({.argv = list, .error_file = "/dev/null"}, 60s);
  REQUIRE(output);
  return static_cast<std::size_t>(std::count(output->text.begin(), output->text.end(), '\n'));
}

std::size_t containers_of(const std::string& project) {
  return count_of({"ps", "--all"}, project);
}

bool nothing_left_of(const std::string& project) {
  return containers_of(project) == 0 && count_of({"network", "ls"}, project) == 0 &&
         count_of({"volume", "ls"}, project) == 0;
}

Manifest http_api() {
  const auto manifest = read_manifest("stacks/http-api");
  REQUIRE(manifest.has_value());
  return *manifest;
}

ServiceStatus status_of(Stack& stack, const std::string& name) {
  const auto services = stack.status();
  REQUIRE(services);
  for (const ServiceStatus& service : *services) {
    if (service.name == name) return service;
  }
  FAIL("no service " + name);
  return {};
}

/// An obsctl in the background, with a state folder of its own.
class Obsctl {
 public:
  Obsctl(std::vector<std::string> arguments, const fs::path& home, const std::string& name)
      : log_(home / (name + ".log")) {
    arguments.insert(arguments.begin(), obsctl_binary().string());
    auto child = ChildProcess::start(
        {.argv = std::move(arguments), .environment = {"XDG_STATE_HOME=" + home.string()}, .log_file = log_});
    REQUIRE(child);
    child_.emplace(std::move(*child));
  }
  /// The exit code; minus the signal that ended it; -1000 when it did not end.
  int wait(std::chrono::seconds patience) {
    if (!within(patience, [&] { return child_->poll().has_value(); })) return -1000;
    const auto status = *child_->poll();
    return status.signal != 0 ? -status.signal : status.code;
  }
  void signal(int number) { ::kill(child_->pid(), number); }
  std::string log() const {
    const auto text = obsctl::core::read_file(log_);
    return text ? *text : std::string();
  }

 private:
  fs::path log_;
  std::optional<ChildProcess> child_;
};

/// Of a service in the document that `stack up --json` or `stack status --json` has printed, behind other
/// lines.
std::string url_in(const std::string& log, const std::string& service) {
  const json document = json::parse(log.substr(log.find("{\n")), nullptr, false);
  REQUIRE(document.is_object());
  for (const json& one : document.at("services")) {
    if (one.at("name") == service) return one.at("url").get<std::string>();
  }
  FAIL("no service " + service);
  return {};
}

}  // namespace

TEST_CASE("the stack comes up in containers, is broken and mended, and leaves nothing") {
  if (!compose_images_are_here()) return;
  const TemporaryDirectory folder;
  const UpOptions options{.time_scale = 0.2,
                          .instance = "broken-and-mended",
                          .parent = folder.path(),
                          .runtime = Runtime::compose,
                          .without = {"grafana"}};
  const std::string project = "obsctl-broken-and-mended";
  auto stack = bring_up(http_api(), options, {}, {});
  if (!stack) FAIL(to_string(stack.error()));
  CHECK((*stack)->runtime() == Runtime::compose);
  CHECK(containers_of(project) == 6);
  CHECK((*stack)->versions().at("prometheus") == "localhost/obsctl-ci/prometheus:bookworm");
  CHECK(to_string((*stack)->endpoint("grafana").error())
            .starts_with("the stack http-api has no service \"grafana\""));

  obsctl::core::HttpClient http;
  const std::string api = (*stack)->endpoint("api").value();
  const auto answers = [&] {
    const auto reply = http.call({.url = api + "/healthz", .timeout = 500ms});
    return reply && reply->ok();
  };

  // Prometheus reads the scaled copy, by the scaled flags.
  const std::string prometheus = (*stack)->endpoint("prometheus").value();
  const auto config = http.call({.url = prometheus + "/api/v1/status/config"});
  REQUIRE(config);
  CHECK(config->body.find("scrape_interval: 1s") != std::string::npos);
  const auto flags = http.call({.url = prometheus + "/api/v1/status/flags"});
  REQUIRE(flags);
  CHECK(json::parse(flags->body).at("data").at("rules.alert.resend-delay") == "12s");
  for (const FileChecksum& sum : (*stack)->checksums()) CHECK(sum.source.size() == 64);

  // The toggles take the stack's token and no other.
  const auto toggles =
      http.call({.url = api + "/api/v1/toggles", .headers = {{"Authorization", "Bearer wrong"}}});
  REQUIRE(toggles);
  CHECK(toggles->status == 401);

  REQUIRE((*stack)->signal_service("api", SIGSTOP));
  CHECK(status_of(**stack, "api").state == ServiceState::paused);
  CHECK_FALSE(answers());
  REQUIRE((*stack)->signal_service("api", SIGCONT));
  CHECK(status_of(**stack, "api").state == ServiceState::running);
  CHECK(answers());

  REQUIRE((*stack)->stop_service("api", StopMode::terminate));
  CHECK(status_of(**stack, "api").state == ServiceState::stopped);
  CHECK_FALSE(answers());
  CHECK_FALSE((*stack)->failed());
  CHECK(to_string((*stack)->signal_service("api", SIGTERM).error()) == "api is not running");
  REQUIRE((*stack)->start_service("api"));
  CHECK(answers());
  // What it wrote before and after is in its log, each once.
  const fs::path log = status_of(**stack, "api").log_file;
  CHECK(within(5s, [&] {
    const std::string text = obsctl::core::read_file(log).value();
    std::size_t starts = 0;
    for (std::size_t at = text.find("\"listening\""); at != std::string::npos;
         at = text.find("\"listening\"", at + 1))
      ++starts;
    return starts == 2;
  }));

  // A container that somebody else ends has failed.
  REQUIRE((*stack)->signal_service("blackbox", SIGKILL));
  REQUIRE(within(10s, [&] { return (*stack)->failed().has_value(); }));
  CHECK((*stack)->failed()->service == "blackbox");
  CHECK(to_string((*stack)->failed()->status) == "was killed by SIGKILL");
  REQUIRE((*stack)->start_service("blackbox"));
  CHECK_FALSE((*stack)->failed());

  // Nobody else's project is touched.
  UpOptions again = options;
  again.parent = folder / "elsewhere";
  const auto second = bring_up(http_api(), again, {}, {});
  REQUIRE_FALSE(second);
  CHECK(second.error().message == "there are containers of a project obsctl-broken-and-mended already");

  REQUIRE((*stack)->down());
  CHECK(nothing_left_of(project));
  CHECK_FALSE(fs::exists(folder / "broken-and-mended"));
}

TEST_CASE("an image that cannot be had is an error that names it, and nothing is left") {
  if (!compose_images_are_here()) return;
  const TemporaryDirectory folder;
  const auto stack = bring_up(http_api(),
                              {.instance = "no-image",
                               .parent = folder.path(),
                               .runtime = Runtime::compose,
                               .without = {"grafana"},
                               .environment = {"OBSCTL_BLACKBOX_IMAGE=127.0.0.1:9/nobody/nothing:1"}},
                              {}, {});
  REQUIRE_FALSE(stack);
  CHECK(stack.error().message.starts_with(
      "the image 127.0.0.1:9/nobody/nothing:1 of blackbox is not here and could not "
      "be fetched; podman pull exited with code 125:\n"));
  CHECK(
      stack.error().hint ==
      "name another image by its variable in the compose file, or leave the service out: --without blackbox");
  CHECK(nothing_left_of("obsctl-no-image"));
  CHECK_FALSE(fs::exists(folder / "no-image"));
}

TEST_CASE(
    "a stack in containers that is interrupted on its way up leaves nothing; after a kill the next command "
    "tidies up") {
  if (!compose_images_are_here()) return;
  const TemporaryDirectory home;
  const bool killed = GENERATE(false, true);
  const std::string name = killed ? "killed-early" : "interrupted-early";
  const std::string project = "obsctl-" + name;
  Obsctl up({"stack", "up", "http-api", "--runtime", "compose", "--without", "grafana", "--foreground",
             "--name", name},
            home.path(), "up");
  REQUIRE(within(60s, [&] { return containers_of(project) > 0; }));
  up.signal(killed ? SIGKILL : SIGINT);
  CHECK(up.wait(60s) == (killed ? -SIGKILL : 130));
  if (killed) {
    CHECK(containers_of(project) > 0);
    Obsctl list({"stack", "list"}, home.path(), "list");
    CHECK(list.wait(60s) == 0);
  }
  INFO(up.log());
  CHECK(nothing_left_of(project));
  CHECK_FALSE(fs::exists(home / "obsctl/stacks" / name));
}

TEST_CASE("in containers too, every panel of http-api has data under load") {
  if (!compose_images_are_here()) return;
  const TemporaryDirectory home;
  Obsctl up({"stack", "up", "http-api", "--runtime", "compose", "--without", "grafana", "--time-scale", "0.2",
             "--name", "verified", "--json"},
            home.path(), "up");
  const int came_up = up.wait(120s);
  INFO(up.log());
  REQUIRE(came_up == 0);
  const std::string api = url_in(up.log(), "api");
  Obsctl load({"load", "run", "--rate", "50/s", "--duration", "12s", api + "/api/v1/work?ms=20&jitter=10"},
              home.path(), "load");
  CHECK(load.wait(40s) == 0);
  Obsctl verify({"stack", "verify", "verified"}, home.path(), "verify");
  CHECK(verify.wait(60s) == 0);
  INFO(verify.log());
  CHECK(verify.log().find("ok  panel    http-api: Top routes A") != std::string::npos);
  Obsctl down({"stack", "down", "verified"}, home.path(), "down");
  CHECK(down.wait(60s) == 0);
  CHECK(nothing_left_of("obsctl-verified"));
}

TEST_CASE("a user's compose file becomes a stack by stack new: up, verified, and gone") {
  if (!compose_images_are_here()) return;
  const TemporaryDirectory home;
  const fs::path shop = home / "shop";
  const auto write = [&](const char* path, const char* text) {
    REQUIRE(obsctl::core::write_file(shop / path, text));
  };
  write("compose.yaml", R"yaml(
services:
  shop:
    image: ${OBSCTL_IMAGE}
    command: [serve, service]
    environment: {OBSCTL_SERVICE_LISTEN: "0.0.0.0:8080"}
    ports: ["127.0.0.1:${OBSCTL_SHOP_PORT:-8080}:8080"]
  prometheus:
    image: ${OBSCTL_PROMETHEUS_IMAGE}
    command: [--config.file=/etc/prometheus/prometheus.yml, --storage.tsdb.path=/prometheus]
    ports: ["127.0.0.1:${OBSCTL_PROMETHEUS_PORT:-9090}:9090"]
    volumes: ["./prometheus.yml:/etc/prometheus/prometheus.yml:ro", "./rules:/etc/prometheus/rules:ro"]
  alertmanager:
    image: ${OBSCTL_ALERTMANAGER_IMAGE}
    command: [--config.file=/etc/alertmanager/alertmanager.yml, --storage.path=/alertmanager, --cluster.listen-address=]
    ports: ["127.0.0.1:${OBSCTL_ALERTMANAGER_PORT:-9093}:9093"]
    volumes: ["./alertmanager.yml:/etc/alertmanager/alertmanager.yml:ro"]
)yaml");
  write("prometheus.yml", R"yaml(
global: {scrape_interval: 5s, scrape_timeout: 5s, evaluation_interval: 5s}
rule_files: ["/etc/prometheus/rules/*.yml"]
alerting: {alertmanagers: [{static_configs: [{targets: ["alertmanager:9093"]}]}]}
scrape_configs: [{job_name: shop, static_configs: [{targets: ["shop:8080"]}]}]
)yaml");
  write("rules/shop.yml", "groups: [{name: shop, rules: [{alert: ShopDown, expr: up == 0, for: 10s}]}]\n");
  write("alertmanager.yml", "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n");
  const auto run = [&](std::vector<std::string> arguments, const std::string& name) {
    Obsctl command(std::move(arguments), home.path(), name);
    const int code = command.wait(120s);
    INFO(command.log());
    CHECK(code == 0);
    return command.log();
  };
  run({"stack", "new", (shop / "compose.yaml").string()}, "new");
  run({"stack", "up", shop.string(), "--runtime", "compose", "--time-scale", "0.2"}, "up");
  // The rules that the container reads are the scaled ones.
  obsctl::core::HttpClient http;
  const std::string prometheus = url_in(run({"stack", "status", "shop", "--json"}, "status"), "prometheus");
  const auto rules = http.call({.url = prometheus + "/api/v1/rules"});
  REQUIRE(rules);
  CHECK(json::parse(rules->body).at("data").at("groups").at(0).at("rules").at(0).at("duration") == 2);
  const std::string verified = run({"stack", "verify", "shop", "--stack", shop.string()}, "verify");
  CHECK(verified.find("rule     ShopDown") != std::string::npos);
  CHECK(verified.find("target   shop shop:8080") != std::string::npos);
  run({"stack", "down", "shop"}, "down");
  CHECK(nothing_left_of("obsctl-shop"));
}

TEST_CASE("every scenario passes in containers as it does natively") {
  if (!compose_images_are_here()) return;
  const TemporaryDirectory home;
  // Two at a time: more would shift each other's times on two cores.
  const std::vector<std::vector<std::string>> pairs{{"error-spike", "latency-spike"},
                                                    {"instance-down", "readiness-flap"},
                                                    {"probe-fail", "dependency-cascade"}};
  for (const auto& scenarios : pairs) {
    std::vector<Obsctl> runs;
    for (const std::string& scenario : scenarios) {
      runs.emplace_back(std::vector<std::string>{"scenario", "run", "http-api/" + scenario, "--runtime",
                                                 "compose", "--without", "grafana", "--time-scale", "0.2"},
                        home.path(), scenario);
    }
    for (std::size_t i = 0; i < runs.size(); ++i) {
      CHECK(runs[i].wait(200s) == 0);
      INFO(runs[i].log());
      CHECK(runs[i].log().find("PASSED http-api/" + scenarios[i]) != std::string::npos);
    }
  }
  std::size_t started = 0;
  for (const auto& scenarios : pairs) started += scenarios.size();
  std::size_t in_containers = 0;
  for (const auto& run : fs::directory_iterator(home / "obsctl/runs")) {
    const auto journal = obsctl::core::read_file(run.path() / "journal.json");
    REQUIRE(journal);
    if (journal->find("localhost/obsctl-ci/prometheus:bookworm") != std::string::npos) ++in_containers;
  }
  CHECK(in_containers == started);
}
