#include "stacks/placeholders.hpp"

#include "tests/support/catch.hpp"

using obsctl::core::ErrorKind;
using obsctl::core::make_error;
using obsctl::core::Result;
using obsctl::core::to_string;
using obsctl::stacks::expand;
using obsctl::stacks::Placeholder;

namespace {

Result<std::string> value(const Placeholder& placeholder) {
  if (placeholder.name == "bad") return make_error(ErrorKind::invalid_input, "no such thing");
  return "<" + placeholder.name + "|" + placeholder.argument + ">";
}

}  // namespace

TEST_CASE("placeholders are replaced, with or without an argument") {
  const auto [text, expected] =
      GENERATE(table<std::string, std::string>({{"", ""},
                                                {"plain", "plain"},
                                                {"--listen={listen}", "--listen=<listen|>"},
                                                {"{file:a/b.yml}{port}", "<file|a/b.yml><port|>"},
                                                {"{scaled:5m:x}", "<scaled|5m:x>"},
                                                {"{{listen}}", "{listen}"},
                                                {"a}b", "a}b"}}));
  CAPTURE(text);
  const auto expanded = expand(text, value);
  REQUIRE(expanded);
  CHECK(*expanded == expected);
}

TEST_CASE("a placeholder that is not closed, or has no value, is refused") {
  CHECK(to_string(expand("--x={listen", value).error()) ==
        "a brace in \"--x={listen\" is not closed\n  hint: write {{ for a brace that is meant as such");
  CHECK(to_string(expand("{bad}", value).error()) == "no such thing");
}
