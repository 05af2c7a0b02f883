// The bundled scenarios from end to end, as a user runs them: the real binary, Prometheus, Alertmanager and
// exporters. Every scenario passes, fails as missed without its fault, and is inconclusive when Prometheus
// dies in the middle.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <set>
#include <sstream>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/clock.hpp"
#include "core/file.hpp"
#include "core/http_client.hpp"
#include "core/process.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_grafana.hpp"
#include "tests/support/obsctl_binary.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace std::chrono_literals;
using nlohmann::json;
using obsctl::core::ChildProcess;
using obsctl::core::ExitStatus;
using obsctl::tests::FakeGrafana;
using obsctl::tests::obsctl_binary;
using obsctl::tests::TemporaryDirectory;
namespace fs = std::filesystem;

namespace {

const std::vector<std::string> kScenarios{"error-spike", "latency-spike",  "instance-down",
                                          "probe-fail",  "readiness-flap", "dependency-cascade"};
// Long enough on a busy machine: the longest takes 45 s of its own.
constexpr auto kPatience = 240s;

std::string text_of(const fs::path& path) {
  const auto text = obsctl::core::read_file(path);
  return text ? *text : "";
}

/// All processes that were started by, or below, `ancestor`, by /proc.
std::set<pid_t> descendants(pid_t ancestor) {
  std::set<pid_t> found{ancestor};
  for (bool grew = true; grew;) {
    grew = false;
    for (const auto& entry : fs::directory_iterator("/proc")) {
      const std::string name = entry.path().filename().string();
      if (name.find_first_not_of("0123456789") != std::string::npos) continue;
      const std::string stat = text_of(entry.path() / "stat");
      const std::size_t end = stat.rfind(')');
      if (end == std::string::npos) continue;
      std::istringstream rest(stat.substr(end + 3));
      pid_t parent = 0;
      rest >> parent;
      if (found.count(parent) == 1 && found.insert(std::stoi(name)).second) grew = true;
    }
  }
  found.erase(ancestor);
  return found;
}

bool wait_until(const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(20ms);
  }
  return true;
}

/// One `obsctl scenario run`, in the background, with a state folder of its own.
class Run {
 public:
  explicit Run(std::vector<std::string> arguments)
      : Run(std::make_shared<TemporaryDirectory>(), std::move(arguments)) {}

  Run(std::shared_ptr<TemporaryDirectory> home, std::vector<std::string> arguments)
      : home_(std::move(home)), label_(fmt::format("{}", fmt::join(arguments, " "))) {
    static int number = 0;
    out_ = *home_ / fmt::format("run-{}.json", ++number);
    arguments.insert(arguments.begin(), {"scenario", "run"});
    obsctl::core::ProcessOptions options;
    // The shell only puts standard output aside; exec keeps the pid.
    options.argv = {"/bin/sh", "-c",          "out=$1; shift; exec \"$@\" > \"$out\"",
                    "sh",      out_.string(), obsctl_binary().string()};
    options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
    options.argv.emplace_back("--json");
    options.log_file = log();
    options.environment = {"XDG_STATE_HOME=" + home_->path().string(),
                           "GITHUB_STEP_SUMMARY=" + (*home_ / "summary.md").string()};
    auto child = ChildProcess::start(options);
    if (!child) FAIL(to_string(child.error()));
    child_.emplace(std::move(*child));
  }

  const std::string& label() const { return label_; }
  pid_t pid() const { return child_->pid(); }
  fs::path log() const { return fs::path(out_.string() + ".log"); }
  std::string log_text() const { return text_of(log()); }
  std::shared_ptr<TemporaryDirectory> home() const { return home_; }

  /// Whether the run has told of an event of this kind on its standard error.
  bool told(const std::string& kind) const { return log_text().find(" " + kind + " ") != std::string::npos; }
  /// False, with the run's own words on standard error, when it ends or patience does before that.
  bool wait_for(const std::string& kind) {
    bool ended = false;
    wait_until([&] {
      ended = child_->poll().has_value();
      return ended || told(kind);
    });
    if (!told(kind)) std::cerr << label_ << ": no " << kind << '\n' << log_text();
    return told(kind);
  }

  void signal(int number) { ::kill(pid(), number); }

  /// The exit code, or minus the signal.
  int wait() {
    std::optional<ExitStatus> status;
    wait_until([&] {
      status = child_->poll();
      return status.has_value();
    });
    if (!status) return -SIGALRM;
    return status->signal != 0 ? -status->signal : status->code;
  }

  json document() const { return json::parse(text_of(out_), nullptr, false); }

 private:
  std::shared_ptr<TemporaryDirectory> home_;
  std::string label_;
  fs::path out_;
  std::optional<ChildProcess> child_;
};

bool programs_are_here() {
  std::string missing;
  for (const std::vector<std::string>& names :
       std::vector<std::vector<std::string>>{{"prometheus"},
                                             {"prometheus-alertmanager", "alertmanager"},
                                             {"prometheus-node-exporter", "node_exporter"},
                                             {"prometheus-blackbox-exporter", "blackbox_exporter"}}) {
    if (!obsctl::core::find_program(names)) missing += " " + names.front();
  }
  if (missing.empty()) return true;
  const char* ci = std::getenv("CI");
  if (ci != nullptr && std::string_view(ci) == "true") FAIL("missing and CI=true:" << missing);
  WARN("skipped: not installed:" << missing);
  return false;
}

bool all_ended(const std::set<pid_t>& pids) {
  return std::all_of(pids.begin(), pids.end(),
                     [](pid_t pid) { return obsctl::core::wait_for_end(pid, std::chrono::seconds(3)); });
}

/// The run directories of stacks: beside them lies only a lock file.
std::vector<std::string> stacks_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(folder, absent)) {
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  }
  return names;
}

std::vector<std::string> kinds_of(const json& document) {
  std::vector<std::string> kinds;
  for (const json& event : document.at("events")) kinds.push_back(event.at("kind").get<std::string>());
  return kinds;
}

/// Whether the kinds come in this order, with others between them.
bool in_order(const std::vector<std::string>& kinds, const std::vector<std::string>& wanted) {
  auto next = wanted.begin();
  for (const std::string& kind : kinds) {
    if (next != wanted.end() && kind == *next) ++next;
  }
  return next == wanted.end();
}

std::vector<Run> start_all(const std::vector<std::string>& flags) {
  std::vector<Run> runs;
  for (const std::string& name : kScenarios) {
    std::vector<std::string> arguments{"http-api/" + name, "--time-scale", "0.2"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    runs.emplace_back(std::move(arguments));
  }
  return runs;
}

/// Calls `act` with each run's index as soon as that run has told of the event of the same index.
void act_at(std::vector<Run>& runs, const std::vector<std::string>& kinds,
            const std::function<void(std::size_t)>& act) {
  std::set<std::size_t> waiting;
  for (std::size_t i = 0; i < runs.size(); ++i) waiting.insert(i);
  const bool all = wait_until([&] {
    std::erase_if(waiting, [&](std::size_t i) {
      if (!runs[i].told(kinds[i])) return false;
      act(i);
      return true;
    });
    return waiting.empty();
  });
  if (!all)
    FAIL(runs[*waiting.begin()].label() << " never told of " << kinds[*waiting.begin()] << ":\n"
                                        << runs[*waiting.begin()].log_text());
}

/// obsctl stack down.
bool take_down(const fs::path& home, const std::string& instance) {
  obsctl::core::ProcessOptions options;
  options.argv = {obsctl_binary().string(), "stack", "down", instance};
  options.environment = {"XDG_STATE_HOME=" + home.string()};
  const auto down = obsctl::core::run_command(options, 20s);
  return down && down->status.ok();
}

/// Takes down what runs with --keep have left up, also when a test ends early.
struct KeptStacks {
  std::shared_ptr<TemporaryDirectory> home;

  ~KeptStacks() {
    for (const std::string& instance : stacks_in(*home / "obsctl/stacks")) take_down(home->path(), instance);
  }
};

void check_passed(Run& run) {
  CAPTURE(run.label());
  const int code = run.wait();
  INFO(run.log_text());
  REQUIRE(code == 0);
  const json document = run.document();
  REQUIRE(document.is_object());
  CHECK(document.at("schema") == 1);
  CHECK(document.at("verdict") == "passed");
  CHECK(document.at("expectations").size() >= 3);
  for (const json& expectation : document.at("expectations")) {
    CAPTURE(expectation.dump());
    CHECK(expectation.at("verdict") == "passed");
    if (!expectation.contains("budget_s") || !expectation.contains("earliest_s")) continue;
    REQUIRE(expectation.contains("measured_s"));
    CHECK(expectation["measured_s"].get<double>() >= expectation["earliest_s"].get<double>());
    CHECK(expectation["measured_s"].get<double>() <= expectation["budget_s"].get<double>());
  }
  CHECK(in_order(kinds_of(document),
                 {"stack.ready", "baseline.ok", "load.started", "steady_state.held", "fault.injecting",
                  "fault.injected", "fault.confirmed", "fault.cleared", "fault.clear_confirmed",
                  "steady_state.held", "load.finished", "stack.down"}));
}

using Annotations = std::vector<std::pair<std::string, json>>;

/// Whether an event is at a time in milliseconds, as annotations have it.
bool is_at(const json& event, const json& milliseconds) {
  const obsctl::core::WallTime time(std::chrono::milliseconds(milliseconds.get<std::int64_t>()));
  return event.at("at") == obsctl::core::format_utc(time);
}

/// Whether there is an annotation with these tags from the one event to the other. The server numbers them
/// from 1.
bool has_region(const Annotations& annotations, const json& tags, const json& begun, const json& ended) {
  for (std::size_t i = 0; i < annotations.size(); ++i) {
    const json& body = annotations[i].second;
    if (body.value("tags", json()) != tags || !is_at(begun, body.at("time"))) continue;
    const std::string patch = fmt::format("PATCH /api/annotations/{}", i + 1);
    const bool there = std::any_of(annotations.begin(), annotations.end(), [&](const auto& one) {
      return one.first == patch && is_at(ended, one.second.at("timeEnd"));
    });
    if (there) return true;
  }
  return false;
}

struct Annotated {
  const char* what;
  const char* begins;
  const char* ends;
};
constexpr Annotated kFault{"fault", "fault.injected", "fault.cleared"};
constexpr Annotated kAlert{"alert", "alert.firing", "alert.inactive"};

/// Checks that the run wrote its first fault, or its first alert, from when the journal says that it began to
/// when it ended. False: none began.
bool check_annotated(const json& document, const Annotations& annotations, const Annotated& kind) {
  const json& events = document.at("events");
  const auto begun = std::find_if(events.begin(), events.end(),
                                  [&](const json& event) { return event.at("kind") == kind.begins; });
  if (begun == events.end()) return false;
  const auto ended = std::find_if(begun, events.end(), [&](const json& event) {
    return event.at("kind") == kind.ends && event.at(kind.what) == begun->at(kind.what) &&
           event.value("labels", json()) == begun->value("labels", json());
  });
  REQUIRE(ended != events.end());
  const json tags{"obsctl", kind.what, document.at("run").at("id"), begun->at(kind.what)};
  INFO(tags.dump());
  CHECK(has_region(annotations, tags, *begun, *ended));
  return true;
}

}  // namespace

TEST_CASE("Every bundled scenario passes, each stage inside its budget", "[integration]") {
  if (!programs_are_here()) return;
  const FakeGrafana grafana;
  std::vector<Run> runs = start_all({"--grafana", grafana.url()});
  for (Run& run : runs) {
    check_passed(run);
    CHECK(check_annotated(run.document(), grafana.annotations(), kFault));
    // A scenario may prove that nothing fires.
    check_annotated(run.document(), grafana.annotations(), kAlert);
  }
  const json spike = runs.at(0).document();
  CHECK(in_order(kinds_of(spike), {"fault.injected", "alert.pending", "alert.firing", "notification.firing",
                                   "fault.cleared", "alert.inactive", "notification.resolved"}));
  for (const json& event : spike.at("events")) {
    if (!event.at("kind").get<std::string>().starts_with("notification.")) continue;
    CHECK_FALSE(json::parse(event.at("raw").get<std::string>()).empty());
  }
  const fs::path home = runs.at(0).home()->path();
  const fs::path folder = home / "obsctl/runs" / spike.at("run").at("id").get<std::string>();
  const std::string page = text_of(folder / "report.html");
  for (const char* chart : {"timeline", "rate-1", "latency-1", "rule-1", "stages"})
    CHECK(page.find(fmt::format("<figure id=\"{}\">", chart)) != std::string::npos);
  CHECK(text_of(folder / "report.md").starts_with("### ✓ PASSED http-api/error-spike"));
  CHECK(text_of(home / "summary.md") == text_of(folder / "report.md") + "\n");
}

TEST_CASE("Without its fault every bundled scenario fails as missed", "[integration]") {
  if (!programs_are_here()) return;
  std::vector<Run> runs = start_all({"--without-fault"});
  for (Run& run : runs) {
    CAPTURE(run.label());
    const int code = run.wait();
    INFO(run.log_text());
    REQUIRE(code == 1);
    const json document = run.document();
    CHECK(document.at("verdict") == "failed");
    const json& expectations = document.at("expectations");
    CHECK(std::any_of(expectations.begin(), expectations.end(), [](const json& expectation) {
      return expectation.at("verdict") == "missed" &&
             !expectation.at("id").get<std::string>().starts_with("threshold");
    }));
  }
}

TEST_CASE("With Prometheus killed in the middle a run is inconclusive and rolled back", "[integration]") {
  if (!programs_are_here()) return;
  std::vector<Run> runs = start_all({});
  std::vector<std::set<pid_t>> processes(runs.size());
  act_at(runs, std::vector<std::string>(runs.size(), "fault.confirmed"), [&](std::size_t i) {
    processes[i] = descendants(runs[i].pid());
    for (const pid_t pid : processes[i]) {
      if (text_of(fmt::format("/proc/{}/comm", pid)) == "prometheus\n") ::kill(pid, SIGKILL);
    }
  });
  for (std::size_t i = 0; i < runs.size(); ++i) {
    CAPTURE(runs[i].label());
    const int code = runs[i].wait();
    INFO(runs[i].log_text());
    REQUIRE(code == 3);
    const json document = runs[i].document();
    CHECK(document.at("verdict") == "inconclusive");
    CHECK(document.at("reasons").at(0).get<std::string>().find("prometheus was killed by SIGKILL") == 0);
    CHECK(
        in_order(kinds_of(document), {"fault.injected", "run.inconclusive", "fault.cleared", "stack.down"}));
    CHECK(all_ended(processes[i]));
  }
}

TEST_CASE("Ctrl-C ends a run at any stage with code 130 and leaves no process", "[integration]") {
  if (!programs_are_here()) return;
  const std::vector<std::string> stages{"run.started",  "stack.service_ready", "baseline.ok",
                                        "load.started", "fault.confirmed",     "alert.firing"};
  const FakeGrafana grafana;
  std::vector<Run> runs = start_all({"--grafana", grafana.url()});
  REQUIRE(runs.size() == stages.size());
  std::vector<std::set<pid_t>> processes(runs.size());
  act_at(runs, stages, [&](std::size_t i) {
    processes[i] = descendants(runs[i].pid());
    runs[i].signal(SIGINT);
  });
  for (std::size_t i = 0; i < runs.size(); ++i) {
    CAPTURE(runs[i].label(), stages[i]);
    const int code = runs[i].wait();
    INFO(runs[i].log_text());
    CHECK(code == 130);
    CHECK(runs[i].document().at("verdict") == "interrupted");
    CHECK(all_ended(processes[i]));
    CHECK_FALSE(in_order(kinds_of(runs[i].document()), {"run.interrupted", "fault.injected"}));
    CHECK(stacks_in(*runs[i].home() / "obsctl/stacks").empty());
    check_annotated(runs[i].document(), grafana.annotations(), kFault);  // the region is closed
  }
}

TEST_CASE("Ctrl-C takes the fault away from a stack that stays up", "[integration]") {
  if (!programs_are_here()) return;
  Run run({"http-api/error-spike", "--time-scale", "0.2", "--keep"});
  const KeptStacks kept{run.home()};
  REQUIRE(run.wait_for("fault.confirmed"));
  run.signal(SIGINT);
  const int code = run.wait();
  INFO(run.log_text());
  REQUIRE(code == 130);
  const json document = run.document();
  CHECK(in_order(kinds_of(document), {"fault.injected", "run.interrupted", "fault.cleared", "stack.kept"}));

  const std::string instance = document.at("run").at("places").at("instance");
  const fs::path folder = *run.home() / "obsctl/stacks" / instance;
  std::string token = text_of(folder / "token");
  token.erase(token.find_last_not_of('\n') + 1);
  std::string url;
  for (const json& event : document.at("events")) {
    if (event.at("kind") == "load.started") url = event.at("url").get<std::string>();
  }
  obsctl::core::HttpClient http;
  const auto toggle = http.call(
      {.url = url + "/api/v1/toggles/error-rate", .headers = {{"Authorization", "Bearer " + token}}});
  REQUIRE(toggle);
  CHECK(json::parse(toggle->body).at("active") == false);

  // The same stack again, by its parts and by its name: nothing was started, nothing is taken down.
  const json& places = document.at("run").at("places");
  const std::vector<std::string> parts{"http-api/probe-fail",
                                       "--prometheus",
                                       places.at("prometheus").get<std::string>(),
                                       "--alertmanager",
                                       places.at("alertmanager").get<std::string>(),
                                       "--receiver",
                                       places.at("receiver").get<std::string>(),
                                       "--target",
                                       "api=" + url};
  ::setenv("OBSCTL_SERVICE_TOKEN", "wrong", 1);
  Run refused(run.home(), parts);
  CHECK(refused.wait() == 3);
  CHECK(refused.log_text().find("cannot be injected") != std::string::npos);
  CHECK(refused.log_text().find("answered 401") != std::string::npos);
  CHECK(refused.log_text().find("load.started") == std::string::npos);
  ::setenv("OBSCTL_SERVICE_TOKEN", token.c_str(), 1);
  Run by_parts(run.home(), parts);
  const int parts_code = by_parts.wait();
  ::unsetenv("OBSCTL_SERVICE_TOKEN");
  INFO(by_parts.log_text());
  CHECK(parts_code == 0);
  Run attached(run.home(), {"http-api/readiness-flap", "--attach", instance});
  const int attached_code = attached.wait();
  INFO(attached.log_text());
  CHECK(attached_code == 0);

  CHECK(take_down(run.home()->path(), instance));
  CHECK(stacks_in(*run.home() / "obsctl/stacks").empty());
}

TEST_CASE("A toggle that somebody else has set is left alone", "[integration]") {
  if (!programs_are_here()) return;
  Run first({"http-api/readiness-flap", "--time-scale", "0.2", "--keep"});
  const KeptStacks kept{first.home()};
  REQUIRE(first.wait_for("fault.cleared"));
  first.signal(SIGINT);
  REQUIRE(first.wait() == 130);
  const json document = first.document();
  const std::string instance = document.at("run").at("places").at("instance");
  std::string token = text_of(*first.home() / "obsctl/stacks" / instance / "token");
  token.erase(token.find_last_not_of('\n') + 1);
  std::string url;
  for (const json& event : document.at("events")) {
    if (event.at("kind") == "load.started")
      url = event.at("url").get<std::string>() + "/api/v1/toggles/latency";
  }
  obsctl::core::HttpClient http;
  const std::vector<obsctl::core::HttpHeader> headers{{"Authorization", "Bearer " + token}};
  REQUIRE(
      http.call({.method = "PUT", .url = url, .headers = headers, .body = R"({"delay": "1ms", "ttl": "5m"})"})
          ->ok());

  Run second(first.home(), {"http-api/latency-spike", "--attach", instance});
  CHECK(second.wait() == 3);
  INFO(second.log_text());
  CHECK(second.document().at("reasons").at(0).get<std::string>().find("is on already") != std::string::npos);
  CHECK(json::parse(http.call({.url = url, .headers = headers})->body).at("active") == true);
  CHECK(take_down(first.home()->path(), instance));
}

TEST_CASE("Three runs of one scenario at once do not disturb each other", "[integration]") {
  if (!programs_are_here()) return;
  const auto home = std::make_shared<TemporaryDirectory>();
  std::vector<Run> runs;
  for (int i = 0; i < 3; ++i) {
    runs.emplace_back(home, std::vector<std::string>{"http-api/error-spike", "--time-scale", "0.2"});
  }
  for (Run& run : runs) check_passed(run);
  CHECK(stacks_in(*home / "obsctl/stacks").empty());
}

TEST_CASE("A run that is killed leaves no process and a journal that can be read", "[integration]") {
  if (!programs_are_here()) return;
  Run run({"http-api/error-spike", "--time-scale", "0.2"});
  REQUIRE(run.wait_for("fault.confirmed"));
  const std::set<pid_t> processes = descendants(run.pid());
  CHECK(processes.size() >= 6);
  run.signal(SIGKILL);
  CHECK(run.wait() == -SIGKILL);
  CHECK(all_ended(processes));
  std::vector<std::string> kinds;
  for (const auto& entry : fs::directory_iterator(*run.home() / "obsctl/runs")) {
    std::istringstream lines(text_of(entry.path() / "journal.ndjson"));
    for (std::string line; std::getline(lines, line);) {
      const json event = json::parse(line, nullptr, false);
      REQUIRE(event.is_object());
      kinds.push_back(event.at("kind"));
    }
  }
  CHECK(in_order(kinds, {"run.started", "fault.injecting", "fault.injected"}));
}

TEST_CASE("A load generator that cannot keep its rate makes the run inconclusive", "[integration]") {
  if (!programs_are_here()) return;
  const TemporaryDirectory folder;
  const fs::path file = folder / "too-fast.toml";
  std::ofstream(file) << "schema = 1\ntitle = \"faster than anything\"\nstack = \"http-api\"\n"
                         "[load.flood]\ntarget = \"api\"\nrate = \"3000000/s\"\n"
                         "requests = [{ path = \"/api/v1/ping\" }]\n"
                         "[[threshold]]\nload = \"flood\"\nmetric = \"error_ratio\"\nbelow = 0.5\n"
                         "[expect.nothing_else]\nwatch = \"3s\"\n";
  Run run({file.string()});
  const int code = run.wait();
  INFO(run.log_text());
  REQUIRE(code == 3);
  const json document = run.document();
  CHECK(document.at("verdict") == "inconclusive");
  CHECK(document.at("reasons").at(0).get<std::string>().find(
            "the load could not be sent as asked: load flood: ") == 0);
}
