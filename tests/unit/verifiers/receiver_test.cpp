// The receiver over real HTTP on loopback: answers, limits, long polls, forwarding.
#include "verifiers/receiver.hpp"

#include <future>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "core/http_client.hpp"
#include "tests/support/catch.hpp"
#include "tests/unit/verifiers/fake_api.hpp"
#include "verifiers/receiver_client.hpp"

using namespace std::chrono_literals;
using namespace obsctl::verifiers;
using obsctl::core::ErrorKind;
using obsctl::core::HttpClient;
using obsctl::core::HttpReply;
using obsctl::tests::FakeApi;

namespace {

std::string slack(const std::string& text) {
  return "{\"text\":\"" + text + "\"}";
}

/// A receiver on a free port, and a client to talk to it.
struct Fixture {
  explicit Fixture(ReceiverOptions options = {}, int log_descriptor = -1)
      : log(log_descriptor < 0 ? obsctl::core::LogLevel::off : obsctl::core::LogLevel::debug,
            obsctl::core::LogFormat::json, log_descriptor < 0 ? 2 : log_descriptor) {
    auto started = Receiver::start(options, clock, log);
    REQUIRE(started);
    receiver = std::move(*started);
  }

  HttpReply call(const std::string& method, const std::string& path, std::string body = {}) {
    auto reply = http.call({.method = method, .url = receiver->url() + path, .body = std::move(body)});
    REQUIRE(reply);
    return std::move(*reply);
  }

  obsctl::core::SystemClock clock;
  obsctl::core::Logger log;
  std::unique_ptr<Receiver> receiver;
  HttpClient http;
};

obsctl::core::SteadyTime soon(obsctl::core::Nanoseconds wait) {
  return std::chrono::steady_clock::now() + wait;
}

}  // namespace

TEST_CASE("each kind of notification is answered as the real thing would") {
  Fixture fixture;
  const HttpReply webhook = fixture.call("POST", "/webhook/a", R"({"status":"firing","alerts":[]})");
  CHECK(webhook.status == 200);
  const HttpReply to_slack = fixture.call("POST", "/slack/b", slack("[FIRING:1] X"));
  CHECK(to_slack.status == 200);
  CHECK(to_slack.body == "ok");
  const HttpReply discord = fixture.call("POST", "/discord/c?wait=true", R"({"content":"[RESOLVED] X"})");
  CHECK(discord.status == 204);
  CHECK(discord.body.empty());

  const std::vector<Notification> kept = fixture.receiver->after(0);
  REQUIRE(kept.size() == 3);
  CHECK(kept[0].sequence == 1);
  CHECK(kept[0].kind == NotificationKind::webhook);
  CHECK(kept[0].receiver == "a");
  CHECK(kept[0].raw == R"({"status":"firing","alerts":[]})");
  CHECK(kept[1].receiver == "b");
  CHECK(kept[2].sequence == 3);
  CHECK(kept[2].status == NotifiedStatus::resolved);
  CHECK(fixture.receiver->counts().accepted == 3);
  CHECK(fixture.receiver->url_for(NotificationKind::slack, "on call") ==
        fixture.receiver->url() + "/slack/on%20call");
}

TEST_CASE("a receiver's name is the decoded last part of the path") {
  Fixture fixture;
  CHECK(fixture.call("POST", "/slack/on%20call", slack("x")).status == 200);
  CHECK(fixture.receiver->after(0).at(0).receiver == "on call");
  const std::string path = GENERATE("/slack/", "/slack", "/slack/a/b", "/slack/%", "/slack/%zz",
                                    "/slack/a%2Fb", "/slack/%00", "/elsewhere");
  CAPTURE(path);
  const HttpReply reply = fixture.call("POST", path, slack("x"));
  CHECK(reply.status == 404);
  CHECK(reply.header("Content-Type") == "application/problem+json");
}

TEST_CASE("what is malformed, too large or sent the wrong way is refused and not kept") {
  ReceiverOptions options;
  options.max_body = 1000;
  Fixture fixture(options);
  SECTION("malformed") {
    const HttpReply reply = fixture.call("POST", "/webhook/a", R"({"status":"firing"})");
    CHECK(reply.status == 400);
    CHECK(reply.header("Content-Type") == "application/problem+json");
    CHECK(reply.body ==
          "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,\"detail\":\"alerts is "
          "missing\"}\n");
    CHECK(fixture.receiver->counts().rejected == 1);
  }
  SECTION("too large") {
    CHECK(fixture.call("POST", "/slack/a", slack(std::string(1000, 'x'))).status == 413);
  }
  SECTION("the wrong method") {
    const HttpReply reply = fixture.call("GET", "/webhook/a");
    CHECK(reply.status == 405);
    CHECK(reply.header("Allow") == "POST");
    CHECK(fixture.call("PUT", "/api/v1/notifications").header("Allow") == "GET, DELETE");
    CHECK(fixture.call("POST", "/").status == 405);
  }
  CHECK(fixture.receiver->after(0).empty());
  CHECK(fixture.receiver->counts().accepted == 0);
}

TEST_CASE("the oldest notifications go when there are too many or too large, and are counted") {
  ReceiverOptions options;
  SECTION("too many") {
    options.max_notifications = 3;
    Fixture fixture(options);
    for (int i = 1; i <= 5; ++i) fixture.call("POST", "/slack/a", slack(std::to_string(i)));
    const std::vector<Notification> kept = fixture.receiver->after(0);
    REQUIRE(kept.size() == 3);
    CHECK(kept[0].sequence == 3);
    CHECK(kept[2].raw == slack("5"));
    CHECK(fixture.receiver->counts().dropped == 2);
    CHECK(fixture.receiver->counts().accepted == 5);
  }
  SECTION("too large together") {
    options.max_bytes = 250;
    Fixture fixture(options);
    for (int i = 0; i < 3; ++i)
      fixture.call("POST", "/slack/a", slack(std::string(89, 'x')));  // 100 bytes each
    CHECK(fixture.receiver->counts().kept == 2);
    CHECK(fixture.receiver->counts().kept_bytes == 200);
    fixture.call("POST", "/slack/a", slack(std::string(500, 'x')));
    CHECK(fixture.receiver->counts().kept == 1);  // the newest stays, however large
  }
}

TEST_CASE("clearing forgets what was kept, and numbers go on") {
  Fixture fixture;
  fixture.call("POST", "/slack/a", slack("1"));
  CHECK(fixture.call("DELETE", "/api/v1/notifications").status == 204);
  CHECK(fixture.receiver->after(0).empty());
  fixture.call("POST", "/slack/a", slack("2"));
  CHECK(fixture.receiver->after(0).at(0).sequence == 2);
  CHECK(fixture.receiver->counts().dropped == 0);
}

TEST_CASE("waiting in the process ends with a notification, at the deadline, or when stopped") {
  Fixture fixture;
  CHECK(fixture.receiver->wait_after(0, soon(10ms)).empty());
  std::stop_source stopped;
  stopped.request_stop();
  CHECK(fixture.receiver->wait_after(0, soon(10s), stopped.get_token()).empty());
  auto waiting = std::async(std::launch::async, [&] { return fixture.receiver->wait_after(1, soon(10s)); });
  fixture.call("POST", "/slack/a", slack("1"));
  fixture.call("POST", "/slack/a", slack("2"));
  const std::vector<Notification> found = waiting.get();
  REQUIRE(found.size() == 1);
  CHECK(found[0].sequence == 2);
}

TEST_CASE("a client in another process reads notifications by long polling") {
  Fixture fixture;
  ReceiverClient client(fixture.receiver->url() + "/");
  REQUIRE(client.ready());
  SECTION("at once, when something is there") {
    fixture.call("POST", "/slack/a", slack("1"));
    fixture.call("POST", "/webhook/b",
                 R"({"status":"firing","alerts":[{"status":"firing","labels":{"alertname":"X"}}]})");
    const auto begin = std::chrono::steady_clock::now();
    const auto both = client.next(0, 10s);
    REQUIRE(both);
    CHECK(std::chrono::steady_clock::now() - begin < 5s);
    REQUIRE(both->size() == 2);
    CHECK((*both)[1].alerts.at(0).name == "X");
    CHECK((*both)[1].raw ==
          R"({"status":"firing","alerts":[{"status":"firing","labels":{"alertname":"X"}}]})");
    CHECK(client.next(1, 10s)->size() == 1);
    CHECK(client.next(2, 0s)->empty());
  }
  SECTION("as soon as something comes") {
    auto waiting = std::async(std::launch::async, [&] { return client.next(0, 10s); });
    std::this_thread::sleep_for(
        20ms);  // so that the poll is most likely there first; both orders have to work
    const auto posted = std::chrono::steady_clock::now();
    fixture.call("POST", "/slack/a", slack("1"));
    const auto found = waiting.get();
    REQUIRE(found);
    CHECK(found->size() == 1);
    CHECK(std::chrono::steady_clock::now() - posted < 2s);
  }
  SECTION("or nothing, when the wait is over") {
    const auto begin = std::chrono::steady_clock::now();
    const auto nothing = client.next(0, 50ms);
    REQUIRE(nothing);
    CHECK(nothing->empty());
    CHECK(std::chrono::steady_clock::now() - begin >= 50ms);
  }
  SECTION("or an error, when stopped") {
    std::stop_source stop;
    std::jthread later([&] {
      std::this_thread::sleep_for(20ms);
      stop.request_stop();
    });
    const auto stopped = client.next(0, 10s, stop.get_token());
    REQUIRE_FALSE(stopped);
    CHECK(stopped.error().kind == ErrorKind::cancelled);
  }
  SECTION("and clears them") {
    fixture.call("POST", "/slack/a", slack("1"));
    REQUIRE(client.clear());
    CHECK(client.next(0, 0s)->empty());
  }
}

TEST_CASE("the notifications API says what it does not understand") {
  Fixture fixture;
  CHECK(fixture.call("GET", "/api/v1/notifications?after=x").status == 400);
  CHECK(fixture.call("GET", "/api/v1/notifications?after=-1").status == 400);
  const HttpReply wait = fixture.call("GET", "/api/v1/notifications?wait=10");
  CHECK(wait.status == 400);
  CHECK(wait.body.find("wait: \\\"10\\\" is not a duration: the unit is missing") != std::string::npos);
  CHECK(fixture.call("GET", "/api/v1/notifications").body ==
        "{\"schema\":1,\"next\":0,\"accepted\":0,\"refused\":0,\"dropped\":0,\"notifications\":[]}\n");
}

TEST_CASE("draining answers those who wait and lets answers in flight finish") {
  Fixture fixture;
  ReceiverClient client(fixture.receiver->url());
  auto waiting = std::async(std::launch::async, [&] { return client.next(0, 20s); });
  std::this_thread::sleep_for(50ms);
  const auto begin = std::chrono::steady_clock::now();
  CHECK(fixture.receiver->drain(5s));
  const auto found = waiting.get();
  CHECK(std::chrono::steady_clock::now() - begin < 4s);
  REQUIRE(found);
  CHECK(found->empty());
}

TEST_CASE("health and metrics are served") {
  ReceiverOptions options;
  options.misbehaviours["b"] = {{.kind = Misbehaviour::Kind::status, .status = 503}};
  Fixture fixture(options);
  CHECK(fixture.call("GET", "/healthz").body == "ok\n");
  fixture.call("POST", "/slack/a", slack("[FIRING:1] X"));
  fixture.call("POST", "/slack/b", slack("[FIRING:1] X"));
  fixture.call("POST", "/webhook/a", "nonsense");
  const std::string metrics = fixture.call("GET", "/metrics").body;
  CHECK(metrics.find("obsctl_receiver_notifications_total{kind=\"slack\"} 1\n") != std::string::npos);
  CHECK(metrics.find("obsctl_receiver_notifications_total{kind=\"email\"} 0\n") != std::string::npos);
  CHECK(metrics.find("obsctl_receiver_refused_total 1\n") != std::string::npos);
  CHECK(metrics.find("obsctl_receiver_rejected_total 1\n") != std::string::npos);
}

TEST_CASE("notifications are passed on to a real webhook, whose answer is the answer") {
  FakeApi real;
  int pipe[2];
  REQUIRE(::pipe2(pipe, O_NONBLOCK | O_CLOEXEC) == 0);
  ReceiverOptions options;
  options.forward_timeout = 300ms;
  options.forwards = {{NotificationKind::slack, "", real.url() + "/services/SECRET"},
                      {NotificationKind::slack, "other", real.url() + "/other/SECRET"},
                      {NotificationKind::discord, "", "http://127.0.0.1:1/SECRET"}};
  {
    Fixture fixture(options, pipe[1]);
    SECTION("taken") {
      real.answer("/services/SECRET", "ok");
      const HttpReply reply = fixture.call("POST", "/slack/a", slack("1"));
      CHECK(reply.status == 200);
      CHECK(reply.body == "ok");
      CHECK(real.requests() == std::vector<std::string>{"POST /services/SECRET"});
      CHECK(real.last_body() == slack("1"));
      CHECK(fixture.receiver->counts().forwarded == 1);
    }
    SECTION("a receiver's own rule comes before its kind's") {
      real.answer("/other/SECRET", "ok");
      fixture.call("POST", "/slack/other", slack("1"));
      CHECK(real.requests() == std::vector<std::string>{"POST /other/SECRET"});
    }
    SECTION("refused") {
      const int status = GENERATE(400, 429, 500, 503);
      real.answer("/services/SECRET", "no_service", status);
      const HttpReply reply = fixture.call("POST", "/slack/a", slack("1"));
      CHECK(reply.status == status);
      CHECK(reply.body == "no_service");
      CHECK(fixture.receiver->counts().forward_failed == 1);
    }
    SECTION("not reachable") {
      const HttpReply reply = fixture.call("POST", "/discord/a", R"({"content":"x"})");
      CHECK(reply.status == 502);
      CHECK(reply.body.find("SECRET") == std::string::npos);
    }
    SECTION("a kind without a rule stays here") {
      CHECK(fixture.call("POST", "/webhook/a", R"({"status":"firing","alerts":[]})").status == 200);
      CHECK(real.requests().empty());
    }
    // However it went, it has been received.
    CHECK(fixture.receiver->counts().accepted == 1);
    CHECK(fixture.call("GET", "/metrics").body.find("SECRET") == std::string::npos);
    CHECK(fixture.call("GET", "/").body.find("SECRET") == std::string::npos);
  }
  std::string logged(65536, '\0');
  const ssize_t size = ::read(pipe[0], logged.data(), logged.size());
  logged.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  CHECK(logged.find("\"notification\"") != std::string::npos);
  CHECK(logged.find("SECRET") == std::string::npos);
  CHECK(logged.find(real.url()) == std::string::npos);
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST_CASE("what cannot be passed on in time is refused so that the sender tries again") {
  // A webhook that never answers: the queue fills up behind it.
  auto silent = obsctl::core::HttpServer::start(
      {},
      [held = std::vector<std::shared_ptr<obsctl::core::HttpExchange>>()](
          const std::shared_ptr<obsctl::core::HttpExchange>& exchange) mutable { held.push_back(exchange); });
  REQUIRE(silent);
  ReceiverOptions options;
  options.forward_timeout = 200ms;
  options.forward_queue = 1;
  options.forwards = {{NotificationKind::slack, "", (*silent)->url() + "/SECRET"}};
  Fixture fixture(options);
  const auto post = [&] {
    HttpClient http;
    return http.call({.method = "POST", .url = fixture.receiver->url() + "/slack/a", .body = slack("1")})
        ->status;
  };
  auto first = std::async(std::launch::async, post);
  std::this_thread::sleep_for(50ms);
  auto second = std::async(std::launch::async, post);
  std::this_thread::sleep_for(50ms);
  CHECK(post() == 503);
  CHECK(first.get() == 504);
  CHECK(second.get() == 504);
  CHECK(fixture.receiver->counts().accepted == 2);
}

TEST_CASE("a megabyte arrives as it was sent") {
  Fixture fixture;
  const std::string body = slack(std::string(1u << 20, 'x'));
  CHECK(fixture.call("POST", "/slack/a", body).status == 200);
  ReceiverClient client(fixture.receiver->url());
  const auto found = client.next(0, 0s);
  REQUIRE(found);
  CHECK(found->at(0).raw == body);
}

TEST_CASE("many notifications from many connections are all numbered once, in order") {
  Fixture fixture;
  constexpr int senders = 8, each = 50;
  std::vector<std::future<int>> running;
  for (int sender = 0; sender < senders; ++sender) {
    running.push_back(std::async(std::launch::async, [&, sender] {
      HttpClient http;
      int accepted = 0;
      for (int i = 0; i < each; ++i) {
        const auto reply = http.call({.method = "POST",
                                      .url = fmt::format("{}/slack/{}", fixture.receiver->url(), sender),
                                      .body = slack(std::to_string(i))});
        accepted += reply && reply->status == 200 ? 1 : 0;
      }
      return accepted;
    }));
  }
  int accepted = 0;
  for (auto& one : running) accepted += one.get();
  CHECK(accepted == senders * each);
  const std::vector<Notification> kept = fixture.receiver->after(0);
  REQUIRE(kept.size() == senders * each);
  for (std::size_t i = 0; i < kept.size(); ++i) REQUIRE(kept[i].sequence == i + 1);
}
