// What each kind of fault takes, what it tells the planner, and what it says about mistakes.
#include <set>

#include "core/toml_reader.hpp"
#include "scenarios/faults/fault_calls.hpp"
#include "scenarios/faults/fault_kind.hpp"
#include "scenarios/scenario_parts.hpp"
#include "tests/support/catch.hpp"

using namespace obsctl;
using namespace obsctl::scenarios;
using namespace std::chrono_literals;

namespace {

struct Read {
  FaultSpec fault;
  std::vector<std::string> errors;
};

Read read(const std::string& keys) {
  auto file = core::TomlFile::parse("[fault]\n" + keys + "\n", "f.toml");
  REQUIRE(file);
  auto table = file->root().table("fault");
  Read result{read_fault(*table, 0), {}};
  for (const core::Error& error : file->errors()) result.errors.push_back(to_string(error));
  return result;
}

struct Row {
  std::string keys;
  std::string parameters;
  std::string description;
  double failing = 0;
  double delayed = 0;
  Nanoseconds delay{};
};

}  // namespace

TEST_CASE("each kind of fault reads its keys, says what it does, and what the load will see") {
  const auto row = GENERATE(values<Row>({
      {"kind = \"error-rate\"\ntarget = \"api\"\nrate = 0.25\nroutes = \"/a\"",
       R"({"rate": 0.25, "routes": ["/a"], "status": 503})", "error-rate 25% → 503 on api /a", 0.25},
      {"kind = \"latency\"\ntarget = \"api\"\ndelay = \"400ms\"\njitter = \"100ms\"",
       R"({"rate": 1.0, "delay": "400ms", "jitter": "100ms"})", "latency +400ms ± 100ms for 100% on api", 0,
       1, 300ms},
      {"kind = \"latency\"\ntarget = \"api\"\ndistribution = \"lognormal\"\np50 = \"200ms\"\np99 = \"1s\"",
       R"({"rate": 1.0, "distribution": "lognormal", "p50": "200ms", "p99": "1s"})",
       "latency rate 1.0 distribution lognormal p50 200ms p99 1s on api", 0, 0.5, 200ms},
      {"kind = \"hang\"\ntarget = \"api\"\nrate = 0.5", R"({"rate": 0.5})", "hang rate 0.5 on api", 0.5},
      {"kind = \"truncate\"\ntarget = \"api\"\nafter_bytes = 10", R"({"after_bytes": 10, "rate": 1.0})",
       "truncate after_bytes 10 rate 1.0 on api"},
      {"kind = \"rate-limit\"\ntarget = \"api\"\nrate = \"100/s\"", R"({"rate": "100/s"})",
       "rate-limit rate 100/s on api"},
      {"kind = \"dependency\"\ntarget = \"api\"\ndependencies = [\"db\"]\nmode = \"slow\"\ndelay = \"1s\"",
       R"({"dependencies": ["db"], "mode": "slow", "delay": "1s", "rate": 1.0})", "slow of db on api"},
      {"kind = \"cpu-burn\"\ntarget = \"api\"\ncores = 0.5", R"({"cores": 0.5})",
       "cpu-burn cores 0.5 on api"},
      {"kind = \"kill\"\ntarget = \"api\"", "{}", "kill on api", 1},
      {"kind = \"pause\"\ntarget = \"api\"", "{}", "pause on api"},
      {"kind = \"notification-outage\"\ntarget = \"receiver\"\nreceiver = \"slack\"",
       R"({"receiver": "slack", "behaviours": ["503"]})", "notifications to slack meet 503 on receiver"},
      {"kind = \"exec\"\ncommand = [\"a\", \"b c\"]\nundo = [\"d\"]\nstate = [\"e\"]",
       R"({"command": ["a", "b c"], "undo": ["d"], "state": ["e"], "timeout": "30s"})", "a 'b c'"},
      {"kind = \"container\"\ncontainer = \"web\"\naction = \"pause\"",
       R"({"container": "web", "action": "pause"})", "pause of container web"},
      {"kind = \"toxiproxy\"\nproxy = \"redis\"\ntoxic = \"latency\"\nattributes = { latency = 1000 }",
       R"({"api": "http://127.0.0.1:8474", "proxy": "redis", "toxic": "latency", "stream": "downstream",
           "toxicity": 1.0, "attributes": {"latency": 1000}})",
       "toxic latency latency 1000 of proxy redis"},
      {"kind = \"flagd\"\nfile = \"/f.json\"\nflag = \"slow\"",
       R"({"file": "/f.json", "flag": "slow", "variant": "on"})", "flag slow is on"},
      {"kind = \"envoy\"\nkeys = { \"fault.http.abort.abort_percent\" = \"30\" }",
       R"({"api": "http://127.0.0.1:9901", "keys": {"fault.http.abort.abort_percent": "30"}})",
       "runtime fault.http.abort.abort_percent=30"},
  }));
  CAPTURE(row.keys);
  const Read got = read(row.keys);
  CHECK(got.errors == std::vector<std::string>{});
  CHECK(got.fault.parameters == Json::parse(row.parameters));
  CHECK(got.fault.description == row.description);
  CHECK(got.fault.effect.failing == Approx(row.failing));
  CHECK(got.fault.effect.delayed == Approx(row.delayed));
  CHECK(got.fault.effect.delay == row.delay);
}

TEST_CASE("mistakes in the keys of a kind are told with their place and a way to mend them") {
  struct Mistake {
    std::string keys;
    std::vector<std::string> errors;
  };
  const auto mistake = GENERATE(values<Mistake>({
      {"kind = \"exec\"\ncommand = [\"a\"]\nstate = [\"b\"]",
       {"f.toml:1:1: fault.undo is missing\n  hint: add undo = [\"program\", \"argument\"]"}},
      {"kind = \"exec\"\ncommand = [\"a\"]\nundo = [\"b\"]",
       {"f.toml:1:1: fault says neither how its state is read nor how the fault is seen\n"
        "  hint: add state = [\"program\", …], which succeeds while the fault is there, or confirm = { … }"}},
      {"kind = \"http\"\nset = { url = \"/x\" }\nundo = { url = \"http://h/x\" }\nstate = { url = "
       "\"http://h/x\" }",
       {"f.toml:3:15: fault.set.url is a path, but the fault has no target\n"
        "  hint: add target = \"…\", or write the whole URL"}},
      {"kind = \"container\"\ncontainer = \"c\"\naction = \"disconnect\"",
       {"f.toml:1:1: fault.network is missing\n  hint: add network = \"…\""}},
      {"kind = \"toxiproxy\"\nproxy = \"p\"\ntoxic = \"latenzy\"",
       {"f.toml:4:9: fault.toxic cannot be \"latenzy\" (did you mean \"latency\"?)\n"
        "  hint: use down, latency, bandwidth, slow_close, timeout, reset_peer, slicer, limit_data"}},
      {"kind = \"cpu-burn\"\ntarget = \"api\"\ncores = 2",
       {"f.toml:4:9: fault.cores must be from 0.01 to 1"}},
      {"kind = \"latency\"\ntarget = \"api\"\ndistribution = \"lognormal\"\np50 = \"1s\"\np99 = \"1s\"",
       {"f.toml:6:7: fault.p99 must be above p50"}},
      {"kind = \"readiness\"\ntarget = \"api\"\nafter = { }",
       {"f.toml:4:9: fault.after needs exactly one of fault and alert\n"
        "  hint: such as after = { fault = \"errors\" } or after = { alert = \"HighErrorRate\" }"}},
  }));
  CAPTURE(mistake.keys);
  CHECK(read(mistake.keys).errors == mistake.errors);
}

TEST_CASE("kinds have different names, and those that chance may choose draw what a file may say") {
  std::set<std::string> names;
  for (const FaultKind& kind : fault_kinds()) {
    CAPTURE(kind.name);
    CHECK(names.insert(kind.name).second);
    CHECK_FALSE(kind.summary.empty());
    if (kind.draw == nullptr) continue;
    stacks::SplitMix64 random(7);
    for (int i = 0; i < 50; ++i) {
      const std::string keys = kind.draw(random);
      CAPTURE(keys);
      CHECK(read("kind = \"" + kind.name + "\"\ntarget = \"api\"\n" + keys).errors.empty());
    }
  }
}

TEST_CASE("words for a shell are quoted where they have to be, and variables stay variables") {
  CHECK(shell_quoted("plain-1.0/x") == "plain-1.0/x");
  CHECK(shell_quoted("two words") == "'two words'");
  CHECK(shell_quoted("it's") == "'it'\\''s'");
  CHECK(shell_quoted("") == "''");
  CHECK(shell_expanded("Bearer ${TOKEN} \"x\"") == "\"Bearer ${TOKEN} \\\"x\\\"\"");
  CHECK(shell_expanded("a ${B} $(c) $d `e`") == "\"a ${B} \\$(c) \\$d \\`e\\`\"");
  CHECK(shell_quoted("$(rm x) ${Y}") == "'$(rm x) ${Y}'");
}
