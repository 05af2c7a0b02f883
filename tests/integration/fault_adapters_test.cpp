// Faults that work through other people's programs, against the real ones: Toxiproxy, flagd and Envoy. None
// of them is needed to build or to use obsctl, and none is a package of Debian 12, so that a program that is
// not there skips its test with a line that says so. `tests/integration/peers` brings them in.
#include <algorithm>
#include <chrono>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "core/http_client.hpp"
#include "core/http_server.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/obsctl_binary.hpp"
#include "tests/support/peers.hpp"
#include "tests/support/run_program.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace std::chrono_literals;
using nlohmann::json;
using obsctl::core::ChildProcess;
using obsctl::core::HttpClient;
using obsctl::tests::answers;
using obsctl::tests::free_address;
using obsctl::tests::peer;
using obsctl::tests::port_of;
using obsctl::tests::ProgramOutput;
using obsctl::tests::start_peer;
using obsctl::tests::TemporaryDirectory;
namespace fs = std::filesystem;

namespace {

class Commands {
 public:
  ProgramOutput operator()(std::vector<std::string> arguments) {
    return obsctl::tests::run_program({.program = obsctl::tests::obsctl_binary(),
                                       .args = std::move(arguments),
                                       .environment = {{"XDG_STATE_HOME", home_.path().string()}},
                                       .folder = home_.path(),
                                       .timeout = 60s});
  }
  fs::path operator/(const char* name) const { return home_ / name; }

 private:
  TemporaryDirectory home_;
};

/// The fastest of three calls, so that it is not the machine that is slow; nothing when one fails.
std::optional<std::chrono::milliseconds> time_of(const std::string& url) {
  HttpClient http;
  std::optional<std::chrono::milliseconds> fastest;
  for (int i = 0; i < 3; ++i) {
    const auto reply = http.call({.url = url, .timeout = 3s});
    if (!reply) return std::nullopt;
    const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(reply->elapsed);
    fastest = std::min(fastest.value_or(time), time);
  }
  return fastest;
}

}  // namespace

TEST_CASE("toxics of a real Toxiproxy slow a service down, cut it off, and go away again") {
  const auto program = peer("toxiproxy-server");
  if (!program) return;
  auto service = obsctl::core::HttpServer::start(
      {},
      [](const std::shared_ptr<obsctl::core::HttpExchange>& exchange) { exchange->respond({.body = "ok"}); });
  REQUIRE(service);
  const std::string api = free_address();
  const std::string through = free_address();
  ChildProcess toxiproxy = start_peer({program->string(), "-host", "127.0.0.1", "-port", port_of(api)});
  REQUIRE(answers("http://" + api + "/version"));
  HttpClient http;
  const json proxy{{"name", "web"}, {"listen", through}, {"upstream", (*service)->url().substr(7)}};
  REQUIRE(http.call({.method = "POST", .url = "http://" + api + "/proxies", .body = proxy.dump()})->ok());
  const std::string url = "http://" + through + "/";
  REQUIRE(time_of(url));
  Commands obsctl;
  const std::string where = "api=http://" + api;

  const auto slow = obsctl(
      {"fault", "set", "toxiproxy", where, "proxy=web", "toxic=latency", "attributes={ latency = 400 }"});
  INFO(slow.standard_error);
  REQUIRE(slow.status.ok());
  CHECK(slow.standard_output == "toxic latency latency 400 of proxy web\n");
  CHECK(time_of(url).value() >= 400ms);
  REQUIRE(obsctl({"fault", "clear", "--all"}).status.ok());
  CHECK(time_of(url).value() < 300ms);

  REQUIRE(obsctl({"fault", "set", "toxiproxy", where, "proxy=web", "toxic=down"}).status.ok());
  CHECK_FALSE(time_of(url));
  REQUIRE(obsctl({"fault", "clear", "--all"}).status.ok());
  CHECK(time_of(url));

  const auto unknown = obsctl({"fault", "set", "toxiproxy", where, "proxy=nothing", "toxic=down"});
  CHECK(unknown.status.code == 5);
  CHECK(unknown.standard_error.find("answered 404") != std::string::npos);
}

TEST_CASE("a real flagd takes the variant of a fault, and the one from before") {
  const auto program = peer("flagd");
  if (!program) return;
  Commands obsctl;
  const fs::path file = obsctl / "flags.json";
  REQUIRE(obsctl::core::write_file(file, R"({"flags": {"slow": {"state": "ENABLED",
    "variants": {"on": true, "off": false}, "defaultVariant": "off"}}})"));
  const std::string grpc = free_address();
  const std::string management = free_address();
  const std::string ofrep = free_address();
  ChildProcess flagd =
      start_peer({program->string(), "start", "--uri", "file:" + file.string(), "--port", port_of(grpc),
                  "--management-port", port_of(management), "--ofrep-port", port_of(ofrep)});
  REQUIRE(answers("http://" + ofrep + "/ofrep/v1/configuration"));
  HttpClient http;
  const auto variant = [&]() -> std::string {
    const auto reply = http.call({.method = "POST",
                                  .url = "http://" + ofrep + "/ofrep/v1/evaluate/flags/slow",
                                  .headers = {{"Content-Type", "application/json"}},
                                  .body = R"({"context":{}})"});
    return reply && reply->ok() ? json::parse(reply->body).value("variant", "") : std::string();
  };
  REQUIRE(variant() == "off");
  // `set` returns only once flagd itself has the variant, and `clear` once it has the old one.
  const auto set =
      obsctl({"fault", "set", "flagd", "file=" + file.string(), "flag=slow", "api=http://" + ofrep});
  INFO(set.standard_error);
  REQUIRE(set.status.ok());
  CHECK(variant() == "on");
  REQUIRE(obsctl({"fault", "clear", "--all"}).status.ok());
  CHECK(variant() == "off");
}

TEST_CASE(
    "the fault filter of a real Envoy fails requests by runtime keys, and gives back what was set before") {
  const auto program = peer("envoy");
  if (!program) return;
  auto service = obsctl::core::HttpServer::start(
      {},
      [](const std::shared_ptr<obsctl::core::HttpExchange>& exchange) { exchange->respond({.body = "ok"}); });
  REQUIRE(service);
  const std::string admin = free_address();
  const std::string through = free_address();
  Commands obsctl;
  std::string bootstrap = obsctl::core::read_file("tests/integration/faults/envoy.yaml").value();
  for (const auto& [name, value] : {std::pair<std::string, std::string>{"ADMIN_PORT", port_of(admin)},
                                    {"LISTENER_PORT", port_of(through)},
                                    {"SERVICE_PORT", port_of((*service)->url().substr(7))}})
    bootstrap.replace(bootstrap.find(name), name.size(), value);
  const fs::path file = obsctl / "envoy.yaml";
  REQUIRE(obsctl::core::write_file(file, bootstrap));
  ChildProcess envoy = start_peer(
      {program->string(), "-c", file.string(), "--concurrency", "1", "-l", "error", "--use-dynamic-base-id"});
  REQUIRE(answers("http://" + through + "/"));
  HttpClient http;
  // Of 20 requests.
  const auto failed = [&](int status) {
    int count = 0;
    for (int i = 0; i < 20; ++i) {
      const auto reply = http.call({.url = "http://" + through + "/", .timeout = 3s});
      REQUIRE(reply);
      count += reply->status == status ? 1 : 0;
    }
    return count;
  };
  const auto set_by_hand = [&](const std::string& keys) {
    REQUIRE(http.call({.method = "POST", .url = "http://" + admin + "/runtime_modify?" + keys})->ok());
  };
  CHECK(failed(200) == 20);

  const std::string api = "api=http://" + admin;
  const auto set = obsctl({"fault", "set", "envoy", api,
                           "keys={ \"fault.http.abort.abort_percent\" = \"100\", "
                           "\"fault.http.abort.http_status\" = \"507\" }"});
  INFO(set.standard_error);
  REQUIRE(set.status.ok());
  CHECK(failed(507) == 20);
  REQUIRE(obsctl({"fault", "clear", "--all"}).status.ok());
  CHECK(failed(200) == 20);

  // Somebody's override comes back: here every request fails with 503 (the filter's own status) before and
  // after.
  set_by_hand("fault.http.abort.abort_percent=100");
  CHECK(failed(503) == 20);
  REQUIRE(obsctl({"fault", "set", "envoy", api, "keys={ \"fault.http.abort.abort_percent\" = \"0\" }"})
              .status.ok());
  CHECK(failed(200) == 20);
  REQUIRE(obsctl({"fault", "clear", "--all"}).status.ok());
  CHECK(failed(503) == 20);
  set_by_hand("fault.http.abort.abort_percent=");

  REQUIRE(obsctl({"fault", "set", "envoy", api,
                  "keys={ \"fault.http.delay.fixed_delay_percent\" = \"100\", "
                  "\"fault.http.delay.fixed_duration_ms\" = \"400\" }"})
              .status.ok());
  CHECK(time_of("http://" + through + "/").value() >= 395ms);  // Envoy's clock is not ours
  REQUIRE(obsctl({"fault", "clear", "--all"}).status.ok());
  CHECK(time_of("http://" + through + "/").value() < 300ms);
}
