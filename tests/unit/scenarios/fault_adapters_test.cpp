// Faults that talk to something: what they ask for, what they make of the answers, and that clearing twice
// does no harm. Envoy's admin interface is played by a server that keeps runtime keys as Envoy does
// (https://www.envoyproxy.io/docs/envoy/latest/operations/admin); the real one is in
// tests/integration/fault_adapters_test.cpp.
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

/// Runtime keys: POST /runtime_modify sets them, an empty value removes one, GET /runtime?format=json tells,
/// and GET /config_dump which layer they are in.
class EnvoyAdmin {
 public:
  explicit EnvoyAdmin(bool changeable = true) {
    auto started = core::HttpServer::start({}, [this, changeable](
                                                   const std::shared_ptr<core::HttpExchange>& exchange) {
      const std::lock_guard lock(mutex_);
      if (exchange->path() == "/config_dump") {
        Json layers = {{{"name", "first"}, {"static_layer", Json::object()}}};
        if (changeable) layers.push_back({{"name", "second"}, {"admin_layer", Json::object()}});
        exchange->respond(
            {.body =
                 Json{{"configs", {{{"bootstrap", {{"layered_runtime", {{"layers", layers}}}}}}}}}.dump()});
        return;
      }
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
      for (const auto& [key, value] : values_)
        entries[key] = {{"final_value", value}, {"layer_values", {"", value}}};
      exchange->respond({.body = Json{{"layers", {"first", "second"}}, {"entries", entries}}.dump()});
    });
    REQUIRE(started);
    server_ = std::move(*started);
  }
  std::string url() const { return server_->url(); }
  void set(const std::string& key, const std::string& value) {
    const std::lock_guard lock(mutex_);
    values_[key] = value;
  }
  std::string value(const std::string& key) {
    const std::lock_guard lock(mutex_);
    return values_.count(key) == 0 ? "not set" : values_[key];
  }

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

TEST_CASE("an Envoy without an admin layer says so before anything is changed") {
  const EnvoyAdmin envoy(false);
  Made fault("kind = \"envoy\"\napi = \"" + envoy.url() + "\"\nkeys = { a = \"1\" }\n");
  const auto possible = fault->check({});
  REQUIRE_FALSE(possible);
  CHECK(possible.error().message ==
        "the Envoy at " + envoy.url() + " has no admin layer, so that its runtime keys cannot be changed");
  CHECK(possible.error().hint ==
        "add layered_runtime: {layers: [{name: admin, admin_layer: {}}]} to its bootstrap");
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

TEST_CASE("a container is looked for in each engine, whichever is installed without anything behind it") {
  const TemporaryDirectory programs;
  const auto program = [&](const char* name, const std::string& script) {
    REQUIRE(core::write_file(programs / name, "#!/bin/sh\n" + script, 0700));
  };
  program("docker", "echo Is the docker daemon running?\nexit 1\n");
  program("podman", "echo no such container\nexit 125\n");
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", (programs.path().string() + ":" + path).c_str(), 1);
  Made fault("kind = \"container\"\ncontainer = \"shop\"\naction = \"pause\"\n");
  const auto nowhere = fault->look({});
  program("podman", "echo '[{\"State\": {\"Status\": \"running\"}}]'\n");
  const auto found = fault->look({});
  ::setenv("PATH", path.c_str(), 1);
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().message ==
        "docker inspect --type container shop exited with code 1: Is the docker daemon running?; "
        "podman inspect --type container shop exited with code 125: no such container");
  REQUIRE(found);
  CHECK(found->evidence == "shop is running");
  CHECK(fault->undo() == "podman unpause shop");
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

TEST_CASE("an override of Envoy's that somebody else had set comes back, also by another process") {
  EnvoyAdmin envoy;
  const std::string percent = "fault.http.abort.abort_percent";
  envoy.set(percent, "10");
  const std::string keys = "kind = \"envoy\"\napi = \"" + envoy.url() + "\"\nkeys = { \"" + percent +
                           "\" = \"30\", \"fault.http.abort.http_status\" = \"503\" }\n";
  Made fault(keys);
  REQUIRE(fault->check({}));
  const Json memory = fault->memory();
  REQUIRE(fault->inject({}));
  CHECK(envoy.value(percent) == "30");
  Made elsewhere(keys);
  elsewhere->recall(memory);
  REQUIRE(elsewhere->clear({}));
  CHECK(envoy.value(percent) == "10");
  CHECK(envoy.value("fault.http.abort.http_status") == "not set");
}

TEST_CASE("a flag without a variant to go back to is refused, and its file keeps its mode and its link") {
  const TemporaryDirectory folder;
  const std::string real = (folder / "real.json").string();
  const std::string link = (folder / "link.json").string();
  std::filesystem::create_symlink(real, link);
  REQUIRE(core::write_file(real, R"({"flags": {
    "bare": {"variants": {"on": true, "off": false}},
    "slow": {"variants": {"on": true, "off": false}, "defaultVariant": "off"}}})",
                           0600));
  Made bare("kind = \"flagd\"\nfile = \"" + link + "\"\nflag = \"bare\"\n");
  CHECK(to_line(bare->check({}).error()) ==
        link + ": flag bare has no defaultVariant to go back to (give it one)");
  Made slow("kind = \"flagd\"\nfile = \"" + link + "\"\nflag = \"slow\"\n");
  REQUIRE(slow->check({}));
  REQUIRE(slow->inject({}));
  CHECK(std::filesystem::is_symlink(link));
  CHECK((std::filesystem::status(real).permissions() & std::filesystem::perms::mask) ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  REQUIRE(core::write_file(real, "{\"flags\": {} // ours\n}"));
  CHECK(to_line(slow->check({}).error()).find("without comments") != std::string::npos);
}

TEST_CASE("a secret in a URL is told as the variable that it comes from") {
  FakeApi api;
  api.answer("/flag", "no such flag", 404);
  ::setenv("OBSCTL_TEST_FLAG_KEY", "secret", 1);
  Made fault("kind = \"http\"\nset = { url = \"" + api.url() +
             "/flag?key=${OBSCTL_TEST_FLAG_KEY}\" }\nundo = { url = \"" + api.url() +
             "/flag?key=${OBSCTL_TEST_FLAG_KEY}\" }\nstate = { url = \"" + api.url() +
             "/flag?key=${OBSCTL_TEST_FLAG_KEY}\" }\n");
  const auto refused = fault->inject({});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message ==
        "PUT " + api.url() + "/flag?key=${OBSCTL_TEST_FLAG_KEY} answered 404: no such flag");
  CHECK(fault->look({})->evidence == api.url() + "/flag?key=${OBSCTL_TEST_FLAG_KEY} answers 404");
  ::unsetenv("OBSCTL_TEST_FLAG_KEY");
}

TEST_CASE("an answer of any shape is an error, not the end of the run") {
  const std::string body = GENERATE("null", "[]", "{\"active\": true, \"expires_at\": null}",
                                    "{\"toxics\": 7}", "{\"entries\": []}", "{\"flags\": []}");
  const std::string keys = GENERATE("kind = \"toxiproxy\"\nproxy = \"web\"\ntoxic = \"latency\"\napi = ",
                                    "kind = \"envoy\"\nkeys = { a = \"1\" }\napi = ");
  CAPTURE(body, keys);
  FakeApi api;
  for (const char* path : {"/proxies/web", "/proxies/web/toxics", "/runtime", "/runtime_modify"})
    api.answer(path, body);
  Made fault(keys + "\"" + api.url() + "\"\n");
  static_cast<void>(fault->check({}));
  static_cast<void>(fault->inject({}));
  static_cast<void>(fault->clear({}));
  const auto sight = fault->look({});
  CHECK((!sight || !sight->present));
}

TEST_CASE("what somebody else has set meanwhile is a conflict") {
  const int status = GENERATE(409, 412);
  FakeApi api;
  api.answer("/flag", "taken", status);
  Made fault("kind = \"http\"\nset = { url = \"" + api.url() + "/flag\" }\nundo = { url = \"" + api.url() +
             "/flag\" }\nstate = { url = \"" + api.url() + "/flag\" }\n");
  CHECK(fault->inject({}).error().kind == core::ErrorKind::conflict);
}
