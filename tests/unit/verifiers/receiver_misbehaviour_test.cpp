// How misbehaviours are written, and in which order they happen.
#include "verifiers/receiver_misbehaviour.hpp"

#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using namespace obsctl::verifiers;
using obsctl::core::ErrorKind;
using obsctl::core::ManualClock;

namespace {

std::string texts(const std::vector<Misbehaviour>& steps) {
  std::string all;
  for (const Misbehaviour& step : steps) all += (all.empty() ? "" : ",") + to_string(step);
  return all;
}

std::vector<Misbehaviour> steps(const std::string& text) {
  const auto read = parse_misbehaviours(text);
  REQUIRE(read);
  return *read;
}

std::string taken(MisbehaviourBoard& board, const std::string& receiver = "a") {
  const auto step = board.take(receiver);
  return step ? to_string(*step) : "-";
}

}  // namespace

TEST_CASE("misbehaviours are read and written alike") {
  const std::string text = GENERATE("500", "429:30sx1", "slow:2s", "hangx3", "close",
                                    "500x2,slow:250msx1,hang", "503:0s", "599x18446744073709551615");
  CHECK(texts(steps(text)) == text);
  CHECK(texts(steps(" 500x2 , close ")) == "500x2,close");
}

TEST_CASE("what is no misbehaviour is refused with a reason") {
  const auto [text, why] = GENERATE(table<std::string, std::string>({
      {"", "\"\" is not a misbehaviour: the word is not known"},
      {"explode", "\"explode\" is not a misbehaviour: the word is not known"},
      {"200", "\"200\" is not a misbehaviour: a status is from 400 to 599"},
      {"slow", "\"slow\" is not a misbehaviour: slow needs a duration"},
      {"slow:fast", "\"slow:fast\" is not a misbehaviour: \"fast\" is not a duration: a number was expected"},
      {"slow:2h", "\"slow:2h\" is not a misbehaviour: the longest duration is 1h"},
      {"hang:2s", "\"hang:2s\" is not a misbehaviour: hang takes no duration"},
      {"500x", "\"500x\" is not a misbehaviour: behind x stands how many deliveries, from 1"},
      {"500x0", "\"500x0\" is not a misbehaviour: behind x stands how many deliveries, from 1"},
      {"500x1,", "\"\" is not a misbehaviour: the word is not known"},
      {"500,hang", "\"hang\" is never reached: \"500\" happens to every delivery"},
  }));
  CAPTURE(text);
  const auto read = parse_misbehaviours(text);
  REQUIRE_FALSE(read);
  CHECK(read.error().kind == ErrorKind::invalid_input);
  CHECK(read.error().message == why);
  CHECK_FALSE(read.error().hint.empty());
}

TEST_CASE("misbehaviours happen one after the other, to their receiver only") {
  ManualClock clock;
  MisbehaviourBoard board(clock);
  CHECK(taken(board) == "-");
  REQUIRE(board.set("a", steps("500x2,slow:1sx1"), {}));
  CHECK(taken(board, "b") == "-");
  CHECK(taken(board) == "500x2");
  CHECK(taken(board) == "500x2");
  CHECK(taken(board) == "slow:1sx1");
  CHECK(taken(board) == "-");
  CHECK(board.plans().at("a").affected == 3);
  CHECK(board.plans().at("a").next() == nullptr);
  REQUIRE(board.set("a", steps("hang"), {}));
  for (int i = 0; i < 5; ++i) CHECK(taken(board) == "hang");
  CHECK(board.clear("a"));
  CHECK_FALSE(board.clear("a"));
  CHECK(taken(board) == "-");
}

TEST_CASE("misbehaviour with a time limit ends by itself") {
  ManualClock clock;
  MisbehaviourBoard board(clock);
  REQUIRE(board.set("a", steps("500"), 10s));
  clock.advance(10s - 1ns);
  CHECK(taken(board) == "500");
  clock.advance(1ns);
  CHECK(taken(board) == "-");
  CHECK(board.plans().empty());
}

TEST_CASE("no more than a thousand receivers misbehave") {
  ManualClock clock;
  MisbehaviourBoard board(clock);
  for (int i = 0; i < 1000; ++i) REQUIRE(board.set(std::to_string(i), steps("500"), {}));
  CHECK_FALSE(board.set("one more", steps("500"), {}));
  CHECK(board.set("7", steps("hang"), {}));
}
