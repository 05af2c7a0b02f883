// `obsctl load` as a user runs it: the real program against a server on loopback, its files, its exit codes,
// and what it shows on a terminal.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <set>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>

#include "core/file.hpp"
#include "core/http_client.hpp"
#include "loadgen/histogram.hpp"
#include "stacks/ports.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/obsctl_binary.hpp"
#include "tests/support/run_program.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/unit/loadgen/scripted_server.hpp"

using namespace std::chrono_literals;
using namespace obsctl;
using nlohmann::json;

namespace {

const std::string kPong = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\npong\n";

std::string pong(const std::string&, int) {
  return kPong;
}

tests::ProgramOutput load(const tests::TemporaryDirectory& folder, std::vector<std::string> args) {
  // How late a busy machine lets the generator run concerns one test alone, which sets its own limit.
  if (args.front() == "run" && std::find(args.begin(), args.end(), "--lag-limit") == args.end()) {
    args.insert(args.end(), {"--lag-limit", "5s"});
  }
  args.insert(args.begin(), "load");
  return tests::run_program(
      {.program = tests::obsctl_binary(), .args = std::move(args), .folder = folder.path(), .timeout = 60s});
}

json json_of(const std::string& text) {
  json document = json::parse(text, nullptr, false);
  INFO(text.substr(0, 400));
  REQUIRE(document.is_object());
  return document;
}

json json_file(const std::filesystem::path& path) {
  return json_of(core::read_file(path).value());
}

std::int64_t counts_in(const json& result, const char* name) {
  return result.at("counts").at(name).get<std::int64_t>();
}

/// A program that goes on while the test does something else. Its standard output and error go to `log`.
core::ChildProcess start(const tests::TemporaryDirectory& folder, const std::string& log,
                         std::vector<std::string> args) {
  core::ProcessOptions options;
  options.argv = {tests::obsctl_binary().string(), "load"};
  options.argv.insert(options.argv.end(), args.begin(), args.end());
  options.working_directory = folder.path();
  options.log_file = folder / log;
  return core::ChildProcess::start(options).value();
}

core::ExitStatus wait_for(core::ChildProcess& child) {
  const auto deadline = std::chrono::steady_clock::now() + 40s;
  while (std::chrono::steady_clock::now() < deadline) {
    if (const auto status = child.poll()) return *status;
    std::this_thread::sleep_for(10ms);
  }
  FAIL("the program did not end");
  return {};
}

/// A server that takes connections and never answers.
class Deaf {
 public:
  Deaf() : acceptor_(io_, {boost::asio::ip::address_v4::loopback(), 0}) {}
  std::string url() const { return fmt::format("http://127.0.0.1:{}/", acceptor_.local_endpoint().port()); }

 private:
  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_;  ///< its backlog takes them
};

}  // namespace

TEST_CASE("load run prints a summary and writes its result in every form") {
  const tests::TemporaryDirectory folder;
  ScriptedServer server(pong);
  const auto output = load(folder, {"run", server.url("/ping"), "--rate", "100/s", "--duration", "2s", "-o",
                                    "r.json", "--csv", "w.csv", "--prometheus", "load.prom"});
  CHECK(output.status.code == 0);
  CHECK(output.standard_error == "");
  for (const char* part : {"constant 100/s  2.00s\n", "requests      200 due, 200 sent: 200 ok\n",
                           "rate          100.0/s of 100.0/s asked\n", "errors        0.0%  (200: 200)\n",
                           "response time", "service time", "schedule lag", "pool wait", "of a core"}) {
    INFO(part << " in\n" << output.standard_output);
    CHECK(output.standard_output.find(part) != std::string::npos);
  }

  const json result = json_file(folder / "r.json");
  CHECK(result.at("schema") == 1);
  CHECK(result.at("kind") == "load");
  const json& counts = result.at("counts");
  CHECK(counts == json{{"scheduled", 200},
                       {"sent", 200},
                       {"dropped", 0},
                       {"shed", 0},
                       {"unsent_at_end", 0},
                       {"ok", 200},
                       {"http_error", 0},
                       {"check_failed", 0},
                       {"timeout", 0},
                       {"connection_error", 0},
                       {"in_flight_at_end", 0}});
  CHECK(result.at("rate").at("asked") == 100.0);
  CHECK(result.at("rate").at("achieved") == 100.0);
  for (const char* time : {"response_time", "service_time", "schedule_lag", "pool_wait"}) {
    CAPTURE(time);
    const json& figures = result.at(time);
    CHECK(figures.at("count") == 200);
    const std::int64_t p50 = figures.at("p50_ns");
    const std::int64_t p999 = figures.at("p999_ns");
    CHECK(p50 <= p999);
    CHECK(p999 <= figures.at("max_ns").get<std::int64_t>());
    const auto histogram = loadgen::Histogram::from_base64(figures.at("histogram").get<std::string>());
    REQUIRE(histogram);
    CHECK(histogram->count() == 200);
  }
  CHECK(result.at("windows").size() == 2);
  CHECK(result.at("endpoints").at(0).at("name") == "GET /ping");

  const std::string csv = core::read_file(folder / "w.csv").value();
  CHECK(csv.substr(0, csv.find('\r')) ==
        "start_s,length_s,scheduled,sent,ok,http_error,check_failed,timeout,connection_error,dropped,shed,"
        "unsent,"
        "p50_s,p95_s,p99_s,max_s,lag_p99_s,in_flight,bytes_received");
  CHECK(csv.find("\r\n0,1.000,100,100,100,0,0,0,0,0,0,0,") != std::string::npos);
  CHECK(csv.find("\r\n1,1.000,100,100,100,0,0,0,0,0,0,0,") != std::string::npos);

  const std::string prometheus = core::read_file(folder / "load.prom").value();
  for (const char* line :
       {"\nobsctl_load_sent_total 200\n", "\nobsctl_load_requests_total{outcome=\"ok\"} 200\n",
        "\nobsctl_load_finished 1\n"}) {
    CHECK(prometheus.find(line) != std::string::npos);
  }
  if (const auto promtool = core::find_program({"promtool"})) {
    const auto checked = tests::run_program({.program = *promtool,
                                             .args = {"check", "metrics"},
                                             .standard_input = prometheus,
                                             .folder = folder.path()});
    INFO(checked.standard_error << checked.standard_output);
    CHECK(checked.status.ok());
  }
}

TEST_CASE("--json prints one document and nothing else on standard output") {
  const tests::TemporaryDirectory folder;
  ScriptedServer server(
      [](const std::string&, int) { return "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"; });
  const auto output = load(folder, {"run", server.url(), "-r", "50/s", "-d", "1s", "--json", "--fail-if",
                                    "error_ratio > 1%", "--fail-if", "response_p99 > 5s"});
  CHECK(output.status.code == 1);
  CHECK(output.standard_error == "  FAILED        error_ratio > 1%: error_ratio = 1\n");
  CHECK(counts_in(json_of(output.standard_output), "http_error") == 50);
}

TEST_CASE("conditions decide the exit code") {
  const tests::TemporaryDirectory folder;
  std::string condition;
  std::string line;
  int code = 0;
  std::vector<std::string> options;
  ScriptedServer server([](const std::string& request, int) {
    return request.find(" /bad ") != std::string::npos
               ? std::string("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
               : kPong;
  });
  const std::vector<std::string> mix = {"--request", "GET /good", "--request", "1 GET /bad"};
  SECTION("of one endpoint, broken") {
    options = {"--fail-if", "error_ratio{GET /bad}>=1"};
    code = 1;
    line = "  FAILED        error_ratio{GET /bad}>=1: error_ratio{GET /bad} = 1\n";
  }
  SECTION("of one endpoint, met") {
    options = {"--fail-if", "error_ratio{GET /good}>0"};
  }
  SECTION("over windows") {
    options = {"--fail-if", "error_ratio>10% for 2s"};
    code = 1;
    line = "  FAILED        error_ratio>10% for 2s: held for 2s from 0s on\n";
  }
  SECTION("the achieved rate") {
    options = {"--fail-if", "achieved_rate<99/s"};
  }
  SECTION("a condition that ends the run") {
    options = {"--abort-if", "error_ratio>10% for 1s", "--duration", "60s"};
    code = 4;
    line = "  ABORTED       error_ratio>10% for 1s held: the load was stopped\n";
  }
  SECTION("a generator that cannot be trusted") {
    options = {"--lag-limit", "1ns", "--fail-if", "error_ratio>1%"};
    code = 3;
    line = "  INCONCLUSIVE  the generator ran late: its p99 schedule lag is ";
  }
  std::vector<std::string> args = {"run", server.url(), "-r", "100/s", "-q"};
  if (options.back() != "60s") args.insert(args.end(), {"-d", "2s"});
  args.insert(args.end(), mix.begin(), mix.end());
  args.insert(args.end(), options.begin(), options.end());
  const auto begun = std::chrono::steady_clock::now();
  const auto output = load(folder, args);
  CHECK(std::chrono::steady_clock::now() - begun < 20s);
  INFO(output.standard_output << output.standard_error);
  CHECK(output.status.code == code);
  CHECK(output.standard_output.find(line) != std::string::npos);
}

TEST_CASE("a target that is not there is an error, an interrupted run is interrupted") {
  const tests::TemporaryDirectory folder;
  SECTION("not there") {
    const auto port = stacks::PortReservation::any().value();
    const auto output =
        load(folder, {"run", fmt::format("http://127.0.0.1:{}", port.port()), "-r", "20/s", "-d", "1s"});
    CHECK(output.status.code == 5);
    CHECK(output.standard_output.find("  UNREACHABLE   not one request was answered\n") != std::string::npos);
  }
  SECTION("interrupted: what was measured is printed all the same") {
    ScriptedServer server(pong);
    core::ChildProcess child = start(folder, "log", {"run", server.url(), "-r", "50/s", "-d", "60s"});
    while (server.requests() < 20) std::this_thread::sleep_for(5ms);
    child.signal(SIGINT);
    CHECK(wait_for(child).code == 130);
    const std::string text = core::read_file(folder / "log").value();
    CHECK(text.find(" ok\n") != std::string::npos);
    CHECK(text.find("stopped before its end\n") != std::string::npos);
  }
  SECTION(
      "interrupted with answers outstanding: it says what it waits for, and the second time it does not") {
    const Deaf server;
    core::ChildProcess child = start(folder, "log", {"run", server.url(), "-r", "50/s", "-n", "20"});
    std::this_thread::sleep_for(1s);  // all 20 are sent, to a server that never answers
    child.signal(SIGINT);
    const auto begun = std::chrono::steady_clock::now();
    const auto text = [&] { return core::read_file(folder / "log").value(); };
    const std::string waiting =
        "obsctl: waiting for the answers to 20 requests, 10s at most; Ctrl-C to not wait\n";
    while (text().find(waiting) == std::string::npos && std::chrono::steady_clock::now() - begun < 5s)
      std::this_thread::sleep_for(5ms);
    child.signal(SIGINT);
    CHECK(wait_for(child).code == 130);
    CHECK(std::chrono::steady_clock::now() - begun < 5s);
    INFO(text());
    CHECK(text().find(waiting) != std::string::npos);
    CHECK(text().find("20 sent: 0 ok, 20 in flight at the end\n") != std::string::npos);
    CHECK(text().find("  errors        -\n") != std::string::npos);
    CHECK(text().find("  response time         -        -") != std::string::npos);
  }
}

TEST_CASE("live metrics are served while the load runs") {
  const tests::TemporaryDirectory folder;
  ScriptedServer server(pong);
  const auto port = stacks::PortReservation::any().value();
  const std::string address = fmt::format("127.0.0.1:{}", port.port());
  core::ChildProcess child =
      start(folder, "log", {"run", server.url(), "-r", "100/s", "-d", "60s", "--metrics", address});
  core::HttpClient client;
  std::string text;
  for (int i = 0; i < 400 && text.find("obsctl_load_asked_rate 100\n") == std::string::npos; ++i) {
    std::this_thread::sleep_for(20ms);
    const auto reply = client.call({.url = "http://" + address + "/metrics"});
    if (reply) text = reply->body;
  }
  INFO(text);
  CHECK(text.find("obsctl_load_asked_rate 100\n") != std::string::npos);
  CHECK(text.find("obsctl_load_finished 0\n") != std::string::npos);
  CHECK(text.find("obsctl_load_response_seconds{quantile=\"0.99\"} ") != std::string::npos);
  child.signal(SIGTERM);
  CHECK(wait_for(child).code == 130);
}

TEST_CASE("the highest rate that meets a condition is found") {
  const tests::TemporaryDirectory folder;
  ScriptedServer server([](const std::string&, int) {
    std::this_thread::sleep_for(5ms);  // on one connection: at most 200 a second
    return kPong;
  });
  const auto output =
      load(folder, {"run", server.url(), "--find-max", "response_p99<300ms", "-r", "40/s", "-d", "2s",
                    "--max-connections", "1", "--max-rate", "5000/s", "-o", "c.json"});
  INFO(output.standard_output << output.standard_error);
  CHECK(output.status.code == 0);
  const json result = json_file(folder / "c.json");
  CHECK(result.at("kind") == "capacity");
  CHECK(result.at("upper_bound_found") == true);
  CHECK(result.at("knee").get<double>() >= 80);
  CHECK(result.at("knee").get<double>() <= 210);
  REQUIRE(result.at("curve").size() >= 4);
  CHECK(result.at("curve").front().at("good") == true);
  CHECK(result.at("curve").back().at("good") == false);
  CHECK(output.standard_output.find("response_p99<300ms holds up to ") != std::string::npos);
  CHECK(output.standard_error.find("too much\n") != std::string::npos);
}

TEST_CASE("generators that share a schedule add up to it") {
  const tests::TemporaryDirectory folder;
  ScriptedServer server(pong);
  const auto stripe = [&](const char* part, const char* file) {
    return start(folder, std::string(file) + ".log",
                 {"run", server.url("/{{i}}"), "-r", "201/s", "-d", "2s", "--stripe", part, "-o", file});
  };
  core::ChildProcess first = stripe("1/2", "a.json");
  core::ChildProcess second = stripe("2/2", "b.json");
  CHECK(wait_for(first).code == 0);
  CHECK(wait_for(second).code == 0);
  const json a = json_file(folder / "a.json");
  const json b = json_file(folder / "b.json");
  CHECK(counts_in(a, "scheduled") == 201);
  CHECK(counts_in(b, "scheduled") == 201);
  std::set<std::string> lines;
  for (const std::string& request : server.seen()) lines.insert(request.substr(0, request.find('\r')));
  CHECK(lines.size() == 402);  // every arrival of the one schedule, each once

  const auto merged = load(folder, {"merge", "a.json", "b.json", "--json"});
  CHECK(merged.status.code == 0);
  const json sum = json_of(merged.standard_output);
  CHECK(counts_in(sum, "ok") == 402);
  CHECK(sum.at("rate").at("asked") == 201.0);
  CHECK(sum.at("stripe") == json{{"index", 0}, {"count", 1}});
  const auto histogram = [](const json& result) {
    return loadgen::Histogram::from_base64(result.at("response_time").at("histogram").get<std::string>())
        .value();
  };
  loadgen::Histogram both = histogram(a);
  REQUIRE(both.add(histogram(b)));
  CHECK(histogram(sum) == both);

  const auto twice = load(folder, {"merge", "a.json", "a.json"});
  CHECK(twice.status.code == 2);
  CHECK(twice.standard_error ==
        "obsctl: these results cannot be added: stripe 1/2 is there twice\n  hint: give each result once\n");
}

TEST_CASE("compare tells a slower target from noise") {
  const tests::TemporaryDirectory folder;
  ScriptedServer server(pong);
  ScriptedServer slow([](const std::string&, int number) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10 + number % 5));
    return kPong;
  });
  const auto measure = [&](const ScriptedServer& target, const char* file) {
    return start(folder, std::string(file) + ".log",
                 {"run", target.url(), "-r", "50/s", "-d", "8s", "-o", file});
  };
  core::ChildProcess runs[] = {measure(server, "a.json"), measure(server, "b.json"), measure(slow, "c.json")};
  for (core::ChildProcess& run : runs) CHECK(wait_for(run).code == 0);
  // Results of different targets are compared as they are: two deployments have two addresses.
  const auto worse = load(folder, {"compare", "a.json", "c.json", "--tolerance", "50%"});
  INFO(worse.standard_output << worse.standard_error);
  CHECK(worse.status.code == 1);
  CHECK(worse.standard_output.find("response_p50") != std::string::npos);
  CHECK(worse.standard_output.find("\nWORSE") != std::string::npos);
  const auto better = load(folder, {"compare", "c.json", "a.json", "--tolerance", "50%", "--json"});
  CHECK(better.status.code == 0);
  CHECK(json_of(better.standard_output).at("verdict") == "better");
  const auto same = load(folder, {"compare", "a.json", "b.json", "--tolerance", "300%"});
  CHECK(same.status.code == 0);
  CHECK(same.standard_output.find("\nsame\n") != std::string::npos);
}

TEST_CASE("rows and targets from files are sent as they are") {
  const tests::TemporaryDirectory folder;
  ScriptedServer server(pong);
  const auto paths = [&] {
    std::vector<std::string> found;
    for (const std::string& request : server.seen())
      found.push_back(request.substr(0, request.find(" HTTP/")));
    return found;
  };
  core::write_file(folder / "rows.csv", "user,word\nann,a b\nbob,c\neve,d\n").value();
  core::write_file(folder / "rows.jsonl", "{\"user\":\"ann\",\"n\":1}\n{\"user\":\"bob\",\"n\":2}\n").value();
  core::write_file(folder / "targets.txt",
                   "GET " + server.url("/one") + "\nX-A: 1\n\nPOST " + server.url("/two") + "\n@body\n")
      .value();
  core::write_file(folder / "body", "hello").value();
  const std::vector<std::string> one_connection = {"-r", "50/s", "--max-connections", "1", "-q"};
  const auto run = [&](std::vector<std::string> args) {
    args.insert(args.begin(), "run");
    args.insert(args.end(), one_connection.begin(), one_connection.end());
    const auto output = load(folder, args);
    INFO(output.standard_output << output.standard_error);
    CHECK(output.status.code == 0);
  };
  SECTION("CSV, each row once and then the end") {
    run({server.url("/u/{{user}}?w={{word}}"), "--feed", "rows.csv", "--feed-order", "unique"});
    CHECK(paths() == std::vector<std::string>{"GET /u/ann?w=a%20b", "GET /u/bob?w=c", "GET /u/eve?w=d"});
  }
  SECTION("JSONL, round and round") {
    run({server.url("/u/{{user}}/{{n}}"), "--feed", "rows.jsonl", "-n", "3"});
    CHECK(paths() == std::vector<std::string>{"GET /u/ann/1", "GET /u/bob/2", "GET /u/ann/1"});
  }
  SECTION("shuffled by the seed: the same again with the same, every row once a round") {
    const std::vector<std::string> args = {
        server.url("/{{user}}"), "--feed", "rows.csv", "--feed-order", "shuffled", "--seed", "7", "-n", "6"};
    run(args);
    run(args);
    const auto all = paths();
    REQUIRE(all.size() == 12);
    CHECK(std::vector<std::string>(all.begin(), all.begin() + 6) ==
          std::vector<std::string>(all.begin() + 6, all.end()));
    CHECK(std::set<std::string>(all.begin(), all.begin() + 3).size() == 3);
  }
  SECTION("a vegeta targets file, in order") {
    run({"--targets", "targets.txt", "-n", "4"});
    CHECK(paths() == std::vector<std::string>{"GET /one", "POST /two", "GET /one", "POST /two"});
    CHECK(server.seen()[0].find("\r\nX-A: 1\r\n") != std::string::npos);
    CHECK(server.seen()[1].find("\r\nContent-Length: 5\r\n") != std::string::npos);
  }
  SECTION("the names that other tools use") {
    const auto output = load(folder, {"run", server.url(), "--vus", "1", "--iterations", "5", "-q"});
    CHECK(output.status.code == 0);
    CHECK(server.requests() == 5);
  }
}

TEST_CASE("on a terminal one line is redrawn while the load runs") {
  const tests::TemporaryDirectory folder;
  ScriptedServer server(pong);
  const std::string program = tests::obsctl_binary().string();
  const std::string url = server.url();
  int terminal = -1;
  winsize size{};
  size.ws_row = 24;
  size.ws_col = 60;
  const pid_t child = forkpty(&terminal, nullptr, nullptr, &size);
  REQUIRE(child >= 0);
  if (child == 0) {
    ::setenv("TERM", "xterm", 1);
    ::setenv("NO_COLOR", "1", 1);  // nothing of it is coloured
    ::execl(program.c_str(), program.c_str(), "load", "run", url.c_str(), "-r", "100/s", "-d", "3s",
            "--lag-limit", "5s", nullptr);
    ::_exit(127);
  }
  std::string screen;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(terminal, buffer, sizeof buffer)) > 0;)
    screen.append(buffer, static_cast<std::size_t>(n));
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(terminal);
  INFO(screen);
  CHECK(WEXITSTATUS(status) == 0);
  const std::string redraw = "\r\x1b[K";
  CHECK(screen.find(redraw + "00:01  100/100 rps  err 0.0%  p50 ") != std::string::npos);
  // The last thing before the summary takes the line away again.
  const std::size_t summary = screen.find("http://127.0.0.1");
  REQUIRE(summary != std::string::npos);
  CHECK(screen.substr(summary - redraw.size(), redraw.size()) == redraw);
  for (std::size_t at = screen.find(redraw); at < summary; at = screen.find(redraw, at + 1)) {
    const std::size_t end = screen.find('\r', at + 1);
    std::size_t columns = 0;
    for (std::size_t i = at + redraw.size(); i < end; ++i) columns += (screen[i] & 0xc0) != 0x80 ? 1 : 0;
    CHECK(columns <= 60);
  }
}
