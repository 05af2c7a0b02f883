#include "stacks/manifest.hpp"

#include <fmt/format.h>

#include "core/file.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace std::chrono_literals;
using namespace obsctl::stacks;
using obsctl::core::ErrorKind;
using obsctl::core::to_string;
using obsctl::tests::TemporaryDirectory;

namespace {

std::string errors_of(const std::string& text) {
  const TemporaryDirectory folder;
  REQUIRE(obsctl::core::write_file(folder / "prometheus.yml", ""));
  const auto manifest = parse_manifest(text, folder.path(), "stack.toml");
  if (manifest) return "no error";
  std::string all;
  for (const auto& error : manifest.error().errors) all += to_string(error) + "\n";
  return all;
}

}  // namespace

TEST_CASE("the bundled http-api is read as it stands") {
  const auto manifest = read_manifest("stacks/http-api");
  REQUIRE(manifest.has_value());
  CHECK(manifest->name == "http-api");
  std::vector<std::string> names;
  for (const Service& service : manifest->services) names.push_back(service.name);
  CHECK(names == std::vector<std::string>{"api", "prometheus", "alertmanager", "receiver", "node-exporter",
                                          "blackbox", "grafana"});
  const Service& alertmanager = *manifest->find("alertmanager");
  CHECK(alertmanager.address == "alertmanager:9093");
  CHECK(alertmanager.programs == std::vector<std::string>{"prometheus-alertmanager", "alertmanager"});
  CHECK(alertmanager.ready.path == "/-/ready");
  REQUIRE(alertmanager.files.size() == 2);
  CHECK(alertmanager.files[0].kind == FileKind::alertmanager);
  CHECK(manifest->find("api")->programs.empty());
  CHECK(manifest->find("nobody") == nullptr);
}

TEST_CASE("a folder of one's own needs very little") {
  const TemporaryDirectory folder;
  const auto manifest = parse_manifest(R"(schema = 1
name = "mine"
[service.web]
address = "web:80"
program = "/usr/bin/web"
arguments = ["--port", "{port}", "{{literally}}"]
ready = "tcp"
stop_grace = "250ms"
)",
                                       folder.path(), "stack.toml");
  REQUIRE(manifest.has_value());
  const Service& web = manifest->services.front();
  CHECK(web.ready.path.empty());
  CHECK(web.stop_grace == 250ms);
}

TEST_CASE("every mistake of a stack.toml is reported at once, in the file's order, with its place") {
  CHECK(errors_of(R"(schema = 2
name = "My Stack"
titel = "x"
[service.api]
adress = "api:8080"
program = 7
ready = "readyz"
[service.prometheus]
address = "prometheus"
arguments = ["--config.file={file:prometheus.yaml}", "{lisen}", "{scaled:5}", "{data"]
ready = "/-/ready"
stop_grace = "soon"
[service.prometheus.files]
"prometheus.yml" = "prometheos"
"none.yml" = "rules"
"../outside.yml" = "other"
[service.twin]
address = "twin:1"
environment = { A = "{url:promtheus}", B = "{token:x}", C = "{address}" }
ready = "tcp"
[service.other]
address = "twin:1"
ready = "tcp"
)") == R"(stack.toml:1:10: schema 2 is not known
  hint: write schema = 1
stack.toml:2:8: "My Stack" is not a name
  hint: use lower-case letters, digits and dashes
stack.toml:3:1: unknown key titel (did you mean "title"?)
stack.toml:4:1: service.api.address is missing
  hint: add address = "…"
stack.toml:5:1: unknown key service.api.adress (did you mean "address"?)
stack.toml:6:11: service.api.program must be an array of strings, not an integer
stack.toml:7:9: "readyz" is not a readiness probe
  hint: write an HTTP path that answers 2xx, such as "/-/ready", or "tcp"
stack.toml:9:11: "prometheus" is not an address
  hint: write host:port as the stack's files name it, such as "prometheus:8080"
stack.toml:10:13: {file:prometheus.yaml} is not one of the stack's files (did you mean "prometheus.yml"?)
  hint: list it under [service.NAME.files]
stack.toml:10:13: unknown placeholder {lisen} (did you mean "listen"?)
  hint: use listen, port, url, token, data, run, obsctl, file, address, scaled, scaled_seconds, or {{ for a brace
stack.toml:10:13: "5" is not a Prometheus duration
  hint: write it like 30s, 5m, 1h30m or 250ms
stack.toml:10:13: a brace in "{data" is not closed
  hint: write {{ for a brace that is meant as such
stack.toml:12:14: service.prometheus.stop_grace: "soon" is not a duration: a number was expected
  hint: write a number and a unit, such as 250ms, 30s or 1m30s
stack.toml:14:20: service.prometheus.files.prometheus.yml cannot be "prometheos" (did you mean "prometheus"?)
  hint: use prometheus, rules, alertmanager, other
stack.toml:15:14: there is no file none.yml in the stack's folder
stack.toml:16:20: ../outside.yml is outside the stack's folder
stack.toml:19:15: {url:promtheus} names no service (did you mean "prometheus"?)
stack.toml:19:15: {token} takes no argument
stack.toml:19:15: {address:…} needs an argument
stack.toml:22:11: "twin:1" is the address of another service too
)");
}

TEST_CASE("a stack.toml without services, or that is no TOML, is refused") {
  CHECK(errors_of("schema = 1\nname = \"a\"\n") ==
        "stack.toml:1:1: a stack needs at least one service\n  hint: add [service.api]\n");
  CHECK_THAT(errors_of("schema = \n"), Catch::Matchers::StartsWith("stack.toml:1:"));
}

TEST_CASE("a stack is found by its name or its path") {
  ::setenv("OBSCTL_DATA_DIR", ".", 1);
  const auto by_name = load_stack("http-api");
  const auto wrong = load_stack("http-apy");
  const auto names = bundled_stacks();
  ::unsetenv("OBSCTL_DATA_DIR");
  REQUIRE(by_name);
  CHECK(by_name->folder.is_absolute());
  CHECK(names == std::vector<std::string>{"http-api"});
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().kind == ErrorKind::not_found);
  CHECK(to_string(wrong.error()) ==
        "no bundled stack is called \"http-apy\" (did you mean \"http-api\"?)\n"
        "  hint: there is http-api; for a folder of your own write its path, such as ./http-apy");
  CHECK(load_stack("stacks/http-api"));
  CHECK(load_stack("./no-such-folder").error().kind == ErrorKind::not_found);
}

TEST_CASE("where the bundled stacks are can be told, and a wrong place is named") {
  const TemporaryDirectory empty;
  ::setenv("OBSCTL_DATA_DIR", empty.path().c_str(), 1);
  const auto directory = bundled_stacks_directory();
  ::unsetenv("OBSCTL_DATA_DIR");
  REQUIRE_FALSE(directory);
  CHECK(
      to_string(directory.error()) ==
      fmt::format(
          "the bundled stacks were not found\n  hint: searched {}/stacks; set OBSCTL_DATA_DIR to the folder "
          "that holds stacks/",
          empty.path().string()));
}
