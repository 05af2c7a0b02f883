// Faults that work through other people's programs, against the real ones: Toxiproxy, flagd and Envoy. None
// of them is needed to build or to use obsctl, and none is a package of Debian 12, so that a program that is
// not there skips its test with a line that says so. `tests/integration/peers` brings them in.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "core/http_client.hpp"
#include "core/http_server.hpp"
#include "core/process.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/obsctl_binary.hpp"
#include "tests/support/run_program.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace std::chrono_literals;
using nlohmann::json;
using obsctl::core::ChildProcess;
using obsctl::core::HttpClient;
using obsctl::tests::ProgramOutput;
using obsctl::tests::TemporaryDirectory;
namespace fs = std::filesystem;

namespace {

/// In PATH or where `peers` puts them.
std::optional<fs::path> peer(const std::string& name) {
  const char* home = std::getenv("HOME");
  const fs::path cached = fs::path(home == nullptr ? "" : home) / ".cache/obsctl/peers" / name;
  if (fs::exists(cached)) return cached;
  const auto found = obsctl::core::find_program({name});
  if (found) return *found;
  WARN("skipped: " << name << " is not here; tests/integration/peers brings it in");
  return std::nullopt;
}

ChildProcess start(std::vector<std::string> words) {
  obsctl::core::ProcessOptions options;
  options.argv = std::move(words);
  auto child = ChildProcess::start(options);
  if (!child) FAIL(to_string(child.error()));
  return std::move(*child);
}

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

std::string free_address() {
  auto server = obsctl::core::HttpServer::start({}, [](const auto&) {});
  REQUIRE(server);
  return (*server)->url().substr(std::string("http://").size());
}

bool answers(const std::string& url) {
  HttpClient http;
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (std::chrono::steady_clock::now() < deadline) {
    if (http.call({.url = url, .timeout = 1s})) return true;
    std::this_thread::sleep_for(50ms);
  }
  return false;
}

/// How long a call takes; nothing when it fails.
std::optional<std::chrono::milliseconds> time_of(const std::string& url) {
  HttpClient http;
  const auto reply = http.call({.url = url, .timeout = 3s});
  if (!reply) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::milliseconds>(reply->elapsed);
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
  const std::string port = api.substr(api.find(':') + 1);
  ChildProcess toxiproxy = start({program->string(), "-host", "127.0.0.1", "-port", port});
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
  const auto port = [](const std::string& address) { return address.substr(address.find(':') + 1); };
  ChildProcess flagd =
      start({program->string(), "start", "--uri", "file:" + file.string(), "--port", port(grpc),
             "--management-port", port(management), "--ofrep-port", port(ofrep)});
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
  const auto port = [](const std::string& address) { return address.substr(address.find(':') + 1); };
  const std::string admin = free_address();
  const std::string through = free_address();
  Commands obsctl;
  std::string bootstrap = obsctl::core::read_file("tests/integration/faults/envoy.yaml").value();
  for (const auto& [name, value] : {std::pair<std::string, std::string>{"ADMIN_PORT", port(admin)},
                                    {"LISTENER_PORT", port(through)},
                                    {"SERVICE_PORT", port((*service)->url().substr(7))}})
    bootstrap.replace(bootstrap.find(name), name.size(), value);
  const fs::path file = obsctl / "envoy.yaml";
  REQUIRE(obsctl::core::write_file(file, bootstrap));
  ChildProcess envoy = start(
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
  CHECK(time_of("http://" + through + "/").value() >= 400ms);
  REQUIRE(obsctl({"fault", "clear", "--all"}).status.ok());
  CHECK(time_of("http://" + through + "/").value() < 300ms);
}
