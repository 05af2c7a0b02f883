// When a notification says something new, and when it is a retry, a duplicate or a repeat of an earlier one.
#include "verifiers/notification_recurrence.hpp"

#include <fmt/format.h>

#include "tests/support/catch.hpp"

using namespace std::chrono_literals;
using namespace obsctl::verifiers;
using obsctl::core::Nanoseconds;
using obsctl::core::WallTime;

namespace {

constexpr WallTime kStart{1'700'000'000s};

std::string webhook(const std::string& group, const std::string& status, const std::string& instance = "a",
                    const std::string& since = "2026-11-21T04:30:07.705Z") {
  return fmt::format(
      R"({{"status":"{1}","groupKey":"{0}","alerts":[{{"status":"{1}","labels":{{"alertname":"High","instance":"{2}"}},"startsAt":"{3}"}}]}})",
      group, status, instance, since);
}

/// Judges deliveries one after the other, and says of each what it was: "first", "retry of 1".
struct Judge {
  RecurrenceMemory memory{30s, 3};
  std::uint64_t sequence = 0;

  std::string take(NotificationKind kind, const std::string& body, Nanoseconds at, bool refused = false,
                   const std::string& receiver = "on-call") {
    auto read = parse_notification(kind, receiver, body, kStart + at);
    REQUIRE(read);
    read->sequence = ++sequence;
    read->refused = refused;
    memory.judge(*read);
    std::string said(to_string(read->recurrence));
    if (read->recurrence_of != 0) said += fmt::format(" of {}", read->recurrence_of);
    return said;
  }
};

}  // namespace

TEST_CASE("the same said again is a duplicate soon after, and a repeat later") {
  Judge judge;
  CHECK(judge.take(NotificationKind::webhook, webhook("g", "firing"), 0s) == "first");
  CHECK(judge.take(NotificationKind::webhook, webhook("g", "firing"), 15s) == "duplicate of 1");
  CHECK(judge.take(NotificationKind::webhook, webhook("g", "firing"), 45s) == "duplicate of 2");
  CHECK(judge.take(NotificationKind::webhook, webhook("g", "firing"), 75s + 1ns) == "repeat of 3");
  CHECK(judge.take(NotificationKind::webhook, webhook("g", "resolved"), 80s) == "first");
  CHECK(judge.take(NotificationKind::webhook, webhook("g", "resolved"), 81s) == "duplicate of 5");
}

TEST_CASE("what differs in anything that counts is new") {
  Judge judge;
  REQUIRE(judge.take(NotificationKind::webhook, webhook("g", "firing"), 0s) == "first");
  SECTION("another group") {
    CHECK(judge.take(NotificationKind::webhook, webhook("h", "firing"), 1s) == "first");
  }
  SECTION("another receiver") {
    CHECK(judge.take(NotificationKind::webhook, webhook("g", "firing"), 1s, false, "other") == "first");
  }
  SECTION("another alert") {
    CHECK(judge.take(NotificationKind::webhook, webhook("g", "firing", "b"), 1s) == "first");
  }
  SECTION("another start: it had ended in between") {
    CHECK(judge.take(NotificationKind::webhook, webhook("g", "firing", "a", "2026-11-21T05:00:00Z"), 1s) ==
          "first");
  }
  SECTION("fired, resolved, fired") {
    CHECK(judge.take(NotificationKind::webhook, webhook("g", "resolved"), 1s) == "first");
    CHECK(judge.take(NotificationKind::webhook, webhook("g", "firing"), 2s) == "first");
  }
  SECTION("forgotten on request") {
    judge.memory.clear();
    CHECK(judge.take(NotificationKind::webhook, webhook("g", "firing"), 1s) == "first");
  }
}

TEST_CASE("what comes again after a refusal is a retry of the refused delivery") {
  Judge judge;
  CHECK(judge.take(NotificationKind::webhook, webhook("g", "firing"), 0s, true) == "first");
  CHECK(judge.take(NotificationKind::webhook, webhook("g", "firing"), 1s, true) == "retry of 1");
  CHECK(judge.take(NotificationKind::webhook, webhook("g", "firing"), 90s) == "retry of 2");
  CHECK(judge.take(NotificationKind::webhook, webhook("g", "firing"), 91s) == "duplicate of 3");
  // A reminder that is refused is a repeat, what follows it a retry.
  CHECK(judge.take(NotificationKind::webhook, webhook("g", "firing"), 200s, true) == "repeat of 4");
  CHECK(judge.take(NotificationKind::webhook, webhook("g", "firing"), 201s) == "retry of 5");
  // What was refused and then superseded is not retried.
  CHECK(judge.take(NotificationKind::webhook, webhook("g", "firing", "b"), 210s, true) == "first");
  CHECK(judge.take(NotificationKind::webhook, webhook("g", "firing", "c"), 211s) == "first");
  CHECK(judge.take(NotificationKind::webhook, webhook("g", "firing", "c"), 212s) == "duplicate of 8");
}

TEST_CASE("messages of text are compared by what they list, else by title, and by their text") {
  Judge judge;
  const auto slack = [](const std::string& title, const std::string& text) {
    return fmt::format(R"({{"attachments":[{{"title":"{}","text":"{}"}}]}})", title, text);
  };
  CHECK(judge.take(NotificationKind::slack, slack("[FIRING:1] High (a)", "x"), 0s) == "first");
  CHECK(judge.take(NotificationKind::slack, slack("[FIRING:1] High (a)", "x"), 1s) == "duplicate of 1");
  CHECK(judge.take(NotificationKind::slack, slack("[FIRING:1] High (a)", "y"), 2s) == "first");
  CHECK(judge.take(NotificationKind::slack, slack("[FIRING:1] High (b)", "y"), 3s) == "first");
  CHECK(judge.take(NotificationKind::slack, slack("[FIRING:1] High (a)", "y"), 4s) == "duplicate of 3");
  CHECK(judge.take(NotificationKind::slack, slack("[RESOLVED] High (a)", "y"), 5s) == "first");
  CHECK(judge.take(NotificationKind::slack, slack("[FIRING:1] High (a)", "y"), 6s) == "first");
  const std::string list = "Alerts Firing:\\nLabels:\\n - alertname = High\\n - i = a\\n";
  CHECK(judge.take(NotificationKind::slack, slack("t", list), 7s) == "first");
  CHECK(judge.take(NotificationKind::slack, slack("t", list), 8s) == "duplicate of 8");
}

TEST_CASE("PagerDuty's events are compared by their deduplication key") {
  Judge judge;
  const auto event = [](const std::string& key, const std::string& action) {
    return fmt::format(
        R"({{"routing_key":"k","dedup_key":"{}","event_action":"{}","payload":{{"summary":"s","source":"x","severity":"error"}}}})",
        key, action);
  };
  CHECK(judge.take(NotificationKind::pagerduty, event("1", "trigger"), 0s) == "first");
  CHECK(judge.take(NotificationKind::pagerduty, event("2", "trigger"), 0s) == "first");
  CHECK(judge.take(NotificationKind::pagerduty, event("1", "trigger"), 40s) == "repeat of 1");
  CHECK(judge.take(NotificationKind::pagerduty, event("1", "resolve"), 41s) == "first");
}

TEST_CASE("the group that has been silent longest is forgotten first") {
  Judge judge;  // remembers three
  for (const char* group : {"a", "b", "c"})
    judge.take(NotificationKind::webhook, webhook(group, "firing"), 0s);
  CHECK(judge.take(NotificationKind::webhook, webhook("a", "firing"), 1s) == "duplicate of 1");
  CHECK(judge.take(NotificationKind::webhook, webhook("d", "firing"), 2s) == "first");
  CHECK(judge.take(NotificationKind::webhook, webhook("a", "firing"), 3s) == "duplicate of 4");
  CHECK(judge.take(NotificationKind::webhook, webhook("b", "firing"), 4s) == "first");
}
