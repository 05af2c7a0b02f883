// What a run writes into Grafana, as bodies that Grafana's annotations API takes, and what it does when it
// cannot.
#include "scenarios/annotations.hpp"

#include <algorithm>
#include <chrono>

#include "core/file.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/fake_grafana.hpp"

using namespace std::chrono_literals;
using namespace obsctl::scenarios;
using nlohmann::json;
using obsctl::core::ManualClock;
using obsctl::core::WallTime;
using obsctl::tests::FakeGrafana;

namespace {

std::int64_t ms(WallTime at) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
}

/// A fault that makes an alert fire, from beginning to end.
void tell_story(Journal& journal, WallTime start) {
  const json labels{{"alertname", "HighErrorRate"}, {"service", "api"}};
  journal.append_at(start, "fault.injecting", {{"fault", "errors"}});
  journal.append_at(start + 1s, "fault.injected",
                    {{"fault", "errors"}, {"description", "30% errors at api"}});
  journal.append_at(start + 5s, "alert.pending", {{"alert", "HighErrorRate"}, {"labels", labels}});
  journal.append_at(start + 9s, "alert.firing", {{"alert", "HighErrorRate"}, {"labels", labels}});
  journal.append_at(start + 20s, "fault.cleared", {{"fault", "errors"}});
  journal.append_at(start + 30s, "alert.inactive", {{"alert", "HighErrorRate"}, {"labels", labels}});
  journal.append_at(start + 31s, "alert.inactive", {{"alert", "Another"}, {"labels", labels}});
}

}  // namespace

TEST_CASE("a fault and an alert are annotated when they begin, and become regions when they end") {
  FakeGrafana server;
  ManualClock clock;
  Journal journal(clock);
  const WallTime start = journal.start();
  const std::string uid = GENERATE("", "obsctl-http-api");
  {
    const Annotations annotations({{server.url()}, uid}, "01RUN", journal);
    tell_story(journal, start);
  }
  tell_story(journal, start);  // nobody listens any more
  json fault{{"time", ms(start + 1s)},
             {"tags", {"obsctl", "fault", "01RUN", "errors"}},
             {"text", "errors: 30% errors at api"}};
  json alert{{"time", ms(start + 9s)},
             {"tags", {"obsctl", "alert", "01RUN", "HighErrorRate"}},
             {"text", "HighErrorRate: service=api"}};
  if (!uid.empty()) fault["dashboardUID"] = alert["dashboardUID"] = uid;
  using Written = std::vector<std::pair<std::string, json>>;
  CHECK(server.annotations() == Written{{"POST /api/annotations", fault},
                                        {"POST /api/annotations", alert},
                                        {"PATCH /api/annotations/1", {{"timeEnd", ms(start + 20s)}}},
                                        {"PATCH /api/annotations/2", {{"timeEnd", ms(start + 30s)}}}});
  CHECK(find_first(journal.events(), "annotation.failed") == nullptr);
}

TEST_CASE("the dashboard of http-api asks for the annotations that runs write") {
  FakeGrafana server;
  ManualClock clock;
  Journal journal(clock);
  {
    const Annotations annotations({{server.url()}}, "01RUN", journal);
    tell_story(journal, journal.start());
  }
  const json dashboard = json::parse(
      obsctl::core::read_file("stacks/http-api/grafana/provisioning/dashboards/http-api.json").value());
  const json query = dashboard.at("annotations").at("list").at(0);
  CHECK(query.at("datasource").at("uid") == "-- Grafana --");
  CHECK(query.at("enable") == true);
  CHECK(query.at("target").at("type") == "tags");
  CHECK(query.at("target").at("matchAny") == false);
  for (const auto& [request, body] : server.annotations()) {
    if (!request.starts_with("POST")) continue;
    for (const json& tag : query.at("target").at("tags")) {
      const json& tags = body.at("tags");
      CHECK(std::find(tags.begin(), tags.end(), tag) != tags.end());
    }
  }
}

TEST_CASE("what cannot be written is journalled once; what has no beginning is written whole at its end") {
  FakeGrafana server;
  server.annotations_status = 500;
  ManualClock clock;
  Journal journal(clock);
  {
    const Annotations annotations({{server.url()}}, "01RUN", journal);
    tell_story(journal, journal.start());
  }
  const auto written = server.annotations();
  REQUIRE(written.size() == 4);
  CHECK(written[2].first == "POST /api/annotations");
  CHECK(written[2].second.at("time") == ms(journal.start() + 1s));
  CHECK(written[2].second.at("timeEnd") == ms(journal.start() + 20s));
  const auto events = journal.events();
  CHECK(std::count_if(events.begin(), events.end(),
                      [](const Event& event) { return event.kind == "annotation.failed"; }) == 1);
  CHECK(find_first(events, "annotation.failed")->text("reason") ==
        "POST " + server.url() + "/api/annotations: answered 500: Failed to save");
}

TEST_CASE("a Grafana that never answers holds neither the run nor its end up") {
  auto silent =
      obsctl::core::HttpServer::start({}, [](const auto& exchange) { exchange->after(1h, [exchange] {}); });
  REQUIRE(silent);
  ManualClock clock;
  Journal journal(clock);
  const auto began = std::chrono::steady_clock::now();
  {
    const Annotations annotations({{(*silent)->url()}}, "01RUN", journal);
    tell_story(journal, journal.start());
    CHECK(std::chrono::steady_clock::now() - began < 1s);
  }
  CHECK(std::chrono::steady_clock::now() - began < 4s);
  CHECK(find_first(journal.events(), "annotation.failed") != nullptr);
}
