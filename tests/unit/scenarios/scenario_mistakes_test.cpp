// What is refused in a scenario, with the exact text and place of every message.
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/unit/scenarios/scenario_text.hpp"

using obsctl::tests::errors_of;

namespace {

using Lines = std::vector<std::string>;

/// A text and what is wrong with it; `body` begins on line 5 of a file that is well otherwise.
struct Mistake {
  std::string body;
  Lines errors;
};

Lines errors_after_head(const std::string& body) {
  return errors_of("schema = 1\ntitle = \"t\"\nstack = \"http-api\"\n[expect.nothing_else]\n" + body);
}

const std::string kKinds =
    "error-rate, latency, hang, reset, abort, blackhole, bandwidth, truncate, rate-limit, readiness, "
    "dependency, memory-leak, cpu-burn, log-burst, kill, restart, pause, scrape-outage, notification-outage, "
    "http, exec, container, "
    "toxiproxy, flagd, envoy";

// Two lines, with which faults of "api" can be confirmed.
const std::string kLoad = "[load]\na = { target = \"api\", rate = \"5/s\" }\n";

}  // namespace

TEST_CASE("the head of a scenario is checked") {
  const auto mistake = GENERATE(values<Mistake>({
      {"",
       {"s.toml:1:1: schema is missing\n  hint: begin the file with schema = 1",
        "s.toml:1:1: title is missing\n  hint: add title = \"…\""}},
      {"schema = 2\ntitle = \"t\"",
       {"s.toml:1:10: schema 2 is not known to this obsctl\n  hint: use schema = 1"}},
      {"schema = \"1\"\ntitle = \"t\"", {"s.toml:1:10: schema must be an integer, not a string"}},
      {"schema = 1\ntitle = \" \"", {"s.toml:2:9: title must not be empty"}},
      {"schema = 1\ntitle = 7", {"s.toml:2:9: title must be a string, not an integer"}},
      {"schema = 1\ntitle = \"t\"\ndescription = 1",
       {"s.toml:3:15: description must be a string, not an integer"}},
      {"schema = 1\ntitle = \"t\"\ntitel = \"t\"",
       {"s.toml:3:1: unknown key titel (did you mean \"title\"?)"}},
      {"schema = 1\ntitle = \"t\"\nreport = { formats = [] }", {"s.toml:3:1: unknown key report"}},
  }));
  CHECK(errors_of(mistake.body + "\nstack = \"http-api\"\n[expect.nothing_else]\n") == mistake.errors);
}

TEST_CASE("text that is not TOML is one mistake, with its place") {
  const Lines errors = errors_of("schema = 1\ntitle = \"t\n");
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].rfind("s.toml:2:", 0) == 0);
}

TEST_CASE("every mistake of a file is reported at once, in the file's order") {
  CHECK(errors_of(R"(schema = 1
titel = "x"
stack = "http-api"
[load.browse]
target = "api"
rate = "fast"
[[fault]]
target = "api"
kind = "error-rat"
rate = 30
max_duration = "1 minute"
[[expect.alert]]
name = "A"
caused_by = "errors"
within = { fireing = "60s" }
[[threshold]]
load = "browser"
metric = "error_ratio"
below = 5
)") == Lines{
           "s.toml:1:1: title is missing\n  hint: add title = \"…\"",
           "s.toml:2:1: unknown key titel (did you mean \"title\"?)",
           "s.toml:6:8: load.browse.rate: \"fast\" is not a rate: a number was expected before the /\n"
           "  hint: write a count and a period, such as 200/s or 90/m",
           "s.toml:9:8: fault[0].kind cannot be \"error-rat\" (did you mean \"error-rate\"?)\n"
           "  hint: use " +
               kKinds,
           "s.toml:11:16: fault[0].max_duration: \"1 minute\" is not a duration: \" minute\" is not a unit\n"
           "  hint: write a number and a unit, such as 250ms, 30s or 1m30s",
           "s.toml:14:13: there is no fault named \"errors\"",
           "s.toml:15:12: unknown key expect.alert[0].within.fireing (did you mean \"firing\"?)",
           "s.toml:17:8: there is no [load.browser] (did you mean \"browse\"?)",
           "s.toml:19:9: threshold[0].below must be a ratio, from 0 to 1, not 5\n  hint: 5 % is 0.05"});
}

TEST_CASE("a scenario that expects nothing is refused: it could prove nothing") {
  const std::string head = "schema = 1\ntitle = \"t\"\nstack = \"http-api\"\n";
  const Lines nothing{
      "s.toml:1:1: the scenario expects nothing, so it can prove nothing\n"
      "  hint: add [[expect.alert]], [[expect.query]], [expect.nothing_else], [[check]] or [[threshold]]"};
  CHECK(errors_of(head) == nothing);
  CHECK(errors_of(head + "[expect]\n") == nothing);
  CHECK(errors_of(head + "[expect]\nalert = []\nnotification = []\nquery = []\nsuppressed = []\n") ==
        nothing);
  CHECK(errors_of(head + "threshold = []\n") == nothing);
  // A gate alone verifies nothing either.
  CHECK(errors_of(head + "[[steady_state]]\nquery = \"up\"\ntolerance = { equals = 1 }\n") == nothing);
  CHECK(errors_of(head + "[[abort]]\nquery = \"up == 0\"\n[load.a]\ntarget = \"api\"\nrate = \"1/s\"\n") ==
        nothing);

  CHECK(errors_of(head + "[expect.nothing_else]\n").empty());
  CHECK(errors_of(head + "[[threshold]]\nload = \"a\"\nmetric = \"error_ratio\"\nbelow = 0.1\n"
                         "[load.a]\ntarget = \"api\"\nrate = \"1/s\"\n")
            .empty());
}

TEST_CASE("places are checked") {
  const auto mistake = GENERATE(values<Mistake>({
      {"[prometheus]\n[expect.nothing_else]",
       {"s.toml:3:1: prometheus.url is missing\n  hint: add url = \"…\""}},
      {"prometheus = \"http://a\"\n[expect.nothing_else]",
       {"s.toml:3:14: prometheus must be a table, not a string"}},
      {"[prometheus]\nurl = \"ftp://a\"\nuser = \"x\"\n[expect.nothing_else]",
       {"s.toml:4:7: \"ftp://a\" is not a URL: the scheme is neither http nor https\n"
        "  hint: write it as http://host:port/path",
        "s.toml:5:1: unknown key prometheus.user"}},
      {"[prometheus]\nurl = \"http://a\"\n[alertmanager]\nurl = \"\"\n[expect.nothing_else]",
       {"s.toml:6:7: alertmanager.url must not be empty"}},
      {"[prometheus]\nurl = \"http://a\"\n[receiver]\nlisten = \"here\"\nport = 1\n[expect.nothing_else]",
       {"s.toml:6:10: \"here\" is not an address to listen on: the port must be a number from 0 to 65535\n"
        "  hint: write it as 127.0.0.1:8080, [::1]:8080 or :8080",
        "s.toml:7:1: unknown key receiver.port"}},
      {"[prometheus]\nurl = \"http://a\"\n[target]\napi = \"http://b\"\n[expect.nothing_else]",
       {"s.toml:6:7: target.api must be a table, not a string"}},
      {"[prometheus]\nurl = \"http://a\"\n[target.api]\nurl = \"http://b\"\ntoken = "
       "\"s3cret\"\n[expect.nothing_else]",
       {"s.toml:7:1: unknown key target.api.token"}},
      // The value may be the secret itself, so it is not in the message.
      {"[prometheus]\nurl = \"http://a\"\n[target.api]\nurl = \"http://b\"\ntoken_env = "
       "\"s3-cret\"\n[expect.nothing_else]",
       {"s.toml:7:13: target.api.token_env must be the name of an environment variable\n"
        "  hint: the token itself does not belong into a file"}},
      {"[prometheus]\nurl = \"http://a\"\n[target.api]\nurl = \"http://b\"\ntoken_env = "
       "5\n[expect.nothing_else]",
       {"s.toml:7:13: target.api.token_env must be a string, not an integer"}},
  }));
  CHECK(errors_of("schema = 1\ntitle = \"t\"\n" + mistake.body + "\n") == mistake.errors);
}

TEST_CASE("loads are checked") {
  const auto mistake = GENERATE(values<Mistake>({
      {"[load.a]",
       {"s.toml:5:1: load.a.target is missing\n  hint: add target = \"…\"",
        "s.toml:5:1: load.a.rate is missing\n  hint: add rate = \"200/s\""}},
      {"[load]\na = \"5/s\"", {"s.toml:6:5: load.a must be a table, not a string"}},
      {"[load.a]\ntarget = \"\"\nrate = 5",
       {"s.toml:6:10: load.a.target must not be empty",
        "s.toml:7:8: load.a.rate must be a rate in quotes, such as \"200/s\", not an integer"}},
      {"[load.a]\ntarget = \"api\"\nrate = \"0/s\"", {"s.toml:7:8: load.a.rate must be above 0"}},
      {"[load.a]\ntarget = \"api\"\nrate = \"0/m\"", {"s.toml:7:8: load.a.rate must be above 0"}},
      {"[load.a]\ntarget = \"api\"\nrate = \"-1/s\"",
       {"s.toml:7:8: load.a.rate: \"-1/s\" is not a rate: a number was expected before the /\n"
        "  hint: write a count and a period, such as 200/s or 90/m"}},
      {"[load.a]\ntarget = \"api\"\nrate = \"1/s\"\nuntil = \"fault-end\"",
       {"s.toml:8:9: load.a.until cannot be \"fault-end\"\n  hint: use cleared"}},
      {"[load.a]\ntarget = \"api\"\nrate = \"1/s\"\ntimeout = \"0s\"",
       {"s.toml:8:11: load.a.timeout must be above 0"}},
      {"[load.a]\ntarget = \"api\"\nrate = \"1/s\"\ntimeout = \"61m\"",
       {"s.toml:8:11: load.a.timeout must be at most 1h"}},
      {"[load.a]\ntarget = \"api\"\nrate = \"1/s\"\nmax_in_flight = 0",
       {"s.toml:8:17: load.a.max_in_flight must be from 1 to 1000000"}},
      {"[load.a]\ntarget = \"api\"\nrate = \"1/s\"\nduration = \"1m\"",
       {"s.toml:8:1: unknown key load.a.duration"}},
      {"[load.a]\ntarget = \"api\"\nrate = \"1/s\"\nrequests = \"/\"",
       {"s.toml:8:12: load.a.requests must be an array of tables (write [[load.a.requests]]), not a string"}},
  }));
  CHECK(errors_after_head(mistake.body) == mistake.errors);
}

TEST_CASE("a load's schedule is checked, each mistake at its text") {
  const auto mistake = GENERATE(values<Mistake>({
      {"stages = []", {"s.toml:7:10: load.a.stages: the rate is zero\n  hint: write a rate such as 200/s"}},
      {"stages = [\"500/s\", \"30s:9/s\"]",
       {"s.toml:7:11: load.a.stages: \"500/s\" has no duration\n"
        "  hint: write 500/s:30s for a ramp to 500/s within 30s, =500/s:30s for a step to 500/s held for 30s",
        "s.toml:7:20: load.a.stages: \"30s:9/s\" has its duration first\n"
        "  hint: write the rate first: 500/s:30s"}},
      {"stages = \"fast:1m\"",
       {"s.toml:7:10: load.a.stages: \"fast\" is not a rate: a number was expected before the /\n"
        "  hint: write a count and a period, such as 200/s or 90/m"}},
      {"stages = \"5/s:0s\"",
       {"s.toml:7:10: load.a.stages: the stages have no duration\n  hint: write a stage as 500/s:30s"}},
      {"stages = \"5/s:999h\"", {"s.toml:7:10: load.a.stages must be at most 30d"}},
      {"stages = [\"5/s:1m\", \"0/s:1m\"]",
       {"s.toml:7:10: load.a.stages must not end at 0\n"
        "  hint: the last rate goes on until the run is over"}},
      {"sine = \"5/s:1m\"", {"s.toml:5:1: load.a.rate is missing\n  hint: add rate = \"200/s\""}},
      {"rate = \"9/s\"\nsine = \"5/s\"",
       {"s.toml:8:8: load.a.sine: \"5/s\" has no period\n"
        "  hint: write 50/s:1m for 50/s above and below the rate, once a minute"}},
      {"rate = \"9/s\"\nsine = \"5/s:0s\"", {"s.toml:8:8: load.a.sine must be above 0"}},
      {"rate = \"1/s\"\nsine = \"5/s:1m\"",
       {"s.toml:8:8: load.a.sine: the sine's amplitude 5/s is above its mean 1/s, so the rate would fall "
        "below "
        "zero\n  hint: choose an amplitude of at most the rate"}},
      {"rate = \"9/s\"\nsine = \"5/s:1m\"\nstages = \"5/s:1m\"",
       {"s.toml:8:8: load.a.sine: a sine and stages exclude each other\n  hint: leave one of them out"}},
      {"rate = \"9/s\"\npacing = \"exact\"",
       {"s.toml:8:10: load.a.pacing cannot be \"exact\"\n  hint: use timer, precise, coalesce"}},
      {"rate = \"9/s\"\nthreads = 0", {"s.toml:8:11: load.a.threads must be from 1 to 256"}},
      {"rate = \"9/s\"\npoisson = 1", {"s.toml:8:11: load.a.poisson must be true or false, not an integer"}},
      {"rate = \"9/s\"\noverload = \"wait\"",
       {"s.toml:8:12: load.a.overload: \"wait\" is not a policy\n"
        "  hint: write queue, drop or shed-after=500ms"}},
      {"rate = \"9/s\"\nconnect_timeout = \"2h\"",
       {"s.toml:8:19: load.a.connect_timeout must be at most 1h"}},
      {"rate = \"9/s\"\nfeed_order = \"unique\"",
       {"s.toml:8:14: load.a.feed_order cannot be \"unique\"\n  hint: use sequential, shuffled"}},
  }));
  CAPTURE(mistake.body);
  CHECK(errors_after_head("[load.a]\ntarget = \"api\"\n" + mistake.body) == mistake.errors);
}

TEST_CASE("what a load expects of answers is checked, each mistake at its text") {
  const auto mistake = GENERATE(values<Mistake>({
      {"{ status = [200, 20] }", {"s.toml:8:27: load.a.expect.status must be from 100 to 999"}},
      {"{ status = \"200\" }",
       {"s.toml:8:21: load.a.expect.status must be an array of integers, not a string"}},
      {"{ header = \": x\" }",
       {"s.toml:8:21: load.a.expect.header: \": x\" names no header\n"
        "  hint: write 'Name' or 'Name: part of the value'"}},
      {"{ json = [\"/ok\", \"up=1\"] }",
       {"s.toml:8:27: load.a.expect.json: \"up\" is not a JSON pointer\n"
        "  hint: write it as /items/0/id (RFC 6901)"}},
      {"{ size = \"big\" }",
       {"s.toml:8:19: load.a.expect.size: \"big\" is not a size\n"
        "  hint: write 100, 100.. or 100..2000 (bytes)"}},
      {"{ time = \"0s\" }", {"s.toml:8:19: load.a.expect.time must be above 0"}},
      {"{ code = 200 }", {"s.toml:8:12: unknown key load.a.expect.code (did you mean \"body\"?)"}},
  }));
  CAPTURE(mistake.body);
  CHECK(errors_after_head("[load.a]\ntarget = \"api\"\nrate = \"1/s\"\nexpect = " + mistake.body) ==
        mistake.errors);
}

TEST_CASE("files that a load names are looked for beside the scenario") {
  const obsctl::tests::TemporaryDirectory folder;
  REQUIRE(obsctl::core::write_file(folder / "broken.csv", "user,item\n1\n"));
  const auto errors = [&](const std::string& body) {
    Lines lines;
    const auto file = obsctl::scenarios::read_scenario(
        "schema = 1\ntitle = \"t\"\nstack = \"http-api\"\n[expect.nothing_else]\n[load.a]\ntarget = "
        "\"api\"\nrate = \"1/s\"\n" +
            body,
        (folder / "s.toml").string(), "s");
    for (const auto& error : file.errors) lines.push_back(error.message);
    return lines;
  };
  const std::string where = (folder / "broken.csv").string();
  CHECK(errors("feed = \"broken.csv\"\nrequests = [{ path = \"/{{user}}\" }]") ==
        Lines{"load.a.feed: " + where + ":2: the row has 1 fields, the header 2"});
  CHECK(errors("requests = [{ path = \"/\", body_file = \"none\" }]") ==
        Lines{"load.a.requests[0].body_file: cannot read " + (folder / "none").string() +
              ": No such file or directory"});
  CHECK(errors("requests = [{ path = \"/\", body = \"x\", body_file = \"broken.csv\" }]") ==
        Lines{"load.a.requests[0].body and body_file exclude each other"});
}

TEST_CASE("requests are checked, also as the load generator will check them") {
  const auto mistake = GENERATE(values<Mistake>({
      {"{ weight = 1 }", {"s.toml:8:13: load.a.requests[0].path is missing\n  hint: add path = \"…\""}},
      {"{ path = \"\" }", {"s.toml:8:22: load.a.requests[0].path must begin with /"}},
      {"{ path = \"http://x/\" }", {"s.toml:8:22: load.a.requests[0].path must begin with /"}},
      {"{ path = \"/\", weight = 0 }", {"s.toml:8:36: load.a.requests[0].weight must be from 1 to 1000000"}},
      {"{ path = \"/\", weight = 9223372036854775807 }",
       {"s.toml:8:36: load.a.requests[0].weight must be from 1 to 1000000"}},
      {"{ path = \"/\", name = \"\" }", {"s.toml:8:34: load.a.requests[0].name must not be empty"}},
      {"{ path = \"/\", method = \"GE T\" }",
       {"s.toml:8:13: the request \"GE T /\" has the method \"GE T\""}},
      {"{ path = \"/\", headers = { \"X Y\" = \"1\" } }",
       {"s.toml:8:13: the request \"GET /\" has the header \"X Y\", which is not HTTP"}},
      {"{ path = \"/\", headers = [] }",
       {"s.toml:8:37: load.a.requests[0].headers must be a table, not an array"}},
      {"{ path = \"/{{user}}\" }",
       {"s.toml:8:13: \"{{user}}\" is not a placeholder\n"
        "  hint: there is {{i}}, {{uuid}}, {{random 1 100}}, and with a feeder its columns"}},
      {"{ path = \"/\", wieght = 2 }",
       {"s.toml:8:27: unknown key load.a.requests[0].wieght (did you mean \"weight\"?)"}},
  }));
  CHECK(errors_after_head("[load.a]\ntarget = \"api\"\nrate = \"1/s\"\nrequests = [" + mistake.body + "]") ==
        mistake.errors);
}

TEST_CASE("bounds are checked") {
  const auto mistake = GENERATE(values<Mistake>({
      {"",
       {"s.toml:5:1: steady_state[0].tolerance is missing\n"
        "  hint: add tolerance = { below = 0.01 }, or at_most, above, at_least, equals"}},
      {"tolerance = 0.01", {"s.toml:7:13: steady_state[0].tolerance must be a table, not a number"}},
      {"tolerance = {}",
       {"s.toml:7:13: steady_state[0].tolerance sets no bound\n"
        "  hint: use below, at_most, above, at_least or equals"}},
      {"tolerance = { below = \"1\" }",
       {"s.toml:7:23: steady_state[0].tolerance.below must be a number, not a string"}},
      {"tolerance = { below = nan }",
       {"s.toml:7:23: steady_state[0].tolerance.below must be a finite number"}},
      {"tolerance = { at_least = -inf }",
       {"s.toml:7:26: steady_state[0].tolerance.at_least must be a finite number"}},
      {"tolerance = { below = 1, at_least = 1 }",
       {"s.toml:7:13: steady_state[0].tolerance can never hold: at least 1 and below 1"}},
      {"tolerance = { above = 2, at_most = 1 }",
       {"s.toml:7:13: steady_state[0].tolerance can never hold: above 2 and at most 1"}},
      {"tolerance = { above = 1, at_most = 1 }",
       {"s.toml:7:13: steady_state[0].tolerance can never hold: above 1 and at most 1"}},
      {"tolerance = { equals = 3, below = 3 }",
       {"s.toml:7:13: steady_state[0].tolerance can never hold: below 3 and equal to 3"}},
      {"tolerance = { belwo = 1 }",
       {"s.toml:7:13: steady_state[0].tolerance sets no bound\n"
        "  hint: use below, at_most, above, at_least or equals",
        "s.toml:7:15: unknown key steady_state[0].tolerance.belwo (did you mean \"below\"?)"}},
      // What can hold by a hair.
      {"tolerance = { at_least = 1, at_most = 1 }", {}},
      {"tolerance = { above = 1, below = 1.0000001 }", {}},
      {"tolerance = { below = -5 }", {}},
      {"tolerance = { equals = 0, at_most = 0 }", {}},
  }));
  CHECK(errors_after_head("[[steady_state]]\nquery = \"up\"\n" + mistake.body + "\n") == mistake.errors);
}

TEST_CASE("steady states and abort conditions are checked") {
  const auto mistake = GENERATE(values<Mistake>({
      {"[[steady_state]]\ntolerance = { below = 1 }",
       {"s.toml:5:1: steady_state[0].query is missing\n  hint: add query = \"…\""}},
      {"[[steady_state]]\nquery = \"\"\ntolerance = { below = 1 }",
       {"s.toml:6:9: steady_state[0].query must not be empty"}},
      {"[steady_state]\nquery = \"up\"",
       {"s.toml:5:1: steady_state must be an array of tables (write [[steady_state]]), not a table"}},
      {"[[steady_state]]\nquery = \"q\"\ntolerance = { below = 1 }\non_no_data = \"ignore\"\nwithin = "
       "\"31d\"",
       {"s.toml:8:14: steady_state[0].on_no_data cannot be \"ignore\"\n  hint: use inconclusive, fail, pass",
        "s.toml:9:10: steady_state[0].within must be at most 30d"}},
      {"[[steady_state]]\nname = \"x\"\nquery = \"q\"\ntolerance = { below = 1 }\n"
       "[[steady_state]]\nname = \"x\"\nquery = \"q\"\ntolerance = { below = 1 }",
       {"s.toml:10:8: there is already a steady state named \"x\""}},
      // The first one's name, although nobody wrote it.
      {"[[steady_state]]\nquery = \"q\"\ntolerance = { below = 1 }\n"
       "[[steady_state]]\nname = \"steady-state-1\"\nquery = \"q\"\ntolerance = { below = 1 }",
       {"s.toml:9:8: there is already a steady state named \"steady-state-1\""}},
      {"[[abort]]\nfor = 30",
       {"s.toml:5:1: abort[0].query is missing\n  hint: add query = \"…\"",
        "s.toml:6:7: abort[0].for must be a duration in quotes, such as \"30s\", not an integer"}},
      {"[[abort]]\nquery = \"q\"\nwithin = \"3s\"", {"s.toml:7:1: unknown key abort[0].within"}},
  }));
  CHECK(errors_after_head(mistake.body) == mistake.errors);
}

TEST_CASE("faults are checked") {
  const auto mistake = GENERATE(values<Mistake>({
      {"",
       {"s.toml:7:1: fault[0].kind is missing\n  hint: add kind = one of " + kKinds,
        "s.toml:7:1: fault[0].target is missing\n  hint: add target = \"…\""}},
      {"name = \"\"\ntarget = \"api\"\nkind = \"readiness\"",
       {"s.toml:8:8: fault[0].name must not be empty"}},
      {"target = \"api\"\nkind = \"reboot\"",
       {"s.toml:9:8: fault[0].kind cannot be \"reboot\"\n  hint: use " + kKinds}},
      // Keys of one kind are not keys of another, and those of an unknown kind are not judged.
      {"target = \"api\"\nkind = \"kill\"\nrate = 0.5",
       {"s.toml:10:8: fault[0].rate is not a key of kind \"kill\"\n  hint: it belongs to error-rate, "
        "latency, hang and others"}},
      {"target = \"api\"\nkind = \"error-rate\"\ndelay = \"1s\"",
       {"s.toml:10:9: fault[0].delay is not a key of kind \"error-rate\"\n  hint: it belongs to latency and "
        "dependency"}},
      {"target = \"api\"\nkind = \"latency\"\ndelay = \"1s\"\nstatus = 500",
       {"s.toml:11:10: fault[0].status is not a key of kind \"latency\"\n  hint: it belongs to error-rate"}},
      {"target = \"api\"\nkind = \"pause\"\njitter = \"0s\"\nroutes = \"/x\"",
       {"s.toml:10:10: fault[0].jitter is not a key of kind \"pause\"\n  hint: it belongs to latency",
        "s.toml:11:10: fault[0].routes is not a key of kind \"pause\"\n  hint: it belongs to error-rate, "
        "latency, hang and others"}},
      {"target = \"api\"\nkind = \"reboot\"\nrate = 1\nstatus = 500\ndelay = \"1s\"\njitter = \"0s\"\nroutes "
       "= []",
       {"s.toml:9:8: fault[0].kind cannot be \"reboot\"\n  hint: use " + kKinds}},
      {"target = \"api\"\nkind = \"error-rate\"\nrate = 0",
       {"s.toml:10:8: fault[0].rate must be above 0 and at most 1\n  hint: 30 % is 0.3"}},
      {"target = \"api\"\nkind = \"error-rate\"\nrate = nan",
       {"s.toml:10:8: fault[0].rate must be above 0 and at most 1\n  hint: 30 % is 0.3"}},
      {"target = \"api\"\nkind = \"latency\"\ndelay = \"1s\"\nrate = 1.01",
       {"s.toml:11:8: fault[0].rate must be above 0 and at most 1\n  hint: 30 % is 0.3"}},
      {"target = \"api\"\nkind = \"error-rate\"\nstatus = 399",
       {"s.toml:10:10: fault[0].status must be from 400 to 599"}},
      {"target = \"api\"\nkind = \"error-rate\"\nstatus = 600",
       {"s.toml:10:10: fault[0].status must be from 400 to 599"}},
      // 2^32 + 503
      {"target = \"api\"\nkind = \"error-rate\"\nstatus = 4294967799",
       {"s.toml:10:10: fault[0].status must be from 400 to 599"}},
      {"target = \"api\"\nkind = \"error-rate\"\nroutes = [\"api\", \"/x\", \"\"]",
       {"s.toml:10:10: fault[0].routes: \"api\" must begin with / or *",
        "s.toml:10:10: fault[0].routes: \"\" must begin with / or *"}},
      {"target = \"api\"\nkind = \"error-rate\"\nroutes = [1]",
       {"s.toml:10:10: fault[0].routes must be an array of strings, not an array"}},
      {"target = \"api\"\nkind = \"latency\"",
       {"s.toml:7:1: fault[0].delay is missing\n  hint: add delay = \"400ms\""}},
      {"target = \"api\"\nkind = \"latency\"\ndelay = \"0s\"",
       {"s.toml:10:9: fault[0].delay must be above 0"}},
      {"target = \"api\"\nkind = \"latency\"\ndelay = \"1s\"\njitter = \"1001ms\"",
       {"s.toml:11:10: fault[0].jitter must not be above delay (1s)\n  hint: requests are held up for delay "
        "± jitter"}},
      {"target = \"api\"\nkind = \"latency\"\ndelay = \"1s\"\njitter = \"1s\"",
       {"s.toml:11:10: fault[0].jitter is as long as delay, so no delay is sure to be seen\n"
        "  hint: use a shorter jitter, or say how to confirm the fault: "
        "confirm = { response_p95 = { at_least = \"…\" } }"}},
      {"target = \"api\"\nkind = \"readiness\"\nstart = \"-1s\"",
       {"s.toml:10:9: fault[0].start: \"-1s\" is not a duration: a number was expected\n"
        "  hint: write a number and a unit, such as 250ms, 30s or 1m30s"}},
      {"target = \"api\"\nkind = \"readiness\"\nmax_duration = \"0\"",
       {"s.toml:10:16: fault[0].max_duration must be above 0"}},
      {"target = \"api\"\nkind = \"readiness\"\nmax_duration = \"300y\"",
       {"s.toml:10:16: fault[0].max_duration: \"300y\" is not a duration: it is longer than 292 years\n"
        "  hint: write a number and a unit, such as 250ms, 30s or 1m30s"}},
      {"target = \"api\"\nkind = \"readiness\"\nstrat = \"1s\"",
       {"s.toml:10:1: unknown key fault[0].strat (did you mean \"start\"?)"}},
  }));
  CHECK(errors_after_head(kLoad + "[[fault]]\n" + mistake.body + "\nstop = \"30s\"\n") == mistake.errors);
}

TEST_CASE("the end of a fault is checked") {
  const auto mistake = GENERATE(values<Mistake>({
      {"stop = \"never\"",
       {"s.toml:10:8: fault[0].stop cannot be \"never\"\n"
        "  hint: use \"notified\", \"firing\" or a duration such as \"90s\""}},
      {"stop = 90", {"s.toml:10:8: fault[0].stop must be a string, not an integer"}},
      {"stop = \"0s\"", {"s.toml:10:8: fault[0].stop must be above 0"}},
      {"stop = \"721h\"", {"s.toml:10:8: fault[0].stop must be at most 30d"}},
      {"stop = \"90s\"\nmax_duration = \"1m\"",
       {"s.toml:10:8: fault[0].stop is later than max_duration (1m)\n"
        "  hint: add max_duration = \"1m30s\" or longer"}},
      {"stop = \"6m\"",
       {"s.toml:10:8: fault[0].stop is later than max_duration (5m)\n"
        "  hint: add max_duration = \"6m\" or longer"}},
      {"stop = \"5m\"", {}},
  }));
  CHECK(errors_after_head("[[fault]]\ntarget = \"api\"\nkind = \"readiness\"\nname = \"f\"\n# 9\n" +
                          mistake.body + "\n[[expect.alert]]\nname = \"A\"\n") == mistake.errors);
}

TEST_CASE("a fault does not end with something that nobody expects") {
  const std::string fault = "[[fault]]\nname = \"f\"\ntarget = \"api\"\nkind = \"readiness\"\n";
  const std::string nothing =
      "fault \"f\" is to stop once everything expected of it has come, but nothing is expected of it\n"
      "  hint: give it a time, such as stop = \"90s\"";
  const std::string no_alert =
      "fault \"f\" is to stop once its alert fires, but no alert is expected of it\n"
      "  hint: give it a time, such as stop = \"90s\"";
  const std::string alert = "[[expect.alert]]\nname = \"A\"\n";
  const std::string notification = "[[expect.notification]]\nalert = \"A\"\nreceiver = \"slack\"\n";
  const std::string suppressed = "[[expect.suppressed]]\nalert = \"A\"\n";
  const std::string query = "[[expect.query]]\nquery = \"q\"\ntolerance = { above = 0 }\n";

  CHECK(errors_after_head(fault) == Lines{"s.toml:5:1: " + nothing});
  CHECK(errors_after_head(fault + "stop = \"notified\"\n") == Lines{"s.toml:9:8: " + nothing});
  CHECK(errors_after_head(fault + "stop = \"firing\"\n" + notification + suppressed + query) ==
        Lines{"s.toml:9:8: " + no_alert});
  CHECK(errors_after_head(fault + "stop = \"10s\"\n").empty());
  CHECK(errors_after_head(fault + "stop = \"firing\"\n" + alert).empty());
  for (const std::string& expected : {alert, notification, suppressed, query}) {
    CAPTURE(expected);
    CHECK(errors_after_head(fault + expected).empty());
  }
  // What is expected of another fault does not count.
  const std::string other =
      "[[fault]]\nname = \"g\"\ntarget = \"api\"\nkind = \"readiness\"\nstop = \"9s\"\n";
  CHECK(errors_after_head(fault + other + alert + "caused_by = \"g\"\n") == Lines{"s.toml:5:1: " + nothing});
}

TEST_CASE("how a fault is confirmed is checked") {
  const auto mistake = GENERATE(values<Mistake>({
      {"confirm = true", {"s.toml:11:11: fault[0].confirm must be a table, not true or false"}},
      {"confirm = { within = \"9s\" }",
       {"s.toml:11:11: fault[0].confirm needs exactly one of error_ratio, response_p95 (or another quantile) "
        "and http"}},
      {"confirm = { error_ratio = { above = 0 }, http = { path = \"/\", status = 0 } }",
       {"s.toml:11:11: fault[0].confirm needs exactly one of error_ratio, response_p95 (or another quantile) "
        "and http"}},
      {"confirm = { error_ratio = { above = 0 }, response_p50 = { above = \"1s\" } }",
       {"s.toml:11:11: fault[0].confirm needs exactly one of error_ratio, response_p95 (or another quantile) "
        "and http"}},
      {"confirm = { error_ratio = 0.3 }",
       {"s.toml:11:27: fault[0].confirm.error_ratio must be a table, not a number"}},
      {"confirm = { error_ratio = {} }",
       {"s.toml:11:27: fault[0].confirm.error_ratio sets no bound\n"
        "  hint: use below, at_most, above, at_least or equals"}},
      {"confirm = { error_ratio = { at_least = 25 } }",
       {"s.toml:11:40: fault[0].confirm.error_ratio.at_least must be a ratio, from 0 to 1, not 25\n  hint: 5 "
        "% is 0.05"}},
      {"confirm = { error_ratio = { above = 1 } }",
       {"s.toml:11:27: fault[0].confirm.error_ratio can never hold: above 1"}},
      {"confirm = { error_ratio = { below = 0 } }",
       {"s.toml:11:27: fault[0].confirm.error_ratio can never hold: below 0"}},
      {"confirm = { response_p95 = { above = 0.3 } }",
       {"s.toml:11:38: fault[0].confirm.response_p95.above must be a duration in quotes, such as \"30s\", "
        "not a number"}},
      {"confirm = { response_p95 = { below = \"0s\" } }",
       {"s.toml:11:28: fault[0].confirm.response_p95 can never hold: below 0"}},
      {"confirm = { response_p94 = { above = \"1s\" } }",
       {"s.toml:11:11: fault[0].confirm needs exactly one of error_ratio, response_p95 (or another quantile) "
        "and http",
        "s.toml:11:13: unknown key fault[0].confirm.response_p94 (did you mean \"response_p90\"?)"}},
      {"confirm = { achieved_rate = { above = 1 } }",
       {"s.toml:11:11: fault[0].confirm needs exactly one of error_ratio, response_p95 (or another quantile) "
        "and http",
        "s.toml:11:13: unknown key fault[0].confirm.achieved_rate"}},
      {"confirm = { error_ratio = { above = 0 }, within = \"0s\" }",
       {"s.toml:11:51: fault[0].confirm.within must be above 0"}},
      {"confirm = { http = { status = 503 } }",
       {"s.toml:11:20: fault[0].confirm.http.path is missing\n  hint: add path = \"…\""}},
      {"confirm = { http = { path = \"readyz\", status = 503 } }",
       {"s.toml:11:29: fault[0].confirm.http.path must begin with /"}},
      {"confirm = { http = { path = \"/\" } }",
       {"s.toml:11:20: fault[0].confirm.http.status is missing\n"
        "  hint: add status = 503, or status = 0 for no answer at all"}},
      {"confirm = { http = { path = \"/\", status = 99 } }",
       {"s.toml:11:43: fault[0].confirm.http.status must be 0 or from 100 to 599"}},
      {"confirm = { http = { path = \"/\", status = 4294967296 } }",
       {"s.toml:11:43: fault[0].confirm.http.status must be 0 or from 100 to 599"}},
      {"confirm = { http = { path = \"/\", status = 0, method = \"GET\" } }",
       {"s.toml:11:46: unknown key fault[0].confirm.http.method"}},
  }));
  CHECK(errors_after_head(kLoad + "[[fault]]\ntarget = \"api\"\nkind = \"readiness\"\nstop = \"9s\"\n" +
                          mistake.body + "\n") == mistake.errors);
}

TEST_CASE("a fault that only load can show needs a load on its target") {
  const auto errors = [](const std::string& kind, const std::string& more) {
    return errors_after_head("[[fault]]\nname = \"f\"\ntarget = \"api\"\nstop = \"9s\"\nkind = \"" + kind +
                             "\"\n" + more + "\n[load.other]\ntarget = \"elsewhere\"\nrate = \"1/s\"\n");
  };
  const Lines unseen{
      "s.toml:5:1: fault \"f\" cannot be confirmed: no load goes to its target \"api\"\n"
      "  hint: add a [load.*] on that target, or confirm = { http = { path = \"…\", status = … } }"};
  CHECK(errors("error-rate", "") == unseen);
  CHECK(errors("latency", "delay = \"1s\"") == unseen);
  CHECK(errors("kill", "") == unseen);
  CHECK(errors("readiness", "confirm = { error_ratio = { above = 0 } }") == unseen);
  // These are seen by asking the target.
  CHECK(errors("readiness", "").empty());
  CHECK(errors("pause", "").empty());
  CHECK(errors("kill", "confirm = { http = { path = \"/\", status = 0 } }").empty());
}

TEST_CASE("faults have names of their own, and targets that are there") {
  CHECK(
      errors_after_head("[[fault]]\nname = \"x\"\ntarget = \"api\"\nkind = \"readiness\"\nstop = \"9s\"\n"
                        "[[fault]]\nname = \"x\"\ntarget = \"api\"\nkind = \"readiness\"\nstop = \"9s\"\n") ==
      Lines{"s.toml:11:8: there is already a fault named \"x\""});

  const std::string own = R"(schema = 1
title = "t"
[prometheus]
url = "http://a"
[target.api]
url = "http://b"
[expect.nothing_else]
[load.a]
target = "apy"
rate = "1/s"
[[fault]]
target = "database"
kind = "readiness"
stop = "9s"
[[fault]]
target = "api"
kind = "pause"
stop = "9s"
[[fault]]
target = "api"
kind = "kill"
stop = "9s"
confirm = { http = { path = "/", status = 0 } }
)";
  CHECK(errors_of(own) ==
        Lines{"s.toml:9:10: there is no [target.apy] (did you mean \"api\"?)\n"
              "  hint: add [target.apy] with url = \"http://…\"",
              "s.toml:12:10: there is no [target.database]\n"
              "  hint: add [target.database] with url = \"http://…\"",
              "s.toml:17:8: pause works on processes that obsctl itself runs, and [target.api] is not one\n"
              "  hint: use the services of a stack",
              "s.toml:21:8: kill works on processes that obsctl itself runs, and [target.api] is not one\n"
              "  hint: use the services of a stack"});
}

TEST_CASE("expectations of alerts and notifications are checked") {
  const auto mistake = GENERATE(values<Mistake>({
      {"[[expect.alert]]", {"s.toml:9:1: expect.alert[0].name is missing\n  hint: add name = \"…\""}},
      {"[[expect.alert]]\nname = \"\"", {"s.toml:10:8: expect.alert[0].name must not be empty"}},
      {"[[expect.alert]]\nname = \"A\"\nlabels = { severity = 1 }",
       {"s.toml:11:23: expect.alert[0].labels.severity must be a string, not an integer"}},
      {"[[expect.alert]]\nname = \"A\"\nwithin = \"60s\"",
       {"s.toml:11:10: expect.alert[0].within must be a table, not a string"}},
      {"[[expect.alert]]\nname = \"A\"\nwithin = { firing = \"soon\" }",
       {"s.toml:11:21: expect.alert[0].within.firing: \"soon\" is not a duration: a number was expected\n"
        "  hint: write \"auto\" for the derived budget, or a duration such as 60s"}},
      {"[[expect.alert]]\nname = \"A\"\nwithin = { firing = \"0s\" }",
       {"s.toml:11:21: expect.alert[0].within.firing must be above 0"}},
      {"[[expect.alert]]\nname = \"A\"\nwithin = { firing = 60 }",
       {"s.toml:11:21: expect.alert[0].within.firing must be a string, not an integer"}},
      {"[[expect.alert]]\nname = \"A\"\nwithin = { resolved = \"60s\" }",
       {"s.toml:11:12: unknown key expect.alert[0].within.resolved"}},
      {"[[expect.alert]]\nname = \"A\"\nreceiver = \"slack\"",
       {"s.toml:11:1: unknown key expect.alert[0].receiver"}},
      {"[[expect.alert]]\nname = \"A\"\n[[expect.alert]]\nname = \"A\"",
       {"s.toml:12:8: there is already an expectation of A like this"}},
      {"[[expect.alert]]\nname = \"A\"\n[[expect.alert]]\nname = \"A\"\nlabels = { instance = \"2\" }", {}},
      {"[expect.alert]\nname = \"A\"",
       {"s.toml:9:1: expect.alert must be an array of tables (write [[expect.alert]]), not a table"}},
      {"[[expect.alerts]]\nname = \"A\"",
       {"s.toml:9:10: unknown key expect.alerts (did you mean \"alert\"?)"}},
      {"[[expect.notification]]",
       {"s.toml:9:1: expect.notification[0].alert is missing\n  hint: add alert = \"…\"",
        "s.toml:9:1: expect.notification[0].receiver is missing\n  hint: add receiver = \"…\""}},
      {"[[expect.notification]]\nalert = \"A\"\nreceiver = \"\"",
       {"s.toml:11:12: expect.notification[0].receiver must not be empty"}},
      {"[[expect.notification]]\nalert = \"A\"\nreceiver = \"r\"\nwithin = { inactive = \"1m\" }",
       {"s.toml:12:12: unknown key expect.notification[0].within.inactive"}},
      {"[[expect.notification]]\nalert = \"A\"\nreceiver = \"r\"\ncount = 1",
       {"s.toml:12:9: expect.notification[0].count must be a table, not an integer"}},
      {"[[expect.notification]]\nalert = \"A\"\nreceiver = \"r\"\ncount = { firing = -1, resolved = 1.5, "
       "other = 1 }",
       {"s.toml:12:20: expect.notification[0].count.firing must be from 0 to 1000000",
        "s.toml:12:35: expect.notification[0].count.resolved must be an integer, not a number",
        "s.toml:12:40: unknown key expect.notification[0].count.other"}},
      {"[[expect.notification]]\nalert = \"A\"\nreceiver = \"r\"\n[[expect.notification]]\nalert = "
       "\"A\"\nreceiver = \"r\"",
       {"s.toml:13:9: there is already an expectation of A at \"r\""}},
      {"[[expect.notification]]\nalert = \"A\"\nreceiver = \"r\"\n[[expect.notification]]\nalert = "
       "\"A\"\nreceiver = \"s\"",
       {}},
      {"[[expect.suppressed]]\nby = \"route\"",
       {"s.toml:9:1: expect.suppressed[0].alert is missing\n  hint: add alert = \"…\"",
        "s.toml:10:6: expect.suppressed[0].by cannot be \"route\"\n  hint: use inhibition, silence"}},
      {"[[expect.suppressed]]\nalert = \"A\"\nwithin = \"0s\"",
       {"s.toml:11:10: expect.suppressed[0].within must be above 0"}},
      {"[[expect.suppressed]]\nalert = \"A\"\n[[expect.suppressed]]\nalert = \"A\"",
       {"s.toml:12:9: there is already an expectation of A being suppressed by inhibition"}},
      {"[[expect.query]]\ntolerance = { above = 0 }\nwithin = \"0s\"",
       {"s.toml:9:1: expect.query[0].query is missing\n  hint: add query = \"…\"",
        "s.toml:11:10: expect.query[0].within must be above 0"}},
      {"[[expect.query]]\nquery = \"q\"",
       {"s.toml:9:1: expect.query[0].tolerance is missing\n"
        "  hint: add tolerance = { below = 0.01 }, or at_most, above, at_least, equals"}},
      {"[[expect.query]]\nname = \"q\"\nquery = \"q\"\ntolerance = { above = 0 }\n"
       "[[expect.query]]\nname = \"q\"\nquery = \"q\"\ntolerance = { above = 0 }",
       {"s.toml:14:8: there is already a query named \"q\""}},
  }));
  CHECK(errors_after_head("[[fault]]\ntarget = \"api\"\nkind = \"readiness\"\nstop = \"9s\"\n" +
                          mistake.body + "\n") == mistake.errors);
}

TEST_CASE("checks are checked") {
  const auto mistake = GENERATE(values<Mistake>({
      {"[[check]]\nquery = \"up\"",
       {"s.toml:6:1: check[0].kind is missing\n"
        "  hint: add kind = one of targets, rules, query, absent, recording, alert, quiet, suppressed, "
        "http"}},
      {"[[check]]\nkind = \"target\"",
       {"s.toml:7:8: check[0].kind cannot be \"target\" (did you mean \"targets\"?)\n"
        "  hint: use targets, rules, query, absent, recording, alert, quiet, suppressed, http"}},
      {"[[check]]\nkind = \"targets\"\nquery = \"up\"", {"s.toml:8:1: unknown key check[0].query"}},
      {"[[check]]\nkind = \"query\"\ntolerance = {}",
       {"s.toml:6:1: check[0].query is missing\n  hint: add query = \"…\"",
        "s.toml:8:13: check[0].tolerance sets no bound\n"
        "  hint: use below, at_most, above, at_least or equals"}},
      {"[[check]]\nkind = \"recording\"\nrule = \"a:b\"\ntolerance = 2",
       {"s.toml:9:13: check[0].tolerance must be from 0 to 1, not 2\n"
        "  hint: it is the relative difference: 0.01 is 1 %"}},
      {"[[check]]\nkind = \"http\"\ntarget = \"api\"\npath = \"healthz\"\nbody = \"(\"",
       {"s.toml:9:8: check[0].path must begin with /",
        "s.toml:10:8: check[0].body: \"(\" is not a regular expression: missing ): (\n"
        "  hint: write it in RE2's syntax, as Prometheus and Alertmanager take it"}},
      {"[[check]]\nkind = \"http\"\nurl = \"\"", {"s.toml:8:7: check[0].url must not be empty"}},
      {"[[check]]\nkind = \"quiet\"\nname = \"q\"\n[[check]]\nkind = \"quiet\"\nname = \"q\"",
       {"s.toml:11:8: there is already a check named \"q\""}},
  }));
  CHECK(errors_of("schema = 1\ntitle = \"t\"\nstack = \"http-api\"\n\n\n" + mistake.body + "\n") ==
        mistake.errors);
}

TEST_CASE("checks of a payload are checked") {
  const auto mistake = GENERATE(values<Mistake>({
      {"{}",
       {"s.toml:12:9: expect.notification[0].body[0].jsonpath is missing\n  hint: add jsonpath = \"…\"",
        "s.toml:12:9: expect.notification[0].body[0].matches is missing\n  hint: add matches = \"…\""}},
      {"{ jsonpath = \"$.a\", matches = \"\" }",
       {"s.toml:12:39: expect.notification[0].body[0].matches must not be empty"}},
      {"{ jsonpath = \"$.a\", matches = \"(\" }",
       {"s.toml:12:39: expect.notification[0].body[0].matches: \"(\" is not a regular expression: missing ): "
        "(\n"
        "  hint: it is RE2's syntax; [ ] ( ) { } . * + ? ^ $ | \\ stand for themselves after a "
        "backslash"}},
      {"{ jsonpath = \"a.b\", matches = \"x\" }",
       {"s.toml:12:22: expect.notification[0].body[0].jsonpath is not a path: a.b\n"
        "  hint: use $ and .key or [index], such as $.attachments[0].title"}},
      {"{ text = \"x\" }", {}},
      {"{ text = \"(\" }",
       {"s.toml:12:18: expect.notification[0].body[0].text: \"(\" is not a regular expression: missing ): (\n"
        "  hint: it is RE2's syntax; [ ] ( ) { } . * + ? ^ $ | \\ stand for themselves after a "
        "backslash"}},
      {"{ jsonpath = \"$.a\", matches = \"x\", text = \"y\" }",
       {"s.toml:12:51: expect.notification[0].body[0].text and jsonpath exclude each other\n"
        "  hint: use text for all that can be read, jsonpath and matches for one place"}},
      {"{ jsonpath = \"$.a\", matches = \"x\", equals = \"y\" }",
       {"s.toml:12:44: unknown key expect.notification[0].body[0].equals"}},
  }));
  CHECK(errors_after_head(
            "[[fault]]\ntarget = \"api\"\nkind = \"readiness\"\n[[expect.notification]]\nalert = \"A\"\n"
            "receiver = \"r\"\n# 11\nbody = [" +
            mistake.body + "]\n") == mistake.errors);
}

TEST_CASE("what a notification has to carry is checked") {
  const std::string head =
      "[[fault]]\ntarget = \"api\"\nkind = \"readiness\"\n[[expect.notification]]\nalert = \"A\"\nreceiver = "
      "\"r\"\n# 11\n";
  const auto mistake = GENERATE(values<Mistake>({
      {"labels = { severity = 1 }",
       {"s.toml:12:23: expect.notification[0].labels.severity must be a string, not an integer"}},
      {"annotations = { summary = \"(\" }",
       {"s.toml:12:27: expect.notification[0].annotations.summary: \"(\" is not a regular expression: "
        "missing ): "
        "(\n  hint: it is RE2's syntax; [ ] ( ) { } . * + ? ^ $ | \\ stand for themselves after a "
        "backslash"}},
      {"group = \"alertname\"", {"s.toml:12:9: expect.notification[0].group must be a table, not a string"}},
      {"after = \"slack\"", {"s.toml:12:9: expect.notification[0].after must be a table, not a string"}},
      {"after = { receiver = \"slack\" }",
       {"s.toml:12:9: no firing notification of A at \"slack\" is expected\n"
        "  hint: add an [[expect.notification]] for it, or use one of A at \"r\""}},
      {"after = {}", {"s.toml:12:9: A at \"r\" would have to come after itself"}},
      {"after = { alert = \"B\" }\n[[expect.notification]]\nalert = \"B\"\nreceiver = \"r\"\ncount = { "
       "firing = 0 }",
       {"s.toml:12:9: no firing notification of B at \"r\" is expected\n"
        "  hint: add an [[expect.notification]] for it, or use one of A at \"r\", B at \"r\""}},
      {"after = { alert = \"B\" }\n[[expect.notification]]\nalert = \"B\"\nreceiver = \"r\"\nafter = { alert "
       "= "
       "\"A\" }",
       {"s.toml:12:9: A at \"r\" would have to come after itself",
        "s.toml:16:9: B at \"r\" would have to come after itself"}},
      {"after = { alert = \"B\", by = 1 }\n[[expect.notification]]\nalert = \"B\"\nreceiver = \"r\"",
       {"s.toml:12:24: unknown key expect.notification[0].after.by"}},
  }));
  CHECK(errors_after_head(head + mistake.body + "\n") == mistake.errors);
}

TEST_CASE("a path into a payload is $ with .key and [index]") {
  const auto accepted = [](const std::string& path) {
    return errors_after_head(
               "[[fault]]\ntarget = \"api\"\nkind = \"readiness\"\n[[expect.notification]]\nalert = \"A\"\n"
               "receiver = \"r\"\nbody = [ { jsonpath = '" +
               path + "', matches = \"x\" } ]\n")
        .empty();
  };
  for (const char* path : {"$", "$.a", "$.a.b", "$[0]", "$.a[0].b[12][3]", "$.a b.ü"}) {
    CAPTURE(path);
    CHECK(accepted(path));
  }
  for (const char* path : {"", "a", "$a", "$.", "$..a", "$.a.", "$[", "$[]", "$[x]", "$[-1]", "$.a[0]b",
                           "$[*]", "$[1234567890]"}) {
    CAPTURE(path);
    CHECK(!accepted(path));
  }
}

TEST_CASE("causes are checked") {
  const std::string one = "[[fault]]\nname = \"errors\"\ntarget = \"api\"\nkind = \"readiness\"\n";
  const std::string two = "[[fault]]\nname = \"slowness\"\ntarget = \"api\"\nkind = \"readiness\"\n";
  const std::string alert = "[[expect.alert]]\nname = \"A\"\n";
  const std::string other = "[[expect.notification]]\nalert = \"B\"\nreceiver = \"r\"\n";

  CHECK(errors_after_head(one + alert + "caused_by = \"eror\"\n") ==
        Lines{"s.toml:11:13: there is no fault named \"eror\" (did you mean \"errors\"?)"});
  CHECK(errors_after_head(one + two + alert + other) ==
        Lines{"s.toml:13:1: expect.alert[0] does not say which fault causes it\n"
              "  hint: add caused_by = one of errors, slowness",
              "s.toml:15:1: expect.notification[0] does not say which fault causes it\n"
              "  hint: add caused_by = one of errors, slowness"});
  CHECK(errors_after_head(one + alert + "caused_by = 5\n") ==
        Lines{"s.toml:11:13: expect.alert[0].caused_by must be a string, not an integer"});
}

TEST_CASE("what a fault has to cause needs a fault") {
  const auto mistake = GENERATE(values<Mistake>({
      {"[[expect.alert]]\nname = \"A\"\n[[expect.alert]]\nname = \"B\"",
       {"s.toml:5:1: the scenario expects an alert but has no [[fault]] to cause it\n  hint: add a "
        "[[fault]]"}},
      {"[[expect.notification]]\nalert = \"A\"\nreceiver = \"r\"",
       {"s.toml:5:1: the scenario expects a notification but has no [[fault]] to cause it\n  hint: add a "
        "[[fault]]"}},
      {"[[expect.suppressed]]\nalert = \"A\"",
       {"s.toml:5:1: the scenario expects a suppressed alert but has no [[fault]] to cause it\n  hint: add a "
        "[[fault]]"}},
      {"[[expect.query]]\nquery = \"q\"\ntolerance = { above = 0 }",
       {"s.toml:5:1: the scenario expects a query to come true but has no [[fault]] to cause it\n"
        "  hint: add a [[fault]]"}},
  }));
  CHECK(errors_after_head(mistake.body + "\n") == mistake.errors);
}

TEST_CASE("what may fire besides is checked") {
  const auto mistake = GENERATE(values<Mistake>({
      {"nothing_else = true", {"s.toml:5:16: expect.nothing_else must be a table, not true or false"}},
      {"[expect.nothing_else]\nwatch = \"31d\"\nallowed = []",
       {"s.toml:6:9: expect.nothing_else.watch must be at most 30d",
        "s.toml:7:1: unknown key expect.nothing_else.allowed (did you mean \"allow\"?)"}},
      {"[expect.nothing_else]\nallow = [\"Watchdog\"]",
       {"s.toml:6:9: expect.nothing_else.allow[0] must be a table, not a string"}},
      {"[expect.nothing_else]\nallow = [ { labels = {} } ]",
       {"s.toml:6:11: expect.nothing_else.allow[0].alertname is missing\n  hint: add alertname = \"…\""}},
      {"[expect.nothing_else]\nallow = [ { alertname = \"**\" } ]",
       {"s.toml:6:25: expect.nothing_else.allow[0].alertname is \"**\": every alert may fire, so nothing is "
        "checked\n"
        "  hint: name the alerts, or add labels = { … }"}},
      {"[expect.nothing_else]\nallow = [ { alertname = \"*\", labels = { severity = \"none\" } } ]", {}},
      {"[expect.nothing_else]\nallow = [ { alertname = \"A\", until = \"2027-01-31\" } ]",
       {"s.toml:6:30: unknown key expect.nothing_else.allow[0].until"}},
      {"[expect.nothing_else]\nknown = [ { alertname = \"A\" } ]",
       {"s.toml:6:11: expect.nothing_else.known[0].until is missing\n  hint: add until = \"…\"",
        "s.toml:6:11: expect.nothing_else.known[0].issue is missing\n  hint: add issue = \"…\""}},
      {"[expect.nothing_else]\nknown = [ { alertname = \"A\", until = 2027-01-31, issue = \"X\" } ]",
       {"s.toml:6:38: expect.nothing_else.known[0].until must be a string, not a date or time"}},
      {"[expect.nothing_else]\nknown = [ { alertname = \"A\", until = \"31.1.2027\", issue = \"\" } ]",
       {"s.toml:6:38: expect.nothing_else.known[0].until must be a date such as 2027-01-31",
        "s.toml:6:59: expect.nothing_else.known[0].issue must not be empty"}},
      {"[expect.nothing_else]\nknown = [ { alertname = \"A\", until = \"2027-02-29\", issue = \"X\" } ]",
       {"s.toml:6:38: expect.nothing_else.known[0].until must be a date such as 2027-01-31"}},
      {"[expect.nothing_else]\nknown = [ { alertname = \"A\", until = \"2028-02-29\", issue = \"X\" } ]", {}},
  }));
  CHECK(errors_of("schema = 1\ntitle = \"t\"\nstack = \"http-api\"\n[expect]\n" + mistake.body +
                  "\n[[threshold]]\nload = \"a\"\nmetric = \"error_ratio\"\nbelow = 1\n" + kLoad) ==
        mistake.errors);
}

TEST_CASE("thresholds are checked") {
  const auto mistake = GENERATE(values<Mistake>({
      {"",
       {"s.toml:7:1: threshold[0].load is missing\n  hint: add load = \"…\"",
        "s.toml:7:1: threshold[0].metric is missing\n"
        "  hint: add metric = one of error_ratio, achieved_rate, response_p50, response_p90, response_p95, "
        "response_p99, service_p50, service_p90, service_p95, service_p99"}},
      {"load = \"b\"\nmetric = \"error_ratio\"\nbelow = 0.1", {"s.toml:8:8: there is no [load.b]"}},
      {"load = \"a\"\nmetric = \"error_ratio\"",
       {"s.toml:7:1: threshold[0] sets no bound\n"
        "  hint: use below, at_most, above, at_least or equals"}},
      // The bounds are read for the metric that was meant.
      {"load = \"a\"\nmetric = \"respons_p99\"\nbelow = \"300ms\"",
       {"s.toml:9:10: threshold[0].metric cannot be \"respons_p99\" (did you mean \"response_p99\"?)\n"
        "  hint: use error_ratio, achieved_rate, response_p50, response_p90, response_p95, response_p99, "
        "service_p50, "
        "service_p90, service_p95, service_p99"}},
      {"load = \"a\"\nmetric = 99\nbelow = \"300ms\"",
       {"s.toml:9:10: threshold[0].metric must be a string, not an integer"}},
      {"load = \"a\"\nmetric = \"response_p99\"\nbelow = 0.3",
       {"s.toml:10:9: threshold[0].below must be a duration in quotes, such as \"30s\", not a number"}},
      {"load = \"a\"\nmetric = \"achieved_rate\"\nat_least = \"190/s\"",
       {"s.toml:10:12: threshold[0].at_least must be a number, not a string"}},
      {"load = \"a\"\nmetric = \"achieved_rate\"\nat_least = 190", {}},
      {"load = \"a\"\nmetric = \"service_p90\"\nat_most = \"1s\"", {}},
      {"load = \"a\"\nmetric = \"error_ratio\"\nbelow = 0.1\nwhen = \"during\"",
       {"s.toml:11:8: threshold[0].when cannot be \"during\"\n"
        "  hint: use before-fault, during-fault, after-fault, whole"}},
      {"load = \"a\"\nmetric = \"error_ratio\"\nbelow = 0.1\nwhen = \"during-fault\"",
       {"s.toml:11:8: there is no during-fault without a [[fault]]\n  hint: use \"before-fault\" or "
        "\"whole\""}},
      {"load = \"a\"\nmetric = \"error_ratio\"\nbelow = 0.1\nwhen = \"after-fault\"",
       {"s.toml:11:8: there is no after-fault without a [[fault]]\n  hint: use \"before-fault\" or "
        "\"whole\""}},
      {"load = \"a\"\nmetric = \"error_ratio\"\nbelow = 0.1\n[[threshold]]\nload = \"a\"\nmetric = "
       "\"error_ratio\"\nabove = 0",
       {"s.toml:13:10: there is already a threshold on error_ratio of \"a\", whole"}},
      {"load = \"a\"\nmetric = \"error_ratio\"\nbelow = 0.1\nfor = \"5s\"",
       {"s.toml:11:1: unknown key threshold[0].for"}},
  }));
  CHECK(errors_after_head(kLoad + "[[threshold]]\n" + mistake.body + "\n") == mistake.errors);
}

TEST_CASE("[chaos] needs something to draw from") {
  const std::string kinds = GENERATE("", "kinds = []\n");
  CHECK(errors_after_head(kLoad + "[chaos]\nbudget = \"1m\"\ntargets = [\"api\"]\n" + kinds) ==
        Lines{"s.toml:7:1: chaos.kinds is missing\n  hint: add kinds = [\"error-rate\", \"latency\"]"});
}
