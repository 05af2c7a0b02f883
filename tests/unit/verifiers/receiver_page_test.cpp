// What the receiver's pages show, and that nothing from outside becomes a part of them.
#include <fmt/format.h>

#include "core/http_client.hpp"
#include "tests/support/catch.hpp"
#include "verifiers/receiver.hpp"

using namespace std::chrono_literals;
using namespace obsctl::verifiers;
using obsctl::core::HttpReply;

namespace {

struct Fixture {
  explicit Fixture(ReceiverOptions options = {}) {
    auto started = Receiver::start(options, clock, log);
    REQUIRE(started);
    receiver = std::move(*started);
  }
  HttpReply call(const std::string& method, const std::string& path, std::string body = {}) {
    auto reply = http.call({.method = method, .url = receiver->url() + path, .body = std::move(body)});
    REQUIRE(reply);
    return std::move(*reply);
  }
  std::string page() { return call("GET", "/?refresh=off").body; }

  obsctl::core::SystemClock clock;
  obsctl::core::Logger log{obsctl::core::LogLevel::off};
  std::unique_ptr<Receiver> receiver;
  obsctl::core::HttpClient http;
};

bool has(const std::string& page, const std::string& text) {
  return page.find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("the page says how to point Alertmanager here while nothing has arrived") {
  ReceiverOptions options;
  options.smtp.emplace();
  Fixture fixture(options);
  const HttpReply reply = fixture.call("GET", "/");
  CHECK(reply.header("Content-Type") == "text/html; charset=utf-8");
  CHECK(has(std::string(reply.header("Content-Security-Policy")), "default-src 'none'"));
  CHECK(has(reply.body, "url: " + fixture.receiver->url() + "/webhook/on-call\n"));
  CHECK(has(reply.body, "webhook_url: " + fixture.receiver->url() + "/msteams/on-call\n"));
  CHECK(has(reply.body, "smarthost: " + fixture.receiver->smarthost() + "\n"));
  CHECK_FALSE(has(Fixture().page(), "smarthost"));
}

TEST_CASE("the page loads itself again unless it is told not to") {
  Fixture fixture;
  CHECK(has(fixture.call("GET", "/").body, "<meta http-equiv=\"refresh\" content=\"5\">"));
  CHECK_FALSE(has(fixture.page(), "http-equiv"));
}

TEST_CASE("the newest notification comes first, with its alerts and what became of it") {
  ReceiverOptions options;
  options.misbehaviours["on-call"] = *parse_misbehaviours("500x1");
  Fixture fixture(options);
  const std::string body =
      R"({"status":"firing","groupKey":"g","alerts":[{"status":"firing","labels":{"alertname":"High","job":"api"},"startsAt":"2026-11-21T04:30:07.705Z"}]})";
  fixture.call("POST", "/webhook/on-call", body);
  fixture.call("POST", "/webhook/on-call", body);
  fixture.call("POST", "/webhook/on-call", body);
  fixture.call("POST", "/slack/other", R"({"text":"[RESOLVED] Low"})");
  fixture.call("POST", "/webhook/on-call", "{}");
  const std::string page = fixture.page();
  CHECK(has(page, "3 taken, 1 refused on request, 1 malformed; 4 shown"));
  const std::size_t newest = page.find("id=\"n4\""), oldest = page.find("id=\"n1\"");
  REQUIRE(newest != std::string::npos);
  CHECK(newest < oldest);
  CHECK(has(page, "<span class=\"state resolved\">✓ resolved</span><h2><bdi>[RESOLVED] Low</bdi></h2>"));
  CHECK(has(page,
            "<bdi>High (1 alert)</bdi></h2><span class=\"tag\">refused with 500</span><span "
            "class=\"tag\">misbehaviour 500</span>"));
  CHECK(has(page, "<span class=\"tag\">retry of #1</span>"));
  CHECK(has(page, "<span class=\"tag\">duplicate of #2</span>"));
  CHECK(has(page,
            "<td class=\"labels\"><code>{alertname=&quot;High&quot;, job=&quot;api&quot;}</code></td>"
            "<td class=\"time\">2026-11-21T04:30:07.705Z</td>"));
  CHECK(has(page, "Last malformed: webhook to <bdi>on-call</bdi>"));
  CHECK(has(page, "<bdi>status is missing</bdi>"));
}

TEST_CASE("nothing from outside becomes a part of the page") {
  Fixture fixture;
  fixture.call(
      "POST", "/slack/%3Cscript%3Ex",
      R"({"attachments":[{"title":"[FIRING:1] <b>X</b> & 'co' \" \u202E \u0007","text":"</pre><script>alert(1)</script>"}]})");
  fixture.call(
      "POST", "/webhook/a",
      R"({"status":"firing","alerts":[{"status":"firing","labels":{"alertname":"<i>","x":"</td><img src=x>"}}]})");
  fixture.call("POST", "/generic/a", "\xff</pre><script>");
  fixture.call("POST", "/webhook/<u>", R"({"status":"<u>"})");
  for (const char* path : {"/?refresh=off", "/notifications/1", "/notifications/2", "/notifications/3"}) {
    CAPTURE(path);
    const std::string page = fixture.call("GET", path).body;
    for (const char* hostile : {"<script>", "<b>X", "<i>", "<img", "<u>", "\x07", "& '", "'co'"}) {
      CAPTURE(hostile);
      CHECK_FALSE(has(page, hostile));
    }
  }
  CHECK(has(fixture.page(), "[FIRING:1] &lt;b&gt;X&lt;/b&gt; &amp; &#39;co&#39; &quot; \u202E"));
}

TEST_CASE("secrets are not shown") {
  Fixture fixture;
  fixture.call("POST", "/pagerduty/a",
               R"({"routing_key":"SECRET","event_action":"resolve","dedup_key":"d"})");
  CHECK_FALSE(has(fixture.page(), "SECRET"));
  CHECK_FALSE(has(fixture.call("GET", "/notifications/1").body, "SECRET"));
}

TEST_CASE("one notification has a page with its whole body") {
  Fixture fixture;
  const std::string text(20'000, 'x');
  fixture.call("POST", "/slack/a", "{\"text\":\"" + text + "\"}");
  CHECK_FALSE(has(fixture.page(), text));
  CHECK(has(fixture.page(), "\n… 3627 more bytes</pre>"));
  CHECK(
      has(fixture.call("GET", "/notifications/1").body, "{&quot;text&quot;:&quot;" + text + "&quot;}</pre>"));
  for (const char* path : {"/notifications/2", "/notifications/0", "/notifications/x", "/notifications/",
                           "/notifications/1/raw", "/notifications/99999999999999999999"}) {
    CAPTURE(path);
    CHECK(fixture.call("GET", path).status == 404);
  }
  CHECK(fixture.call("DELETE", "/notifications/1").status == 405);
}

TEST_CASE("a page of very many alerts stays small") {
  Fixture fixture;
  std::string alerts;
  for (int i = 0; i < 500; ++i) {
    alerts += fmt::format(R"({}{{"status":"firing","labels":{{"alertname":"A{}"}}}})", i == 0 ? "" : ",", i);
  }
  fixture.call("POST", "/webhook/a", R"({"status":"firing","alerts":[)" + alerts + "]}");
  CHECK(has(fixture.page(), "<bdi>A0, A1, A2, … (500 alerts)</bdi>"));
  CHECK(has(fixture.page(), "<p class=\"quiet\">… 400 more</p>"));
  CHECK(has(fixture.call("GET", "/notifications/1").body, "<td>A499</td>"));
}
