// The page of metrics is what the parts really expose: each is started, asked for its /metrics, and the names
// and types are those of the page.
#include <optional>
#include <set>

#include <fmt/format.h>

#include "core/clock.hpp"
#include "core/file.hpp"
#include "core/http_client.hpp"
#include "core/process.hpp"
#include "core/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_program.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace obsctl;
using namespace std::chrono_literals;

namespace {

/// "name type"
using Metrics = std::set<std::string>;

/// The tables below a heading of the page: | `name`, `name` | type | … |
Metrics metrics_of_page(std::string_view page, std::string_view heading) {
  Metrics found;
  bool inside = false;
  for (const std::string_view line : core::split(page, '\n')) {
    if (line.starts_with("## ")) inside = line.substr(3) == heading;
    if (!inside || !line.starts_with("| `")) continue;
    const std::vector<std::string_view> cells = core::split(line, '|');
    const std::vector<std::string_view> names = core::split(cells.at(1), '`');
    for (std::size_t i = 1; i < names.size(); i += 2)
      found.insert(fmt::format("{} {}", names[i], core::trimmed(cells.at(2))));
  }
  return found;
}

/// "# TYPE name type"
Metrics metrics_of_text(std::string_view text) {
  Metrics found;
  for (const std::string_view line : core::split(text, '\n')) {
    const std::vector<std::string_view> words = core::split(line, ' ');
    if (words.size() == 4 && words[0] == "#" && words[1] == "TYPE")
      found.insert(fmt::format("{} {}", words[2], words[3]));
  }
  return found;
}

/// One `obsctl serve …`, and the URL that its first log line names under `key`.
class Part {
 public:
  Part(const std::vector<std::string>& arguments, const std::string& key) {
    core::ProcessOptions options{.argv = {OBSCTL_TEST_BINARY, "serve"}, .log_file = folder_ / "log"};
    options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
    child_.emplace(core::ChildProcess::start(options).value());
    core::SystemClock clock;
    const std::string before = fmt::format("\"{}\":\"", key);
    for (int i = 0; i < 1000 && url_.empty(); ++i) {
      const auto log = core::read_file(folder_ / "log");
      const std::size_t at = log ? log->find(before) : std::string::npos;
      if (at != std::string::npos && log->find('\n', at) != std::string::npos) {
        const std::size_t begin = at + before.size();
        url_ = log->substr(begin, log->find('"', begin) - begin);
      }
      clock.sleep_for(10ms, {});
    }
    REQUIRE_FALSE(url_.empty());
  }

  const std::string& url() const { return url_; }
  Metrics metrics() const {
    core::HttpClient client;
    return metrics_of_text(client.call({.url = url_ + "/metrics"}, {}).value().body);
  }

 private:
  tests::TemporaryDirectory folder_;
  std::optional<core::ChildProcess> child_;
  std::string url_;
};

}  // namespace

TEST_CASE("the page of metrics has every metric of every part, and no other") {
  const std::string page = core::read_file("docs/reference/metrics.md").value();
  const Metrics process = metrics_of_page(page, "The process itself");
  const auto told = [&](const std::string& heading, bool with_process) {
    Metrics metrics = metrics_of_page(page, heading);
    if (with_process) metrics.insert(process.begin(), process.end());
    return metrics;
  };
  // A route that calls a dependency has metrics of its own.
  const Part service({"service", "--listen", "127.0.0.1:0", "--depends", "/api/v1/work=database"}, "url");
  CHECK(service.metrics() == told("obsctl serve service", true));
  const Part receiver({"receiver", "--listen", "127.0.0.1:0"}, "url");
  CHECK(receiver.metrics() == told("obsctl serve receiver", false));
  const Part proxy({"proxy", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--to", service.url()},
                   "admin");
  CHECK(proxy.metrics() == told("obsctl serve proxy", true));

  const tests::TemporaryDirectory folder;
  const auto load = tests::run_program({.program = OBSCTL_TEST_BINARY,
                                        .args = {"load", "run", service.url() + "/healthz", "--rate", "20/s",
                                                 "--duration", "200ms", "--prometheus", "load.prom"},
                                        .folder = folder.path()});
  INFO(load.standard_error);
  CHECK(load.status.ok());
  CHECK(metrics_of_text(core::read_file(folder / "load.prom").value()) == told("obsctl load run", false));
}
