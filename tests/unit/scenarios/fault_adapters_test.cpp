// Faults that talk to something: what they ask for, what they make of the answers, and that clearing twice
// does no harm. Envoy cannot be had here, so that its admin interface is played by a server that keeps
// runtime keys as Envoy does (https://www.envoyproxy.io/docs/envoy/latest/operations/admin).
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>

#include "core/file.hpp"
#include "core/http_server.hpp"
#include "core/text.hpp"
#include "core/toml_reader.hpp"
#include "scenarios/faults/fault_kind.hpp"
#include "scenarios/scenario_parts.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/unit/verifiers/fake_api.hpp"

using namespace obsctl;
using namespace obsctl::scenarios;
using obsctl::tests::FakeApi;
using obsctl::tests::TemporaryDirectory;

namespace {

FaultSpec spec_of(const std::string& keys) {
  auto file = core::TomlFile::parse("[fault]\nname = \"it\"\n" + keys, "f.toml");
  REQUIRE(file);
  auto table = file->root().table("fault");
  FaultSpec fault = read_fault(*table, 0);
  for (const core::Error& error : file->errors()) FAIL(to_string(error));
  return fault;
}

class Made {
 public:
  explicit Made(const std::string& keys, FaultPlace place = {})
      : fault_(make_fault(spec_of(keys), place, clock_).value()) {}
  Fault* operator->() { return fault_.get(); }

 private:
  core::SystemClock clock_;
  std::unique_ptr<Fault> fault_;
};

/// Runtime keys: POST /runtime_modify sets them, an empty value removes one, GET /runtime?format=json tells.
class EnvoyAdmin {
 public:
  EnvoyAdmin() {
    auto started = core::HttpServer::start({}, [this](const std::shared_ptr<core::HttpExchange>& exchange) {
      const std::lock_guard lock(mutex_);
      if (exchange->path() == "/runtime_modify" && exchange->method() == "POST") {
        for (const char* key : {"fault.http.abort.abort_percent", "fault.http.abort.http_status"}) {
          const auto value = exchange->query(key);
          if (!value) continue;
          values_.erase(key);
          if (!value->empty()) values_[key] = *value;
        }
        exchange->respond({.body = "OK\n"});
        return;
      }
      Json entries = Json::object();
      for (const auto& [key, value] : values_) entries[key] = {{"final_value", value}};
      exchange->respond({.body = Json{{"layers", {"admin"}}, {"entries", entries}}.dump()});
    });
    REQUIRE(started);
    server_ = std::move(*started);
  }
  std::string url() const { return server_->url(); }

 private:
  std::mutex mutex_;
  std::map<std::string, std::string> values_;
  std::unique_ptr<core::HttpServer> server_;
};

}  // namespace

TEST_CASE("Envoy's runtime keys are set, seen and removed") {
  const EnvoyAdmin envoy;
  Made fault("kind = \"envoy\"\napi = \"" + envoy.url() +
             "\"\nkeys = { \"fault.http.abort.abort_percent\" = \"30\", \"fault.http.abort.http_status\" = "
             "\"503\" }\n");
  REQUIRE(fault->check({}));
  CHECK(fault->look({})->evidence == "runtime key fault.http.abort.abort_percent is not set");
  REQUIRE(fault->inject({}));
  CHECK(fault->look({})->present);
  const auto again = fault->check({});
  REQUIRE_FALSE(again);
  CHECK(again.error().message == "the runtime keys have the fault's values already");
  CHECK(again.error().hint == "curl -X POST '" + envoy.url() +
                                  "/runtime_modify?fault.http.abort.abort_percent=&"
                                  "fault.http.abort.http_status='");
  for (int i = 0; i < 2; ++i) {
    CHECK(fault->clear({}));
    CHECK_FALSE(fault->look({})->present);
  }
  CHECK_FALSE(fault->has_ttl());
}

TEST_CASE("an HTTP fault sends its calls with variables and its time limit filled in") {
  FakeApi api;
  api.answer("/flag", "{\"on\": false}");
  ::setenv("OBSCTL_TEST_FLAG_TOKEN", "secret", 1);
  const std::string keys =
      "kind = \"http\"\ntarget = \"shop\"\nmax_duration = \"90s\"\n"
      "set = { method = \"POST\", url = \"/flag\", headers = { Authorization = \"Bearer "
      "${OBSCTL_TEST_FLAG_TOKEN}\" }, body = '{\"for\": \"{ttl}\", \"seconds\": {ttl_seconds}}' }\n"
      "undo = { url = \"/flag\", headers = { Authorization = \"Bearer ${OBSCTL_TEST_FLAG_TOKEN}\" } }\n"
      "state = { url = \"/flag\", matches = '\"on\": true' }\n";
  FaultPlace shop;
  shop.url = api.url();
  Made fault(keys, shop);
  CHECK(fault->has_ttl());
  REQUIRE(fault->check({}));
  REQUIRE(fault->inject({}));
  CHECK(api.last_body() == "{\"for\": \"1m30s\", \"seconds\": 90}");
  CHECK_FALSE(fault->look({})->present);
  api.answer("/flag", "{\"on\": true}");
  CHECK(fault->look({})->present);
  CHECK(fault->look({})->evidence == api.url() + "/flag answers 200");
  CHECK(fault->undo() ==
        "curl -X DELETE -H \"Authorization: Bearer ${OBSCTL_TEST_FLAG_TOKEN}\" " + api.url() + "/flag");
  REQUIRE(fault->clear({}));
  CHECK(api.requests().back() == "DELETE /flag");

  ::unsetenv("OBSCTL_TEST_FLAG_TOKEN");
  const auto without = fault->clear({});
  REQUIRE_FALSE(without);
  CHECK(to_line(without.error()).find("the environment variable OBSCTL_TEST_FLAG_TOKEN is not set") == 0);
  api.answer("/flag", "no such flag", 404);
  ::setenv("OBSCTL_TEST_FLAG_TOKEN", "secret", 1);
  const auto refused = fault->inject({});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "POST " + api.url() + "/flag answered 404: no such flag");
}

TEST_CASE(
    "a flag of flagd is changed in its file, and changed back to what it was, also by another process") {
  const TemporaryDirectory folder;
  const std::string file = (folder / "demo.flagd.json").string();
  REQUIRE(core::write_file(file, R"({"$schema": "https://flagd.dev/schema/v0/flags.json", "flags": {
    "other": {"state": "ENABLED", "variants": {"a": 1}, "defaultVariant": "a"},
    "paymentFailure": {"state": "ENABLED", "variants": {"50%": 0.5, "off": 0}, "defaultVariant": "off"}}})"));
  const std::string keys =
      "kind = \"flagd\"\nfile = \"" + file + "\"\nflag = \"paymentFailure\"\nvariant = \"50%\"\n";
  const auto variant = [&] {
    return Json::parse(core::read_file(file).value())["flags"]["paymentFailure"]["defaultVariant"];
  };
  const Json before = Json::parse(core::read_file(file).value());
  Made fault(keys);
  REQUIRE(fault->check({}));
  const Json memory = fault->memory();
  REQUIRE(fault->inject({}));
  CHECK(variant() == "50%");
  CHECK(fault->look({})->present);
  CHECK(fault->undo() == "set flags.paymentFailure.defaultVariant to \"off\" in " + file);

  Made elsewhere(keys);
  elsewhere->recall(memory);
  for (int i = 0; i < 2; ++i) REQUIRE(elsewhere->clear({}));
  CHECK(Json::parse(core::read_file(file).value()) == before);

  Made unknown("kind = \"flagd\"\nfile = \"" + file + "\"\nflag = \"paymentFailure\"\n");
  CHECK(to_line(unknown->check({}).error()) == file + ": flag paymentFailure has no variant \"on\"");
  Made absent("kind = \"flagd\"\nfile = \"" + file + "\"\nflag = \"cartFailure\"\n");
  CHECK(to_line(absent->check({}).error()) == file + ": there is no flag cartFailure");
}

TEST_CASE("a command that fails is told with what it said") {
  Made fault(
      "kind = \"exec\"\ncommand = [\"sh\", \"-c\", \"echo no permission; exit 3\"]\nundo = [\"true\"]\n"
      "state = [\"false\"]\n");
  REQUIRE(fault->check({}));
  const auto injected = fault->inject({});
  REQUIRE_FALSE(injected);
  CHECK(injected.error().message == "sh -c 'echo no permission; exit 3' exited with code 3: no permission");
  CHECK(fault->clear({}));
  CHECK(fault->look({})->evidence == "false exited with code 1");
}
