#include "core/text.hpp"

#include "tests/support/catch.hpp"

using obsctl::core::did_you_mean;
using obsctl::core::equal_in_constant_time;
using obsctl::core::glob_matches;
using obsctl::core::nearest_name;
using obsctl::core::split;
using obsctl::core::trimmed;

TEST_CASE("the nearest name is the one that was meant, or none") {
  const std::vector<std::string> names{"latency-spike", "error-spike", "instance-down", "probe-fail"};
  const auto [word, expected] = GENERATE(table<std::string, std::string>({{"error-spik", "error-spike"},
                                                                          {"eror-spike", "error-spike"},
                                                                          {"erorr-spike", "error-spike"},
                                                                          {"instance_down", "instance-down"},
                                                                          {"probefail", "probe-fail"},
                                                                          {"error-spike", "error-spike"},
                                                                          {"coffee", ""},
                                                                          {"", ""}}));
  CAPTURE(word);
  CHECK(nearest_name(word, names) == expected);
}

TEST_CASE("two swapped letters count as one mistake") {
  // A short word may be wrong in two places: "ot" is one swap from "to" and two changes from "up".
  CHECK(nearest_name("ot", {"up!", "to!"}) == "to!");
}

TEST_CASE("a name is not near when nothing of it is left") {
  CHECK(nearest_name("ab", {"xy"}).empty());
  CHECK(nearest_name("x", {"y"}).empty());
}

TEST_CASE("a suggestion is a clause that can be appended to an error") {
  CHECK(did_you_mean("raet", {"rate", "path"}) == " (did you mean \"rate\"?)");
  CHECK(did_you_mean("coffee", {"rate", "path"}).empty());
  CHECK(did_you_mean("rate", {}).empty());
}

TEST_CASE("in a glob only the star is special") {
  const auto [pattern, text, matches] = GENERATE(table<std::string, std::string, bool>({
      {"/api/v1/*", "/api/v1/ping", true},
      {"/api/v1/*", "/api/v1/", true},
      {"/api/v1/*", "/api/v2/ping", false},
      {"*", "", true},
      {"", "", true},
      {"", "x", false},
      {"a*b*c", "aXbYbZc", true},
      {"a*b*c", "aXbYbZ", false},
      {"a**c", "abc", true},
      {"*.cpp", "x.cpp.bak", false},
      {"a?c", "abc", false},
      {"a?c", "a?c", true},
      {"[ab]", "a", false},
      {"abc", "ab", false},
  }));
  CAPTURE(pattern, text);
  CHECK(glob_matches(pattern, text) == matches);
}

TEST_CASE("a glob of many stars does not take exponential time") {
  const std::string text(2000, 'a');
  CHECK_FALSE(glob_matches("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", text));
}

TEST_CASE("splitting keeps empty parts") {
  using Parts = std::vector<std::string_view>;
  CHECK(split("a,,b", ',') == Parts{"a", "", "b"});
  CHECK(split("", ',') == Parts{""});
  CHECK(split(",", ',') == Parts{"", ""});
  CHECK(split("one", ',') == Parts{"one"});
}

TEST_CASE("trimming takes blanks and line ends off both ends only") {
  CHECK(trimmed("  a b\r\n") == "a b");
  CHECK(trimmed("\t\n ").empty());
  CHECK(trimmed("").empty());
  CHECK(trimmed("x") == "x");
}

TEST_CASE("secrets are equal only when every byte is") {
  CHECK(equal_in_constant_time("s3cret", "s3cret"));
  CHECK(equal_in_constant_time("", ""));
  CHECK_FALSE(equal_in_constant_time("s3cret", "s3creT"));
  CHECK_FALSE(equal_in_constant_time("s3cret", "s3cre"));
  CHECK_FALSE(equal_in_constant_time("s3cre", "s3cret"));
  CHECK_FALSE(equal_in_constant_time("", "s3cret"));
  CHECK_FALSE(equal_in_constant_time("s3cret", ""));
  CHECK_FALSE(equal_in_constant_time("abab", "ab"));
  CHECK_FALSE(equal_in_constant_time(std::string_view("\0", 1), ""));
}
