// The formulas of docs/explanation/alert-timing.md, as tables.
#include "verifiers/timing_budget.hpp"

#include <string>

#include <fmt/format.h>

#include "tests/support/catch.hpp"
#include "verifiers/rule_timing.hpp"

using namespace std::chrono_literals;
using namespace obsctl::verifiers;
using obsctl::core::ErrorKind;
using obsctl::core::Nanoseconds;

namespace {

constexpr Nanoseconds kSlack = 200ms;

RuleTiming timing() {
  return {.scrape_interval = 5s,
          .evaluation_interval = 5s,
          .hold = 30s,
          .keep_firing_for = 0s,
          .query_offset = 0s,
          .group_wait = 10s,
          .group_interval = 30s,
          .scrape_timeout = 0s};
}

RuleShape ratio() {
  return recognise_rule("sum(rate(e[1m])) / sum(rate(a[1m])) > 0.05");
}

/// "10.2 … 20.4", with "loose" where it is.
std::string text(const StageWindow& window) {
  const auto seconds = [](Nanoseconds duration) {
    return duration == StageWindow::kUnbounded ? std::string("∞")
                                               : fmt::format("{:.5g}", obsctl::core::to_seconds(duration));
  };
  return fmt::format("{} … {}{}", seconds(window.earliest), seconds(window.latest),
                     window.loose ? " loose" : "");
}

std::string message(const Result<Budget>& budget) {
  REQUIRE_FALSE(budget);
  CHECK(budget.error().kind == ErrorKind::usage);
  return budget.error().message;
}

}  // namespace

TEST_CASE("a ratio rule's stages follow the formulas") {
  // θ = 0.05 / 0.5 = 0.1; C_lo = 55 s, C_hi = 60 s.
  const auto budget = derive_budget(ratio(), timing(), {0, 0.5}, kSlack);
  REQUIRE(budget);
  CHECK(budget->fill == Approx(0.1));
  CHECK(text(budget->pending) == "5.5 … 16.2");                   // θ·C_lo … θ·C_hi + S + E + ε
  CHECK(text(budget->firing) == "35.5 … 46.2");                   // + 30 s
  CHECK(text(budget->notified) == "45.5 … 56.4");                 // + G, and ε
  CHECK(text(budget->notified_existing_group) == "35.5 … 76.4");  // + 0 … max(G, GI), and ε
  CHECK(text(budget->inactive) == "49.5 … 64.2");  // (1−θ)·C_lo … (1−θ)·C_hi + S + E + ε
  CHECK(text(budget->resolved) == "49.5 … 94.4");  // + 0 … GI, and ε
  CHECK(budget->shortest_fault == 56s);            // θ·C_hi + S + E + ⌈F/E⌉·E + G
  CHECK(budget->pending.derivation == "θ·C_hi (θ = 0.1, C_hi = 1m) + S + E");
  CHECK(budget->notified.derivation == "θ·C_hi (θ = 0.1, C_hi = 1m) + S + E + ⌈F/E⌉·E + G");
  CHECK(budget->remarks.empty());
}

TEST_CASE("every interval has its place in the budget") {
  struct Row {
    std::string what;
    RuleTiming timing;
    FaultStep fault;
    std::string pending, firing, notified, inactive, resolved;
  };
  const auto with = [](auto change) {
    RuleTiming changed = timing();
    change(changed);
    return changed;
  };
  const auto row = GENERATE_COPY(values<Row>({
      {"`for` is rounded up to whole evaluations",
       with([](RuleTiming& t) { t.hold = 31s; }),
       {0, 0.5},
       "5.5 … 16.2",
       "40.5 … 51.2",
       "50.5 … 61.4",
       "49.5 … 64.2",
       "49.5 … 94.4"},
      {"without `for` firing is pending",
       with([](RuleTiming& t) { t.hold = 0s; }),
       {0, 0.5},
       "5.5 … 16.2",
       "5.5 … 16.2",
       "15.5 … 26.4",
       "49.5 … 64.2",
       "49.5 … 94.4"},
      {"keep_firing_for is rounded up too, and holds the end",
       with([](RuleTiming& t) { t.keep_firing_for = 12s; }),
       {0, 0.5},
       "5.5 … 16.2",
       "35.5 … 46.2",
       "45.5 … 56.4",
       "64.5 … 79.2",
       "64.5 … 109.4"},
      {"a query offset delays everything",
       with([](RuleTiming& t) { t.query_offset = 7s; }),
       {0, 0.5},
       "12.5 … 23.2",
       "42.5 … 53.2",
       "52.5 … 63.4",
       "56.5 … 71.2",
       "56.5 … 101.4"},
      {"a longer evaluation interval",
       with([](RuleTiming& t) { t.evaluation_interval = 20s; }),
       {0, 0.5},
       "5.5 … 31.2",
       "45.5 … 71.2",
       "55.5 … 81.4",
       "49.5 … 79.2",
       "49.5 … 109.4"},
      {"a scrape interval that does not divide the window",
       with([](RuleTiming& t) { t.scrape_interval = 7s; }),
       {0, 0.5},
       "4.9 … 17.8",
       "34.9 … 47.8",
       "44.9 … 58",
       "44.1 … 62.6",
       "44.1 … 92.8"},
      {"no group_wait",
       with([](RuleTiming& t) { t.group_wait = 0s; }),
       {0, 0.5},
       "5.5 … 16.2",
       "35.5 … 46.2",
       "35.5 … 46.4",
       "49.5 … 64.2",
       "49.5 … 94.4"},
      {"a service with errors already",
       timing(),
       {0.03, 0.23},
       "5.5 … 16.2",
       "35.5 … 46.2",
       "45.5 … 56.4",
       "49.5 … 64.2",
       "49.5 … 94.4"},
      {"a weaker fault rises later and falls sooner",
       timing(),
       {0, 0.0625},
       "44 … 58.2",
       "74 … 88.2",
       "84 … 98.4",
       "11 … 22.2",
       "11 … 52.4"},
      {"everything fails",
       timing(),
       {0, 1},
       "2.75 … 13.2",
       "32.75 … 43.2",
       "42.75 … 53.4",
       "52.25 … 67.2",
       "52.25 … 97.4"},
      {"errors just at the threshold before",
       timing(),
       {0.05, 0.5},
       "0 … 10.2",
       "30 … 40.2",
       "40 … 50.4",
       "55 … 70.2",
       "55 … 100.4"},
  }));
  CAPTURE(row.what);
  const auto budget = derive_budget(ratio(), row.timing, row.fault, kSlack);
  REQUIRE(budget);
  CHECK(text(budget->pending) == row.pending);
  CHECK(text(budget->firing) == row.firing);
  CHECK(text(budget->notified) == row.notified);
  CHECK(text(budget->inactive) == row.inactive);
  CHECK(text(budget->resolved) == row.resolved);
}

TEST_CASE("a fault that cannot work is rejected with the reason") {
  CHECK(message(derive_budget(ratio(), timing(), {0, 0.05}, kSlack)) ==
        "the fault cannot trip the rule: it takes the quantity from 0 to 0.05, and the rule wants it above "
        "0.05");
  CHECK(message(derive_budget(ratio(), timing(), {0, 0.01}, kSlack)) ==
        "the fault cannot trip the rule: it takes the quantity from 0 to 0.01, and the rule wants it above "
        "0.05");
  CHECK(message(derive_budget(ratio(), timing(), {0.06, 0.5}, kSlack)) ==
        "the rule is true without the fault: the quantity is 0.06 before it");
  RuleTiming slow = timing();
  slow.scrape_interval = 31s;
  CHECK(message(derive_budget(ratio(), slow, {0, 0.5}, kSlack)) ==
        "the rule's window of 1m is shorter than two scrape intervals of 31s, so its rates are mostly empty");
  slow.scrape_interval = 30s;
  CHECK(derive_budget(ratio(), slow, {0, 0.5}, kSlack));
  slow.scrape_interval = 0s;
  CHECK(message(derive_budget(ratio(), slow, {0, 0.5}, kSlack)) ==
        "the scrape interval behind the rule is not known");
  RuleTiming never = timing();
  never.evaluation_interval = 0s;
  CHECK(message(derive_budget(ratio(), never, {0, 0.5}, kSlack)) ==
        "the rule's evaluation interval is not known");
}

TEST_CASE(">= is true at the threshold itself") {
  const RuleShape at_least = recognise_rule("sum(rate(e[1m])) / sum(rate(a[1m])) >= 0.05");
  const auto budget = derive_budget(at_least, timing(), {0, 0.05}, kSlack);
  REQUIRE(budget);
  CHECK(text(budget->pending) == "55 … 70.2");
  CHECK(message(derive_budget(at_least, timing(), {0.05, 0.5}, kSlack)) ==
        "the rule is true without the fault: the quantity is 0.05 before it");
}

TEST_CASE("a ratio that has to fall is the same upside down") {
  const RuleShape availability = recognise_rule("sum(rate(ok[1m])) / sum(rate(a[1m])) < 0.95");
  const auto budget = derive_budget(availability, timing(), {1, 0.5}, kSlack);
  REQUIRE(budget);
  CHECK(text(budget->pending) == "5.5 … 16.2");
  CHECK(text(budget->inactive) == "49.5 … 64.2");
  CHECK(message(derive_budget(availability, timing(), {1, 0.97}, kSlack)) ==
        "the fault cannot trip the rule: it takes the quantity from 1 to 0.97, and the rule wants it below "
        "0.95");
}

TEST_CASE("a quantile on a bucket bound is a ratio of slow requests") {
  const RuleShape shape = with_buckets(
      recognise_rule("histogram_quantile(0.95, sum by (le) (rate(h_bucket[1m]))) > 0.25"), {0.25, 0.5, 1});
  const auto budget = derive_budget(shape, timing(), {0, 0.5}, kSlack);
  REQUIRE(budget);
  CHECK(text(budget->pending) == "5.5 … 16.2");
  CHECK(message(derive_budget(shape, timing(), {0, 0.04}, kSlack)) ==
        "the fault cannot trip the rule: it takes the quantity from 0 to 0.04, and the rule wants it above "
        "0.05");
}

TEST_CASE("a quantile between bucket bounds has loose bounds and no verdict on the fault") {
  const RuleShape shape = with_buckets(
      recognise_rule("histogram_quantile(0.95, sum by (le) (rate(h_bucket[1m]))) > 0.3"), {0.25, 0.5, 1});
  const auto budget = derive_budget(shape, timing(), {0, 0.04}, kSlack);
  REQUIRE(budget);
  CHECK(text(budget->pending) == "0 … 75.2 loose");
  CHECK(text(budget->inactive) == "0 … 75.2 loose");
  CHECK(budget->remarks == std::vector<std::string>{"0.3 is no bucket bound of h_bucket"});
}

TEST_CASE("a quantile above the highest bucket can never be reached") {
  const RuleShape shape = with_buckets(
      recognise_rule("histogram_quantile(0.95, sum by (le) (rate(h_bucket[1m]))) > 5"), {0.25, 0.5, 1});
  CHECK(message(derive_budget(shape, timing(), {0, 1}, kSlack)) ==
        "no fault can trip the rule: h_bucket has no bucket above 5, so the quantile never exceeds it");
}

TEST_CASE("a fault whose strength is not known has loose bounds that hold for any") {
  const auto budget = derive_budget(ratio(), timing(), {0, {}}, kSlack);
  REQUIRE(budget);
  // At the earliest as if everything failed, at the latest as if it only just crossed the threshold.
  CHECK(text(budget->pending) == "2.75 … 70.2 loose");
  CHECK(text(budget->inactive) == "0 … 67.2 loose");
  CHECK(budget->shortest_fault == 110s);
  CHECK_FALSE(budget->fill);
  CHECK(budget->remarks == std::vector<std::string>{"how far the fault moves the ratio is not known"});
}

TEST_CASE("a loose ratio has bounds for any filling, and a scrape more") {
  const auto budget =
      derive_budget(recognise_rule("(sum(rate(e[1m])) or vector(0)) / sum(rate(a[1m])) > 0.05"), timing(),
                    {0, 0.5}, kSlack);
  REQUIRE(budget);
  CHECK(text(budget->pending) == "0 … 75.2 loose");
  CHECK(text(budget->inactive) == "0 … 75.2 loose");
  CHECK(budget->remarks.size() == 1);
}

TEST_CASE("an instant condition waits for a scrape and an evaluation") {
  const RuleShape up = recognise_rule("up == 0");
  const auto budget = derive_budget(up, timing(), {}, kSlack);
  REQUIRE(budget);
  CHECK(text(budget->pending) == "0 … 10.2");
  CHECK(text(budget->firing) == "30 … 40.2");
  CHECK(text(budget->notified) == "40 … 50.4");
  CHECK(text(budget->inactive) == "0 … 10.2");
  CHECK(text(budget->resolved) == "0 … 40.4");
  CHECK(budget->shortest_fault == 50s);
  SECTION("and for the scrape to fail, where the target hangs") {
    RuleTiming hangs = timing();
    hangs.scrape_timeout = 4s;
    CHECK(text(derive_budget(up, hangs, {}, kSlack)->pending) == "0 … 14.2");
  }
  SECTION("a metric that takes its time is loose") {
    const auto loose = derive_budget(recognise_rule("queue > 100"), timing(), {}, kSlack);
    CHECK(text(loose->pending) == "0 … 10.2 loose");
    CHECK(loose->remarks ==
          std::vector<std::string>{"how long queue itself takes to cross 100 is not known"});
  }
}

TEST_CASE("of an unknown condition only its window is known") {
  const auto budget = derive_budget(recognise_rule("sum(rate(e[1m])) > 10"), timing(), {}, kSlack);
  REQUIRE(budget);
  CHECK(text(budget->pending) == "0 … 75.2 loose");  // W + 2S + E + ε
  CHECK(text(budget->inactive) == "0 … 75.2 loose");
  CHECK(budget->remarks == std::vector<std::string>{"the expression is of no kind that is understood"});
}

TEST_CASE("a condition on the time itself has no latest time") {
  const auto budget = derive_budget(recognise_rule("time() - last > 300"), timing(), {}, kSlack);
  REQUIRE(budget);
  CHECK(text(budget->pending) == "0 … ∞ loose");
  CHECK(text(budget->resolved) == "0 … ∞ loose");
  CHECK_FALSE(budget->notified.bounded());
  CHECK(budget->shortest_fault == StageWindow::kUnbounded);
  CHECK(budget->pending.derivation == "not derived: the expression depends on the time itself");
}

TEST_CASE("recording rules and offsets make everything later, at the latest") {
  const RuleShape shape =
      recognise_rule("job:ratio > 0.05", {{"job:ratio", {"sum(rate(e[1m])) / sum(rate(a[1m]))", 15s}}});
  const auto budget = derive_budget(shape, timing(), {0, 0.5}, kSlack);
  REQUIRE(budget);
  CHECK(text(budget->pending) == "5.5 … 31.2");
  CHECK(budget->pending.derivation == "θ·C_hi (θ = 0.1, C_hi = 1m) + S + E + recording rules and offsets");
}

TEST_CASE("conditions joined by `and` rise with the last and fall with the first") {
  // Burn-rate alert: W = 1 m and 10 m; θ = 0.1; C = 55…60 s and 595…600 s.
  const std::string fast = "sum(rate(e[1m])) / sum(rate(a[1m])) > 0.05";
  const std::string slow = "sum(rate(e[10m])) / sum(rate(a[10m])) > 0.05";
  const auto budget = derive_budget(recognise_rule(fast + " and " + slow), timing(), {0, 0.5}, kSlack);
  REQUIRE(budget);
  CHECK(text(budget->pending) == "59.5 … 70.2");
  CHECK(text(budget->inactive) == "49.5 … 64.2");
  SECTION("with a guard of an unknown kind, which may stay true") {
    const auto guarded =
        derive_budget(recognise_rule(fast + " and sum(rate(a[2m])) > 5"), timing(), {0, 0.5}, kSlack);
    REQUIRE(guarded);
    CHECK(text(guarded->pending) == "5.5 … 135.2 loose");
    CHECK(text(guarded->inactive) == "0 … 64.2 loose");
  }
  SECTION("a fault too weak for one of them is too weak") {
    CHECK(message(derive_budget(recognise_rule(fast + " and sum(rate(e[5m])) / sum(rate(a[5m])) > 0.9"),
                                timing(), {0, 0.5}, kSlack)) ==
          "the fault cannot trip the rule: it takes the quantity from 0 to 0.5, and the rule wants it above "
          "0.9");
  }
}

TEST_CASE("conditions joined by `or` rise with the first and fall with the last") {
  const std::string fast = "sum(rate(e[1m])) / sum(rate(a[1m])) > 0.05";
  const std::string slow = "sum(rate(e[10m])) / sum(rate(a[10m])) > 0.05";
  const auto budget = derive_budget(recognise_rule(fast + " or " + slow), timing(), {0, 0.5}, kSlack);
  REQUIRE(budget);
  CHECK(text(budget->pending) == "5.5 … 16.2");
  CHECK(text(budget->inactive) == "535.5 … 550.2");
  SECTION("one that the fault does not reach stays false") {
    const auto one = derive_budget(recognise_rule(fast + " or sum(rate(e[5m])) / sum(rate(a[5m])) > 0.9"),
                                   timing(), {0, 0.5}, kSlack);
    REQUIRE(one);
    CHECK(text(one->pending) == "5.5 … 16.2");
    CHECK(text(one->inactive) == "49.5 … 64.2");
  }
}

TEST_CASE("the intervals around a rule are gathered from the APIs") {
  Rule rule;
  rule.hold = 30s;
  rule.keep_firing_for = 15s;
  RuleGroup group;
  group.interval = 5s;
  group.query_offset = 1s;
  Route route;
  route.group_wait = 10s;
  route.group_interval = 40s;
  ScrapeTarget api, node;
  api.labels = {{"job", "api"}, {"instance", "api:8080"}};
  api.scrape_interval = 5s;
  node.labels = {{"job", "node"}, {"instance", "node:9100"}};
  node.scrape_interval = 15s;
  const auto interval = [&](const std::string& query) {
    return rule_timing(group, rule, recognise_rule(query), {api, node}, route).scrape_interval;
  };
  CHECK(interval("up{job=\"api\"} == 0") == 5s);
  CHECK(interval("up == 0") == 15s);
  CHECK(interval("rate(e{status=\"500\"}[5m]) / rate(a{job=\"api\"}[5m]) > 0.1") == 15s);
  CHECK(interval("up{job=\"nowhere\"} == 0") == 0s);
  const RuleTiming timing = rule_timing(group, rule, recognise_rule("up == 0"), {api, node}, route);
  CHECK(timing.evaluation_interval == 5s);
  CHECK(timing.hold == 30s);
  CHECK(timing.keep_firing_for == 15s);
  CHECK(timing.query_offset == 1s);
  CHECK(timing.group_wait == 10s);
  CHECK(timing.group_interval == 40s);
  CHECK(timing.scrape_timeout == 0s);
}
