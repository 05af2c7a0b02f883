#include "core/toml_reader.hpp"

#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using obsctl::core::Error;
using obsctl::core::TomlFile;

namespace {

std::vector<std::string> texts(const std::vector<Error>& errors) {
  std::vector<std::string> lines;
  for (const Error& error : errors) lines.push_back(to_string(error));
  return lines;
}

}  // namespace

TEST_CASE("every mistake of a TOML file is reported, in the file's order, with its place and a hint") {
  auto file = TomlFile::parse(R"(schema = "one"
titel = "x"
[load.browse]
rate = "fast"
until = "never"
[[fault]]
start = 10
)",
                              "demo.toml");
  REQUIRE(file);
  auto root = file->root();
  root.integer("schema");
  root.string("title");
  auto loads = root.table("load");
  REQUIRE(loads);
  auto browse = loads->table("browse");
  REQUIRE(browse);
  browse->rate("rate");
  browse->one_of("until", {"cleared", "end"});
  browse->required_string("target");
  browse->finish();
  auto faults = root.tables("fault");
  REQUIRE(faults.size() == 1);
  faults[0].duration("start");
  root.finish();

  CHECK(texts(file->errors()) ==
        std::vector<std::string>{
            "demo.toml:1:10: schema must be an integer, not a string",
            "demo.toml:2:1: unknown key titel (did you mean \"title\"?)",
            "demo.toml:3:1: load.browse.target is missing\n  hint: add target = \"…\"",
            "demo.toml:4:8: load.browse.rate: \"fast\" is not a rate: a number was expected before the /\n"
            "  hint: write a count and a period, such as 200/s or 90/m",
            "demo.toml:5:9: load.browse.until cannot be \"never\"\n  hint: use cleared, end",
            "demo.toml:7:9: fault[0].start must be a duration in quotes, such as \"30s\", not an integer"});
}

TEST_CASE("values of the right type come back, and absence is not a mistake") {
  auto file = TomlFile::parse(R"(
name = "x"
count = 3
share = 0.5
on = true
wait = "1m30s"
list = ["a", "b"]
codes = [200, 204]
labels = { severity = "critical" }
steps = [ { to = "1/s" }, { to = "2/s" } ]
)",
                              "f.toml");
  REQUIRE(file);
  auto root = file->root();
  CHECK(root.string("name") == "x");
  CHECK(root.integer("count") == 3);
  CHECK(root.number("count") == 3.0);
  CHECK(root.number("share") == 0.5);
  CHECK(root.boolean("on") == true);
  CHECK(root.duration("wait") == 90s);
  CHECK(root.strings("list") == std::vector<std::string>{"a", "b"});
  CHECK(root.strings("name") == std::vector<std::string>{"x"});
  CHECK(root.integers("codes") == std::vector<std::int64_t>{200, 204});
  CHECK(root.integers("count") == std::vector<std::int64_t>{3});
  CHECK(root.string_map("labels") == std::map<std::string, std::string>{{"severity", "critical"}});
  CHECK(root.tables("steps").size() == 2);
  CHECK_FALSE(root.string("absent"));
  root.finish();
  CHECK(texts(file->errors()).empty());
}

TEST_CASE("a list with an item of the wrong type is a mistake, and nothing comes back") {
  auto file = TomlFile::parse("list = [\"a\", 1]\ncodes = [1, \"b\"]\n", "f.toml");
  REQUIRE(file);
  auto root = file->root();
  CHECK(root.strings("list").empty());
  CHECK(root.integers("codes").empty());
  CHECK(texts(file->errors()) ==
        std::vector<std::string>{"f.toml:1:8: list must be an array of strings, not an array",
                                 "f.toml:2:9: codes must be an array of integers, not an array"});
}

TEST_CASE("a mistake in an item of a list stands at the item") {
  auto file = TomlFile::parse("list = [\"a\",\n  \"b\"]\none = \"c\"\n", "f.toml");
  REQUIRE(file);
  auto root = file->root();
  root.report_in("list", 1, "the second");
  root.report_in("one", 0, "the only one");
  root.report_in("list", 2, "none such");
  CHECK(texts(file->errors()) == std::vector<std::string>{"f.toml:1:8: none such", "f.toml:2:3: the second",
                                                          "f.toml:3:7: the only one"});
}

TEST_CASE("text that is not TOML is one error with its place") {
  const auto file = TomlFile::parse("a = \n", "broken.toml");
  REQUIRE_FALSE(file);
  REQUIRE(file.error().where);
  CHECK(file.error().where->file == "broken.toml");
  CHECK(file.error().where->line == 1);
  CHECK_FALSE(file.error().message.empty());
}

TEST_CASE("text that is not TOML is an error with its place, whatever it is") {
  const auto error = [](const std::string& text) {
    const auto file = TomlFile::parse(text, "f");
    return file ? std::string("none") : to_string(file.error());
  };
  // toml++ has an assertion where this one is noticed.
  CHECK(error("[{") ==
        "f:1:2: Error while parsing key: expected bare key starting character or string delimiter, saw '{'");
  CHECK(error("a = 1\n[[(x)]]") ==
        "f:2:3: Error while parsing key: expected bare key starting character or string delimiter, saw '('");
  // And these it takes for something that cannot be.
  CHECK(error("× = 1") ==
        "f:1:1: Error while parsing root table: expected keys, tables, whitespace or comments, saw '×'");
  CHECK(error("größe = 1") == "f:1:3: Error while parsing key-value pair: expected '=', saw 'ö'");
  CHECK(error("h = 8'\xEF\xBF\xBD").rfind("f:1:", 0) == 0);
  CHECK(error("a = { b = 1,\n c = 2 }") ==
        "f:1:13: Error while parsing inline table: expected key or closing '}', saw '\\n'");
}
