#include "core/error.hpp"

#include <stdexcept>

#include "tests/support/catch.hpp"

using obsctl::core::Error;
using obsctl::core::ErrorKind;
using obsctl::core::make_error;
using obsctl::core::Result;
using obsctl::core::SourcePosition;
using obsctl::core::to_line;
using obsctl::core::to_string;

TEST_CASE("an error says where, what and how to mend it") {
  Error error = make_error(ErrorKind::invalid_input, "\"60\" is not a duration");
  SECTION("what alone") {
    CHECK(to_string(error) == "\"60\" is not a duration");
    CHECK(to_line(error) == "\"60\" is not a duration");
  }
  SECTION("with a hint") {
    error.hint = "write 60s";
    CHECK(to_string(error) == "\"60\" is not a duration\n  hint: write 60s");
    CHECK(to_line(error) == "\"60\" is not a duration (write 60s)");
  }
  SECTION("with a place") {
    error.where = SourcePosition{"a.toml", 3, 14};
    CHECK(to_string(error) == "a.toml:3:14: \"60\" is not a duration");
    CHECK(to_line(error) == "a.toml:3:14: \"60\" is not a duration");
  }
  SECTION("with a file whose line is not known") {
    error.where = SourcePosition{"a.toml", 0, 0};
    CHECK(to_string(error) == "a.toml: \"60\" is not a duration");
  }
}

TEST_CASE("an error on one line has no line ends, whatever a peer put into it") {
  Error error = make_error(ErrorKind::protocol, "the peer answered\nnonsense", "look at\nits log");
  CHECK(to_line(error) == "the peer answered nonsense (look at its log)");
}

TEST_CASE("using the value of a failed result is a defect and throws with the error's text") {
  const Result<int> failed = make_error(ErrorKind::timeout, "no answer in 5s");
  REQUIRE_FALSE(failed);
  std::string thrown;
  try {
    static_cast<void>(failed.value());
  } catch (const std::logic_error& defect) {
    thrown = defect.what();
  }
  CHECK(thrown.find("the value of a failed result was used: no answer in 5s") != std::string::npos);
}

TEST_CASE("a result is a value or an error, never both") {
  const Result<int> seven = 7;
  const Result<int> failed = make_error(ErrorKind::not_found, "no such stack");
  CHECK(seven);
  CHECK(*seven == 7);
  CHECK_FALSE(failed);
  CHECK(failed.error().kind == ErrorKind::not_found);
}
