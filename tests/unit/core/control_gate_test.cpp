// Who is let through to a control API, and who has to wait.
#include "core/control_gate.hpp"

#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using namespace obsctl::core;

namespace {

/// What a gate looks at of a request.
class Call final : public HttpExchange {
 public:
  Call(std::string token, std::string address)
      : authorization_(token.empty() ? "" : "Bearer " + token), address_(std::move(address)) {}

  std::string_view method() const override { return "PUT"; }
  std::string_view target() const override { return "/"; }
  std::string_view path() const override { return "/"; }
  std::optional<std::string> query(std::string_view) const override { return std::nullopt; }
  std::string_view header(std::string_view name) const override {
    return name == "Authorization" ? authorization_ : std::string_view();
  }
  std::string_view body() const override { return {}; }
  std::string remote_address() const override { return address_; }
  SteadyTime received_at() const override { return {}; }
  void respond(HttpResponse) override {}
  void reset() override {}
  void abort() override {}
  void after(Nanoseconds, std::function<void()>) override {}
  void on_gone(std::function<void()>) override {}

 private:
  const std::string authorization_;
  const std::string address_;
};

struct Bench {
  ManualClock clock;
  ControlGate gate{{.token = "t0ken", .locked = "locked: set TOKEN", .realm = "toggles"}, clock};

  /// 200: it may go on.
  int status(const std::string& token, const std::string& address = "127.0.0.1") {
    const auto refused = gate.refusal(Call(token, address));
    return refused ? refused->status : 200;
  }
};

std::string header_of(const HttpResponse& response, std::string_view name) {
  for (const HttpHeader& header : response.headers)
    if (header.name == name) return header.value;
  return {};
}

}  // namespace

TEST_CASE("a control API without a token is locked") {
  ManualClock clock;
  ControlGate gate({.locked = "locked: set TOKEN", .realm = "toggles"}, clock);
  const auto refused = gate.refusal(Call("", "127.0.0.1"));
  REQUIRE(refused);
  CHECK(refused->status == 403);
  CHECK(
      refused->body ==
      "{\"type\":\"about:blank\",\"title\":\"Forbidden\",\"status\":403,\"detail\":\"locked: set TOKEN\"}\n");
}

TEST_CASE("a control API takes its token and no other") {
  Bench bench;
  CHECK(bench.status("t0ken") == 200);
  const auto missing = bench.gate.refusal(Call("", "127.0.0.1"));
  REQUIRE(missing);
  CHECK(missing->status == 401);
  CHECK(header_of(*missing, "WWW-Authenticate") == "Bearer realm=\"toggles\"");
  const auto wrong = bench.gate.refusal(Call("t0kem", "127.0.0.1"));
  REQUIRE(wrong);
  CHECK(wrong->status == 401);
  CHECK(header_of(*wrong, "WWW-Authenticate") == "Bearer realm=\"toggles\", error=\"invalid_token\"");
}

TEST_CASE("an address that guesses is refused, right or wrong, and may guess once a second") {
  Bench bench;
  for (int i = 0; i < ControlGate::kGuessesAtOnce; ++i) REQUIRE(bench.status("guess") == 401);
  const auto refused = bench.gate.refusal(Call("guess", "127.0.0.1"));
  REQUIRE(refused);
  CHECK(refused->status == 429);
  CHECK(header_of(*refused, "Retry-After") == "1");
  CHECK(refused->content_type == "application/problem+json");
  CHECK(refused->body ==
        "{\"type\":\"about:blank\",\"title\":\"Too Many Requests\",\"status\":429,"
        "\"detail\":\"too many wrong bearer tokens have come from this address\"}\n");
  // Else a refusal would say that the guess was wrong.
  CHECK(bench.status("t0ken") == 429);
  CHECK(bench.status("t0ken", "127.0.0.2") == 200);
  CHECK(bench.status("") == 401);
  bench.clock.advance(1s);
  CHECK(bench.status("guess") == 401);
  CHECK(bench.status("guess") == 429);
  bench.clock.advance(1s);
  CHECK(bench.status("t0ken") == 200);
  CHECK(bench.status("t0ken") == 200);
}

TEST_CASE("calls of a control API are limited, however many addresses they come from") {
  Bench bench;
  for (int i = 0; i < ControlGate::kCallsAtOnce; ++i)
    REQUIRE(bench.status("t0ken", "10.0.0." + std::to_string(i)) == 200);
  const auto refused = bench.gate.refusal(Call("t0ken", "127.0.0.1"));
  REQUIRE(refused);
  CHECK(refused->status == 429);
  CHECK(header_of(*refused, "Retry-After") == "1");
  CHECK(refused->body ==
        "{\"type\":\"about:blank\",\"title\":\"Too Many Requests\",\"status\":429,"
        "\"detail\":\"there are too many calls of the control API\"}\n");
  CHECK(bench.gate.excess().value().status == 429);
  bench.clock.advance(10ms);
  CHECK_FALSE(bench.gate.excess());
  CHECK(bench.status("t0ken") == 429);
}

TEST_CASE("who guesses does not use up the calls of those who know the token") {
  Bench bench;
  for (int i = 0; i < 10 * ControlGate::kCallsAtOnce; ++i) bench.status("guess", "127.0.0.2");
  CHECK(bench.status("t0ken") == 200);
}
