// What a notification has to carry, against what the real Alertmanager sends by webhook, chat and mail:
// labels, annotations, group, text and order. tests/integration/content/ has the stack and the scenarios.
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/file.hpp"
#include "stacks/ports.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/running_stack.hpp"
#include "verifiers/alertmanager_client.hpp"

using namespace std::chrono_literals;
using nlohmann::json;
using obsctl::tests::RunningStack;
namespace fs = std::filesystem;

namespace {

/// A copy of the stack in which mail goes to a port of this run.
class StackFolder {
 public:
  StackFolder() : port_(obsctl::stacks::PortReservation::any().value()) {
    fs::copy(fs::absolute("tests/integration/content"), folder_.path(), fs::copy_options::recursive);
    const std::string address = fmt::format("127.0.0.1:{}", port_.port());
    for (const char* file : {"stack/stack.toml", "stack/alertmanager.yml"}) {
      std::string text = obsctl::core::read_file(path(file)).value();
      constexpr std::string_view placeholder = "MAIL_ADDRESS";
      for (std::size_t at = 0; (at = text.find(placeholder, at)) != std::string::npos;)
        text.replace(at, placeholder.size(), address);
      std::ofstream(path(file)) << text;
    }
  }
  fs::path path(const std::string& name) const { return folder_ / name; }

 private:
  obsctl::tests::TemporaryDirectory folder_;
  obsctl::stacks::PortReservation port_;
};

json expectation(const json& document, const std::string& id) {
  for (const json& one : document.at("expectations")) {
    if (one.at("id") == id) return one;
  }
  return json::object();
}

struct Row {
  std::string id, verdict, detail;  ///< `detail` is a part of what is said
};

void check(const json& document, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    const json found = expectation(document, row.id);
    CAPTURE(row.id, found.dump());
    CHECK(found.value("verdict", "") == row.verdict);
    CHECK(found.value("detail", "").find(row.detail) != std::string::npos);
  }
}

obsctl::tests::ProgramOutput run(RunningStack& stack, const fs::path& scenario) {
  return stack.obsctl({"scenario", "run", scenario.string(), "--attach", "it", "--json"}, 120s);
}

}  // namespace

TEST_CASE("Notifications are held to labels, annotations, group and text", "[integration]") {
  if (!obsctl::tests::monitoring_is_here()) return;
  const StackFolder folder;
  RunningStack stack(folder.path("stack"));
  const auto refused = run(stack, folder.path("refused.toml"));
  INFO(refused.standard_error);
  CHECK(refused.status.code == 2);
  CHECK(refused.standard_error.find(
            "the notification of Whole at \"chat\" cannot be held to labels, annotations "
            "or a group: receiver \"chat\" is told by slack_configs") != std::string::npos);
  CHECK(refused.standard_error.find(
            "the notification of Whole at \"mail\" cannot be asked for a jsonpath: receiver "
            "\"mail\" is told by email_configs") != std::string::npos);

  const auto ran = run(stack, folder.path("content.toml"));
  INFO(ran.standard_error);
  CHECK(ran.status.code == 1);
  const json document = json::parse(ran.standard_output);
  check(document, {{"notification.Whole.hook.firing", "passed", ""},
                   {"notification.Whole.hook.resolved", "passed", ""},
                   {"notification.Whole.mail.firing", "passed", ""},
                   {"notification.Whole.mail.resolved", "passed", ""},
                   {"notification.Whole.chat.firing", "mismatched", "its text is \"[FIRING:1] Whole"},
                   {"notification.Plain.hook.firing", "mismatched",
                    "severity is absent, not \"page\"; it is about {alertname=\"Plain\", job=\"api\"}"},
                   {"notification.Plain.mail.firing", "passed", ""}});
  for (const json& event : document.at("events")) {
    if (event.at("kind") != "notification.firing" || event.at("alerts") != json{"Whole"}) continue;
    CHECK(event.at("recurrence") == "first");
    CHECK(event.contains("instances") == (event.at("receiver") == "hook"));
    CHECK(event.contains("text") == (event.at("receiver") != "hook"));
    if (event.at("receiver") != "hook") continue;
    CHECK(event.at("instances")[0].at("annotations").at("summary") == "api fails");
    CHECK(event.at("group") == json{{"alertname", "Whole"}, {"job", "api"}});
  }
}

// At a stack of its own: an Alertmanager keeps the groups of an earlier run for up to half a minute, and
// tells of a new alert at the next turn of each, whatever the group_wait.
TEST_CASE("Notifications are held to an order", "[integration]") {
  if (!obsctl::tests::monitoring_is_here()) return;
  const StackFolder folder;
  RunningStack stack(folder.path("stack"));
  const auto ordered = run(stack, folder.path("order.toml"));
  INFO(ordered.standard_error);
  CHECK(ordered.status.code == 1);
  const json order = json::parse(ordered.standard_output);
  check(order, {{"notification.Whole.hook.firing", "mismatched",
                 "its group is {alertname=\"Whole\", job=\"api\"}, not {alertname=\"Whole\"}"},
                {"notification.Plain.hook.firing", "mismatched", "s before Plain reached chat"}});
}

TEST_CASE("Routes are proven at a stack that is up", "[integration]") {
  if (!obsctl::tests::monitoring_is_here()) return;
  const StackFolder folder;
  RunningStack stack(folder.path("stack"));
  const auto verify = [&](const std::vector<std::string>& expectations) {
    std::vector<std::string> arguments{"verify", "routes", "--attach", "it", "alertname=Probe,job=api",
                                       "--json"};
    for (const std::string& one : expectations) arguments.insert(arguments.end(), {"--expect", one});
    return stack.obsctl(arguments, 60s);
  };

  const auto right = verify({"receiver=hook", "receiver=chat", "receiver=mail", "group_by=alertname,job"});
  INFO(right.standard_error);
  REQUIRE(right.status.code == 0);
  const json document = json::parse(right.standard_output);
  CHECK(document.at("silenced") == false);
  const json& route = document.at("routes")[0];
  CHECK(route.at("receivers") == json{"hook", "chat", "mail"});
  // Nobody says that all integrations lead to the stack's receiver: the first notification is proof enough.
  REQUIRE_FALSE(route.at("notifications").empty());
  CHECK(route.at("notifications")[0].at("kind") == "webhook");

  const auto wrong = verify({"receiver=hook", "receiver=chat"});
  INFO(wrong.standard_error);
  CHECK(wrong.status.code == 1);
  CHECK(json::parse(wrong.standard_output).at("routes")[0].at("problems").dump().find("mail") !=
        std::string::npos);

  // The synthetic alerts are resolved, and the stack goes on.
  obsctl::verifiers::AlertmanagerClient alertmanager(stack.url("alertmanager"));
  const auto held = alertmanager.alerts();
  REQUIRE(held);
  for (const auto& alert : *held) CHECK(obsctl::verifiers::label_of(alert.labels, "alertname") != "Probe");
}
