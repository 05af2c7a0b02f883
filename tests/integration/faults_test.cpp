// Faults always come back out: a run is killed at random moments, told to end by every signal there is, and
// loses each of the programs it depends on at each stage. Afterwards nothing is broken, nobody is left, the
// journal can be read and the next run is clean.
//
// OBSCTL_TEST_KILLS is how many runs are killed (10); with 200 it takes some twenty minutes.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <random>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "core/file.hpp"
#include "core/http_client.hpp"
#include "tests/support/running_stack.hpp"

using namespace std::chrono_literals;
using nlohmann::json;
using obsctl::core::ChildProcess;
using obsctl::tests::monitoring_is_here;
using obsctl::tests::ProgramOutput;
using obsctl::tests::RunningStack;
namespace fs = std::filesystem;

namespace {

const fs::path kBreaks = fs::absolute("tests/integration/faults/breaks.toml");

int kills() {
  const char* wanted = std::getenv("OBSCTL_TEST_KILLS");
  return wanted == nullptr ? 10 : std::max(1, std::atoi(wanted));
}

/// http-api, ten times as fast as it is, with what the test needs to look at it.
class Stack : public RunningStack {
 public:
  Stack() : RunningStack(fs::absolute("stacks/http-api"), {"--time-scale", "0.1"}) {
    token_ = obsctl::core::read_file(home() / "obsctl/stacks/it/token").value();
    while (!token_.empty() && token_.back() == '\n') token_.pop_back();
  }

  /// A run in the background. Its standard error is in `log`.
  ChildProcess start_run(const fs::path& scenario, const fs::path& log) {
    obsctl::core::ProcessOptions options;
    options.argv = {
        obsctl::tests::obsctl_binary().string(), "scenario", "run", scenario.string(), "--attach", "it"};
    options.environment = {"XDG_STATE_HOME=" + home().string(), "TOGGLES_TOKEN=" + token_};
    options.working_directory = home();
    options.log_file = log;
    auto child = ChildProcess::start(options);
    if (!child) FAIL(to_string(child.error()));
    return std::move(*child);
  }

  ProgramOutput with_token(std::vector<std::string> arguments, obsctl::core::Nanoseconds timeout) {
    return obsctl::tests::run_program(
        {.program = obsctl::tests::obsctl_binary(),
         .args = std::move(arguments),
         .environment = {{"XDG_STATE_HOME", home().string()}, {"TOGGLES_TOKEN", token_}},
         .folder = home(),
         .timeout = timeout});
  }

  /// What is broken, by asking those who would know; empty when all is well.
  std::string broken() {
    std::string found;
    if (fs::exists(home() / "broken")) found += " the file is there;";
    obsctl::core::HttpClient http;
    const std::vector<obsctl::core::HttpHeader> headers{{"Authorization", "Bearer " + token_}};
    for (const std::string& api :
         {url("api") + "/api/v1/toggles", url("receiver") + "/api/v1/misbehaviour"}) {
      const auto reply = http.call({.url = api, .headers = headers});
      if (!reply || !reply->ok()) {
        found += " " + api + " cannot be asked;";
      } else if (reply->body.find("\"active\":true") != std::string::npos) {
        found += " " + reply->body + ";";
      }
    }
    const json status = json::parse(obsctl({"stack", "status", "it", "--json"}).standard_output);
    for (const json& service : status.at("services")) {
      if (service.at("state") != "running") found += " " + service.dump() + ";";
    }
    return found;
  }

  pid_t pid_of(const std::string& service) {
    const json status = json::parse(obsctl({"stack", "status", "it", "--json"}).standard_output);
    for (const json& one : status.at("services")) {
      if (one.at("name") == service) return one.at("pid").get<pid_t>();
    }
    return 0;
  }

  json faults() { return json::parse(obsctl({"fault", "list", "--json"}).standard_output).at("faults"); }

  /// The newest run's folder.
  fs::path newest_run() {
    std::set<fs::path> runs;
    for (const auto& entry : fs::directory_iterator(home() / "obsctl/runs")) {
      if (entry.is_directory() && !entry.is_symlink()) runs.insert(entry.path());
    }
    return runs.empty() ? fs::path() : *runs.rbegin();
  }

  const std::string& token() const { return token_; }

 private:
  std::string token_;
};

bool wait_for_text(const fs::path& file, const std::string& text, ChildProcess& child,
                   std::chrono::seconds patience = 60s) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < deadline) {
    const auto content = obsctl::core::read_file(file);
    if (content && content->find(text) != std::string::npos) return true;
    if (child.poll()) return false;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

/// The exit code, or minus the signal; SIGALRM when it does not end in time.
int wait_for_end(ChildProcess& child) {
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (std::chrono::steady_clock::now() < deadline) {
    if (const auto status = child.poll()) return status->signal != 0 ? -status->signal : status->code;
    std::this_thread::sleep_for(10ms);
  }
  return -SIGALRM;
}

}  // namespace

TEST_CASE("a run that is killed at any moment leaves nothing that cannot be taken back") {
  if (!monitoring_is_here()) return;
  Stack stack;
  // The whole of it first: that it can pass, and how long it takes.
  const auto began = std::chrono::steady_clock::now();
  const ProgramOutput whole = stack.with_token({"scenario", "run", kBreaks.string(), "--attach", "it"}, 90s);
  INFO(whole.standard_error << whole.standard_output);
  REQUIRE(whole.status.ok());
  REQUIRE(stack.broken() == "");
  const std::chrono::duration<double> length = std::chrono::steady_clock::now() - began;

  std::mt19937 random(20261121);
  std::uniform_real_distribution<double> moment(0, length.count());
  int with_faults = 0;
  for (int i = 0; i < kills(); ++i) {
    const double after = moment(random);
    CAPTURE(i, after);
    {
      ChildProcess run = stack.start_run(kBreaks, stack.home() / "killed.log");
      std::this_thread::sleep_for(std::chrono::duration<double>(after));
      ::kill(run.pid(), SIGKILL);
      static_cast<void>(wait_for_end(run));
    }
    const json left = stack.faults();
    with_faults += left.empty() ? 0 : 1;
    for (const json& fault : left) CHECK(fault.at("state") != "in a run");
    const fs::path killed = stack.newest_run();
    if (!fs::exists(killed / "journal.json") && fs::exists(killed / "journal.ndjson")) {
      const ProgramOutput report = stack.obsctl({"report", "render", killed.string()});
      CAPTURE(report.standard_error);
      // A run that was killed before its first event has none to show.
      CHECK((report.status.ok() || fs::file_size(killed / "journal.ndjson") == 0));
    }
    if (i % 5 == 4) {
      // The next run takes back what it finds, and comes to its own end.
      ProgramOutput next = stack.with_token({"scenario", "run", kBreaks.string(), "--attach", "it"}, 120s);
      CAPTURE(next.standard_error, next.standard_output);
      for (const json& fault : left)
        CHECK(next.standard_error.find(", left by run " + fault.at("run").get<std::string>()) !=
              std::string::npos);
      // A machine that is busy with something else makes a run inconclusive; twice in a row it does not.
      if (next.status.code == 3)
        next = stack.with_token({"scenario", "run", kBreaks.string(), "--attach", "it"}, 120s);
      CHECK(next.status.code == 0);
    } else {
      const ProgramOutput cleared = stack.with_token({"fault", "clear", "--all"}, 60s);
      CAPTURE(cleared.standard_error);
      CHECK(cleared.status.code == 0);
    }
    CHECK(stack.faults() == json::array());
    CHECK(stack.broken() == "");
  }
  fmt::print("{} runs of {:.1f} s killed, {} of them with faults in place\n", kills(), length.count(),
             with_faults);
  CHECK(with_faults > 0);
}

TEST_CASE("a run that is told to end takes its faults back itself, whatever the signal") {
  if (!monitoring_is_here()) return;
  Stack stack;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    CAPTURE(signal);
    const fs::path log = stack.home() / fmt::format("signal-{}.log", signal);
    ChildProcess run = stack.start_run(kBreaks, log);
    REQUIRE(wait_for_text(log, "fault.confirmed", run));
    CHECK(stack.faults().at(0).at("state") == "in a run");
    ::kill(run.pid(), signal);
    CHECK(wait_for_end(run) == 130);
    CHECK(stack.faults() == json::array());
    CHECK(stack.broken() == "");
  }
}

TEST_CASE("a run that loses a program it depends on still takes its faults back") {
  if (!monitoring_is_here()) return;
  struct Loss {
    std::string service;
    std::string stage;
  };
  const std::vector<Loss> losses{{"prometheus", "baseline.ok"},
                                 {"alertmanager", "fault.injected"},
                                 {"receiver", "fault.confirmed"},
                                 {"api", "fault.confirmed"},
                                 {"prometheus", "fault.clear_confirmed"}};
  for (const Loss& loss : losses) {
    CAPTURE(loss.service, loss.stage);
    Stack stack;
    const fs::path log = stack.home() / "run.log";
    ChildProcess run = stack.start_run(kBreaks, log);
    REQUIRE(wait_for_text(log, loss.stage, run));
    ::kill(stack.pid_of(loss.service), SIGKILL);
    const int code = wait_for_end(run);
    CAPTURE(obsctl::core::read_file(log).value());
    CHECK((code == 3 || code == 5));  // inconclusive or error, never a verdict on the alerts
    // What the lost program held is gone with it; everything else has been taken back.
    const std::string broken = stack.broken();
    CHECK(broken.find("active") == std::string::npos);
    CHECK(broken.find("the file is there") == std::string::npos);
    CHECK(broken.find("paused") == std::string::npos);
    const ProgramOutput journal =
        stack.obsctl({"report", "render", (stack.newest_run() / "journal.json").string()});
    CHECK(journal.status.ok());
  }
}

TEST_CASE("a fault outside the stack is not gone with it: what cannot be taken back stays on record") {
  if (!monitoring_is_here()) return;
  const obsctl::tests::TemporaryDirectory home;
  REQUIRE(obsctl::core::write_file(home / "outside.toml", R"(schema = 1
title = "Outside"
stack = "http-api"
[load]
ping = { target = "api", rate = "20/s" }
[[fault]]
name = "file"
kind = "exec"
target = "api"
command = ["touch", "broken"]
undo = ["sh", "-c", "test ! -e stuck && rm -f broken"]
state = ["test", "-e", "broken"]
stop = "60s"
[expect.nothing_else]
)"));
  REQUIRE(obsctl::core::write_file(home / "stuck", ""));
  obsctl::core::ProcessOptions options;
  options.argv = {
      obsctl::tests::obsctl_binary().string(), "scenario", "run", "outside.toml", "--time-scale", "0.1"};
  options.environment = {"XDG_STATE_HOME=" + home.path().string()};
  options.working_directory = home.path();
  options.log_file = home / "log";
  auto run = ChildProcess::start(options);
  REQUIRE(run);
  REQUIRE(wait_for_text(home / "log", "fault.confirmed", *run));
  ::kill(run->pid(), SIGTERM);
  CHECK(wait_for_end(*run) == 130);
  CAPTURE(obsctl::core::read_file(home / "log").value());
  CHECK(obsctl::core::read_file(home / "log").value().find("fault.not_removed") != std::string::npos);
  CHECK(fs::exists(home / "broken"));

  const auto clear = [&] {
    return obsctl::tests::run_program({.program = obsctl::tests::obsctl_binary(),
                                       .args = {"fault", "clear", "--all"},
                                       .environment = {{"XDG_STATE_HOME", home.path().string()}},
                                       .folder = home.path()});
  };
  CHECK_FALSE(clear().status.ok());
  fs::remove(home / "stuck");
  CHECK(clear().status.ok());
  CHECK_FALSE(fs::exists(home / "broken"));
}

TEST_CASE("a run whose standard error cannot be written any more still takes its faults back") {
  if (!monitoring_is_here()) return;
  Stack stack;
  obsctl::core::ProcessOptions options;
  options.argv = {"/bin/sh", "-c",
                  "exec " + obsctl::tests::obsctl_binary().string() +
                      " fault set error-rate api rate=0.5 --for 1s 2>/dev/full"};
  options.environment = {"XDG_STATE_HOME=" + stack.home().string()};
  options.working_directory = stack.home();
  const auto held = obsctl::core::run_command(options, 20s);
  REQUIRE(held);
  CHECK(held->status.ok());
  CHECK(stack.broken() == "");

  options.argv[2] = "exec " + obsctl::tests::obsctl_binary().string() + " scenario run " + kBreaks.string() +
                    " --attach it 2>/dev/full";
  options.environment.push_back("TOGGLES_TOKEN=" + stack.token());
  auto run = ChildProcess::start(options);
  REQUIRE(run);
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (stack.faults().empty() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(50ms);
  CHECK_FALSE(stack.faults().empty());
  ::kill(run->pid(), SIGTERM);
  CHECK(wait_for_end(*run) == 130);
  CHECK(stack.faults() == json::array());
  CHECK(stack.broken() == "");
}

TEST_CASE("a run that is killed with its own stack leaves no process behind") {
  if (!monitoring_is_here()) return;
  obsctl::tests::TemporaryDirectory home;
  for (const auto after : {2s, 7s, 9s}) {
    obsctl::core::ProcessOptions options;
    options.argv = {obsctl::tests::obsctl_binary().string(),
                    "scenario",
                    "run",
                    "http-api/error-spike",
                    "--time-scale",
                    "0.1"};
    options.environment = {"XDG_STATE_HOME=" + home.path().string()};
    auto run = ChildProcess::start(options);
    REQUIRE(run);
    std::this_thread::sleep_for(after);
    ::kill(run->pid(), SIGKILL);
    static_cast<void>(wait_for_end(*run));
    // Whoever still runs in that state directory has it in his environment.
    const auto deadline = std::chrono::steady_clock::now() + 5s;
    std::string left;
    do {
      left.clear();
      for (const auto& entry : fs::directory_iterator("/proc")) {
        const std::string name = entry.path().filename().string();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        const auto environment = obsctl::core::read_file(entry.path() / "environ");
        if (environment && environment->find(home.path().string()) != std::string::npos) left += " " + name;
      }
    } while (!left.empty() && std::chrono::steady_clock::now() < deadline);
    CHECK(left == "");
    const ProgramOutput cleared =
        obsctl::tests::run_program({.program = obsctl::tests::obsctl_binary(),
                                    .args = {"fault", "clear", "--all"},
                                    .environment = {{"XDG_STATE_HOME", home.path().string()}},
                                    .folder = home.path()});
    CHECK(cleared.status.code == 0);
  }
}
