// obsctl verify grafana as a pipeline sees it: what it exits with, and what is on which stream.
#include <chrono>
#include <csignal>
#include <optional>
#include <thread>

#include <nlohmann/json.hpp>

#include "core/process.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_grafana.hpp"
#include "tests/support/obsctl_binary.hpp"
#include "tests/support/run_program.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace std::chrono_literals;
using nlohmann::json;
using obsctl::core::ChildProcess;
using obsctl::core::ExitStatus;
using obsctl::tests::FakeGrafana;
using obsctl::tests::obsctl_binary;
using obsctl::tests::ProgramOutput;
using obsctl::tests::TemporaryDirectory;

namespace {

ProgramOutput verify(const FakeGrafana& grafana, std::vector<std::string> more = {},
                     std::map<std::string, std::string> environment = {}) {
  const TemporaryDirectory folder;
  std::vector<std::string> args{"verify", "grafana", "--url", grafana.url()};
  args.insert(args.end(), more.begin(), more.end());
  return obsctl::tests::run_program({.program = obsctl_binary(),
                                     .args = std::move(args),
                                     .environment = std::move(environment),
                                     .folder = folder.path()});
}

constexpr const char* kDashboard =
    R"({"uid": "d", "title": "T", "panels": [{"title": "P", "targets": [{"refId": "A", "expr": "up"}]}]})";

}  // namespace

TEST_CASE("verify grafana exits with 0 where every panel has data, and with 1 where one has none") {
  FakeGrafana grafana;
  grafana.dashboards["d"] = kDashboard;
  const bool data = GENERATE(true, false);
  if (!data) grafana.results["up"] = FakeGrafana::series(json::array());
  const ProgramOutput table = verify(grafana);
  CHECK(table.status.code == (data ? 0 : 1));
  CHECK(table.standard_error.empty());
  CHECK_THAT(table.standard_output,
             Catch::Matchers::Contains(data ? "ok  panel       T: P A" : "FAILED  panel       T: P A"));

  const ProgramOutput output = verify(grafana, {"--json"});
  CHECK(output.status.code == (data ? 0 : 1));
  const json document = json::parse(output.standard_output);
  CHECK(document.at("schema") == 1);
  CHECK(document.at("url") == grafana.url());
  CHECK(document.at("ok") == data);
  CHECK(document.at("findings").back() ==
        json{{"kind", "panel"},
             {"name", "T: P A"},
             {"ok", data},
             {"detail", data ? "1 series" : "no data: is there any load?"}});
}

TEST_CASE("verify grafana exits with 1 for a database or a datasource that is ill, whatever the panels say") {
  FakeGrafana grafana;
  grafana.dashboards["d"] = kDashboard;
  if (GENERATE(true, false)) {
    grafana.database = "failing";
  } else {
    grafana.datasources[0].health = {{"status", "ERROR"}, {"message", "connection refused"}};
  }
  const ProgramOutput output = verify(grafana, {"--no-panels"});
  CHECK(output.status.code == 1);
  CHECK_THAT(output.standard_output, Catch::Matchers::Contains("FAILED"));
}

TEST_CASE("verify grafana exits with 2 where the dashboard that is asked for is not there") {
  const FakeGrafana grafana;
  const ProgramOutput output = verify(grafana, {"--dashboard", "none"});
  CHECK(output.status.code == 2);
  CHECK(output.standard_output.empty());
  CHECK_THAT(output.standard_error, Catch::Matchers::Contains("has no dashboard with the uid \"none\""));
}

TEST_CASE("verify grafana exits with 3 where there is no panel that it can ask, unless none is wanted") {
  FakeGrafana grafana;
  if (GENERATE(true, false))
    grafana.dashboards["d"] = R"({"title": "T", "panels": [{"libraryPanel": {"uid": "l", "name": "L"}}]})";
  const ProgramOutput output = verify(grafana, {"--json"});
  CHECK(output.status.code == 3);
  CHECK(json::parse(output.standard_output).at("ok") == false);
  CHECK(output.standard_error == "there is no panel to ask for data; --no-panels does without\n");
  CHECK(verify(grafana, {"--no-panels"}).status.code == 0);
}

TEST_CASE("verify grafana exits with 5 where its credentials are refused, and does not tell them") {
  FakeGrafana grafana;
  grafana.authorization = "Bearer right";
  const bool token = GENERATE(true, false);
  const ProgramOutput output =
      verify(grafana, {}, {{token ? "OBSCTL_GRAFANA_TOKEN" : "OBSCTL_GRAFANA_PASSWORD", "wr0ng"}});
  CHECK(output.status.code == 5);
  CHECK(output.standard_output.empty());
  CHECK_THAT(output.standard_error, Catch::Matchers::Contains("/api/datasources: answered 401: "));
  CHECK(output.standard_error.find("wr0ng") == std::string::npos);
}

TEST_CASE("verify grafana that is interrupted exits with 130, and says nothing of what it has not asked") {
  FakeGrafana grafana;
  grafana.dashboards["d"] = kDashboard;
  grafana.queries_hang = true;
  const TemporaryDirectory folder;
  auto running =
      ChildProcess::start({.argv = {obsctl_binary().string(), "verify", "grafana", "--url", grafana.url()},
                           .log_file = folder / "log"});
  REQUIRE(running);
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (grafana.queries().empty() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(10ms);
  REQUIRE(grafana.queries().size() == 1);
  running->signal(SIGINT);
  std::optional<ExitStatus> status;
  while (!(status = running->poll()) && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(10ms);
  REQUIRE(status);
  CHECK(status->code == 130);
  CHECK(obsctl::core::tail_of_file(folder / "log", 10).find("FAILED") == std::string::npos);
}
