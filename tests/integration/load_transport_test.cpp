// What carries load, against a real nginx: TLS with every way of trusting, client certificates, server names,
// Unix sockets, IPv6, connecting elsewhere, HTTP/2, and a server that goes away and comes back.
#include <chrono>
#include <thread>

#include "loadgen/load_run.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/nginx.hpp"

using namespace std::chrono_literals;
using namespace obsctl;
using namespace obsctl::loadgen;

namespace {

LoadPlan plan_for(const std::string& url, std::int64_t per_second = 100, core::Nanoseconds duration = 300ms) {
  LoadPlan plan;
  plan.target = *core::parse_url(url);
  plan.arrivals = Arrivals::constant(core::Rate{per_second, 1s});
  plan.duration = duration;
  return plan;
}

/// Every answer must contain this.
void expect_body(LoadPlan& plan, const std::string& part) {
  RequestSpec request;
  request.checks.body_contains = {part};
  plan.mix = {request};
}

Summary run_to_end(LoadPlan plan) {
  core::Logger log(core::LogLevel::off);
  auto run = LoadRun::start(std::move(plan), log);
  INFO((run ? std::string() : to_string(run.error())));
  REQUIRE(run);
  (*run)->wait(std::chrono::steady_clock::now() + 30s, {});
  const Summary summary = (*run)->stop();
  CHECK(summary.broken_invariant == "");
  CHECK(summary.counts.scheduled == summary.counts.sent);
  return summary;
}

std::string failures_of(const Summary& summary) {
  std::string text;
  for (const auto& [why, times] : summary.failures) text += std::to_string(times) + " times: " + why + "\n";
  return text;
}

/// All requests are right, or all fail in this way.
void check_all(const Summary& summary, const std::string& failure = "") {
  INFO(failures_of(summary));
  const std::int64_t n = summary.counts.sent;
  CHECK(n > 0);
  CHECK(summary.counts.ok == (failure.empty() ? n : 0));
  const auto wanted = failure.empty() ? std::map<std::string, std::int64_t>{}
                                      : std::map<std::string, std::int64_t>{{failure, n}};
  CHECK(summary.failures == wanted);
}

}  // namespace

TEST_CASE("TLS trusts what it is told to trust, and names what it does not") {
  if (!tests::has_nginx()) return;
  const tests::Nginx nginx;
  SECTION("an authority of one's own") {
    LoadPlan plan = plan_for(nginx.tls_url());
    plan.tls.ca_file = nginx.ca();
    expect_body(plan, "HTTP/1.1");
    const Summary summary = run_to_end(std::move(plan));
    check_all(summary);
    CHECK(summary.statuses.at(200) == 30);
    CHECK(summary.connect_time.count() == summary.connections_opened);
  }
  SECTION("an unknown authority fails every request") {
    check_all(run_to_end(plan_for(nginx.tls_url())), "TLS: unable to get local issuer certificate");
  }
  SECTION("an unknown authority, on request") {
    LoadPlan plan = plan_for(nginx.tls_url());
    plan.tls.insecure = true;
    check_all(run_to_end(std::move(plan)));
  }
  SECTION("a certificate for another name fails every request") {
    LoadPlan plan = plan_for(nginx.tls_url("c.test"));
    plan.tls.ca_file = nginx.ca();
    plan.connect_to = nginx.tls_address();
    check_all(run_to_end(std::move(plan)), "TLS: hostname mismatch");
  }
  SECTION("a closed loop on many connections and threads") {
    LoadPlan plan = plan_for(nginx.tls_url());
    plan.tls.ca_file = nginx.ca();
    plan.arrivals = Arrivals{};
    plan.arrivals.concurrency = 40;
    plan.threads = 2;
    plan.duration = 0s;
    plan.max_requests = 2000;
    const Summary summary = run_to_end(std::move(plan));
    check_all(summary);
    CHECK(summary.counts.ok == 2000);
    CHECK(summary.connections_opened == 40);
  }
  SECTION("plain HTTP on a TLS port is answered with 400") {
    std::string url = nginx.tls_url();
    url.replace(0, 5, "http");
    const Summary summary = run_to_end(plan_for(url));
    INFO(failures_of(summary));
    CHECK(summary.counts.http_error == 30);
    CHECK(summary.statuses.at(400) == 30);
  }
  SECTION("TLS on a plain port fails every request") {
    std::string url = nginx.plain_url();
    url.replace(0, 4, "https");
    check_all(run_to_end(plan_for(url)), "TLS: wrong version number");
  }
}

TEST_CASE("the server is asked for the URL's name, or for another one on request") {
  if (!tests::has_nginx()) return;
  const tests::Nginx nginx;
  LoadPlan plan = plan_for(nginx.tls_url("a.test"));
  plan.tls.ca_file = nginx.ca();
  plan.connect_to = nginx.tls_address();
  plan.version = GENERATE(HttpVersion::http1, HttpVersion::http2);
  const std::string host = "host=" + plan.target.authority();
  SECTION("the URL's") {
    expect_body(plan, "server_name=a.test " + host);
    check_all(run_to_end(std::move(plan)));
  }
  SECTION("another; Host stays the URL's") {
    plan.tls.server_name = "b.test";
    expect_body(plan, "server_name=b.test " + host);
    check_all(run_to_end(std::move(plan)));
  }
  SECTION("an address is not a name to ask for") {
    plan.target = *core::parse_url(nginx.tls_url());
    plan.connect_to.clear();
    expect_body(plan, "server_name= host=127.0.0.1");
    check_all(run_to_end(std::move(plan)));
  }
}

TEST_CASE("mutual TLS shows the client's certificate") {
  if (!tests::has_nginx()) return;
  const tests::Nginx nginx;
  LoadPlan plan = plan_for(nginx.mutual_tls_url());
  plan.tls.ca_file = nginx.ca();
  plan.version = GENERATE(HttpVersion::http1, HttpVersion::http2);
  SECTION("with it, the server knows who we are") {
    plan.tls.cert_file = nginx.client_certificate();
    plan.tls.key_file = nginx.client_key();
    expect_body(plan, "client=CN=client");
    check_all(run_to_end(std::move(plan)));
  }
  SECTION("without it, every answer is a 400") {
    const Summary summary = run_to_end(std::move(plan));
    CHECK(summary.counts.http_error == 30);
    CHECK(summary.statuses == std::map<int, std::int64_t>{{400, 30}});
  }
}

TEST_CASE("certificates that cannot be used are found before anything is sent") {
  if (!tests::has_nginx()) return;
  const tests::Nginx nginx;
  LoadPlan plan = plan_for(nginx.mutual_tls_url());
  plan.version = GENERATE(HttpVersion::http1, HttpVersion::http2);
  std::string message;
  SECTION("a key of another certificate") {
    plan.tls.cert_file = nginx.client_certificate();
    plan.tls.key_file = nginx.server_key();
    message = "the private key " + nginx.server_key() + " cannot be used: key values mismatch";
  }
  SECTION("a file that is not there") {
    plan.tls.ca_file = "no-such.pem";
    message = "the CA file no-such.pem does not exist";
  }
  SECTION("a file that is none") {
    plan.tls.cert_file = nginx.client_key();
    message = "the certificate " + nginx.client_key() + " cannot be used: no start line";
  }
  core::Logger log(core::LogLevel::off);
  const auto run = LoadRun::start(std::move(plan), log);
  REQUIRE(!run);
  CHECK(run.error().message == message);
}

TEST_CASE("a Unix socket, another address and IPv6 are ways to the same server") {
  if (!tests::has_nginx()) return;
  const tests::Nginx nginx;
  LoadPlan plan = plan_for("http://some.where:81/x");
  expect_body(plan, "host=some.where:81");
  SECTION("Unix socket") {
    plan.unix_socket = nginx.unix_socket();
    check_all(run_to_end(std::move(plan)));
  }
  SECTION("a Unix socket that is not there fails every request") {
    plan.unix_socket = nginx.unix_socket() + "x";
    check_all(run_to_end(std::move(plan)), "no such socket");
  }
  SECTION("another address") {
    plan.connect_to = core::parse_url(nginx.plain_url())->authority();
    check_all(run_to_end(std::move(plan)));
  }
  SECTION("a name that does not resolve is an error") {
    core::Logger log(core::LogLevel::off);
    plan.target.host = "no-such-host.invalid";
    const auto run = LoadRun::start(std::move(plan), log);
    REQUIRE(!run);
    CHECK(run.error().kind == core::ErrorKind::unavailable);
    CHECK(run.error().message.rfind("cannot resolve no-such-host.invalid: ", 0) == 0);
  }
  SECTION("IPv6") {
    if (!nginx.has_ipv6()) return;
    plan.target =
        *core::parse_url("http://[::1]:" + std::to_string(core::parse_url(nginx.plain_url())->port));
    expect_body(plan, "host=" + plan.target.authority());
    check_all(run_to_end(std::move(plan)));
  }
  SECTION("an address of the wrong family is none") {
    core::Logger log(core::LogLevel::off);
    plan.target = *core::parse_url(nginx.plain_url());
    plan.address_family = 6;
    const auto run = LoadRun::start(std::move(plan), log);
    REQUIRE(!run);
    CHECK(run.error().message == "cannot resolve 127.0.0.1: it has no address of the wanted family");
  }
}

TEST_CASE("a server that closes a connection every ten requests costs connections, not requests") {
  if (!tests::has_nginx()) return;
  const tests::Nginx nginx;
  LoadPlan plan = plan_for(nginx.plain_url(), 200, 500ms);
  plan.max_connections = 1;
  const Summary summary = run_to_end(std::move(plan));
  check_all(summary);
  CHECK(summary.connections_opened == 10);
}

TEST_CASE("HTTP/2 carries many requests on one connection") {
  if (!tests::has_nginx()) return;
  const tests::Nginx nginx;
  LoadPlan plan = plan_for(nginx.tls_url(), 1000, 500ms);
  plan.tls.ca_file = nginx.ca();
  plan.version = HttpVersion::http2;
  SECTION("at a constant rate, with a mix of methods and checks") {
    RequestSpec get;
    get.path = "/a?i={{i}}";
    get.checks.body_contains = {"HTTP/2.0", "method=GET"};
    get.checks.headers = {{"content-type", "text/plain"}};
    RequestSpec post;
    post.method = "POST";
    post.path = "/b";
    post.body = "id={{i}}";
    post.checks.body_contains = {"HTTP/2.0", "method=POST"};
    RequestSpec head;
    head.method = "HEAD";
    head.checks.max_body = 0;
    plan.mix = {get, post, head};
    const Summary summary = run_to_end(std::move(plan));
    check_all(summary);
    CHECK(summary.counts.ok == 500);
    CHECK(summary.connections_opened <= 10);  // a busy machine takes more than one: 100 streams each
    REQUIRE(summary.endpoints.size() == 3);
    for (const EndpointSummary& endpoint : summary.endpoints) CHECK(endpoint.counts.ok > 100);
  }
  SECTION("in a closed loop of streams") {
    plan.arrivals = Arrivals{};
    plan.arrivals.concurrency = 20;
    plan.duration = 0s;
    plan.max_requests = 500;
    const Summary summary = run_to_end(std::move(plan));
    check_all(summary);
    CHECK(summary.counts.ok == 500);
  }
  SECTION("with bodies that the server answers before it has read them") {
    RequestSpec post;
    post.method = "POST";
    post.body = "id={{i}}";
    plan.mix = {post};
    plan.arrivals = Arrivals{};
    plan.arrivals.concurrency = 50;
    plan.duration = 0s;
    plan.max_requests = 5000;
    const Summary summary = run_to_end(std::move(plan));
    INFO(failures_of(summary));
    // libcurl 7.88 loses a few such answers (docs/explanation/performance.md, "Losses"): each is told and
    // counted.
    const auto lost = summary.failures.find("Stream error in the HTTP/2 framing layer");
    const std::int64_t errors = lost == summary.failures.end() ? 0 : lost->second;
    CHECK(summary.counts.ok + errors == 5000);
    CHECK(summary.counts.connection_error == errors);
    CHECK(errors <= 25);
  }
  SECTION("an unknown authority fails every request") {
    plan.tls.ca_file.clear();
    plan.arrivals = Arrivals::constant(core::Rate{100, 1s});
    const Summary summary = run_to_end(std::move(plan));
    CHECK(summary.counts.connection_error == summary.counts.sent);
  }
}

TEST_CASE("a server that goes away and comes back is seen to do so") {
  if (!tests::has_nginx()) return;
  tests::Nginx nginx;
  LoadPlan plan = plan_for(nginx.plain_url(), 200, 3s);
  plan.first_phase = "up";
  core::Logger log(core::LogLevel::off);
  auto run = LoadRun::start(std::move(plan), log);
  REQUIRE(run);
  std::this_thread::sleep_for(700ms);
  nginx.stop();
  (*run)->begin_phase("down");
  std::this_thread::sleep_for(700ms);
  CHECK((*run)->phase("down").error_ratio() > 0.95);
  nginx.start();
  (*run)->begin_phase("up again");
  (*run)->wait(std::chrono::steady_clock::now() + 20s, {});
  const Summary summary = (*run)->stop();
  CHECK(summary.broken_invariant == "");
  CHECK(summary.counts.sent == 600);
  CHECK((*run)->phase("up").error_ratio() < 0.1);
  CHECK((*run)->phase("up again").error_ratio() < 0.1);
  CHECK(summary.failures.count("connection refused") == 1);
  CHECK_FALSE(summary.generator_limited.limited);
}
