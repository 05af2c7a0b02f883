// Journals read again: documents, streams of runs that died, and what is refused.
#include "scenarios/journal_file.hpp"

#include "core/file.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace obsctl;
using scenarios::Json;
using scenarios::read_journal;

namespace {

constexpr const char* kStream =
    R"({"t_s":0.001061,"at":"2026-11-21T09:39:36.387Z","kind":"run.started","scenario":"s","time_scale":0.2}
{"t_s":5.5,"at":"2026-11-21T09:39:41.886Z","kind":"load.started","load":"browse"}
)";

std::string error_of(const std::string& content) {
  const tests::TemporaryDirectory folder;
  const auto file = folder / "j.json";
  core::write_file(file, content).value();
  const auto read = read_journal(file);
  REQUIRE(!read);
  CHECK(read.error().kind == core::ErrorKind::invalid_input);
  std::string text = to_string(read.error());
  for (std::size_t at = text.find(file.string()); at != std::string::npos; at = text.find(file.string()))
    text.replace(at, file.string().size(), "FILE");
  return text;
}

}  // namespace

TEST_CASE("a journal document is read as it is") {
  const tests::TemporaryDirectory folder;
  const std::string text = R"({"schema":1,"run":{"id":"x"},"verdict":"passed","events":[],"news":[1.5]})";
  core::write_file(folder / "journal.json", text).value();
  CHECK(read_journal(folder / "journal.json").value().dump() == text);
}

TEST_CASE("the stream of a run that died becomes a document without a verdict of its own") {
  const tests::TemporaryDirectory folder;
  const auto file = folder / "01RUN" / "journal.ndjson";
  const std::string torn = GENERATE("", "{\"t_s\":6.2,\"at\":\"2026-1");
  core::write_file(file, kStream + torn).value();
  const Json document = read_journal(file).value();
  CHECK(document["run"]["id"] == "01RUN");
  CHECK(document["run"]["scenario"] == "s");
  CHECK(document["run"]["started_at"] == "2026-11-21T09:39:36.385Z");
  CHECK(document["verdict"] == "error");
  CHECK(document["reasons"] ==
        Json{"the journal has no end: the run still goes on, was refused, or obsctl itself was ended"});
  REQUIRE(document["events"].size() == 2);
  CHECK(document["events"][0]["t_s"] == 0.001061);
  CHECK(document["events"][1]["t_s"] == 5.5);
  CHECK(document["events"][1]["load"] == "browse");
}

TEST_CASE("one event alone is a stream too") {
  const tests::TemporaryDirectory folder;
  core::write_file(folder / "j", R"({"t_s":0,"at":"2026-11-21T09:39:36Z","kind":"run.started"})").value();
  CHECK(read_journal(folder / "j").value()["events"].size() == 1);
}

TEST_CASE("what is no journal, or one of another schema, is refused with what to do") {
  const std::string mend =
      "\n  hint: a run leaves journal.json in its folder; \"obsctl scenario run … --json\" prints it";
  CHECK(error_of("") == "FILE is not the journal of a run: it is no JSON" + mend);
  CHECK(error_of("hello") == "FILE is not the journal of a run: it is no JSON" + mend);
  CHECK(error_of("[1]") == "FILE is not the journal of a run: it has no schema" + mend);
  CHECK(error_of("{\"schema\":\"1\"}") == "FILE is not the journal of a run: it has no schema" + mend);
  CHECK(error_of("{\"schema\":1,\"run\":{}}") ==
        "FILE is not the journal of a run: it has no run, verdict or events" + mend);
  CHECK(
      error_of("{\"schema\":2}") ==
      "FILE is a journal of schema 2; this obsctl reads schema 1\n  hint: a newer obsctl has written it: use "
      "that, or update this one");
  CHECK(error_of("{\"schema\":0}") ==
        "FILE is a journal of schema 0; this obsctl reads schema 1\n  hint: use the obsctl that has written "
        "it");
  CHECK(error_of("{\"t_s\":1,\"at\":\"2026-11-21T09:39:36Z\",\"kind\":\"x\"}\n{\"t_s\":2}\n\n") ==
        "FILE is not the journal of a run: line 2 is no event" + mend);
  CHECK(error_of("{\"t_s\":1,\"at\":\"yesterday\",\"kind\":\"x\"}\n").find("yesterday") != std::string::npos);
  CHECK(error_of("{\"t_s\":1e300,\"at\":\"2026-11-21T09:39:36Z\",\"kind\":\"x\"}\n{}\n") ==
        "FILE is not the journal of a run: line 1 is no event" + mend);
}

TEST_CASE("a journal nested deeper than any run makes it is cut off there and harms nobody") {
  const tests::TemporaryDirectory folder;
  const std::string deep(200'000, '[');
  core::write_file(folder / "j", R"({"schema":1,"run":{},"verdict":"x","events":[],"deep":)" + deep +
                                     std::string(deep.size(), ']') + "}")
      .value();
  const auto read = read_journal(folder / "j");
  REQUIRE(read);
  CHECK(read.value().dump().size() < 500);
}
