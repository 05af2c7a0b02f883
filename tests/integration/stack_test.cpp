// Stacks with the real programs: Prometheus, Alertmanager, the exporters and obsctl itself.
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <signal.h>

#include "core/file.hpp"
#include "core/http_client.hpp"
#include "core/process.hpp"
#include "stacks/control_protocol.hpp"
#include "stacks/manifest.hpp"
#include "stacks/native_runtime.hpp"
#include "stacks/supervisor.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/obsctl_binary.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace std::chrono_literals;
using namespace obsctl::stacks;
using nlohmann::json;
using obsctl::core::ChildProcess;
using obsctl::core::ErrorKind;
using obsctl::core::to_string;
using obsctl::core::write_file;
using obsctl::tests::obsctl_binary;
using obsctl::tests::TemporaryDirectory;
namespace fs = std::filesystem;

namespace {

/// Whether the programs of the bundled stack are here. In CI they have to be.
bool programs_are_here() {
  static const bool here = [] {
    const auto manifest = read_manifest("stacks/http-api");
    REQUIRE(manifest.has_value());
    std::string missing;
    for (const Service& service : manifest->services) {
      if (!service.programs.empty() && !obsctl::core::find_program(service.programs))
        missing += " " + service.package;
    }
    if (!missing.empty()) WARN("skipped: not installed:" + missing);
    return missing.empty();
  }();
  const char* ci = std::getenv("CI");
  if (!here && ci != nullptr && std::string_view(ci) == "true") FAIL("a program is missing and CI=true");
  return here;
}

/// Gone, or dead and only waiting for the machine's init to reap it.
bool has_ended(pid_t pid) {
  std::ifstream stat(fmt::format("/proc/{}/stat", pid));
  std::string text;
  std::getline(stat, text);
  const std::size_t end = text.rfind(')');
  return end == std::string::npos || text.at(end + 2) == 'Z' || text.at(end + 2) == 'X';
}

template <class Condition>
bool within(std::chrono::milliseconds time, Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

std::vector<ServiceStatus> services_of(Stack& stack) {
  auto services = stack.status();
  REQUIRE(services);
  return std::move(*services);
}

std::vector<pid_t> pids_of(Stack& stack) {
  std::vector<pid_t> pids;
  for (const ServiceStatus& service : services_of(stack)) {
    if (service.pid != 0) pids.push_back(service.pid);
  }
  return pids;
}

bool all_ended(const std::vector<pid_t>& pids) {
  for (const pid_t pid : pids) {
    if (!has_ended(pid)) return false;
  }
  return true;
}

/// What is left in a folder of running stacks, other than its own lock.
std::vector<std::string> left_in(const fs::path& runs) {
  std::vector<std::string> names;
  std::error_code none;  // a folder that was never made
  for (const auto& entry : fs::directory_iterator(runs, none)) {
    if (entry.path().filename() != ".lock") names.push_back(entry.path().filename().string());
  }
  return names;
}

json get(const std::string& url) {
  obsctl::core::HttpClient http;
  const auto reply = http.call({.url = url, .timeout = 5s});
  REQUIRE(reply);
  return json::parse(reply->body, nullptr, false);
}

ServiceState state_of(Stack& stack, const std::string& name) {
  for (const ServiceStatus& service : services_of(stack)) {
    if (service.name == name) return service.state;
  }
  FAIL("no service " + name);
  return ServiceState::failed;
}

/// A stack that is up at once: two receivers.
constexpr const char* kQuickStack = R"(schema = 1
name = "quick"
[service.one]
address = "one:80"
arguments = ["serve", "receiver", "--listen", "{listen}"]
ready = "/healthz"
[service.two]
address = "two:80"
arguments = ["serve", "receiver", "--listen", "{listen}"]
ready = "tcp"
)";

struct Folders {
  TemporaryDirectory folder;
  fs::path stack = folder / "stack";
  fs::path runs = folder / "runs";

  explicit Folders(const std::string& stack_toml) {
    ::setenv("OBSCTL_BINARY", obsctl_binary().c_str(), 1);
    REQUIRE(write_file(stack / "stack.toml", stack_toml));
  }
  /// A copy of the bundled stack, to be broken.
  Folders() : Folders("") {
    fs::copy("stacks/http-api", stack, fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  }

  Manifest manifest() const {
    auto read = read_manifest(stack);
    REQUIRE(read.has_value());
    return *read;
  }
  UpOptions options(double time_scale = 1.0, std::string instance = {}) const {
    return {.time_scale = time_scale, .instance = std::move(instance), .parent = runs};
  }
};

obsctl::core::Result<std::unique_ptr<Stack>> up(const Folders& folders, double time_scale = 1.0) {
  return up_native(folders.manifest(), folders.options(time_scale), {}, {});
}

}  // namespace

TEST_CASE("the bundled stack comes up from cold, complete, and goes down without a trace") {
  if (!programs_are_here()) return;
  const Folders folders;
  std::vector<Progress> steps;
  const auto begin = std::chrono::steady_clock::now();
  auto stack =
      up_native(folders.manifest(), folders.options(0.2), [&](const Progress& p) { steps.push_back(p); }, {});
  REQUIRE(stack);
  const auto took = std::chrono::steady_clock::now() - begin;
  CHECK(took < 20s);
  WARN("cold start at time scale 0.2: " << obsctl::core::format_rounded(took));
  CHECK(steps.back().kind == Progress::Kind::ready);

  const std::string prometheus = (*stack)->endpoint("prometheus").value();
  const json targets = get(prometheus + "/api/v1/targets")["data"]["activeTargets"];
  CHECK(targets.size() == 6);
  for (const json& target : targets) {
    CHECK(target["health"] == "up");
    CHECK(target["scrapeInterval"] == "1s");
  }
  CHECK(get(prometheus + "/api/v1/alertmanagers")["data"]["activeAlertmanagers"].size() == 1);
  const json flags = get(prometheus + "/api/v1/status/flags")["data"];
  CHECK(flags["rules.alert.resend-delay"] == "12s");
  CHECK(flags["query.lookback-delta"] == "1m");
  const json groups = get(prometheus + "/api/v1/rules")["data"]["groups"];
  REQUIRE(groups.size() == 1);
  CHECK(groups[0]["interval"] == 1.0);
  std::map<std::string, double> holds;
  for (const json& rule : groups[0]["rules"]) holds[rule["name"]] = rule["duration"];
  CHECK(holds == std::map<std::string, double>{{"InstanceDown", 3},
                                               {"HighErrorRate", 6},
                                               {"CircuitBreakerOpen", 3},
                                               {"HighLatencyP95", 6},
                                               {"UptimeProbeFail", 6}});

  CHECK_THAT((*stack)->versions().at("prometheus"), Catch::Matchers::StartsWith("prometheus, version "));
  CHECK_THAT((*stack)->versions().at("alertmanager"), Catch::Matchers::StartsWith("alertmanager, version "));
  bool rules_are_named = false;
  for (const FileChecksum& sum : (*stack)->checksums()) {
    if (sum.path == "prometheus/alerts.yml")
      rules_are_named = sum.kind == "rules" && sum.source != sum.rendered;
  }
  CHECK(rules_are_named);
  CHECK((*stack)->notes().empty());
  CHECK((*stack)->token().size() == 32);
  CHECK_FALSE((*stack)->failed());

  const std::vector<pid_t> pids = pids_of(**stack);
  CHECK(pids.size() == 6);
  CHECK((fs::status((*stack)->run_directory()).permissions() & fs::perms::mask) == fs::perms::owner_all);
  REQUIRE((*stack)->down());
  CHECK(all_ended(pids));
  CHECK(left_in(folders.runs).empty());
  CHECK((*stack)->down());
}

TEST_CASE("three stacks start at once and do not disturb each other") {
  if (!programs_are_here()) return;
  const Folders folders;
  const std::vector<std::string> names{"first", "second", "third"};
  std::vector<ChildProcess> starts;
  for (const std::string& name : names) {
    auto start =
        ChildProcess::start({.argv = {obsctl_binary().string(), "stack", "up", folders.stack.string(),
                                      "--name", name, "--time-scale", "0.2", "--runs", folders.runs.string()},
                             .log_file = folders.folder / (name + ".log")});
    REQUIRE(start);
    starts.push_back(std::move(*start));
  }
  for (std::size_t i = 0; i < starts.size(); ++i) {
    REQUIRE(within(60s, [&] { return starts[i].poll().has_value(); }));
    INFO(obsctl::core::tail_of_file(folders.folder / (names[i] + ".log"), 20));
    CHECK(starts[i].poll()->ok());
  }
  std::set<std::string> urls;
  std::vector<pid_t> pids;
  for (const std::string& name : names) {
    auto stack = attach(name, folders.runs);
    REQUIRE(stack);
    const std::string api = (*stack)->endpoint("api").value();
    for (const ServiceStatus& service : services_of(**stack)) {
      urls.insert(service.url);
      pids.push_back(service.pid);
    }
    bool scrapes_its_own = false;
    const json targets =
        get((*stack)->endpoint("prometheus").value() + "/api/v1/targets")["data"]["activeTargets"];
    for (const json& target : targets) {
      if (target["labels"]["job"] == "api") scrapes_its_own = target["scrapeUrl"] == api + "/metrics";
    }
    CHECK(scrapes_its_own);
  }
  CHECK(urls.size() == 18);
  CHECK(running_stacks(folders.runs).size() == 3);
  for (const std::string& name : names) CHECK((*attach(name, folders.runs))->down());
  CHECK(within(5s, [&] { return all_ended(pids); }));
  CHECK(left_in(folders.runs).empty());
}

TEST_CASE("missing programs are one error that names them all and how to get them") {
  const Folders folders;
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", "/nonexistent", 1);
  const auto stack = up(folders);
  ::setenv("PATH", path.c_str(), 1);
  if (stack) {
    WARN("skipped: the programs are in /usr/sbin or /usr/local");
    return;
  }
  CHECK(stack.error().kind == ErrorKind::unavailable);
  CHECK(to_string(stack.error()) ==
        "programs of the stack http-api are not installed: prometheus (prometheus), alertmanager "
        "(prometheus-alertmanager or alertmanager), node-exporter (prometheus-node-exporter or "
        "node_exporter), blackbox "
        "(prometheus-blackbox-exporter or blackbox_exporter)\n"
        "  hint: on Debian and Ubuntu: sudo apt-get install prometheus prometheus-alertmanager "
        "prometheus-blackbox-exporter prometheus-node-exporter; elsewhere put them in PATH (/nonexistent)");
  CHECK_FALSE(fs::exists(folders.runs / "http-api"));
}

TEST_CASE("a mistake in a configuration is one error with the checker's own lines") {
  if (!programs_are_here()) return;
  const Folders folders;
  SECTION("an expression that is no PromQL") {
    REQUIRE(
        write_file(folders.stack / "prometheus/alerts.yml",
                   "groups:\n  - name: g\n    rules:\n      - alert: A\n        expr: sum(rate(a[5m])\n"));
    const auto stack = up(folders);
    REQUIRE_FALSE(stack);
    CHECK(stack.error().kind == ErrorKind::unavailable);
    const std::string text = to_string(stack.error());
    CAPTURE(text);
    CHECK_THAT(text, Catch::Matchers::StartsWith(
                         "prometheus exited with code 1 while it was starting:\n    Checking " +
                         (folders.stack / "prometheus/prometheus.yml").string() + "\n"));
    CHECK_THAT(text, Catch::Matchers::Contains((folders.stack / "prometheus/alerts.yml").string()));
    CHECK_THAT(text, Catch::Matchers::Contains("could not parse expression"));
    CHECK_THAT(text, Catch::Matchers::EndsWith("hint: mend the configuration that prometheus reads"));
    CHECK_THAT(text, !Catch::Matchers::Contains(folders.runs.string()));
  }
  SECTION("a route to a receiver that is not there") {
    const fs::path file = folders.stack / "alertmanager/alertmanager.yml";
    std::string text = *obsctl::core::read_file(file);
    text.replace(text.find("receiver: discord"), 17, "receiver: discard");
    REQUIRE(write_file(file, text));
    const auto stack = up(folders);
    REQUIRE_FALSE(stack);
    CHECK_THAT(to_string(stack.error()),
               Catch::Matchers::StartsWith("alertmanager exited with code 1 while"));
    CHECK_THAT(to_string(stack.error()), Catch::Matchers::Contains("undefined receiver \"discard\""));
  }
  SECTION("YAML that is none, before anything starts") {
    REQUIRE(write_file(folders.stack / "prometheus/prometheus.yml", "global: [\n"));
    const auto stack = up(folders);
    REQUIRE_FALSE(stack);
    CHECK_THAT(to_string(stack.error()),
               Catch::Matchers::StartsWith((folders.stack / "prometheus/prometheus.yml").string() +
                                           ":2:1: not valid YAML"));
  }
  CHECK(left_in(folders.runs).empty());
}

TEST_CASE("a service that ends while starting is told with its last lines") {
  const Folders folders(std::string(kQuickStack) + R"([service.broken]
address = "broken:1"
program = "sh"
arguments = ["-c", "echo first; echo cannot open the pod bay doors >&2; exit 3"]
ready = "tcp"
)");
  const auto stack = up(folders);
  REQUIRE_FALSE(stack);
  CHECK(to_string(stack.error()) ==
        "broken exited with code 3 while it was starting:\n    first\n    cannot open the pod bay doors");
  CHECK(left_in(folders.runs).empty());
}

TEST_CASE("a stack that is not ready in time says what is missing") {
  const Folders folders(std::string(kQuickStack) + R"([service.idle]
address = "idle:1"
program = "sleep"
arguments = ["60"]
ready = "tcp"
)");
  UpOptions options = folders.options();
  options.ready_within = 2s;
  const auto stack = up_native(folders.manifest(), options, {}, {});
  REQUIRE_FALSE(stack);
  CHECK(stack.error().kind == ErrorKind::timeout);
  CHECK(stack.error().message ==
        "the stack quick was not ready within 2.00s: idle is not ready (it does not accept connections)");
  CHECK(left_in(folders.runs).empty());
}

TEST_CASE("a stack that is stopped while it starts leaves nothing") {
  const Folders folders(std::string(kQuickStack) + R"([service.idle]
address = "idle:1"
program = "sleep"
arguments = ["60"]
ready = "tcp"
)");
  std::stop_source stop;
  std::thread presser([&] {
    std::this_thread::sleep_for(200ms);
    stop.request_stop();
  });
  const bool detached = GENERATE(false, true);
  const auto stack = detached ? up_detached(folders.manifest(), folders.options(), {}, stop.get_token())
                              : up_native(folders.manifest(), folders.options(), {}, stop.get_token());
  presser.join();
  REQUIRE_FALSE(stack);
  CHECK(stack.error().kind == ErrorKind::cancelled);
  CHECK(left_in(folders.runs).empty());
}

TEST_CASE("a detached stack is attached to, asked, broken, mended and taken down") {
  const Folders folders(kQuickStack);
  const auto started = up_detached(folders.manifest(), folders.options(), {}, {});
  REQUIRE(started);
  CHECK((*started)->instance() == "quick");
  auto stack = attach("quick", folders.runs);
  REQUIRE(stack);
  const std::string url = (*stack)->endpoint("one").value();
  CHECK(url == (*started)->endpoint("one").value());
  CHECK((*stack)->token() == (*started)->token());
  CHECK(state_of(**stack, "one") == ServiceState::running);

  SECTION("a service is stopped and starts again on its port") {
    const StopMode mode = GENERATE(StopMode::kill, StopMode::terminate);
    const std::vector<pid_t> before = pids_of(**stack);
    REQUIRE((*stack)->stop_service("one", mode));
    CHECK(state_of(**stack, "one") == ServiceState::stopped);
    CHECK(has_ended(before[0]));
    CHECK_FALSE((*stack)->failed());
    CHECK(to_string((*stack)->signal_service("one", SIGTERM).error()) == "one is not running");
    REQUIRE((*stack)->start_service("one"));
    CHECK(state_of(**stack, "one") == ServiceState::running);
    CHECK((*stack)->endpoint("one").value() == url);
    obsctl::core::HttpClient http;
    CHECK(http.call({.url = url + "/healthz"})->status == 200);
    CHECK((*stack)->start_service("one"));
  }
  SECTION("a service is paused and goes on") {
    REQUIRE((*stack)->signal_service("two", SIGSTOP));
    CHECK(state_of(**stack, "two") == ServiceState::paused);
    REQUIRE((*stack)->signal_service("two", SIGCONT));
    CHECK(state_of(**stack, "two") == ServiceState::running);
  }
  SECTION("a service that ends by itself is seen, and can be started again") {
    REQUIRE(::kill(pids_of(**stack)[1], SIGKILL) == 0);
    REQUIRE(within(5s, [&] { return (*stack)->failed().has_value(); }));
    const auto failure = (*stack)->failed();
    CHECK(failure->service == "two");
    CHECK(to_string(failure->status) == "was killed by SIGKILL");
    CHECK(state_of(**stack, "two") == ServiceState::failed);
    CHECK_THAT(to_string(to_error(*failure)), Catch::Matchers::StartsWith("two was killed by SIGKILL"));
    REQUIRE((*stack)->start_service("two"));
    CHECK_FALSE((*stack)->failed());
  }
  SECTION("a service that is not there is an error with the nearest name") {
    CHECK(to_string((*stack)->stop_service("tow", StopMode::kill).error()) ==
          "the stack quick has no service \"tow\" (did you mean \"two\"?)\n  hint: it has one, two");
    CHECK((*stack)->endpoint("tow").error().kind == ErrorKind::not_found);
  }
  SECTION("up twice is told") {
    const auto again = up_detached(folders.manifest(), folders.options(), {}, {});
    REQUIRE_FALSE(again);
    CHECK(to_string(again.error()) ==
          "a stack called quick is already up\n  hint: obsctl stack status quick shows it, obsctl stack down "
          "quick ends "
          "it, and --name starts another beside it");
  }
  SECTION("a stranger without the token is refused") {
    const auto file = read_stack_file(*obsctl::core::read_file((*stack)->run_directory() / "stack.json"));
    REQUIRE(file);
    obsctl::core::HttpClient http;
    CHECK(http.call({.url = file->control_url + "/v1/status"})->status == 401);
    CHECK(http.call({.method = "POST", .url = file->control_url + "/v1/down"})->status == 401);
    CHECK((fs::status((*stack)->run_directory() / "stack.json").permissions() & fs::perms::mask) ==
          (fs::perms::owner_read | fs::perms::owner_write));
  }
  const std::vector<pid_t> pids = pids_of(**stack);
  CHECK(pids.size() == 2);
  REQUIRE((*stack)->down());
  CHECK(all_ended(pids));
  CHECK(left_in(folders.runs).empty());
  CHECK((*stack)->down());
  const auto gone = (*started)->failed();
  REQUIRE(gone);
  CHECK(gone->service == "supervisor");
  CHECK(to_string(attach("quick", folders.runs).error()) ==
        "no stack called quick is up\n  hint: none is; obsctl stack up NAME starts one");
}

TEST_CASE("kill -9 of the supervisor leaves no process, and the next look leaves no file") {
  const Folders folders(kQuickStack);
  auto stack = up_detached(folders.manifest(), folders.options(), {}, {});
  REQUIRE(stack);
  const std::vector<pid_t> pids = pids_of(**stack);
  const auto running = running_stacks(folders.runs);
  REQUIRE(running.size() == 1);
  CHECK(pids.size() == 2);
  REQUIRE(::kill(running.front().supervisor, SIGKILL) == 0);
  CHECK(within(5s, [&] { return all_ended(pids); }));
  CHECK(within(5s, [&] { return has_ended(running.front().supervisor); }));
  const auto gone = (*stack)->failed();
  REQUIRE(gone);
  CHECK(gone->service == "supervisor");
  CHECK((*stack)->status().error().kind == ErrorKind::unavailable);
  CHECK(running_stacks(folders.runs).empty());
  CHECK(left_in(folders.runs).empty());
}

TEST_CASE("the rules of the bundled stack pass their own tests") {
  if (!programs_are_here()) return;
  const auto promtool = obsctl::core::find_program({"promtool"});
  const auto amtool = obsctl::core::find_program({"amtool"});
  REQUIRE(promtool);
  REQUIRE(amtool);
  const auto [program, arguments] = GENERATE_COPY(table<fs::path, std::vector<std::string>>(
      {{*promtool, {"check", "config", "stacks/http-api/prometheus/prometheus.yml"}},
       {*promtool, {"check", "rules", "stacks/http-api/prometheus/alerts.yml"}},
       {*promtool, {"test", "rules", "stacks/http-api/prometheus/alerts_test.yml"}},
       {*amtool, {"check-config", "stacks/http-api/alertmanager/alertmanager.yml"}}}));
  std::vector<std::string> command{program.string()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const auto output = obsctl::core::run_command({.argv = command}, 30s);
  REQUIRE(output);
  INFO(output->text);
  CHECK(output->status.ok());
}

TEST_CASE("every alert has a severity, a runbook page and words for people") {
  const auto rules = obsctl::core::read_file("stacks/http-api/prometheus/alerts.yml");
  REQUIRE(rules);
  int alerts = 0;
  for (std::size_t at = rules->find("- alert: "); at != std::string::npos;
       at = rules->find("- alert: ", at + 1)) {
    const std::string name = rules->substr(at + 9, rules->find('\n', at) - at - 9);
    const std::string rule = rules->substr(at, rules->find("- alert: ", at + 1) - at);
    CAPTURE(name);
    ++alerts;
    CHECK_THAT(rule, Catch::Matchers::Contains("severity: "));
    CHECK_THAT(rule, Catch::Matchers::Contains("summary: "));
    CHECK_THAT(rule, Catch::Matchers::Contains("description: "));
    CHECK_THAT(rule, Catch::Matchers::Contains("docs/how-to/runbooks/" + name + ".md"));
    CHECK(fs::exists("docs/how-to/runbooks/" + name + ".md"));
  }
  CHECK(alerts == 5);
}
