// A receiver that misbehaves over real HTTP: what the sender sees, and that nothing is lost.
#include <future>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/http_client.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/raw_client.hpp"
#include "verifiers/receiver.hpp"
#include "verifiers/receiver_client.hpp"

using namespace std::chrono_literals;
using namespace obsctl::verifiers;
using obsctl::core::ErrorKind;
using obsctl::core::HttpReply;
using obsctl::test::RawClient;

namespace {

const std::string kBody =
    R"({"status":"firing","groupKey":"g","alerts":[{"status":"firing","labels":{"alertname":"X"}}]})";

struct Fixture {
  explicit Fixture(const std::string& misbehaviours = "", const std::string& token = "") {
    ReceiverOptions options;
    options.token = token;
    if (!misbehaviours.empty()) options.misbehaviours["a"] = parse_misbehaviours(misbehaviours).value();
    auto started = Receiver::start(options, clock, log);
    REQUIRE(started);
    receiver = std::move(*started);
  }
  obsctl::core::Result<HttpReply> post(obsctl::core::Nanoseconds timeout = 5s,
                                       const std::string& path = "/webhook/a") {
    return http.call({.method = "POST", .url = receiver->url() + path, .body = kBody, .timeout = timeout});
  }
  HttpReply api(const std::string& method, const std::string& path, const std::string& body = "",
                const std::string& token = "T") {
    auto reply = http.call({.method = method,
                            .url = receiver->url() + "/api/v1/misbehaviour" + path,
                            .headers = {{"Authorization", "Bearer " + token}},
                            .body = body});
    REQUIRE(reply);
    return std::move(*reply);
  }
  /// Of everything recorded: "refused 500 first", "taken 0 retry".
  std::vector<std::string> recorded() const {
    std::vector<std::string> all;
    for (const Notification& one : receiver->after(0)) {
      all.push_back(fmt::format("{} {} {}{}{}", one.refused ? "refused" : "taken", one.answer,
                                to_string(one.recurrence), one.misbehaviour.empty() ? "" : " by ",
                                one.misbehaviour));
    }
    return all;
  }

  obsctl::core::SystemClock clock;
  obsctl::core::Logger log{obsctl::core::LogLevel::off};
  std::unique_ptr<Receiver> receiver;
  obsctl::core::HttpClient http;
};

}  // namespace

TEST_CASE("a status on request refuses the first deliveries, which are recorded all the same") {
  Fixture fixture("500x1,429:1500msx1");
  CHECK(fixture.post()->status == 500);
  const auto limited = fixture.post();
  REQUIRE(limited);
  CHECK(limited->status == 429);
  CHECK(limited->header("Retry-After") == "2");
  CHECK(limited->header("Content-Type") == "application/problem+json");
  CHECK(fixture.post()->status == 200);
  CHECK(fixture.recorded() == std::vector<std::string>{"refused 500 first by 500",
                                                       "refused 429 retry by 429:1s500ms", "taken 0 retry"});
  CHECK(fixture.receiver->after(0).at(0).raw == kBody);
  CHECK(fixture.receiver->after(0).at(2).recurrence_of == 2);
  CHECK(fixture.receiver->counts().accepted == 1);
  CHECK(fixture.receiver->counts().refused == 2);
}

TEST_CASE("misbehaviour is for its receiver only, and for what is well-formed") {
  Fixture fixture("500");
  CHECK(fixture.post(5s, "/webhook/b")->status == 200);
  CHECK(fixture.post(5s, "/generic/a")->status == 500);
  const auto malformed =
      fixture.http.call({.method = "POST", .url = fixture.receiver->url() + "/webhook/a", .body = "{}"});
  REQUIRE(malformed);
  CHECK(malformed->status == 400);
  CHECK(fixture.receiver->counts().rejected == 1);
}

TEST_CASE("slow takes a delivery late, and refuses it when its sender has left") {
  SECTION("a patient sender") {
    Fixture fixture("slow:150ms");
    const auto begin = std::chrono::steady_clock::now();
    auto answer = std::async(std::launch::async, [&] { return fixture.post()->status; });
    CHECK(answer.get() == 200);
    CHECK(std::chrono::steady_clock::now() - begin >= 150ms);
    CHECK(fixture.recorded() == std::vector<std::string>{"taken 0 first by slow:150ms"});
    const Notification taken = fixture.receiver->after(0).at(0);
    CHECK(fixture.clock.wall_now() - taken.received_at >= 150ms);  // when it came, not when it was answered
  }
  SECTION("an impatient sender") {
    Fixture fixture("slow:10sx1");
    const auto reply = fixture.post(100ms);
    REQUIRE_FALSE(reply);
    CHECK(reply.error().kind == ErrorKind::timeout);
    CHECK(fixture.receiver->wait_after(0, std::chrono::steady_clock::now() + 5s).size() == 1);
    CHECK(fixture.post()->status == 200);
    CHECK(fixture.recorded() == std::vector<std::string>{"refused 0 first by slow:10s", "taken 0 retry"});
  }
}

TEST_CASE("hang never answers, and is let go when the receiver is drained") {
  Fixture fixture("hangx1");
  auto waiting = std::async(std::launch::async, [url = fixture.receiver->url()] {
    obsctl::core::HttpClient http;
    return http.call({.method = "POST", .url = url + "/webhook/a", .body = kBody, .timeout = 20s});
  });
  CHECK(fixture.receiver->wait_after(0, std::chrono::steady_clock::now() + 5s).size() == 1);
  CHECK(fixture.recorded() == std::vector<std::string>{"refused 0 first by hang"});
  CHECK(waiting.wait_for(100ms) == std::future_status::timeout);
  const auto begin = std::chrono::steady_clock::now();
  CHECK(fixture.receiver->drain(5s));
  CHECK(std::chrono::steady_clock::now() - begin < 3s);
  CHECK_FALSE(waiting.get());
}

TEST_CASE("close resets the connection") {
  Fixture fixture("closex1");
  RawClient client(fixture.receiver->port());
  REQUIRE(client.send(fmt::format("POST /webhook/a HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}",
                                  kBody.size(), kBody)));
  CHECK(client.until_closed().empty());
  CHECK(client.was_reset());
  CHECK(fixture.recorded() == std::vector<std::string>{"refused 0 first by close"});
}

TEST_CASE("misbehaviour can be set and taken back in the process") {
  Fixture fixture;
  CHECK(fixture.receiver->misbehave("a", {{.status = 502}}));
  CHECK(fixture.post()->status == 502);
  CHECK(fixture.receiver->behave("a"));
  CHECK_FALSE(fixture.receiver->behave("a"));
  CHECK(fixture.post()->status == 200);
}

TEST_CASE("the misbehaviour API needs a token") {
  CHECK(Fixture().api("GET", "").status == 403);
  Fixture fixture("", "T");
  CHECK(fixture.api("GET", "", "", "wrong").status == 401);
  CHECK(fixture.api("PUT", "/a", R"({"behaviours":["500"]})", "").status == 401);
  const HttpReply reply = fixture.api("DELETE", "/a", "", "wrong");
  CHECK(reply.status == 401);
  CHECK(reply.header("WWW-Authenticate") == "Bearer realm=\"misbehaviour\", error=\"invalid_token\"");
  CHECK(fixture.post()->status == 200);
  CHECK(fixture.api("GET", "").status == 200);
}

TEST_CASE("guessing the receiver's token is slow, and notifications are taken meanwhile") {
  Fixture fixture("", "T");
  for (int i = 0; i < 10; ++i) REQUIRE(fixture.api("GET", "/a", "", "wrong").status == 401);
  // A guess comes back every second, and that much may have passed.
  fixture.api("GET", "/a", "", "wrong");
  const HttpReply refused = fixture.api("GET", "/a", "", "wrong");
  CHECK(refused.status == 429);
  CHECK(refused.header("Retry-After") == "1");
  CHECK(fixture.post()->status == 200);
}

TEST_CASE("who clears a receiver's notifications without end is told to wait, who reads them is not") {
  Fixture fixture;
  const auto call = [&](const std::string& method) {
    return fixture.http.call({.method = method, .url = fixture.receiver->url() + "/api/v1/notifications"})
        ->status;
  };
  int cleared = 0;
  while (cleared < 5000 && call("DELETE") == 204) ++cleared;
  CHECK(cleared >= 200);
  CHECK(cleared < 5000);
  for (int i = 0; i < 50; ++i) CHECK(call("GET") == 200);
}

TEST_CASE("the misbehaviour API sets, shows and takes back") {
  Fixture fixture("", "T");
  const HttpReply set = fixture.api("PUT", "/a", R"({"behaviours":["500x1","slow:0s"],"ttl":"10m"})");
  CHECK(set.status == 200);
  CHECK(set.header("Content-Type") == "application/json");
  CHECK(set.body.starts_with(
      R"({"receiver":"a","active":true,"behaviours":["500x1","slow:0s"],"next":"500","affected":0,"set_at":")"));
  CHECK(set.body.find(R"("ttl":"10m","expires_at":")") != std::string::npos);
  CHECK(fixture.post()->status == 500);
  CHECK(fixture.api("GET", "/a").body.find(R"("next":"slow:0s","affected":1)") != std::string::npos);
  CHECK(fixture.api("GET", "").body.starts_with(R"({"misbehaviour":[{"receiver":"a","active":true,)"));
  CHECK(fixture.api("DELETE", "/a").body == "{\"receiver\":\"a\",\"active\":false}\n");
  CHECK(fixture.post()->status == 200);
  fixture.api("PUT", "/on%20call", R"({"behaviours":["hang"]})");
  CHECK(fixture.api("DELETE", "").body == "{\"misbehaviour\":[]}\n");
}

TEST_CASE("the misbehaviour API says what is wrong with a request") {
  Fixture fixture("", "T");
  const auto [body, status, why] = GENERATE(table<std::string, int, std::string>({
      {"x", 400, "the document is not JSON"},
      {"[]", 422, "the body must be a JSON object"},
      {"{}", 422, "behaviours is missing"},
      {R"({"behaviours":[]})", 422,
       "the document has behaviours that cannot be: \"\" is not a misbehaviour: the word is not known"},
      {R"({"behaviours":["500","hang"]})", 422,
       "the document has behaviours that cannot be: \"hang\" is never reached: \"500\" happens to every "
       "delivery"},
      {R"({"behaviours":["500"],"ttl":"2h"})", 422,
       "the document has a ttl that is not above 0 and at most 1h"},
      {R"({"behaviours":["500"],"ttl":"0s"})", 422,
       "the document has a ttl that is not above 0 and at most 1h"},
      {R"({"behaviours":["500"],"ttl":"x"})", 422,
       "the document has a ttl that cannot be: \"x\" is not a duration: a number was expected"},
      {R"({"behaviours":["500"],"tll":"1s"})", 422,
       "the document has the unknown member \"tll\" (did you mean \"ttl\"?)"},
  }));
  CAPTURE(body);
  const HttpReply reply = fixture.api("PUT", "/a", body);
  CHECK(reply.status == status);
  const auto document = nlohmann::json::parse(reply.body);
  CHECK(document.at("detail") == why);
  CHECK(fixture.api("GET", "/a").body == "{\"receiver\":\"a\",\"active\":false}\n");
  CHECK(fixture.api("POST", "/a").header("Allow") == "GET, PUT, DELETE");
  CHECK(fixture.api("PUT", "").header("Allow") == "GET, DELETE");
  CHECK(fixture.api("GET", "/a/b").status == 404);
}

TEST_CASE("a client in another process lets a receiver misbehave") {
  Fixture fixture("", "T");
  ReceiverClient client(fixture.receiver->url());
  REQUIRE(client.misbehave("a", *parse_misbehaviours("503x1"), 1min, "T"));
  CHECK(fixture.post()->status == 503);
  CHECK(fixture.post()->status == 200);
  REQUIRE(client.misbehave("a", *parse_misbehaviours("503"), 1min, "T"));
  REQUIRE(client.behave("a", "T"));
  CHECK(fixture.post()->status == 200);
  const auto refused = client.misbehave("a", *parse_misbehaviours("503"), 1min, "wrong");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message ==
        "PUT " + fixture.receiver->url() + "/api/v1/misbehaviour/a: answered 401: the bearer token is wrong");
  const auto all = client.next(0, 0s);
  REQUIRE(all);
  REQUIRE(all->size() == 3);
  CHECK(all->at(0).refused);
  CHECK(all->at(1).recurrence == Recurrence::retry);
}
