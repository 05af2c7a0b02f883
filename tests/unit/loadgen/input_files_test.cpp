// Feeders and vegeta targets.
#include "loadgen/input_files.hpp"

#include <filesystem>
#include <fstream>

#include "loadgen/request_text.hpp"
#include "tests/support/catch.hpp"

using namespace obsctl::loadgen;

TEST_CASE("CSV is read with quotes, line ends in fields and either line ending") {
  const auto feeder = parse_csv("id,name\r\n1,ann\r\n2,\"b\"\"o,\nb\"\r\n\r\n", "f.csv");
  REQUIRE(feeder);
  CHECK(feeder->columns == std::vector<std::string>{"id", "name"});
  CHECK(feeder->rows == std::vector<std::vector<std::string>>{{"1", "ann"}, {"2", "b\"o,\nb"}});
}

TEST_CASE("a CSV that is wrong says where") {
  CHECK(to_string(parse_csv("a,b\n1,2\n3\n", "f.csv").error()) ==
        "f.csv:3:1: the row has 1 fields, the header 2");
  CHECK(to_string(parse_csv("a,b\n\"1,2\n", "f.csv").error()) == "f.csv:2:1: a quoted field has no end");
}

TEST_CASE("JSONL is read by the first row's keys") {
  const auto feeder = parse_jsonl("{\"id\":1,\"tags\":[\"x\"]}\n\n{\"tags\":[],\"id\":\"two\"}\n", "f.jsonl");
  REQUIRE(feeder);
  CHECK(feeder->columns == std::vector<std::string>{"id", "tags"});
  CHECK(feeder->rows == std::vector<std::vector<std::string>>{{"1", "[\"x\"]"}, {"two", "[]"}});
  CHECK(to_string(parse_jsonl("{\"id\":1}\n{}\n", "f.jsonl").error()) == "f.jsonl:2:1: not a JSON object");
}

TEST_CASE("a vegeta targets file is read") {
  const auto folder = std::filesystem::temp_directory_path() / "obsctl-targets-test";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "body.json") << "{\"a\":1}";
  std::ofstream(folder / "targets.txt")
      << "# two targets\nGET http://goku:9090/path/to/dragon?item=ball\nX-Account-ID: 8675309\n"
         "\nPOST http://goku:9090/things\n@body.json\n";
  const auto specs = read_vegeta_targets((folder / "targets.txt").string());
  REQUIRE(specs);
  REQUIRE(specs->size() == 2);
  CHECK((*specs)[0].path == "http://goku:9090/path/to/dragon?item=ball");
  CHECK((*specs)[0].headers.at(0).name == "X-Account-ID");
  CHECK((*specs)[0].headers.at(0).value == "8675309");
  CHECK((*specs)[1].method == "POST");
  CHECK((*specs)[1].body == "{\"a\":1}");
  std::filesystem::remove_all(folder);
}

TEST_CASE("vegeta's JSON targets are read, one a line") {
  const auto specs = parse_vegeta_targets(
      "{\"method\":\"GET\",\"url\":\"http://goku:9090/a\"}\n\n"
      "{\"method\":\"POST\",\"url\":\"http://goku:9090/b\",\"body\":\"eyJhIjoxfQ==\","
      "\"header\":{\"X-A\":[\"1\",\"2\"]}}\n",
      "t.json");
  REQUIRE(specs);
  REQUIRE(specs->size() == 2);
  CHECK((*specs)[0].method == "GET");
  CHECK((*specs)[0].path == "http://goku:9090/a");
  CHECK((*specs)[1].body == "{\"a\":1}");
  REQUIRE((*specs)[1].headers.size() == 2);
  CHECK((*specs)[1].headers[1].value == "2");
}

TEST_CASE("a target that is none is refused with its line") {
  const auto [text, line, why] = GENERATE(table<std::string, int, std::string>(
      {{"# nothing\n", 2, "there are no targets"},
       {"X: y\n", 1, "\"X: y\" is not a target"},
       {"GET http://a/\nnonsense\n", 2, "\"nonsense\" is not a header"},
       {"GET http://a/\n@no-such-file\n", 2, "cannot read no-such-file: No such file or directory"},
       {"{\"method\":\"GET\",\"url\":\"http://a/\"}\n{\n", 2, "not a JSON object"},
       {"{\"method\":\"GET\"}", 1, "method or url is missing"},
       {"{\"method\":1}", 1, "method is not a text"},
       {"{\"method\":\"GET\",\"url\":\"/\",\"body\":\"?\"}", 1, "body is not base64"},
       {"{\"method\":\"GET\",\"url\":\"/\",\"header\":{\"A\":\"b\"}}", 1,
        "header.A is not an array of texts"},
       {"{\"method\":\"GET\",\"url\":\"/\",\"header\":1}", 1, "header is not an object"},
       {"{\"metod\":\"GET\"}", 1, "unknown key metod"}}));
  const auto specs = parse_vegeta_targets(text, "t");
  REQUIRE(!specs);
  CHECK(specs.error().message == why);
  REQUIRE(specs.error().where);
  CHECK(specs.error().where->line == line);
}

TEST_CASE("placeholders depend on the seed and the index only, and cannot break a request") {
  Feeder feeder;
  feeder.columns = {"v"};
  feeder.rows = {{"a b\r\nX: y"}};
  const auto text = [&](const char* source, RequestText::Place place, std::int64_t i) {
    const auto compiled = RequestText::compile(source, &feeder, place);
    REQUIRE(compiled);
    std::string out;
    compiled->append(out, 7, i, &feeder, 0);
    return out;
  };
  CHECK(text("/x/{{i}}", RequestText::Place::path, 12) == "/x/12");
  CHECK(text("/{{v}}", RequestText::Place::path, 0) == "/a%20b%0D%0AX:%20y");
  CHECK(text("{{ v }}", RequestText::Place::header, 0) == "a b  X: y");
  CHECK(text("{{v}}", RequestText::Place::body, 0) == "a b\r\nX: y");
  const std::string uuid = text("{{uuid}}", RequestText::Place::body, 3);
  CHECK(uuid.size() == 36);
  CHECK(uuid[14] == '4');
  CHECK(uuid == text("{{uuid}}", RequestText::Place::body, 3));
  CHECK(uuid != text("{{uuid}}", RequestText::Place::body, 4));
  for (int i = 0; i < 200; ++i) {
    const int drawn = std::stoi(text("{{random -3 3}}", RequestText::Place::body, i));
    CHECK(drawn >= -3);
    CHECK(drawn <= 3);
  }
}
