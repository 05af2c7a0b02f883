// Reading a scenario: every key arrives in its field, every default is what docs/reference/scenario.md says,
// and one file read through and through. What is refused is in scenario_mistakes_test.cpp.
#include "scenarios/scenario.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/unit/scenarios/scenario_text.hpp"

using namespace std::chrono_literals;
using namespace obsctl::scenarios;
using obsctl::tests::errors_of;
using obsctl::tests::scenario_of;

namespace {

constexpr const char* kComplete = R"toml(schema = 1
title = "A burst of 5xx pages the on-call"
description = "Thirty percent of the requests fail."
stack = "http-api"

[target.shadow]
url = "http://127.0.0.1:9000/base"
token_env = "SHADOW_TOKEN"

[load.browse]
target = "api"
rate = "90/m"
until = "cleared"
timeout = "2s"
max_in_flight = 50
requests = [
  { path = "/api/v1/ping", weight = 8 },
  { name = "work", method = "POST", path = "/work?ms=20", headers = { Accept = "text/plain" }, body = "x", weight = 2 },
]

[load.aside]
target = "shadow"
rate = "1/s"

[[steady_state]]
name = "few errors"
query = "sum(rate(errors[30s]))"
tolerance = { below = 0.01, at_least = 0 }
on_no_data = "fail"
within = "45s"

[[fault]]
name = "errors"
target = "api"
kind = "error-rate"
rate = 0.3
status = 500
routes = ["/api/v1/*", "/other"]
start = "10s"
stop = "firing"
max_duration = "4m"
confirm = { error_ratio = { at_least = 0.25, below = 1 }, within = "20s" }

[[fault]]
name = "slow"
target = "api"
kind = "latency"
rate = 0.5
delay = "400ms"
jitter = "100ms"
routes = "/api/v1/work"
stop = "90s"
confirm = { response_p95 = { above = "250ms" } }

[[fault]]
name = "unready"
target = "api"
kind = "readiness"
stop = "1m"
confirm = { http = { path = "/readyz", status = 503 } }

[[expect.alert]]
name = "HighErrorRate"
caused_by = "errors"
labels = { severity = "critical", team = "a" }
within = { pending = "20s", firing = "auto", inactive = "2m" }

[[expect.notification]]
alert = "HighErrorRate"
receiver = "slack"
caused_by = "slow"
within = { firing = "30s", resolved = "auto" }
count = { firing = 1, resolved = 2 }
labels = { severity = "critical" }
annotations = { summary = "^api" }
group = { alertname = "HighErrorRate" }
body = [ { jsonpath = "$.attachments[0].title", matches = "High.*Rate" } ]

[[expect.query]]
name = "counted"
query = "faults_injected_total"
tolerance = { above = 0 }
caused_by = "slow"
within = "12s"

[[expect.suppressed]]
alert = "HighLatencyP95"
by = "silence"
caused_by = "slow"
within = "3m"

[expect.nothing_else]
watch = "15s"
allow = [ { alertname = "Watchdog*", labels = { severity = "none" } } ]
known = [ { alertname = "DiskSlow", until = "2027-01-31", issue = "OPS-12" } ]

[[threshold]]
load = "browse"
metric = "response_p99"
when = "before-fault"
below = "300ms"

[[threshold]]
load = "browse"
metric = "error_ratio"
at_most = 0.5

[[abort]]
query = 'up{job="api"} == 0'
for = "30s"
)toml";

}  // namespace

TEST_CASE("every key of a scenario arrives in its field") {
  CHECK(errors_of(kComplete).empty());
  const ScenarioFile file = read_scenario(kComplete, "/x/demo.toml", "http-api/demo");
  const Scenario& scenario = file.scenario;

  SECTION("the head") {
    CHECK(file.text == kComplete);
    CHECK(scenario.file == "/x/demo.toml");
    CHECK(scenario.id == "http-api/demo");
    CHECK(scenario.title == "A burst of 5xx pages the on-call");
    CHECK(scenario.description == "Thirty percent of the requests fail.");
    CHECK(scenario.stack == "http-api");
    REQUIRE(scenario.targets.size() == 1);
    CHECK(scenario.targets.at("shadow").url == "http://127.0.0.1:9000/base");
    CHECK(scenario.targets.at("shadow").token_env == "SHADOW_TOKEN");
  }
  SECTION("loads, in the file's order") {
    REQUIRE(scenario.loads.size() == 2);
    const Load& load = scenario.loads[0];
    CHECK(load.name == "browse");
    CHECK(load.target == "api");
    CHECK(load.plan.arrivals.rate == obsctl::core::Rate{90, 1min});
    CHECK(load.plan.request_timeout == 2s);
    CHECK(load.plan.max_in_flight == 50);
    REQUIRE(load.plan.mix.size() == 2);
    CHECK(load.plan.mix[0].name == "GET /api/v1/ping");
    CHECK(load.plan.mix[0].method == "GET");
    CHECK(load.plan.mix[0].path == "/api/v1/ping");
    CHECK(load.plan.mix[0].weight == 8);
    CHECK(load.plan.mix[1].name == "work");
    CHECK(load.plan.mix[1].method == "POST");
    CHECK(load.plan.mix[1].path == "/work?ms=20");
    CHECK(load.plan.mix[1].headers.at(0).name == "Accept");
    CHECK(load.plan.mix[1].headers.at(0).value == "text/plain");
    CHECK(load.plan.mix[1].body == "x");
    CHECK(load.plan.mix[1].weight == 2);
    CHECK(scenario.loads[1].name == "aside");
    CHECK(scenario.loads[1].target == "shadow");
  }
  SECTION("steady states and abort conditions") {
    REQUIRE(scenario.steady_states.size() == 1);
    const SteadyState& state = scenario.steady_states[0];
    CHECK(state.name == "few errors");
    CHECK(state.query == "sum(rate(errors[30s]))");
    CHECK(state.tolerance.below == 0.01);
    CHECK(state.tolerance.at_least == 0.0);
    CHECK(!state.tolerance.at_most);
    CHECK(!state.tolerance.above);
    CHECK(!state.tolerance.equals);
    CHECK(state.on_no_data == OnNoData::fail);
    CHECK(state.within == 45s);
    REQUIRE(scenario.aborts.size() == 1);
    CHECK(scenario.aborts[0].query == "up{job=\"api\"} == 0");
    CHECK(scenario.aborts[0].hold == 30s);
  }
  SECTION("faults") {
    REQUIRE(scenario.faults.size() == 3);
    const FaultSpec& errors = scenario.faults[0];
    CHECK(errors.name == "errors");
    CHECK(errors.target == "api");
    CHECK(errors.kind == "error-rate");
    CHECK(errors.parameters ==
          Json::parse(R"({"rate": 0.3, "routes": ["/api/v1/*", "/other"], "status": 500})"));
    CHECK(errors.effect.failing == 0.3);
    CHECK(errors.effect.status == 500);
    CHECK_FALSE(errors.effect.everywhere);
    CHECK(errors.start == 10s);
    CHECK(errors.stop == StopWhen::firing);
    CHECK(errors.max_duration == 4min);
    REQUIRE(errors.confirm);
    CHECK(errors.confirm->metric == "error_ratio");
    CHECK(errors.confirm->bounds.at_least == 0.25);
    CHECK(errors.confirm->bounds.below == 1.0);
    CHECK(errors.confirm->path.empty());
    CHECK(errors.confirm->within == 20s);

    const FaultSpec& slow = scenario.faults[1];
    CHECK(slow.kind == "latency");
    CHECK(slow.parameters ==
          Json::parse(R"({"rate": 0.5, "routes": ["/api/v1/work"], "delay": "400ms", "jitter": "100ms"})"));
    CHECK(slow.effect.delayed == 0.5);
    CHECK(slow.effect.delay == 300ms);
    CHECK(slow.stop == StopWhen::after);
    CHECK(slow.stop_after == 90s);
    REQUIRE(slow.confirm);
    CHECK(slow.confirm->metric == "response_p95");
    CHECK(slow.confirm->bounds.above == 0.25);  // seconds

    REQUIRE(scenario.faults[2].confirm);
    CHECK(scenario.faults[2].kind == "readiness");
    CHECK(scenario.faults[2].confirm->metric.empty());
    CHECK(scenario.faults[2].confirm->path == "/readyz");
    CHECK(scenario.faults[2].confirm->status == 503);

    CHECK(scenario.fault("slow") == &slow);
    CHECK(scenario.fault("unknown") == nullptr);
  }
  SECTION("the expected alert and its notification") {
    REQUIRE(scenario.alerts.size() == 1);
    const AlertExpectation& alert = scenario.alerts[0];
    CHECK(alert.name == "HighErrorRate");
    CHECK(alert.caused_by == "errors");
    CHECK(alert.labels == Labels{{"severity", "critical"}, {"team", "a"}});
    CHECK(alert.pending.expected);
    CHECK(!alert.pending.automatic);
    CHECK(alert.pending.limit == 20s);
    CHECK(alert.firing.expected);
    CHECK(alert.firing.automatic);
    CHECK(alert.inactive.expected);
    CHECK(!alert.inactive.automatic);
    CHECK(alert.inactive.limit == 2min);

    REQUIRE(scenario.notifications.size() == 1);
    const NotificationExpectation& notification = scenario.notifications[0];
    CHECK(notification.alert == "HighErrorRate");
    CHECK(notification.receiver == "slack");
    CHECK(notification.caused_by == "slow");
    CHECK(notification.firing.limit == 30s);
    CHECK(!notification.firing.automatic);
    CHECK(notification.resolved.automatic);
    CHECK(notification.firing_count == 1);
    CHECK(notification.resolved_count == 2);
    REQUIRE(notification.content.body.size() == 1);
    CHECK(notification.content.body[0].jsonpath == "$.attachments[0].title");
    CHECK(notification.content.body[0].matches == "High.*Rate");
    CHECK(notification.content.labels == Labels{{"severity", "critical"}});
    CHECK(notification.content.annotations == Labels{{"summary", "^api"}});
    CHECK(notification.content.group == Labels{{"alertname", "HighErrorRate"}});
  }
  SECTION("the other expectations") {
    REQUIRE(scenario.queries.size() == 1);
    CHECK(scenario.queries[0].name == "counted");
    CHECK(scenario.queries[0].query == "faults_injected_total");
    CHECK(scenario.queries[0].tolerance.above == 0.0);
    CHECK(scenario.queries[0].caused_by == "slow");
    CHECK(scenario.queries[0].within == 12s);
    REQUIRE(scenario.suppressions.size() == 1);
    CHECK(scenario.suppressions[0].alert == "HighLatencyP95");
    CHECK(scenario.suppressions[0].by == "silence");
    CHECK(scenario.suppressions[0].caused_by == "slow");
    CHECK(scenario.suppressions[0].within == 3min);
    REQUIRE(scenario.nothing_else);
    CHECK(scenario.nothing_else->watch == Nanoseconds(15s));
    REQUIRE(scenario.nothing_else->allow.size() == 2);
    const AllowedAlert& allowed = scenario.nothing_else->allow[0];
    CHECK(allowed.alertname == "Watchdog*");
    CHECK(allowed.labels == Labels{{"severity", "none"}});
    CHECK(allowed.until.empty());
    const AllowedAlert& known = scenario.nothing_else->allow[1];
    CHECK(known.alertname == "DiskSlow");
    CHECK(known.until == "2027-01-31");
    CHECK(known.issue == "OPS-12");
  }
  SECTION("thresholds") {
    REQUIRE(scenario.thresholds.size() == 2);
    CHECK(scenario.thresholds[0].load == "browse");
    CHECK(scenario.thresholds[0].metric == "response_p99");
    CHECK(scenario.thresholds[0].phase == "before-fault");
    CHECK(scenario.thresholds[0].bounds.below == 0.3);  // seconds
    CHECK(scenario.thresholds[1].metric == "error_ratio");
    CHECK(scenario.thresholds[1].phase == "whole");
    CHECK(scenario.thresholds[1].bounds.at_most == 0.5);
  }
}

TEST_CASE("a load of a scenario is the plan of a load on the command line") {
  namespace loadgen = obsctl::loadgen;
  const obsctl::tests::TemporaryDirectory folder;
  REQUIRE(obsctl::core::write_file(folder / "users.csv", "user,item\nann,7\nbob,8\n"));
  REQUIRE(obsctl::core::write_file(folder / "order.json", "{\"item\": {{item}}}"));
  const ScenarioFile file = read_scenario(R"(schema = 1
title = "t"
stack = "http-api"
[load.a]
target = "api"
rate = "5/s"
stages = ["500/s:30s", "=200/s:1m"]
poisson = true
pacing = "coalesce"
threads = 2
seed = 7
headers = { Accept = "text/plain" }
feed = "users.csv"
feed_order = "shuffled"
expect = { status = [200, 204], header = "Content-Type: json", time = "300ms" }
connect_timeout = "1s"
max_connections = 20
connections = 5
keep_alive = false
overload = "shed-after=500ms"
connect_to = "127.0.0.1:81"
ipv4 = true
http2 = true
cacert = "ca.pem"
cert = "/etc/me.pem"
sni = "api.example"
insecure = true
requests = [
  { path = "/{{user}}" },
  { path = "/buy", method = "POST", body_file = "order.json", expect = { body = ["ok"], json = ["/a", "/b=1"], size = "10..20" } },
]
[load.b]
target = "api"
rate = "100/s"
sine = "50/s:1m"
unix = "/run/api.socket"
ipv6 = true
pacing = "precise"
overload = "drop"
[expect.nothing_else]
)",
                                          (folder / "s.toml").string(), "s");
  for (const auto& error : file.errors) UNSCOPED_INFO(to_string(error));
  REQUIRE(file.errors.empty());
  const loadgen::LoadPlan& a = file.scenario.loads.at(0).plan;
  REQUIRE(a.arrivals.stages.size() == 2);
  CHECK(a.arrivals.stages[0].rate == obsctl::core::Rate{500, 1s});
  CHECK(a.arrivals.stages[0].duration == 30s);
  CHECK_FALSE(a.arrivals.stages[0].hold);
  CHECK(a.arrivals.stages[1].hold);
  CHECK(a.arrivals.endless);
  CHECK(a.arrivals.poisson);
  CHECK(a.pacing == loadgen::Pacing::coalesce);
  CHECK(a.threads == 2);
  CHECK(a.seed == 7);
  CHECK(a.headers.at(0).name == "Accept");
  REQUIRE(a.feeder);
  CHECK(a.feeder->columns == std::vector<std::string>{"user", "item"});
  CHECK(a.feeder->order == loadgen::Feeder::Order::shuffled);
  CHECK(a.connect_timeout == 1s);
  CHECK(a.max_connections == 20);
  CHECK(a.initial_connections == 5);
  CHECK_FALSE(a.keep_alive);
  CHECK(a.overload == loadgen::Overload::shed_after);
  CHECK(a.shed_after == 500ms);
  CHECK(a.connect_to == "127.0.0.1:81");
  CHECK(a.address_family == 4);
  CHECK(a.version == loadgen::HttpVersion::http2);
  CHECK(a.tls.ca_file == (folder / "ca.pem").string());
  CHECK(a.tls.cert_file == "/etc/me.pem");
  CHECK(a.tls.server_name == "api.example");
  CHECK(a.tls.insecure);
  CHECK(a.mix.at(0).checks.statuses == std::vector<int>{200, 204});
  CHECK(a.mix[0].checks.headers.at(0).value == "json");
  CHECK(a.mix[0].checks.max_service_time == 300ms);
  CHECK(a.mix.at(1).body == "{\"item\": {{item}}}");
  const loadgen::Checks& own = a.mix[1].checks;
  CHECK(own.statuses.empty());
  CHECK(own.body_contains == std::vector<std::string>{"ok"});
  CHECK(own.json.at(0).pointer == "/a");
  CHECK(own.json.at(1).equals == "1");
  CHECK(own.min_body == 10);
  CHECK(own.max_body == 20);
  CHECK(rate_text(file.scenario.loads[0]) ==
        "poisson, stages from 5/s: to 500/s in 30s, at 200/s for 1m and onwards");
  const loadgen::LoadPlan& b = file.scenario.loads.at(1).plan;
  CHECK(b.arrivals.sine_amplitude == obsctl::core::Rate{50, 1s});
  CHECK(b.arrivals.sine_period == 1min);
  CHECK(b.unix_socket == "/run/api.socket");
  CHECK(b.address_family == 6);
  CHECK(b.pacing == loadgen::Pacing::precise);
  CHECK(b.overload == loadgen::Overload::drop);
  CHECK(rate_text(file.scenario.loads[1]) == "sine 100/s ± 50/s every 1m");
}

TEST_CASE("what a scenario leaves out has a default") {
  const Scenario scenario = scenario_of(R"(schema = 1
title = "t"
stack = "http-api"
[load.a]
target = "api"
rate = "5/s"
[[steady_state]]
query = "up"
tolerance = { equals = 1 }
[[fault]]
target = "api"
kind = "error-rate"
[[expect.alert]]
name = "A"
[[expect.notification]]
alert = "A"
receiver = "slack"
[[expect.query]]
query = "q"
tolerance = { above = 1 }
[[expect.suppressed]]
alert = "B"
[expect.nothing_else]
[[abort]]
query = "q"
)");
  CHECK(scenario.description.empty());
  CHECK(scenario.prometheus_url.empty());
  CHECK(scenario.targets.empty());

  const Load& load = scenario.loads.at(0);
  CHECK(load.plan.request_timeout == 10s);
  CHECK(load.plan.max_in_flight == 0);
  REQUIRE(load.plan.mix.size() == 1);
  CHECK(load.plan.mix[0].name == "GET /");
  CHECK(load.plan.mix[0].method == "GET");
  CHECK(load.plan.mix[0].path == "/");
  CHECK(load.plan.mix[0].weight == 1);

  CHECK(scenario.steady_states.at(0).name == "steady-state-1");
  CHECK(scenario.steady_states[0].on_no_data == OnNoData::inconclusive);
  CHECK(scenario.steady_states[0].within == 1min);

  const FaultSpec& fault = scenario.faults.at(0);
  CHECK(fault.name == "fault-1");
  CHECK(fault.start == 0s);
  CHECK(fault.stop == StopWhen::notified);
  CHECK(fault.max_duration == 5min);
  CHECK(!fault.confirm);
  CHECK(fault.parameters == Json::parse(R"({"rate": 1.0, "status": 503})"));
  CHECK(fault.effect.everywhere);
  CHECK(fault.description == "error-rate 100% → 503 on " + fault.target);

  const AlertExpectation& alert = scenario.alerts.at(0);
  CHECK(alert.caused_by == "fault-1");  // the only one
  CHECK(alert.labels.empty());
  CHECK(!alert.pending.expected);
  CHECK(alert.firing.expected);
  CHECK(alert.firing.automatic);
  CHECK(alert.inactive.expected);
  CHECK(alert.inactive.automatic);

  const NotificationExpectation& notification = scenario.notifications.at(0);
  CHECK(notification.caused_by == "fault-1");
  CHECK(notification.firing.expected);
  CHECK(notification.firing.automatic);
  CHECK(notification.resolved.expected);
  CHECK(notification.resolved.automatic);
  CHECK(!notification.firing_count);
  CHECK(!notification.resolved_count);
  CHECK(notification.content.body.empty());
  CHECK(!notification.content.needs_instances());
  CHECK(!notification.after);

  CHECK(scenario.queries.at(0).name == "query-1");
  CHECK(scenario.queries[0].within == 30s);
  CHECK(scenario.suppressions.at(0).by == "inhibition");
  CHECK(scenario.suppressions[0].within == 0s);
  REQUIRE(scenario.nothing_else);
  CHECK(!scenario.nothing_else->watch);
  CHECK(scenario.nothing_else->allow.empty());
  CHECK(scenario.aborts.at(0).hold == 0s);
}

TEST_CASE("a scenario says where things are: a stack, or the parts themselves") {
  SECTION("the parts") {
    const Scenario scenario = scenario_of(R"(schema = 1
title = "t"
[prometheus]
url = "http://127.0.0.1:9090"
[alertmanager]
url = "http://127.0.0.1:9093/am"
[receiver]
listen = "127.0.0.1:9099"
[target.api]
url = "http://127.0.0.1:8080"
[load.a]
target = "api"
rate = "5/s"
[expect.nothing_else]
)");
    CHECK(scenario.stack.empty());
    CHECK(scenario.prometheus_url == "http://127.0.0.1:9090");
    CHECK(scenario.alertmanager_url == "http://127.0.0.1:9093/am");
    CHECK(scenario.receiver_listen == "127.0.0.1:9099");
    CHECK(scenario.targets.at("api").url == "http://127.0.0.1:8080");
    CHECK(scenario.targets.at("api").token_env.empty());
    CHECK(!scenario.nothing_else->watch);
  }
  SECTION("neither") {
    CHECK(errors_of("schema = 1\ntitle = \"t\"\n[expect.nothing_else]\n") ==
          std::vector<std::string>{
              "s.toml:1:1: the scenario does not say where Prometheus is\n"
              "  hint: add stack = \"http-api\", or [prometheus] with url = \"http://…\""});
  }
  SECTION("both") {
    CHECK(errors_of(
              "schema = 1\ntitle = \"t\"\nstack = \"http-api\"\n[prometheus]\nurl = \"http://a\"\n"
              "[alertmanager]\nurl = \"http://a\"\n[receiver]\nlisten = \":0\"\n[expect.nothing_else]\n") ==
          std::vector<std::string>{"s.toml:4:1: stack and [prometheus] exclude each other\n"
                                   "  hint: the stack \"http-api\" has its own; leave one of the two out",
                                   "s.toml:6:1: stack and [alertmanager] exclude each other\n"
                                   "  hint: the stack \"http-api\" has its own; leave one of the two out",
                                   "s.toml:8:1: stack and [receiver] exclude each other\n"
                                   "  hint: the stack \"http-api\" has its own; leave one of the two out"});
  }
}

TEST_CASE("a cause that goes without saying is filled in") {
  const Scenario scenario = scenario_of(R"(schema = 1
title = "t"
stack = "http-api"
[[fault]]
name = "one"
target = "api"
kind = "readiness"
[[fault]]
name = "two"
target = "api"
kind = "readiness"
[[expect.alert]]
name = "A"
caused_by = "two"
[[expect.alert]]
name = "B"
caused_by = "one"
[[expect.notification]]
alert = "A"
receiver = "slack"
[[expect.notification]]
alert = "A"
receiver = "discord"
caused_by = "one"
after = { receiver = "slack" }
)");
  CHECK(scenario.notifications.at(0).caused_by == "two");  // its alert's
  CHECK(scenario.notifications.at(1).caused_by == "one");
  REQUIRE(scenario.notifications.at(1).after);
  CHECK(scenario.notifications.at(1).after->alert == "A");
  CHECK(scenario.notifications.at(1).after->caused_by == "two");
}

TEST_CASE("a notification may be expected of an alert that is not") {
  const Scenario scenario = scenario_of(R"(schema = 1
title = "t"
stack = "http-api"
[[fault]]
target = "api"
kind = "readiness"
[[expect.notification]]
alert = "OfSomebodyElse"
receiver = "slack"
)");
  CHECK(scenario.notifications.at(0).caused_by == "fault-1");
}

TEST_CASE("no firing notification means no resolved one either") {
  const auto counts = [](const std::string& count) {
    const NotificationExpectation one =
        scenario_of(
            "schema = 1\ntitle = \"t\"\nstack = \"http-api\"\n[[fault]]\ntarget = \"api\"\nkind = "
            "\"readiness\"\n[[expect.notification]]\nalert = \"A\"\nreceiver = \"slack\"\ncount = " +
            count + "\n")
            .notifications.at(0);
    return std::pair(one.firing_count, one.resolved_count);
  };
  using Count = std::optional<std::int64_t>;
  CHECK(counts("{ firing = 0 }") == std::pair(Count(0), Count(0)));
  CHECK(counts("{ firing = 1 }") == std::pair(Count(1), Count()));
  CHECK(counts("{ resolved = 0 }") == std::pair(Count(), Count(0)));
}
