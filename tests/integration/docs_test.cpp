// The README, the tutorials and a how-to, executed as they are written: each command in its order, with the
// binary that was just built, in a folder that looks like a checkout. A command that fails, or a shown line
// that is not printed, fails the page. What a shown line has to have in common with the printed one:
// tests/support/tutorial_page.hpp.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <list>
#include <optional>

#include <fmt/format.h>

#include "core/clock.hpp"
#include "core/file.hpp"
#include "core/process.hpp"
#include "core/text.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/obsctl_binary.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/tutorial_page.hpp"

using namespace std::chrono_literals;
using obsctl::tests::first_missing;
using obsctl::tests::obsctl_binary;
using obsctl::tests::shell_sessions;
using obsctl::tests::ShellSession;
using obsctl::tests::ShownCommand;
using obsctl::tests::TemporaryDirectory;
namespace core = obsctl::core;
namespace fs = std::filesystem;

namespace {

constexpr auto kPatience = 240s;

/// Everything has been built when this test runs: what is left of "make demo" is the last line of its recipe,
/// and of "make test", which would run this very test, that there is such a target.
constexpr std::string_view kMake = R"sh(#!/bin/sh
set -e
recipe=$(/usr/bin/make --no-print-directory -n -o build -C '{}' "$1")
[ "$1" = test ] || sh -c "$(printf '%s\n' "$recipe" | tail -n 1)"
)sh";

/// One session of a page in a bash of its own.
class RunningSession {
 public:
  RunningSession(std::string page, ShellSession session)
      : page_(std::move(page)), session_(std::move(session)) {
    const fs::path source = fs::current_path();
    core::write_file(home_ / "bin/make", fmt::format(kMake, source.string())).value();
    fs::permissions(home_ / "bin/make", fs::perms::owner_all);
    fs::create_directories(home_ / "build");
    fs::create_symlink(obsctl_binary(), home_ / "build/obsctl");
    fs::create_symlink(source / "stacks", home_ / "stacks");
    // After each command: the byte that separates them, and the code that it ended with.
    std::string script;
    for (const ShownCommand& command : session_) script += command.text + "\nprintf '%d\\036' \"$?\"\n";
    core::write_file(home_ / "bin/script", script).value();
    core::ProcessOptions options = surroundings();
    options.argv = {"/bin/bash", (home_ / "bin/script").string()};
    options.log_file = home_ / "bin/output";
    shell_.emplace(core::ChildProcess::start(options).value());
  }
  ~RunningSession() {
    shell_.reset();
    core::ProcessOptions options = surroundings();
    options.argv = {obsctl_binary().string(), "stack", "down", "--all"};
    if (!core::run_command(options, 30s)) WARN(page_ << ": a stack could not be taken down");
  }
  RunningSession(const RunningSession&) = delete;
  RunningSession& operator=(const RunningSession&) = delete;

  bool ended() { return shell_->poll().has_value(); }
  /// The machine was too busy to send the load in time, so what the page shows could not come.
  bool disturbed() const {
    return core::read_file(home_ / "bin/output").value().find("the load could not be sent as asked") !=
           std::string::npos;
  }

  void check() const {
    const std::string output = core::read_file(home_ / "bin/output").value();
    const std::vector<std::string_view> parts = core::split(output, '\036');
    for (std::size_t i = 0; i < session_.size(); ++i) {
      const std::string_view part = i < parts.size() ? parts[i] : "";
      INFO(fmt::format("{}:{}: {}\n{}", page_, session_[i].line, session_[i].text, part));
      if (i + 1 >= parts.size()) {
        FAIL_CHECK("it did not end");
        return;
      }
      const std::size_t code_at = part.find_last_not_of("0123456789") + 1;
      CHECK(part.substr(code_at) == "0");
      CHECK(first_missing(session_[i].shown, part.substr(0, code_at)).value_or("") == "");
    }
  }

 private:
  core::ProcessOptions surroundings() const {
    const char* path = std::getenv("PATH");
    return {.argv = {},
            .environment = {"HOME=" + home_.path().string(), "XDG_STATE_HOME=" + (home_ / "state").string(),
                            fmt::format("PATH={}:{}:{}", (home_ / "bin").string(), (home_ / "build").string(),
                                        path == nullptr ? "" : path),
                            "DISPLAY=", "WAYLAND_DISPLAY=", "GITHUB_STEP_SUMMARY="},
            .working_directory = home_.path()};
  }

  std::string page_;
  ShellSession session_;
  TemporaryDirectory home_;
  std::optional<core::ChildProcess> shell_;
};

bool programs_are_here() {
  std::string missing;
  for (const std::vector<std::string>& names :
       std::vector<std::vector<std::string>>{{"prometheus"},
                                             {"prometheus-alertmanager", "alertmanager"},
                                             {"prometheus-node-exporter", "node_exporter"},
                                             {"prometheus-blackbox-exporter", "blackbox_exporter"},
                                             {"bash"},
                                             {"curl"},
                                             {"jq"}}) {
    if (!core::find_program(names)) missing += " " + names.front();
  }
  if (missing.empty()) return true;
  const char* ci = std::getenv("CI");
  if (ci != nullptr && std::string_view(ci) == "true") FAIL("missing, and CI=true:" << missing);
  WARN("skipped; not installed:" << missing);
  return false;
}

struct PageSession {
  std::string page;
  ShellSession session;
};

/// Runs them beside each other and checks them; those that were disturbed are not checked but returned.
std::vector<PageSession> run(const std::vector<PageSession>& sessions, bool last_try) {
  std::list<RunningSession> running;
  for (const PageSession& one : sessions) running.emplace_back(one.page, one.session);
  core::SystemClock clock;
  const core::SteadyTime deadline = clock.steady_now() + kPatience;
  std::vector<PageSession> disturbed;
  auto next = sessions.begin();
  for (RunningSession& session : running) {
    while (!session.ended() && clock.steady_now() < deadline) clock.sleep_for(20ms, {});
    if (session.disturbed() && !last_try) {
      disturbed.push_back(*next);
    } else {
      session.check();
    }
    ++next;
  }
  return disturbed;
}

}  // namespace

TEST_CASE("the pages that show a session do what they say", "[integration]") {
  if (!programs_are_here()) return;
  std::vector<PageSession> sessions;
  for (const char* page : {"README.md", "docs/tutorial/first-alert.md", "docs/tutorial/workshop.md",
                           "docs/how-to/write-a-scenario.md"}) {
    const std::size_t before = sessions.size();
    for (ShellSession& session : shell_sessions(core::read_file(page).value()))
      sessions.push_back({page, std::move(session)});
    CAPTURE(page);
    REQUIRE(sessions.size() > before);
  }
  // What obsctl calls inconclusive is tried once more, as its exit code asks for.
  run(run(sessions, false), true);
}

TEST_CASE("a page is read as the commands of its shells") {
  const std::vector<ShellSession> sessions = shell_sessions(
      "Type\n\n```console\n$ first\nprinted\n…\n\nlast\n$ cat <<'END'\n> text\n> END\n```\nand "
      "later\n```\nmore\n```\n"
      "```toml\nschema = 1\n```\n    obsctl never\n<!-- a new shell -->\n```sh\na\nb  # c\n```\n");
  REQUIRE(sessions.size() == 2);
  REQUIRE(sessions[0].size() == 2);
  CHECK(sessions[0][0].line == 4);
  CHECK(sessions[0][0].text == "first");
  CHECK(sessions[0][0].shown == std::vector<std::string>{"printed", "…", "last"});
  CHECK(sessions[0][1].text == "cat <<'END'\ntext\nEND");
  CHECK(sessions[0][1].shown == std::vector<std::string>{"…", "more"});
  REQUIRE(sessions[1].size() == 1);
  CHECK(sessions[1][0].text == "(set -e\na\nb  # c\n)");
  CHECK(sessions[1][0].shown.empty());
}

TEST_CASE("a shown line that is not printed is found") {
  const std::string output =
      "starting\n  ✓ a  passed  2.46s  1.83s – 5.00s\n  ✓ b  passed\n\nat http://127.0.0.1:26290, 503, for "
      "30s\n";
  const auto missing = [&](const std::vector<std::string>& shown) {
    return first_missing(shown, output).value_or("");
  };
  CHECK(missing({"✓ a passed 2.40s   1.83s – 5.00s", "✓ b  passed",
                 "at http://127.0.0.1:31000, 503, for 30s"}) == "");
  CHECK(missing({"…", "  ✓ a …", "…", "at …, 503, for 30s"}) == "");

  CHECK_FALSE(first_missing({"api  running  31510"}, "api  running  703\n"));  // whose processes are few
  CHECK(first_missing({"api  running  31510"}, "api  running  none\n"));

  CHECK(missing({"✓ c  passed"}) == "✓ c  passed");
  CHECK(missing({"starting", "✓ b  passed"}) == "✓ b  passed");       // not below each other
  CHECK(missing({"✓ b  passed", "…", "starting"}) == "starting");     // in another order
  CHECK(missing({"✓ a passed 9.46s  1.83s – 5.00s"}) != "");          // far from what was measured
  CHECK(missing({"✓ a passed 2.46s  1.80s – 5.00s"}) != "");          // another budget
  CHECK(missing({"at http://127.0.0.1:26290, 500, for 30s"}) != "");  // another status
  CHECK(missing({"at http://127.0.0.1:26290, 503, for 31s"}) != "");  // another given time
  CHECK(missing({"at http://127.0.0.1:26290, 503, for 30s and more"}) != "");
}
