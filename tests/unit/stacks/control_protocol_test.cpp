#include "stacks/control_protocol.hpp"

#include <nlohmann/json.hpp>

#include "tests/support/catch.hpp"

using namespace obsctl::stacks;
using namespace std::chrono_literals;
using nlohmann::json;
using obsctl::core::Error;
using obsctl::core::ErrorKind;
using obsctl::core::to_string;

TEST_CASE("stack.json reads back as it was written") {
  const StackFile file{.instance = "one",
                       .stack = "http-api",
                       .time_scale = 0.2,
                       .supervisor = 4711,
                       .control_url = "http://127.0.0.1:1",
                       .control_token = "c",
                       .token = "t",
                       .urls = {{"api", "http://127.0.0.1:2"}},
                       .versions = {{"prometheus", "prometheus, version 2.42.0"}},
                       .checksums = {{"a.yml", "rules", "12", "34"}},
                       .notes = {"a.yml:1: \"quoted\""}};
  const auto back = read_stack_file(write_stack_file(file));
  REQUIRE(back);
  CHECK(write_stack_file(*back) == write_stack_file(file));
  CHECK(back->supervisor == 4711);
  CHECK(back->checksums.front().rendered == "34");
}

TEST_CASE("a stack.json that is not ours is refused") {
  const std::string text = GENERATE("", "[]", "{}", "{\"schema\": 2}", "{\"schema\": 1, \"instance\": 5}");
  const auto read = read_stack_file(text);
  REQUIRE_FALSE(read);
  CHECK(read.error().kind == ErrorKind::protocol);
  CHECK(to_string(read.error()) ==
        "stack.json is not what this version of obsctl writes\n  hint: was the stack started by another "
        "version?");
}

TEST_CASE("what a supervisor says reads back as it was said") {
  const ServiceStatus status{"api", "http://127.0.0.1:2", "api:8080",
                             12,    ServiceState::paused, "/logs/api.log"};
  CHECK(to_json(status_from(to_json(status)).value()) == to_json(status));
  CHECK(status_from(to_json(status))->state == ServiceState::paused);
  const ServiceFailure failure{"api", {0, 9}, "last\nlines", "/logs/api.log"};
  CHECK(to_json(failure_from(to_json(failure)).value()) == to_json(failure));
  Error error{ErrorKind::not_found, "no such", "try", obsctl::core::SourcePosition{"f.toml", 3, 4}};
  CHECK(to_string(error_from(to_json(error)).value()) == "f.toml:3:4: no such\n  hint: try");
  CHECK(error_from(to_json(error))->kind == ErrorKind::not_found);
  error.where.reset();
  CHECK(to_string(error_from(to_json(error)).value()) == "no such\n  hint: try");
  const Progress progress{Progress::Kind::targets_up, "prometheus", 3, 6, 1500ms};
  CHECK(to_json(progress_from(to_json(progress)).value()) == to_json(progress));
}

TEST_CASE("what is not what it must be comes back empty") {
  const json document =
      GENERATE(json(nullptr), json(5), json::array(), json::object(), json{{"name", 1}, {"kind", 2}});
  CHECK_FALSE(status_from(document));
  CHECK_FALSE(failure_from(document));
  CHECK_FALSE(error_from(document));
  CHECK_FALSE(progress_from(document));
}
