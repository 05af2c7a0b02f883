#include "stacks/compose_file.hpp"

#include "core/file.hpp"
#include "core/text.hpp"
#include "stacks/compose_plan.hpp"
#include "stacks/compose_tools.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace obsctl::stacks;
using obsctl::core::ErrorKind;
using obsctl::core::to_string;
using obsctl::tests::TemporaryDirectory;

namespace {

std::optional<std::string> some_variables(const std::string& name) {
  if (name == "SET") return "value";
  if (name == "EMPTY") return "";
  return std::nullopt;
}

std::string filled_in(const std::string& text) {
  const auto result = interpolate(text, some_variables);
  return result ? *result : to_string(result.error());
}

std::string error_of_plan(const TemporaryDirectory& folder) {
  const auto manifest = read_manifest(folder.path());
  REQUIRE(manifest.has_value());
  const auto plan = plan_compose(*manifest, {.parent = folder / "runs"}, {});
  return plan ? "no error" : to_string(plan.error());
}

}  // namespace

TEST_CASE("variables are filled in as Compose does it") {
  struct Case {
    const char* text;
    const char* expected;
  };
  const Case each = GENERATE(values<Case>({
      {"plain", "plain"},
      {"${SET}/$SET!", "value/value!"},
      {"[${UNSET}]", "[]"},
      {"${SET:-other}", "value"},
      {"${UNSET:-other}", "other"},
      {"${EMPTY:-other}", "other"},
      {"${EMPTY-other}", ""},
      {"${UNSET-a b:c}", "a b:c"},
      {"${UNSET:-${SET}}", "value"},
      {"${UNSET:-}", ""},
      {"[${SET:+:$SET}${SET+!}${UNSET+x}${EMPTY:+x}${EMPTY+y}]", "[:value!y]"},
      {"$$SET costs 5$", "$SET costs 5$"},
      {"${UNSET:?choose one}",
       "UNSET is not set: choose one\n  hint: set it in the environment or in .env beside the compose file"},
      {"${SET", "a brace in \"${SET\" is not closed"},
      {"${SET%x}",
       "\"${SET%x}\" is not understood\n  hint: write ${NAME}, ${NAME:-default}, ${NAME:?message} or "
       "${NAME:+replacement}"},
  }));
  CHECK(filled_in(each.text) == each.expected);
}

TEST_CASE("images, memory, builds and scaled durations are read from a compose file") {
  const auto file = read_compose_file(R"(x-base: &base
  mem_limit: 64m
services:
  api:
    <<: *base
    image: ${UNSET:-localhost/api:1}
    build: .
  web:
    image: web:${SET}
    deploy: {resources: {limits: {memory: 1.5g}}}
    command: ["--a=${OBSCTL_SCALED_5M:-5m}", "--b=${OBSCTL_SCALED_SECONDS_500MS:-0.5}"]
  bare:
    image: bare
)",
                                      "compose.yaml", some_variables);
  REQUIRE(file);
  REQUIRE(file->services.size() == 3);
  CHECK(file->find("api")->image == "localhost/api:1");
  CHECK(file->find("api")->builds);
  CHECK(file->find("api")->memory == 64ULL << 20U);
  CHECK(file->find("web")->image == "web:value");
  CHECK_FALSE(file->find("web")->builds);
  CHECK(file->find("web")->memory == 1536ULL << 20U);
  CHECK(file->find("bare")->memory == 0);
  CHECK(file->scaled == std::map<std::string, std::string>{{"OBSCTL_SCALED_5M", "5m"},
                                                           {"OBSCTL_SCALED_SECONDS_500MS", "500ms"}});
}

TEST_CASE("a mistake in a compose file has its place") {
  struct Case {
    const char* text;
    const char* expected;
  };
  const Case each = GENERATE(values<Case>({
      {"volumes: {}\n", "compose.yaml:1:1: there are no services in it"},
      {"services:\n  a:\n    image: a\n    mem_limit: lots\n", "compose.yaml:4:16: \"lots\" is not a size"},
      {"services:\n  a:\n    image: ${NO:?which}\n",
       "compose.yaml:3:12: NO is not set: which\n  hint: set it in the environment or in .env beside the "
       "compose "
       "file"},
  }));
  const auto file = read_compose_file(each.text, "compose.yaml", some_variables);
  REQUIRE_FALSE(file);
  CHECK(to_string(file.error()) == each.expected);
}

TEST_CASE("sizes are read as Compose writes them") {
  CHECK(parse_bytes("1073741824") == 1ULL << 30U);
  CHECK(parse_bytes("128m") == 128ULL << 20U);
  CHECK(parse_bytes("2 GiB") == 2ULL << 30U);
  CHECK(parse_bytes("16 kB") == 16ULL << 10U);
  CHECK_FALSE(parse_bytes("m"));
  CHECK_FALSE(parse_bytes("12 apples"));
  CHECK_FALSE(parse_bytes("-1m"));
}

TEST_CASE("a .env file is read as Compose reads it") {
  CHECK(read_env_file("A=1 # one\nB=x#y\nexport C=\"a # b\" # c\nD='\n") ==
        std::map<std::string, std::string>{{"A", "1"}, {"B", "x#y"}, {"C", "a # b"}, {"D", "'"}});
  CHECK(read_env_file("# note\nA=1\n B = two words \nC=\"quoted\"\nD='x=y'\nnothing\n\n") ==
        std::map<std::string, std::string>{{"A", "1"}, {"B", "two words"}, {"C", "quoted"}, {"D", "x=y"}});
}

TEST_CASE("a service's port has a variable of its name") {
  CHECK(port_variable("node-exporter") == "OBSCTL_NODE_EXPORTER_PORT");
}

TEST_CASE("the bundled http-api is whole for both runtimes") {
  const auto manifest = read_manifest("stacks/http-api");
  REQUIRE(manifest.has_value());
  const auto text = obsctl::core::read_file("stacks/http-api/compose.yaml");
  REQUIRE(text);
  const auto file = read_compose_file(*text, "compose.yaml", some_variables);
  REQUIRE(file);
  const auto in_containers = for_runtime(*manifest, Runtime::compose, {});
  REQUIRE(in_containers);
  for (const Service& service : in_containers->services) {
    INFO(service.name);
    const ComposeFileService* there = file->find(service.name);
    REQUIRE(there != nullptr);
    CHECK(there->memory > 0);
    CHECK(text->find("127.0.0.1:${" + port_variable(service.name) + ":-") != std::string::npos);
  }
  const auto native = for_runtime(*manifest, Runtime::native, {"blackbox"});
  REQUIRE(native);
  CHECK(native->find("grafana") == nullptr);
  CHECK(native->find("blackbox") == nullptr);
  CHECK(native->find("api") != nullptr);
  CHECK(to_string(for_runtime(*manifest, Runtime::native, {"blakbox"}).error()).substr(0, 74) ==
        "the stack http-api has no service \"blakbox\" (did you mean \"blackbox\"?)\n  h");
}

TEST_CASE("what is missing in a stack's compose file is found before anything is asked of an engine") {
  const TemporaryDirectory folder;
  REQUIRE(obsctl::core::write_file(folder / "stack.toml", R"(schema = 1
name = "shop"
[service.web]
address = "web:80"
ready = "/"
)"));
  CHECK(error_of_plan(folder) ==
        "the stack shop has no compose.yaml in " + folder.path().string() +
            "\n  hint: add one with the services of its stack.toml, or use --runtime native");
  REQUIRE(obsctl::core::write_file(folder / "compose.yaml", "services:\n  webb:\n    image: web\n"));
  CHECK(error_of_plan(folder) == (folder / "compose.yaml").string() +
                                     " has no service web, which stack.toml names (did you mean \"webb\"?)"
                                     "\n  hint: call it the same in both files");
  REQUIRE(obsctl::core::write_file(folder / "compose.yaml", "services:\n  web:\n    build: .\n"));
  CHECK(error_of_plan(folder) == (folder / "compose.yaml").string() +
                                     ": the service web has no image\n  hint: name the one that it builds: "
                                     "image: localhost/web");
  REQUIRE(obsctl::core::write_file(folder / "compose.yaml",
                                   "services:\n  web:\n    image: web:${OBSCTL_SCALED_SOON:-1}\n"));
  CHECK(error_of_plan(folder).starts_with("the variable OBSCTL_SCALED_SOON: "));
}

TEST_CASE(
    "the bundled compose file fills in every variable of .env.example, which all tools take from .env") {
  const auto compose = obsctl::core::read_file("stacks/http-api/compose.yaml");
  const auto example = obsctl::core::read_file("stacks/http-api/.env.example");
  REQUIRE(compose);
  REQUIRE(example);
  std::size_t variables = 0;
  for (std::string_view line : obsctl::core::split(*example, '\n')) {
    if (line.starts_with('#')) line.remove_prefix(1);
    if (!line.starts_with("OBSCTL_")) continue;
    const std::string name(leading_name(line));
    INFO(name);
    CHECK(compose->find("${" + name + ":-") != std::string::npos);
    ++variables;
  }
  CHECK(variables > 10);
}

TEST_CASE("a compose tool that does not exist is a usage error with the nearest name") {
  ::setenv("OBSCTL_COMPOSE", "podman-compos", 1);
  const auto tools = find_compose_tools({});
  ::unsetenv("OBSCTL_COMPOSE");
  REQUIRE_FALSE(tools);
  CHECK(tools.error().kind == ErrorKind::usage);
  CHECK(to_string(tools.error()) ==
        "OBSCTL_COMPOSE: \"podman-compos\" is not known (did you mean \"podman-compose\"?)"
        "\n  hint: it is one of docker compose, docker-compose, podman-compose, podman compose");
}
